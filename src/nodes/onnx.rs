//! The ONNXNode: columns to a model's inputs, its outputs to columns.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Frame, Node, Planning};

/// Sends features to a model and adds its outputs as columns.
pub struct OnnxNode;

impl Node for OnnxNode {
    fn type_name(&self) -> &'static str {
        "ONNXNode"
    }

    fn summary(&self) -> &'static str {
        "Sends features to a model and adds its outputs as columns"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn is_inference(&self) -> bool {
        true
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        let _ = planning.params::<Params>();
        planning.input().clone()
    }
}

/// Parameters of the ONNXNode.
#[derive(Deserialize, JsonSchema)]
struct Params {}
