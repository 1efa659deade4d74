//! What types an operation takes and makes, found by planning and running its example on columns of each type.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::table::{Table, code};
use super::trial::TrialError;
use super::{Example, Trial};
use crate::diagnostic::{Code, Document};
use crate::model::ModelStore;

/// The types of columns, each with the event's field that becomes one: without nulls, with nulls.
const TYPES: [(&str, &str, Option<&str>); 5] = [
    ("bool", "boolean", Some("boolean?")),
    ("int64", "long", None),
    ("float64", "double", Some("double?")),
    ("object", "string", Some("string?")),
    ("datetime64[ns, UTC]", "timestamp-millis", Some("timestamp-millis?")),
];

/// What came of one type of column.
enum Outcome {
    /// The types of the columns that were made.
    Types(String),
    /// The operation does not take it, for this reason.
    Refused(String),
    /// The example's parameters do not fit the type, which says nothing of the operation.
    Unfit,
}

/// The table of the types that the operation takes in the columns `cols` of its example, and what it makes of them.
pub(super) fn types(example: &Example, document: &Arc<Document>, models: &ModelStore) -> Option<Table> {
    let subjects = names(&example.params["cols"]);
    if subjects.is_empty() {
        return None;
    }
    let made = if example.params["into"].is_null() { subjects.clone() } else { names(&example.params["into"]) };
    let mut table = Table::new(&["type of column", "result", "result if it can be null", "null becomes"]);
    let mut rows = 0;
    for (dtype, plain, nullable) in TYPES {
        let retyped = |field: &str| {
            let frozen = if field.starts_with("string") { example.frozen.clone() } else { without_texts(&example.frozen) };
            Example { fields: retype(&example.fields, &subjects, field), frozen, ..example.clone() }
        };
        let without = outcome(&retyped(plain), &made, document, models);
        let with = nullable.map(|field| {
            let example = Example { rows: vec![null_row(&example.rows, &subjects)], ..retyped(field) };
            (outcome(&example, &made, document, models), fate(&example, &made, document, models))
        });
        let row = match (without, with) {
            (Outcome::Unfit, _) => continue,
            (Outcome::Refused(why), None | Some((Outcome::Refused(_), _))) => vec![code(dtype), format!("refused: {why}")],
            (without, None) => vec![code(dtype), without.show()],
            (without, Some((with, fate))) => vec![code(dtype), without.show(), with.show(), fate.unwrap_or_default()],
        };
        table.row(row);
        rows += 1;
    }
    (rows > 0).then_some(table)
}

impl Outcome {
    fn show(&self) -> String {
        match self {
            Self::Types(types) => types.clone(),
            Self::Refused(why) => format!("refused: {why}"),
            Self::Unfit => String::new(),
        }
    }
}

/// A name, or a list of names.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::String(name) => vec![name.clone()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn retype(fields: &Map<String, Value>, subjects: &[String], field: &str) -> Map<String, Value> {
    fields.iter().map(|(name, kind)| (name.clone(), if subjects.contains(name) { field.into() } else { kind.clone() })).collect()
}

/// Frozen statistics without lists of texts, which columns of other types cannot have.
fn without_texts(frozen: &Map<String, Value>) -> Map<String, Value> {
    let emptied = |value: &Value| match value {
        Value::Array(items) if items.iter().any(Value::is_string) => json!([]),
        Value::Object(members) => Value::Object(without_texts(members)),
        value => value.clone(),
    };
    frozen.iter().map(|(name, value)| (name.clone(), emptied(value))).collect()
}

fn null_row(rows: &[Value], subjects: &[String]) -> Value {
    let mut row = rows.first().cloned().unwrap_or_else(|| json!({}));
    subjects.iter().for_each(|subject| row[subject] = Value::Null);
    row
}

fn outcome(example: &Example, made: &[String], document: &Arc<Document>, models: &ModelStore) -> Outcome {
    match Trial::plan(example, "Pandas", document, models) {
        Ok(trial) => {
            let mut types: Vec<String> =
                made.iter().filter_map(|name| trial.frame().get(name)).map(|column| code(&column.dtype())).collect();
            types.dedup();
            Outcome::Types(types.join(", "))
        }
        Err(TrialError::Plan(found)) => match found.iter().find(|found| matches!(found.code, Code::TypeMismatch | Code::NullReaches)) {
            Some(found) => Outcome::Refused(found.message.rsplit_once(": ").map_or(found.message.as_str(), |(_, why)| why).to_owned()),
            None => Outcome::Unfit,
        },
        Err(_) => Outcome::Unfit,
    }
}

/// What becomes of a row whose columns `cols` are null.
fn fate(example: &Example, made: &[String], document: &Arc<Document>, models: &ModelStore) -> Option<String> {
    let gives = Trial::plan(example, "Pandas", document, models).ok()?.run().ok()?;
    let row = gives.first()?.as_object()?;
    if row.contains_key("rejected") {
        return Some("a dead letter".into());
    }
    let mut values: Vec<String> = made.iter().filter_map(|name| row.get(name)).map(|value| code(&shown(value))).collect();
    values.dedup();
    Some(values.join(", "))
}

/// A value as the example's YAML writes it.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
