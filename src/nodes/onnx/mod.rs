//! The ONNXNode: columns to a model's inputs, its outputs to columns.

mod features;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float32Array, Float64Array, cast::AsArray, types::Float32Type, types::Float64Type};
use arrow_select::interleave::interleave;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::features::{Features, Gather};
use super::{Column, Frame, Inputs, Kernel, Node, Planning, Slot};
use crate::dataset::{Phase, Reason, Rejection, Rows};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::model::{Element, Model, ModelError, ModelSession, Output, Port, Tensor};

/// Sends features to a model and adds its outputs as columns.
pub(super) struct OnnxNode;

/// Parameters of the ONNXNode.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The model: its path in the model store without `.onnx`, such as `car-insurance/random-forest`.
    model_id: String,
    /// The columns that the model takes, in its order. With one input tensor they are its row; with one input per column, the inputs in
    /// the model's order.
    features: Vec<String>,
    /// Names for the output columns, by the model's output: one name, or one for each column of it. Outputs that are not listed here
    /// keep their own names, numbered where they are wider than one column.
    #[serde(default)]
    outputs: BTreeMap<String, Names>,
    /// What becomes of an event with a null (or NaN) feature: a dead letter, as scikit-learn would raise an error, or NaN for the model.
    #[serde(default)]
    nulls: Nulls,
    /// How many rows go into one run of the model, 1 to 65,536; measured when the model is loaded unless it is given.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65_536))]
    rows_per_run: Option<u32>,
}

/// One name or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Names {
    /// The name of an output with one column.
    One(String),
    /// The names of an output's columns.
    Many(Vec<String>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Nulls {
    /// The event is a dead letter.
    #[default]
    Reject,
    /// The model gets NaN; only for models that can take it.
    Nan,
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
        "An input of floats takes numbers and Booleans, one of integers takes integers and Booleans, one of strings takes text and categories. \
         A model with one input tensor gets the features as its row, one with an input for each column gets them in order. Numbers, order and \
         types of the features are checked against the model; its outputs become columns of their own types."
    }

    fn nulls(&self) -> &'static str {
        "With `nulls: reject` an event with a null feature becomes a dead letter, as scikit-learn would raise an error; `caz check` warns of \
         features that can be null and shows where the null comes from. With `nulls: nan` the model gets NaN, which only inputs of floats have. \
         Scores are never null: an answer that is not finite makes the event a dead letter."
    }

    fn is_inference(&self) -> bool {
        true
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        let mut frame = planning.input().clone();
        let Some(params) = planning.params::<Params>() else {
            frame.set_open();
            return frame;
        };
        let model = load(planning, &params);
        let columns = feature_columns(planning, &params);
        let Some(model) = model else {
            poison(planning, &params, &mut frame);
            return frame;
        };
        let outputs = output_columns(planning, &params, &model);
        if let Some(columns) = &columns {
            warn_of_nulls(planning, &params, &model, columns);
        }
        let gather = columns.and_then(|columns| plan_features(planning, &params, &model, &columns));
        let slots = gather.and_then(|(gather, reads)| {
            let session = report_model(planning, model.session(params.rows_per_run.map(|rows| rows as usize)))?;
            let inputs = gather.tensors();
            let kernel = Infer { session, gather, inputs, reject_nulls: params.nulls == Nulls::Reject, alive: Vec::new() };
            Some(planning.step(kernel, &reads, outputs.len()))
        });
        for (at, (name, data_type)) in outputs.iter().enumerate() {
            frame.set(match &slots {
                Some(slots) => planning.made(name, data_type.clone(), false, slots[at]),
                None => Column::poisoned(name, planning.id()),
            });
        }
        frame
    }
}

fn load(planning: &mut Planning<'_>, params: &Params) -> Option<Arc<Model>> {
    let model = planning.models().get(&params.model_id);
    report_model(planning, model)
}

fn report_model<T>(planning: &mut Planning<'_>, outcome: Result<T, ModelError>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(error) => {
            let mut diagnostic = Diagnostic::error(Code::Model, error.to_string());
            if let ModelError::Missing { id, available, .. } = &error {
                if let Some(near) = nearest(id, available.iter().map(String::as_str)) {
                    diagnostic = diagnostic.label(format!("did you mean `{near}`?"));
                }
                diagnostic = diagnostic.help(format!("models in the store: {}", super::list(available.iter().map(String::as_str))));
            }
            planning.report(diagnostic, "/params/model_id");
            None
        }
    }
}

/// All features' columns; `None` when one of them is not there, each of which is reported.
fn feature_columns(planning: &mut Planning<'_>, params: &Params) -> Option<Vec<Column>> {
    let columns: Vec<Option<Column>> =
        params.features.iter().enumerate().map(|(at, name)| planning.column(name, &format!("/params/features/{at}"))).collect();
    columns.into_iter().collect()
}

