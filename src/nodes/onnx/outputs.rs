//! The columns that a model's outputs become.

use std::collections::BTreeSet;

use arrow_schema::DataType;

use super::{Names, NonFinite, Params};
use crate::diagnostic::{Code, Diagnostic, join, nearest};
use crate::model::{Model, Output};
use crate::nodes::{Planning, Source, list};

/// A column that the node makes.
pub(super) struct OutputColumn {
    pub(super) name: String,
    pub(super) data_type: DataType,
    pub(super) nullable: bool,
}

/// The output columns, in the model's order; wrong names are reported.
pub(super) fn plan(planning: &mut Planning<'_>, params: &Params, model: &Model) -> Vec<OutputColumn> {
    let outputs = &model.signature.outputs;
    for name in params.outputs.keys() {
        if !outputs.iter().any(|output| output.name == *name) {
            let known = || outputs.iter().map(|output| output.name.as_str());
            let mut diagnostic = Diagnostic::error(Code::ModelSignature, format!("model `{}` has no output `{name}`", model.id));
            if let Some(near) = nearest(name, known()) {
                diagnostic = diagnostic.label(format!("did you mean `{near}`?"));
            }
            let described: Vec<String> = outputs.iter().map(ToString::to_string).collect();
            let help = format!("its outputs: {}", list(described.iter().map(String::as_str)));
            planning.report(diagnostic.help(help), &join("/params/outputs", name));
        }
    }
    let mut columns = Vec::new();
    for output in outputs {
        let data_type = output.holds.element().data_type();
        let nullable = params.non_finite == NonFinite::Null && data_type.is_floating();
        let names = names_of(planning, params, output);
        names.iter().for_each(|name| warn_of_place(planning, params, output, name));
        columns.extend(names.into_iter().map(|name| OutputColumn { name, data_type: data_type.clone(), nullable }));
    }
    let mut seen = BTreeSet::new();
    for column in &columns {
        if !seen.insert(&column.name) {
            let message = format!("model `{}` makes two columns `{}`", model.id, column.name);
            planning.report(Diagnostic::error(Code::ModelSignature, message).help("name each column of `outputs`"), "/params/outputs");
        }
    }
    columns
}

/// An output under the name of a column that is there takes its place: exported classifiers all call theirs `label` and `probabilities`.
fn warn_of_place(planning: &mut Planning<'_>, params: &Params, output: &Output, name: &str) {
    let Some(there) = planning.input().get(name).filter(|column| column.source != Source::Poisoned) else { return };
    let message =
        format!("output `{}` of node `{}` takes the place of column `{name}`, made by `{}`", output.name, planning.id(), there.origin);
    let names = if output.holds.width() == 1 { "other_name" } else { "[a name for each column]" };
    let help = format!("`outputs: {{{}: {names}}}` leaves the column as it is", output.name);
    let pointer =
        if params.outputs.contains_key(&output.name) { join("/params/outputs", &output.name) } else { "/params/model_id".to_owned() };
    planning.report(Diagnostic::warning(Code::ModelSignature, message).help(help), &pointer);
}

fn names_of(planning: &mut Planning<'_>, params: &Params, output: &Output) -> Vec<String> {
    let own = output.column_names();
    let Some(given) = params.outputs.get(&output.name).map(Names::as_slice) else { return own };
    if given.len() == own.len() {
        return given.to_vec();
    }
    let message = format!("output `{}` makes {} columns, {} named", output.name, own.len(), given.len());
    let diagnostic = Diagnostic::error(Code::ModelSignature, message).help(format!("its columns: {}", own.join(", ")));
    planning.report(diagnostic, &join("/params/outputs", &output.name));
    own
}
