//! The JSON Schema of pipeline files, for editors.

use super::file::PipelineFile;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The JSON Schema (draft 2020-12) of a pipeline file as it is written: wherever a number, a choice or a text of a certain form
/// stands, `${VAR}` may stand as well.
pub fn json_schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<PipelineFile>().to_value();
    allow_variables(&mut schema);
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
    let Some(keywords) = schema.as_object_mut() else { return };
    for (keyword, inner) in keywords {
        match (keyword.as_str(), inner) {
            ("properties" | "$defs", Value::Object(schemas)) => schemas.values_mut().for_each(allow_variables),
            ("anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => schemas.iter_mut().for_each(allow_variables),
            ("items" | "additionalProperties", inner) => allow_variables(inner),
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
