//! Example rows by column, as `DataFrame.to_json` writes them: `{"sepal_length": {"0": 5.8}}`.

use std::collections::BTreeSet;

use arrow_schema::DataType;
use serde_json::{Map, Value};

use super::{Column, Planning};
use crate::diagnostic::{Code, Diagnostic, join};

const PARAMETER: &str = "/params/json_payload";

/// Reports everything that keeps the rows of a payload from being events of the dataset schema.
pub(super) fn check(planning: &mut Planning<'_>, payload: Value) {
    // Places inside a string of JSON are not known to the document: its mistakes are reported at the string.
    let (payload, is_text) = match payload {
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(payload) => (payload, true),
            Err(error) => return wrong(planning, PARAMETER, format!("`json_payload` is not JSON: {error}")),
        },
        payload => (payload, false),
    };
    let Value::Object(columns) = payload else {
        return wrong(planning, PARAMETER, "`json_payload` is no mapping of columns".into());
    };
    let place = |pointer: String| if is_text { PARAMETER.to_owned() } else { pointer };
    let mut labels: Option<(&str, BTreeSet<&str>)> = None;
    for (name, rows) in &columns {
        let pointer = place(join(PARAMETER, name));
        let Value::Object(rows) = rows else {
            wrong(planning, &pointer, format!("column `{name}` of `json_payload` is no mapping of row labels to values"));
            continue;
        };
        let own: BTreeSet<&str> = rows.keys().map(String::as_str).collect();
        match &labels {
            Some((first, labels)) if own != *labels => {
                wrong(planning, &pointer, format!("columns `{first}` and `{name}` of `json_payload` have other row labels"));
            }
            Some(_) => {}
            None => labels = Some((name, own)),
        }
        if let Some(column) = planning.column(name, &pointer) {
            check_values(planning, &column, rows, |label| place(join(&join(PARAMETER, name), label)));
        }
    }
}

fn check_values(planning: &mut Planning<'_>, column: &Column, rows: &Map<String, Value>, place: impl Fn(&str) -> String) {
    for (label, value) in rows {
        if !holds(column, value) {
            let null = if column.nullable { " or null" } else { "" };
            let message = format!("row `{label}` of column `{}`: {value} is not {}{null}", column.name, kind(&column.data_type));
            wrong(planning, &place(label), message);
        }
    }
}

/// Whether a value can come as this field of an event.
fn holds(column: &Column, value: &Value) -> bool {
    match (value, &column.data_type) {
        (Value::Null, _) => column.nullable,
        (Value::Bool(_), DataType::Boolean) => true,
        (Value::Number(number), data_type) if data_type.is_integer() => number.is_i64() || number.is_u64(),
        (Value::Number(_), data_type) => data_type.is_floating() || matches!(data_type, DataType::Timestamp(_, _)),
        (Value::String(_), data_type) => matches!(data_type, DataType::Utf8 | DataType::Timestamp(_, _)),
        // What has no scalar form in a frame is the decoder's to judge.
        (_, data_type) => !(data_type.is_numeric() || matches!(data_type, DataType::Boolean | DataType::Utf8 | DataType::Timestamp(_, _))),
    }
}

fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "true or false",
        DataType::Utf8 => "text",
        DataType::Timestamp(_, _) => "a time",
        data_type if data_type.is_integer() => "a whole number",
        _ => "a number",
    }
}

fn wrong(planning: &mut Planning<'_>, pointer: &str, message: String) {
    let message = format!("node `{}`: {message}", planning.id());
    let help = "write rows by column and row label: {\"sepal_length\": {\"0\": 5.8, \"1\": 6.1}}";
    planning.report(Diagnostic::error(Code::WrongValue, message).help(help), pointer);
}