/// Names and types of the output columns; wrong names are reported.
fn output_columns(planning: &mut Planning<'_>, params: &Params, model: &Model) -> Vec<(String, arrow_schema::DataType)> {
    let outputs = &model.signature.outputs;
    for name in params.outputs.keys() {
        if !outputs.iter().any(|output| output.name == *name) {
            let known = || outputs.iter().map(|output| output.name.as_str());
            let mut diagnostic = Diagnostic::error(Code::ModelSignature, format!("model `{}` has no output `{name}`", model.id));
            if let Some(near) = nearest(name, known()) {
                diagnostic = diagnostic.label(format!("did you mean `{near}`?"));
            }
            planning.report(diagnostic.help(format!("its outputs: {}", super::list(known()))), &format!("/params/outputs/{name}"));
        }
    }
    outputs.iter().flat_map(|output| names_of(planning, params, output)).collect()
}

fn names_of(planning: &mut Planning<'_>, params: &Params, output: &Output) -> Vec<(String, arrow_schema::DataType)> {
    let own = output.column_names();
    let names = match params.outputs.get(&output.name) {
        None => own,
        Some(Names::One(name)) if own.len() == 1 => vec![name.clone()],
        Some(Names::Many(names)) if own.len() == names.len() => names.clone(),
        Some(given) => {
            let count = match given {
                Names::One(_) => 1,
                Names::Many(names) => names.len(),
            };
            let message = format!("output `{}` makes {} columns, {count} named", output.name, own.len());
            let diagnostic = Diagnostic::error(Code::ModelSignature, message).help(format!("its columns: {}", own.join(", ")));
            planning.report(diagnostic, &format!("/params/outputs/{}", output.name));
            own
        }
    };
    names.into_iter().map(|name| (name, output.holds.element().data_type())).collect()
}

/// What the node would have made, had its model been there: the names that its parameters tell.
fn poison(planning: &Planning<'_>, params: &Params, frame: &mut Frame) {
    frame.set_open();
    for names in params.outputs.values() {
        let names = match names {
            Names::One(name) => std::slice::from_ref(name),
            Names::Many(names) => names,
        };
        names.iter().for_each(|name| frame.set(Column::poisoned(name, planning.id())));
    }
}

/// Fits the features to the model's inputs; `None` when they do not fit, which is reported.
fn plan_features(planning: &mut Planning<'_>, params: &Params, model: &Model, columns: &[Column]) -> Option<(Gather, Vec<Slot>)> {
    let ports = &model.signature.inputs;
    let per_input: Vec<&[Column]> = match ports.as_slice() {
        [_] => vec![columns],
        _ if ports.len() == columns.len() => columns.chunks(1).collect(),
        _ => {
            let message = format!("model `{}` has {} inputs, `features` names {} columns", model.id, ports.len(), columns.len());
            let inputs = super::list(ports.iter().map(|port| port.name.as_str()));
            planning.report(Diagnostic::error(Code::ModelSignature, message).help(format!("its inputs: {inputs}")), "/params/features");
            return None;
        }
    };
    if !widths_fit(planning, model, &per_input) | !order_fits(planning, params, model) {
        return None;
    }
    let mut gather = Gather::default();
    let mut reads = Vec::new();
    let mut fits = true;
    for (port, columns) in ports.iter().zip(per_input) {
        match Features::plan(planning, port, columns, &mut reads) {
            Some(features) => gather.push(features),
            None => fits = false,
        }
    }
    fits.then_some((gather, reads))
}

fn widths_fit(planning: &mut Planning<'_>, model: &Model, per_input: &[&[Column]]) -> bool {
    let mut fit = true;
    let misfits = |port: &Port, columns: &[Column]| port.width.filter(|width| *width != columns.len());
    for (port, columns) in model.signature.inputs.iter().zip(per_input) {
        if let Some(width) = misfits(port, columns) {
            let message =
                format!("input `{}` of model `{}` takes {width} features, `features` names {}", port.name, model.id, columns.len());
            planning.report(Diagnostic::error(Code::ModelSignature, message), "/params/features");
            fit = false;
        }
    }
    fit
}

/// Says which features can be null, by which way, and what becomes of such an event. NaN that a producer writes into a float is not told:
/// any float can be that.
fn warn_of_nulls(planning: &mut Planning<'_>, params: &Params, model: &Model, columns: &[Column]) {
    for (at, column) in columns.iter().enumerate() {
        let Some(path) = column.null_path() else { continue };
        let port = model.signature.inputs.get(at).filter(|_| model.signature.inputs.len() > 1).or(model.signature.inputs.first());
        let has_nan = port.is_none_or(|port| matches!(port.element, Element::F32 | Element::F64));
        let name = &column.name;
        let diagnostic = match params.nulls {
            Nulls::Reject => {
                let message = format!("feature `{name}` can be null; such an event is not scored and goes to the dead letters");
                let nan = if has_nan { ", or `nulls: nan` for a model that takes NaN" } else { "" };
                let help = format!("give it a value with `fillna`, or skip such events with `dropna`{nan}");
                Diagnostic::warning(Code::NullReaches, message).help(help)
            }
            Nulls::Nan if has_nan => continue,
            Nulls::Nan => {
                let element = port.map_or("", |port| port.element.name());
                let message = format!("feature `{name}` can be null, and its input takes {element}, which has no NaN");
                Diagnostic::error(Code::NullReaches, message).help("give it a value with `fillna`, or leave `nulls: nan` out")
            }
        };
        let way = format!("the null's way: {path} -> `{}`", planning.id());
        planning.report(diagnostic.note(way), &format!("/params/features/{at}"));
    }
}

