//! The ONNXNode: columns to a model's inputs, its outputs to columns.

mod features;
mod fill;
mod fit;
mod infer;
mod outputs;
mod show;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use self::fit::Group;
use self::infer::Infer;
use self::show::Show;
use super::{Column, Frame, Kernel, Node, Planning};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::model::{self, Model, ModelError, ModelStore, Port, SingleRow};

/// Sends features to a model and adds its outputs as columns.
pub(super) struct OnnxNode;

/// Parameters of the ONNXNode.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The model: its path in the model store without `.onnx`, such as `car-insurance/random-forest`, or the id that a ModelUpload gives
    /// it. Without it the model of the one ModelUpload that stands before the node.
    #[serde(default)]
    pub(super) model_id: Option<String>,
    /// The columns that the model takes: a list in its order, filling one input after the other, or a mapping from each input to its
    /// columns. An input with more dimensions, such as an image, takes its elements row by row. A column of lists of numbers fills an input
    /// of floats alone: a list has as many items as the input takes, row by row.
    pub(super) features: FeatureNames,
    /// Names for the output columns, by the model's output: one name, or one for each column of it. Outputs that are not listed here
    /// keep their own names, numbered where they are wider than one column.
    #[serde(default)]
    pub(super) outputs: BTreeMap<String, Names>,
    /// What becomes of an event with a feature that is null (or NaN), or infinite in the input's type: a dead letter, as scikit-learn would
    /// raise an error, or the model gets it, null as NaN.
    #[serde(default)]
    pub(super) nulls: Nulls,
    /// What becomes of an event for which the model answers NaN or infinity: a dead letter, or null in that column.
    #[serde(default, deserialize_with = "NonFinite::or_nothing")]
    #[schemars(with = "Option<NonFinite>")]
    pub(super) non_finite: NonFinite,
    /// How many rows go into one run of the model, 1 to 65,536; measured when the model is put to work unless it is given; `caz tune`
    /// shows what each number costs.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65_536))]
    pub(super) rows_per_run: Option<u32>,
    /// What computes the model's answers. `auto`: caz's kernel for ensembles of trees, or the one for linear models, where it gives ONNX
    /// Runtime's bits, which is tried when the model is loaded, and ONNX Runtime for all other models.
    #[serde(default)]
    pub(super) engine: Engine,
}

/// The columns that a model takes.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum FeatureNames {
    /// All of them, in the order of the model's inputs.
    List(Vec<String>),
    /// Those of each input.
    ByInput(BTreeMap<String, Names>),
}

/// One name or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Names {
    /// The name of a single column.
    One(String),
    /// The names of columns, in order.
    Many(Vec<String>),
}

impl Names {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Nulls {
    /// The event is a dead letter.
    #[default]
    Reject,
    /// The model gets NaN, an empty string in a string input, and infinities as they are; only for models that can take them.
    Nan,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Engine {
    /// The one that is chosen when the model is loaded.
    #[default]
    Auto,
    /// ONNX Runtime, whatever the model is.
    OnnxRuntime,
    /// The kernel for linear models; a model that it does not fit is an error.
    Linear,
    /// The kernel for trees; a model that it does not fit is an error.
    Trees,
}

impl Engine {
    /// `None` for the model's own.
    fn chosen(self) -> Option<model::Engine> {
        match self {
            Self::Auto => None,
            Self::OnnxRuntime => Some(model::Engine::OnnxRuntime),
            Self::Linear => Some(model::Engine::Linear),
            Self::Trees => Some(model::Engine::Trees),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NonFinite {
    /// The event is a dead letter.
    #[default]
    Reject,
    /// The column is null there.
    Null,
}

impl NonFinite {
    /// Nothing, as YAML reads `null` without quotes, is the choice of that name.
    pub(super) fn or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Self>::deserialize(deserializer)?.unwrap_or(Self::Null))
    }
}

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

    fn types(&self) -> &'static str {
        "An input of floats takes numbers and Booleans, or one column of lists of them; one of integers takes integers and Booleans, one of \
         strings takes text and categories. \
         How many features there are, their order and their types are checked against the model; its outputs become columns of their own types."
    }

