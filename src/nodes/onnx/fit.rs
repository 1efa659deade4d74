//! Fitting the features that a graph names to the inputs that a model has.

use super::features::{Features, Gather, list_item};
use super::{FeatureNames, Names, Nulls, Params};
use crate::diagnostic::{Code, Diagnostic, join, nearest};
use crate::model::{Model, Port};
use crate::nodes::{Column, Planning, Slot, list};

/// The columns that a graph names, for one input where it says so, with where it does.
pub(super) struct Group {
    input: Option<String>,
    columns: Vec<Column>,
    pointer: String,
}

/// All features' columns; `None` when one of them is not there, each of which is reported.
///
/// With `nulls: reject` those that can be null are told, with the way by which: such events are not scored.
pub(super) fn resolve(planning: &mut Planning<'_>, params: &Params) -> Option<Vec<Group>> {
    let pointer = "/params/features".to_owned();
    let groups: Vec<Option<Group>> = match &params.features {
        FeatureNames::List(names) => {
            let columns = columns(planning, names, params.nulls, |at| format!("{pointer}/{at}"));
            vec![columns.map(|columns| Group { input: None, columns, pointer })]
        }
        FeatureNames::ByInput(inputs) => inputs
            .iter()
            .map(|(input, names)| {
                let pointer = join(&pointer, input);
                let at = |at| if matches!(names, Names::One(_)) { pointer.clone() } else { format!("{pointer}/{at}") };
                columns(planning, names.as_slice(), params.nulls, at).map(|columns| Group { input: Some(input.clone()), columns, pointer })
            })
            .collect(),
    };
    groups.into_iter().collect()
}

fn columns(planning: &mut Planning<'_>, names: &[String], nulls: Nulls, pointer: impl Fn(usize) -> String) -> Option<Vec<Column>> {
    let columns: Vec<Option<Column>> = names.iter().enumerate().map(|(at, name)| planning.column(name, &pointer(at))).collect();
    for (at, column) in columns.iter().enumerate().filter(|_| nulls == Nulls::Reject) {
        if let Some(column) = column {
            warn_of_null(planning, column, &pointer(at));
        }
    }
    columns.into_iter().collect()
}

/// NaN that a producer writes into a float is not told: any float can be that.
fn warn_of_null(planning: &mut Planning<'_>, column: &Column, pointer: &str) {
    let Some(path) = column.null_path() else { return };
    let message = format!("feature `{}` can be null; such an event is not scored and goes to the dead letters", column.name);
    let way = format!("the null's way: {path} -> `{}`", planning.id());
    let help = "give it a value with `fillna`, skip such events with `dropna`, or say `nulls: nan` for a model that takes NaN";
    planning.report(Diagnostic::warning(Code::NullReaches, message).because(way).help(help), pointer);
}

impl Group {
    /// How many features there are; `None` for a list, which has as many as the input.
    pub(super) fn width(&self) -> Option<usize> {
        (!self.is_list()).then_some(self.columns.len())
    }

    /// Whether one list fills the input alone.
    fn is_list(&self) -> bool {
        matches!(self.columns.as_slice(), [column] if list_item(column).is_some())
    }
}

/// The features of each of the model's inputs, in its order; `None` when they do not fill them, or come in another order than the model
/// learned, which is reported.
pub(super) fn deal(planning: &mut Planning<'_>, model: &Model, groups: Vec<Group>) -> Option<Vec<Group>> {
    let by_input = groups.iter().any(|group| group.input.is_some()) || groups.is_empty();
    let groups = if by_input { of_named_inputs(planning, model, groups)? } else { in_order(planning, model, groups)? };
    (widths_fit(planning, model, &groups) & order_fits(planning, model, &groups)).then_some(groups)
}

/// What fills the inputs and the slots that it reads; `None` when a column's type cannot be its input's, which is reported.
pub(super) fn plan(planning: &mut Planning<'_>, params: &Params, model: &Model, groups: &[Group]) -> Option<(Gather, Vec<Slot>)> {
    let mut gather = Gather::default();
    let mut reads = Vec::new();
    let mut fits = true;
    for (port, group) in model.signature.inputs.iter().zip(groups) {
        match Features::plan(planning, port, &group.columns, &group.pointer, params.nulls, &mut reads) {
            Some(features) => gather.push(features),
            None => fits = false,
        }
    }
    fits.then_some((gather, reads))
}

fn mismatch(message: String, model: &Model) -> Diagnostic {
    let inputs: Vec<String> = model.signature.inputs.iter().map(ToString::to_string).collect();
    let help = format!("the inputs of `{}`: {}", model.id, list(inputs.iter().map(String::as_str)));
    Diagnostic::error(Code::ModelSignature, message).help(help)
}

