//! The keywords of JSON Schema that XDM uses, and what their values must be.

use serde_json::Value;

use crate::diagnostic::{join, nearest};

/// A mistake: its pointer, what is wrong, and what is right.
type Mistake = (String, String, Option<String>);

/// What the value of a keyword is.
#[derive(Clone, Copy)]
enum Form {
    Types,
    Text,
    Number,
    Count,
    Texts,
    List,
    Schemas,
    SchemaList,
    Schema,
    XdmType,
    /// A keyword that would decide about values, and that is not followed.
    Refused,
    /// Anything, for people.
    Note,
}

const KEYWORDS: [(&str, Form); 57] = [
    ("$comment", Form::Note),
    ("$defs", Form::Schemas),
    ("$dynamicRef", Form::Refused),
    ("$id", Form::Text),
    ("$recursiveRef", Form::Refused),
    ("$ref", Form::Text),
    ("$schema", Form::Text),
    ("additionalItems", Form::Refused),
    ("additionalProperties", Form::Schema),
    ("allOf", Form::SchemaList),
    ("anyOf", Form::Refused),
    ("const", Form::Note),
    ("contains", Form::Refused),
    ("default", Form::Note),
    ("definitions", Form::Schemas),
    ("dependencies", Form::Refused),
    ("dependentRequired", Form::Refused),
    ("dependentSchemas", Form::Refused),
    ("deprecated", Form::Note),
    ("description", Form::Text),
    ("else", Form::Refused),
    ("enum", Form::List),
    ("examples", Form::Note),
    ("exclusiveMaximum", Form::Number),
    ("exclusiveMinimum", Form::Number),
    ("format", Form::Text),
    ("if", Form::Refused),
    ("imsOrg", Form::Note),
    ("items", Form::Schema),
    ("maxItems", Form::Count),
    ("maxLength", Form::Count),
    ("maxProperties", Form::Refused),
    ("maximum", Form::Number),
    ("meta:class", Form::Text),
    ("meta:extends", Form::Texts),
    ("meta:xdmType", Form::XdmType),
    ("minItems", Form::Count),
    ("minLength", Form::Count),
    ("minProperties", Form::Refused),
    ("minimum", Form::Number),
    ("multipleOf", Form::Refused),
    ("not", Form::Refused),
    ("oneOf", Form::Refused),
    ("pattern", Form::Text),
    ("patternProperties", Form::Refused),
    ("prefixItems", Form::Refused),
    ("properties", Form::Schemas),
    ("propertyNames", Form::Refused),
    ("refs", Form::Note),
    ("required", Form::Texts),
    ("then", Form::Refused),
    ("title", Form::Text),
    ("type", Form::Types),
    ("unevaluatedItems", Form::Refused),
    ("unevaluatedProperties", Form::Refused),
    ("uniqueItems", Form::Refused),
    ("version", Form::Note),
];

const JSON_TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// XDM's types, each with its JSON type.
const XDM_TYPES: [(&str, &str); 14] = [
    ("array", "array"),
    ("boolean", "boolean"),
    ("byte", "integer"),
    ("date", "string"),
    ("date-time", "string"),
    ("double", "number"),
    ("int", "integer"),
    ("integer", "integer"),
    ("long", "integer"),
    ("map", "object"),
    ("number", "number"),
    ("object", "object"),
    ("short", "integer"),
    ("string", "string"),
];

/// A JSON type by name.
pub(super) fn json_type(name: &str) -> Option<&'static str> {
    JSON_TYPES.iter().find(|known| **known == name).copied()
}

/// An XDM type by name, with its JSON type.
pub(super) fn xdm_type(name: &str) -> Option<(&'static str, &'static str)> {
    XDM_TYPES.iter().find(|(known, _)| *known == name).copied()
}

/// What is wrong with the keywords of a schema, those of the schemas in it left out.
pub(super) fn mistakes(schema: &Value, pointer: &str) -> Vec<Mistake> {
    let keywords = schema.as_object().into_iter().flatten();
    keywords.filter_map(|(keyword, value)| mistake(keyword, value, &join(pointer, keyword))).collect()
}

fn mistake(keyword: &str, value: &Value, pointer: &str) -> Option<Mistake> {
    let wrong = |message: String, help: Option<String>| Some((pointer.to_owned(), message, help));
    let must = |what: &str| wrong(format!("`{keyword}` must be {what}"), None);
    let Some((_, form)) = KEYWORDS.iter().find(|(known, _)| *known == keyword) else {
        // Schemas may carry notes under any name, so only what looks like a slip is one.
        let near = nearest(keyword, KEYWORDS.iter().map(|(known, _)| *known)).filter(|_| !keyword.contains(':'))?;
        return wrong(format!("`{keyword}` is no keyword"), Some(format!("did you mean `{near}`?")));
    };
    let all_text = |values: &[Value]| values.iter().all(Value::is_string);
    match (form, value) {
        (Form::Types, Value::String(name)) => unknown_type(name, pointer),
        (Form::Types, Value::Array(names)) => {
            names.iter().enumerate().find_map(|(index, name)| unknown_type(name.as_str().unwrap_or(""), &join(pointer, &index.to_string())))
        }
        (Form::Types, _) => must("a type's name, or a list of them"),
        (Form::XdmType, Value::String(name)) if xdm_type(name).is_none() => {
            let names = XDM_TYPES.iter().map(|(known, _)| *known);
            let near = nearest(name, names.clone()).map(|near| format!("did you mean `{near}`?"));
            let all = || format!("one of {}", names.clone().collect::<Vec<_>>().join(", "));
            wrong(format!("XDM has no type `{name}`"), Some(near.unwrap_or_else(all)))
        }
        (Form::Text | Form::XdmType, value) if !value.is_string() => must("text"),
        (Form::Number, value) if !value.is_number() => must("a number"),
        (Form::Count, value) if value.as_u64().is_none() => must("a whole number from 0 on"),
        (Form::Texts, value) if !value.as_array().is_some_and(|values| all_text(values)) => must("a list of names"),
        (Form::List, value) if value.as_array().is_none_or(Vec::is_empty) => must("a list of values, at least one"),
        (Form::SchemaList, value) if !value.is_array() => must("a list of schemas"),
        (Form::Schemas, value) if !value.is_object() => must("an object of schemas by name"),
        (Form::Schema, value) if !value.is_object() && !value.is_boolean() => must("a schema"),
        (Form::Refused, value) if !allows_all(keyword, value) => {
            wrong(format!("`{keyword}` is not supported"), Some("without it caz would take values that the schema refuses".to_owned()))
        }
        _ => None,
    }
}

/// Whether a keyword that is not followed refuses no value.
fn allows_all(keyword: &str, value: &Value) -> bool {
    match keyword {
        "uniqueItems" => *value == Value::Bool(false),
        "unevaluatedItems" | "unevaluatedProperties" => *value == Value::Bool(true),
        _ => false,
    }
}

fn unknown_type(name: &str, pointer: &str) -> Option<Mistake> {
    if json_type(name).is_some() {
        return None;
    }
    let near = nearest(name, JSON_TYPES).map(|near| format!("did you mean `{near}`?"));
    let help = near.unwrap_or_else(|| format!("one of {}", JSON_TYPES.join(", ")));
    Some((pointer.to_owned(), format!("JSON has no type `{name}`"), Some(help)))
}
