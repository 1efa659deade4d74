//! The ScikitLearn node: it trains a model in a notebook, and scores with what training wrote in a scorer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::onnx::{self, Engine, FeatureNames, Names, NonFinite, Nulls};
use super::{Frame, Node, Planning, model_upload};
use crate::diagnostic::{Code, Diagnostic};

/// Scores with the ONNX file that training wrote to `model_path`, in all as an ONNXNode does.
pub(super) struct ScikitLearn;

/// Parameters of ScikitLearn.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The columns that the model takes, in its order.
    features: Vec<String>,
    /// The column that training learns to predict. A scorer does not read it, and events need not have it.
    #[serde(default)]
    label: Option<String>,
    /// What the node does in a notebook. A scorer scores either way; with `train` its check says that nothing is trained.
    #[serde(default)]
    mode: Mode,
    /// The ONNX file that training wrote, relative to the file that holds the graph.
    model_path: PathBuf,
    /// The id that it gets in the model store, as in a ModelUpload; without it the file's name without `.onnx`.
    #[serde(default)]
    model_id: Option<String>,
    /// What training makes of the model; a scorer does not read it.
    #[serde(default, rename = "params")]
    _params: Option<Training>,
    /// Names for the output columns, as those of an ONNXNode.
    #[serde(default)]
    outputs: BTreeMap<String, Names>,
    /// What becomes of an event with a feature that is null or infinite, as in an ONNXNode.
    #[serde(default)]
    nulls: Nulls,
    /// What becomes of an event for which the model answers NaN or infinity, as in an ONNXNode.
    #[serde(default, deserialize_with = "NonFinite::or_nothing")]
    #[schemars(with = "Option<NonFinite>")]
    non_finite: NonFinite,
    /// How many rows go into one run of the model, as in an ONNXNode.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65_536))]
    rows_per_run: Option<u32>,
    /// What computes the model's answers, as in an ONNXNode.
    #[serde(default)]
    engine: Engine,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// Trains a model and exports it.
    Train,
    /// Scores with the model.
    #[default]
    Test,
}

/// What training makes of the model.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Training {
    /// The class of scikit-learn, such as `sklearn.linear_model.LogisticRegression`.
    #[serde(default, rename = "model")]
    _model: Option<String>,
    /// Its arguments.
    #[serde(default, rename = "model_params")]
    _model_params: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Node for ScikitLearn {
    fn type_name(&self) -> &'static str {
        "ScikitLearn"
    }

    fn summary(&self) -> &'static str {
        "Scores with the ONNX file that training with scikit-learn wrote"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn types(&self) -> &'static str {
        "As an ONNXNode: the features fit the model's input, the model's outputs become columns of their own types."
    }

    fn nulls(&self) -> &'static str {
        "As an ONNXNode: `nulls` says what becomes of an event with a feature that is null or infinite."
    }

    fn is_inference(&self) -> bool {
        true
    }

    fn upload(&self, params: &serde_json::Value) -> Option<String> {
        model_upload::declared_id(params)
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        let Some(params) = planning.params::<Params>() else { return planning.open_input() };
        if params.mode == Mode::Train {
            let message = format!("node `{}` trains nothing in a scorer: it scores with the model at its `model_path`", planning.id());
            let help = "training is the notebook's work; `mode: test` says that it is done";
            planning.report(Diagnostic::warning(Code::Idle, message).help(help), "/params/mode");
        }
        if let Some(at) = params.features.iter().position(|feature| Some(feature) == params.label.as_ref()) {
            let message = format!("node `{}`: the label `{}` is among the features", planning.id(), params.features[at]);
            let help = "a model that is told the answer learns nothing else";
            planning.report(Diagnostic::error(Code::WrongValue, message).help(help), &format!("/params/features/{at}"));
        }
        let model = model_upload::put(planning, &params.model_path, params.model_id.as_deref());
        let Params { features, outputs, nulls, non_finite, rows_per_run, engine, .. } = params;
        let features = FeatureNames::List(features);
        onnx::plan(planning, onnx::Params { model_id: None, features, outputs, nulls, non_finite, rows_per_run, engine }, model)
    }
}
