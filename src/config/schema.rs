//! The JSON Schema of pipeline files, for editors.

use super::file::PipelineFile;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The JSON Schema (draft 2020-12) of a pipeline file as it is written: wherever a number, a choice or a text of a certain form
/// stands, `${VAR}` may stand as well, and null for every key that may be left out.
pub fn json_schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<PipelineFile>().to_value();
    allow_variables(&mut schema);
    allow_nulls(&mut schema);
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions
            .insert("Variable".to_owned(), json!({"type": "string", "pattern": r"\$\{", "description": "Filled in from the environment."}));
    }
    schema
}

fn allow_variables(schema: &mut Value) {
    if is_narrow(schema) {
        let mut narrow = schema.take();
        let shown = ["title", "description", "default", "examples"];
        let shown = shown.map(|key| (key, narrow.as_object_mut().and_then(|keywords| keywords.shift_remove(key))));
        *schema = json!({"anyOf": [narrow, {"$ref": "#/$defs/Variable"}]});
        for (key, value) in shown {
            if let Some(value) = value {
                schema[key] = value;
            }
        }
        return;
    }
    visit_inner(schema, allow_variables);
}

/// As [`Document::read_without_nulls`](crate::diagnostic::Document::read_without_nulls) reads.
fn allow_nulls(schema: &mut Value) {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_required = |key: &str| required.iter().any(|name| name.as_str() == Some(key));
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.iter_mut().filter(|(key, _)| !is_required(key)).for_each(|(_, property)| allow_null(property));
    }
    if let Some(property) = schema.get_mut("additionalProperties").filter(|property| property.is_object()) {
        allow_null(property);
    }
    visit_inner(schema, allow_nulls);
}

fn allow_null(schema: &mut Value) {
    if allows_null(schema) {
        return;
    }
    if let Some(Value::Array(branches)) = schema.get_mut("anyOf") {
        branches.push(json!({"type": "null"}));
    } else if let Some(kind) = schema.get_mut("type") {
        *kind = match kind.take() {
            Value::Array(kinds) => kinds.into_iter().chain([json!("null")]).collect(),
            only => json!([only, "null"]),
        };
    } else if let Some(reference) = schema.as_object_mut().and_then(|keywords| keywords.shift_remove("$ref")) {
        schema["anyOf"] = json!([{"$ref": reference}, {"type": "null"}]);
    }
}

fn allows_null(schema: &Value) -> bool {
    let is_null = |name: &Value| name.as_str() == Some("null");
    let among = |keyword: &str, allows: &dyn Fn(&Value) -> bool| match schema.get(keyword) {
        Some(Value::Array(several)) => several.iter().any(allows),
        Some(only) => allows(only),
        None => false,
    };
    among("type", &is_null) || among("anyOf", &allows_null)
}

fn visit_inner(schema: &mut Value, visit: fn(&mut Value)) {
    let Some(keywords) = schema.as_object_mut() else { return };
    for (keyword, inner) in keywords {
        match (keyword.as_str(), inner) {
            ("properties" | "$defs", Value::Object(schemas)) => schemas.values_mut().for_each(visit),
            ("anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => schemas.iter_mut().for_each(visit),
            ("items" | "additionalProperties", inner) => visit(inner),
            _ => {}
        }
    }
}

/// Whether the schema allows single values, but not any string.
fn is_narrow(schema: &Value) -> bool {
    let choice = |schema: &Value| schema.get("const").is_some() || schema.get("enum").is_some();
    if let Some(alternatives) = schema.get("oneOf").and_then(Value::as_array) {
        return alternatives.iter().all(choice);
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(only)) => vec![only],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => return choice(schema),
    };
    let collection = types.iter().any(|name| matches!(*name, "object" | "array"));
    let any_string = types.contains(&"string") && schema.get("pattern").is_none() && !choice(schema);
    !collection && !any_string
}