    fn nulls(&self) -> &'static str {
        "With `nulls: reject` an event with a feature that is null, or infinite in the input's type (as 1e39 is in `float`), becomes a dead \
         letter, as scikit-learn would raise an error; `caz check` warns of features that can be null and shows where the null comes from. \
         With `nulls: nan` the model gets infinities, and NaN or an empty string for null; integers and Booleans have neither. A list that is null, or has another number of items than the input, is a dead letter. An answer that is not finite makes the event a dead letter, or null with `non_finite: null`."
    }

    fn is_inference(&self) -> bool {
        true
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        let Some(params) = planning.params::<Params>() else { return planning.open_input() };
        let model = load(planning, params.model_id.as_deref());
        plan(planning, params, model)
    }
}

/// Inference with a model; without one, which is reported, what can be checked all the same.
pub(super) fn plan(planning: &mut Planning<'_>, params: Params, model: Option<Arc<Model>>) -> Frame {
    let features = fit::resolve(planning, &params);
    let Some(model) = model else { return poisoned(planning, &params) };
    let groups = features.and_then(|features| fit::deal(planning, &model, features));
    let Some(model) = sized(planning, model, groups.as_deref()) else { return poisoned(planning, &params) };
    warn(planning, &params, &model);
    let outputs = outputs::plan(planning, &params, &model);
    let fitted = groups.and_then(|groups| fit::plan(planning, &params, &model, &groups));
    let slots = fitted.and_then(|(gather, reads)| {
        let pointer = if params.engine == Engine::Auto { "/params/model_id" } else { "/params/engine" };
        let session =
            report_model(planning, model.session(params.engine.chosen(), params.rows_per_run.map(|rows| rows as usize)), pointer)?;
        // Before the model, which takes rows with nulls out.
        let show = Show::new(gather.clone(), &model);
        let shown = show.features().len();
        planning.step(show, &reads, shown);
        let kernel = Infer::new(session, gather, params.nulls, params.non_finite);
        Some(planning.step(kernel, &reads, outputs.len()))
    });
    let mut frame = planning.input().clone();
    for (at, output) in outputs.iter().enumerate() {
        frame.set(match &slots {
            Some(slots) => planning
                .made(&output.name, output.data_type.clone(), output.nullable, slots[at])
                .null_where("the model's answer is no finite number"),
            None => Column::poisoned(&output.name, planning.id()),
        });
    }
    frame
}

/// The model for the widths of these features, where it takes any; `None` when there are none, or when it fails on them, which is reported.
fn sized(planning: &mut Planning<'_>, model: Arc<Model>, groups: Option<&[Group]>) -> Option<Arc<Model>> {
    if !model.is_open() {
        return Some(model);
    }
    let ports = &model.signature.inputs;
    let width = |(group, port): (&Group, &Port)| group.width().or(port.width());
    let widths: Vec<usize> = groups?.iter().zip(ports).filter_map(width).collect();
    let sized = planning.models().sized(&model, &widths);
    report_model(planning, sized, "/params/model_id")
}

/// What is worth knowing of a model that works.
fn warn(planning: &mut Planning<'_>, params: &Params, model: &Model) {
    for output in &model.unusable {
        let message = format!("model `{}`: {output}; it is left out", model.id);
        planning.report(Diagnostic::warning(Code::ModelSignature, message), "/params/model_id");
    }
    if let Some(refusal) = &model.refusal {
        let message = format!(
            "model `{}` fails on a row of zeros and empty strings, so it could not be tried: its outputs are as wide as its file declares",
            model.id
        );
        let help = "score some events with `caz score` before you rely on it; `rows_per_run: 1` keeps rows apart in any case";
        planning.report(Diagnostic::warning(Code::ModelSignature, message).because(refusal.as_str()).help(help), "/params/model_id");
    }
    if let Some(odd) = &model.odd_features {
        let message = format!("model `{}`: its metadata `features` are no JSON list of names: {odd}", model.id);
        let help = "without the list nobody notices features in another order; write it such as [\"age\", \"km\"]";
        planning.report(Diagnostic::warning(Code::ModelSignature, message).help(help), "/params/model_id");
    }
    if let Some(rows) = model.fixed_rows() {
        let message = format!("the first dimension of model `{}` is fixed at {rows}, so all of its input is one event's", model.id);
        let help = "if these are rows, export it with an open first dimension (`dynamic_axes` of torch, `None` of skl2onnx)";
        planning.report(Diagnostic::warning(Code::ModelSignature, message).help(help), "/params/model_id");
    }
    let alone = match &model.single_row {
        Some(SingleRow::TurnedOutput(output)) => Some((
            format!("the rows may not be along the first dimension of output `{output}` of model `{}`, so it gets one row a run", model.id),
            "export it with the rows along the first dimension (`transpose` moves them), and say so in the output's shape",
        )),
        Some(SingleRow::DependsOnBatch) => Some((
            format!("model `{}` answers a row differently when others share its run, so it gets one row a run", model.id),
            "check that the model's operators work on each row alone and that no batch statistics are left from training",
        )),
        Some(SingleRow::Random) => Some((
            format!("model `{}` answers the same row differently each time, so no score of it can be had again", model.id),
            "export it in evaluation mode (`model.eval()`), without dropout and random operators",
        )),
        Some(SingleRow::FixedShape) | None => None,
    };
    if let Some((message, help)) = alone {
        planning.report(Diagnostic::warning(Code::ModelSignature, message).help(help), "/params/model_id");
    }
    if let (Some(_), Some(2..)) = (&model.single_row, params.rows_per_run) {
        let message = format!("model `{}` takes one row a run; `rows_per_run` has no effect", model.id);
        planning.report(Diagnostic::warning(Code::ModelSignature, message), "/params/rows_per_run");
    }
}