/// The groups in the order of the model's inputs.
fn of_named_inputs(planning: &mut Planning<'_>, model: &Model, mut groups: Vec<Group>) -> Option<Vec<Group>> {
    let ports = &model.signature.inputs;
    let known = || ports.iter().map(|port| port.name.as_str());
    let mut fit = true;
    for group in &groups {
        let Some(input) = group.input.as_deref().filter(|input| !known().any(|name| name == *input)) else { continue };
        let mut diagnostic = mismatch(format!("model `{}` has no input `{input}`", model.id), model);
        if let Some(near) = nearest(input, known()) {
            diagnostic = diagnostic.label(format!("did you mean `{near}`?"));
        }
        planning.report(diagnostic, &group.pointer);
        fit = false;
    }
    let mut ordered = Vec::with_capacity(ports.len());
    for port in ports {
        match groups.iter().position(|group| group.input.as_ref() == Some(&port.name)) {
            Some(at) => ordered.push(groups.swap_remove(at)),
            None => {
                let message = format!("input `{}` of model `{}` gets no features", port.name, model.id);
                planning.report(mismatch(message, model), "/params/features");
                fit = false;
            }
        }
    }
    fit.then_some(ordered)
}

/// The one list, dealt out to the model's inputs in order.
fn in_order(planning: &mut Planning<'_>, model: &Model, groups: Vec<Group>) -> Option<Vec<Group>> {
    let ports = &model.signature.inputs;
    let Group { columns, pointer, .. } = groups.into_iter().next()?;
    let declared: Option<Vec<usize>> = ports.iter().map(Port::width).collect();
    let widths = match declared {
        _ if ports.len() == 1 => vec![columns.len()],
        Some(widths) if widths.iter().sum::<usize>() == columns.len() => widths,
        _ if ports.len() == columns.len() => vec![1; ports.len()],
        _ => {
            let message = format!("`features` names {} columns, which do not fill the inputs of model `{}`", columns.len(), model.id);
            let help = "`features: {input: [columns]}` says which column goes into which input";
            planning.report(mismatch(message, model).help(help), &pointer);
            return None;
        }
    };
    let mut columns = columns.into_iter();
    let mut deal = |width| Group { input: None, columns: columns.by_ref().take(width).collect(), pointer: pointer.clone() };
    Some(widths.into_iter().map(&mut deal).collect())
}

fn widths_fit(planning: &mut Planning<'_>, model: &Model, groups: &[Group]) -> bool {
    let mut fit = true;
    for (port, group) in model.signature.inputs.iter().zip(groups) {
        let Group { columns, pointer, .. } = group;
        if group.is_list() {
            if port.width().is_none() {
                let message =
                    format!("a list fills input `{}` of model `{}`, which does not tell how many features it takes", port.name, model.id);
                let help = match port.is_batched() {
                    true => "export the model with the number of its features",
                    false => {
                        "if its open dimension is that of the rows, export the model with the rows along the first one (`batch_first=True` \
                         of a recurrent layer, or a Transpose)"
                    }
                };
                planning.report(mismatch(message, model).help(help), pointer);
                fit = false;
            }
        } else if !port.takes(columns.len()) {
            let takes = match port.width() {
                Some(width) => width.to_string(),
                None => format!("a multiple of {}", port.fixed()),
            };
            let message =
                format!("input `{}` of model `{}` takes {takes} features, `features` names {}", port.name, model.id, columns.len());
            let mut diagnostic = mismatch(message, model);
            if columns.iter().any(|column| list_item(column).is_some()) {
                diagnostic = diagnostic.help("a list must fill an input alone: its items are the features");
            }
            planning.report(diagnostic, pointer);
            fit = false;
        }
    }
    fit
}

/// A model that tells its features' names must get these, in its order. One that declares none may have inputs of one column each: a column
/// that has the name of one of them must not go into another, unless the graph says so by a mapping.
fn order_fits(planning: &mut Planning<'_>, model: &Model, groups: &[Group]) -> bool {
    // What a list's items are called, nobody says.
    if groups.iter().any(Group::is_list) {
        return true;
    }
    let given: Vec<&str> = groups.iter().flat_map(|group| &group.columns).map(|column| column.name.as_ref()).collect();
    let (expected, at): (Vec<&str>, Option<usize>) = match &model.features {
        Some(declared) => {
            let at = (0..given.len().max(declared.len())).find(|at| given.get(*at).copied() != declared.get(*at).map(String::as_str));
            (declared.iter().map(String::as_str).collect(), at)
        }
        None if groups.iter().any(|group| group.input.is_some() || group.columns.len() != 1) => return true,
        None => {
            let inputs: Vec<&str> = model.signature.inputs.iter().map(|port| port.name.as_str()).collect();
            let at = given.iter().zip(&inputs).position(|(given, input)| given != input && inputs.contains(given));
            (inputs, at)
        }
    };
    let Some(at) = at else { return true };
    let name = |names: &[&str]| names.get(at).map_or("nothing".to_owned(), |name| format!("`{name}`"));
    let message = format!("feature {at} is {}; model `{}` was trained with {}", name(&given), model.id, name(&expected));
    let mut diagnostic =
        Diagnostic::error(Code::ModelSignature, message).help(format!("the model's features in order: {}", expected.join(", ")));
    if model.features.is_none() {
        diagnostic = diagnostic.help("if it is meant, `features: {input: column}` says so");
    }
    let place = groups.iter().flat_map(|group| (0..group.columns.len()).map(move |_| group)).nth(at);
    let pointer = match place {
        Some(Group { input: Some(_), pointer, .. }) => pointer.clone(),
        _ => format!("/params/features/{at}"),
    };
    planning.report(diagnostic, &pointer);
    false
}