/// A model that declares its features' names must get these, in its order.
fn order_fits(planning: &mut Planning<'_>, params: &Params, model: &Model) -> bool {
    let Some(declared) = &model.features else { return true };
    let first = params.features.iter().zip(declared).position(|(given, declared)| given != declared);
    let at = match first {
        Some(at) => at,
        None if params.features.len() == declared.len() => return true,
        None => params.features.len().min(declared.len()),
    };
    let name = |names: &[String]| names.get(at).map_or("nothing".to_owned(), |name| format!("`{name}`"));
    let message = format!("feature {at} is {}; model `{}` was trained with {}", name(&params.features), model.id, name(declared));
    let diagnostic =
        Diagnostic::error(Code::ModelSignature, message).help(format!("the model's features in order: {}", declared.join(", ")));
    planning.report(diagnostic, &format!("/params/features/{at}"));
    false
}

/// Gathers the features of all rows that are alive, runs the model, spreads its answers over the batch.
struct Infer {
    session: ModelSession,
    gather: Gather,
    inputs: Vec<Tensor>,
    reject_nulls: bool,
    alive: Vec<usize>,
}

impl Kernel for Infer {
    fn run(&mut self, inputs: &Inputs<'_>, rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        if self.reject_nulls {
            self.gather.reject_nulls(inputs, rows);
        }
        self.alive.clear();
        self.alive.extend(rows.iter_alive());
        self.gather.fill(inputs, &self.alive, &mut self.inputs);
        let alive = &self.alive;
        let answers = self.session.run(&self.inputs, |at, error| {
            rows.reject(alive[at], Rejection::new(Phase::Inference, Reason::ModelFailed, error.to_string()));
        });
        let names = self.session.signature().outputs.iter().flat_map(Output::column_names);
        for (answer, name) in answers.iter().zip(names) {
            reject_non_finite(answer, &name, alive, rows);
        }
        let all_alive = alive.len() == rows.len();
        outputs.extend(answers.into_iter().map(|answer| if all_alive { answer } else { spread(&answer, alive, rows.len()) }));
    }

    fn phase(&self) -> Phase {
        Phase::Inference
    }

    fn can_reject(&self) -> bool {
        true
    }
}

/// A score that is not a number is no score.
fn reject_non_finite(answer: &ArrayRef, name: &str, alive: &[usize], rows: &mut Rows) {
    let mut reject = |at: usize, value: f64| {
        let message = format!("the model answered {value}; expected: a finite number");
        rows.reject(alive[at], Rejection::new(Phase::Inference, Reason::NotFinite, message).field(name.to_owned()));
    };
    if let Some(values) = answer.as_any().downcast_ref::<Float32Array>() {
        let values = values.values().iter().enumerate();
        values.filter(|(_, value)| !value.is_finite()).for_each(|(at, value)| reject(at, f64::from(*value)));
    } else if let Some(values) = answer.as_any().downcast_ref::<Float64Array>() {
        let values = values.values().iter().enumerate();
        values.filter(|(_, value)| !value.is_finite()).for_each(|(at, value)| reject(at, *value));
    }
}

/// The answers of the alive rows at these rows' places; anything elsewhere, here the first answer.
fn spread(answer: &ArrayRef, alive: &[usize], rows: usize) -> ArrayRef {
    if answer.is_empty() {
        return arrow_array::new_null_array(answer.data_type(), rows);
    }
    let mut picks = vec![(0, 0); rows];
    alive.iter().enumerate().for_each(|(at, row)| picks[*row] = (0, at));
    match answer.data_type() {
        arrow_schema::DataType::Float32 => {
            let values = answer.as_primitive::<Float32Type>().values();
            Arc::new(Float32Array::from_iter_values(picks.iter().map(|(_, at)| values[*at])))
        }
        arrow_schema::DataType::Float64 => {
            let values = answer.as_primitive::<Float64Type>().values();
            Arc::new(Float64Array::from_iter_values(picks.iter().map(|(_, at)| values[*at])))
        }
        _ => interleave(&[answer.as_ref()], &picks).unwrap_or_else(|_| arrow_array::new_null_array(answer.data_type(), rows)),
    }
}
