//! The ModelUpload node: an ONNX file that comes with the graph.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::onnx::report_model;
use super::planning::upload_id;
use super::{Frame, Node, Planning, Position};
use crate::model::{Model, ModelError};

/// Puts a model into the model store for the nodes behind it. Rows pass as they are; nothing is written, neither at planning nor later.
pub(super) struct ModelUpload;

/// Parameters of ModelUpload.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The ONNX file, relative to the file that holds the graph.
    model_path: PathBuf,
    /// The id that it gets in the model store; without it the file's name without `.onnx`. An ONNXNode behind this node may name it, and
    /// one that names no model takes it.
    #[serde(default)]
    model_id: Option<String>,
}

impl Node for ModelUpload {
    fn type_name(&self) -> &'static str {
        "ModelUpload"
    }

    fn summary(&self) -> &'static str {
        "Puts an ONNX file into the model store, for the ONNXNode behind it"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn types(&self) -> &'static str {
        "Columns pass as they are."
    }

    fn nulls(&self) -> &'static str {
        "Nulls pass as they are."
    }

    fn position(&self) -> Position {
        Position::Aside
    }

    fn upload(&self, params: &serde_json::Value) -> Option<String> {
        declared_id(params)
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        if let Some(params) = planning.params::<Params>() {
            put(planning, &params.model_path, params.model_id.as_deref());
        }
        planning.input().clone()
    }
}

/// The id that the parameters `model_path` and `model_id` give to a file.
pub(super) fn declared_id(params: &serde_json::Value) -> Option<String> {
    let text = |name: &str| params.get(name).and_then(serde_json::Value::as_str);
    Some(upload_id(Path::new(text("model_path")?), text("model_id")))
}

/// Puts a file into the model store; an error is reported at the parameter that it comes from.
pub(super) fn put(planning: &mut Planning<'_>, path: &Path, id: Option<&str>) -> Option<Arc<Model>> {
    let uploaded = planning.upload(path, id);
    let place = if id.is_some() && matches!(uploaded, Err(ModelError::Outside { .. })) { "model_id" } else { "model_path" };
    report_model(planning, uploaded, &format!("/params/{place}"))
}