/// The model of this id, else the one that was put into the store on the way here.
fn load(planning: &mut Planning<'_>, model_id: Option<&str>) -> Option<Arc<Model>> {
    let id = match (model_id, planning.uploads()) {
        (Some(id), _) => ModelStore::plain_id(id).to_owned(),
        (None, [uploaded]) => uploaded.to_string(),
        (None, []) => {
            let message = format!("node `{}` names no model", planning.id());
            let help = "name one of the store in `model_id`, or put a ModelUpload before the node";
            planning.report(Diagnostic::error(Code::MissingKey, message).help(help), "/params");
            return None;
        }
        (None, several) => {
            let message = format!("node `{}` names no model, and {} are put into the store before it", planning.id(), several.len());
            let help = format!("name one in `model_id`: {}", super::list(several.iter().map(AsRef::as_ref)));
            planning.report(Diagnostic::error(Code::MissingKey, message).help(help), "/params");
            return None;
        }
    };
    let is_uploaded = planning.uploads().iter().any(|upload| **upload == *id);
    // A model of another branch is there or not by the order in which the file lists the nodes.
    if !is_uploaded
        && !planning.models().has_file(&id)
        && let Some(uploader) = planning.uploader(&id)
    {
        let this = planning.id();
        let message = format!("node `{this}` names model `{id}`, which `{uploader}` puts into the store, and no edge leads from there");
        let help = format!("add an edge: [{uploader}, {this}]");
        planning.report(Diagnostic::error(Code::Model, message).help(help), "/params/model_id");
        return None;
    }
    let model = planning.models().get(&id);
    // The failure of an upload is reported where it was tried.
    if model.is_err() && is_uploaded {
        return None;
    }
    report_model(planning, model, "/params/model_id")
}

/// What came of a call of the model store; an error is reported at `pointer`.
pub(super) fn report_model<T>(planning: &mut Planning<'_>, outcome: Result<T, ModelError>, pointer: &str) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(error) => {
            let mut diagnostic = Diagnostic::error(Code::Model, error.to_string());
            if let ModelError::Missing { id, available, .. } = &error {
                if let Some(near) = nearest(id, available.iter().map(String::as_str)) {
                    diagnostic = diagnostic.label(format!("did you mean `{near}`?"));
                }
                if !available.is_empty() {
                    diagnostic = diagnostic.help(format!("models in the store: {}", super::list(available.iter().map(String::as_str))));
                }
            }
            if let Some(mend) = error.mend() {
                diagnostic = diagnostic.help(mend);
            }
            planning.report(diagnostic, pointer);
            None
        }
    }
}

/// What the node would have made, had its model been there: the names that its parameters tell.
fn poisoned(planning: &Planning<'_>, params: &Params) -> Frame {
    let mut frame = planning.open_input();
    for name in params.outputs.values().flat_map(Names::as_slice) {
        frame.set(Column::poisoned(name, planning.id()));
    }
    frame
}
