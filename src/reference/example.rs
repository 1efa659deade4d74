//! One example of a node or of a pandas operation: the events, the node's parameters, what comes out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::dataset::{DatasetSchema, SchemaError};
use crate::diagnostic::{Diagnostics, Document};

/// An example, as its file says it.
///
/// The file stands at `docs/examples/<type of node>.yaml`, or at `docs/examples/pandas/<operation>.yaml`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// One line on what it shows.
    pub about: String,
    /// The event's fields: the name of an Avro type, with `?` behind it where the field can be null; a mapping is a record, and one with
    /// `type` is Avro's own way to write a type.
    pub fields: Map<String, Value>,
    /// The node's parameters.
    #[serde(default)]
    pub params: Value,
    /// What `caz fit` froze for the node, by column.
    #[serde(default)]
    pub frozen: Map<String, Value>,
    /// The events, as JSON events have them.
    pub rows: Vec<Value>,
    /// The columns that leave the node, in order, each with its type as pandas names it.
    #[serde(default)]
    pub types: Map<String, Value>,
    /// What becomes of each event: a value for each column, or `{rejected: why}`, or `{skipped: why}`. Null is also NaN; infinity is the
    /// text `inf` or `-inf`.
    #[serde(default)]
    pub gives: Vec<Value>,
}

/// The file of every example, by its path below `docs/examples` without its ending, sorted.
pub fn examples() -> &'static [(&'static str, &'static str)] {
    include!(concat!(env!("OUT_DIR"), "/examples.rs"))
}

/// All examples as one JSON object, by the same names: what `scripts/examples` puts to pandas.
///
/// # Errors
/// When a file is not an example.
pub fn examples_json() -> Result<Value, String> {
    let read = |(name, text): &(&str, &str)| {
        let (example, _) = Example::read(name, text)?;
        Ok(((*name).to_owned(), serde_json::to_value(example).map_err(|error| error.to_string())?))
    };
    examples().iter().map(read).collect::<Result<Map<_, _>, String>>().map(Value::Object)
}

impl Example {
    /// The example of a type of node.
    pub fn of_node(type_name: &str) -> Option<&'static str> {
        text_of(type_name)
    }

    /// The example of an operation of the Pandas node.
    pub fn of_operation(operation: &str) -> Option<&'static str> {
        text_of(&format!("pandas/{operation}"))
    }

    /// Reads an example; the document is its text, in which the node's parameters stand at `/params`.
    ///
    /// # Errors
    /// When the text is not YAML, or not an example.
    pub fn read(name: &str, text: &str) -> Result<(Self, Arc<Document>), String> {
        let document = Document::parse(name, text, &|_| None).map_err(|found: Diagnostics| found.render(false))?;
        let example = serde_json::from_value(document.value().clone()).map_err(|error| format!("{name}: {error}"))?;
        Ok((example, document))
    }

    /// The schema of its events.
    ///
    /// # Errors
    /// When a type is not one of Avro's.
    pub fn schema(&self) -> Result<DatasetSchema, SchemaError> {
        DatasetSchema::parse_avro(&record("Event", &self.fields).to_string())
    }
}

fn text_of(name: &str) -> Option<&'static str> {
    examples().iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// An Avro record of these fields.
fn record(name: &str, fields: &Map<String, Value>) -> Value {
    let field = |(field, kind): (&String, &Value)| {
        let kind = match kind {
            Value::String(kind) => match kind.strip_suffix('?') {
                Some(kind) => json!(["null", named(kind)]),
                None => named(kind),
            },
            Value::Object(inner) if !inner.contains_key("type") => record(&format!("{name}_{field}"), inner),
            literal => literal.clone(),
        };
        json!({"name": field, "type": kind})
    };
    json!({"type": "record", "name": name, "fields": fields.iter().map(field).collect::<Vec<_>>()})
}

/// Avro writes a logical type with the type that carries it.
fn named(kind: &str) -> Value {
    match kind {
        "date" => json!({"type": "int", "logicalType": kind}),
        "timestamp-millis" | "timestamp-micros" | "timestamp-nanos" | "local-timestamp-millis" | "local-timestamp-micros" => {
            json!({"type": "long", "logicalType": kind})
        }
        plain => plain.into(),
    }
}
