//! Whether a value keeps to the rules of its XDM type, with the words of the validator behind Adobe's streaming ingestion (everit's).

use serde_json::Value;

use super::report::{Violation, shortened};
use crate::codec::scalar::Found;
use crate::codec::time;
use crate::dataset::{TextFormat, TextRules, XdmKind, XdmType};

/// The longest part of a value that a message shows.
const SHOWN: usize = 40;

/// The rules that a value breaks; of an array or an object only its being one is looked at.
#[inline]
pub(super) fn check(kind: &XdmType, found: Found<'_>) -> Vec<Violation> {
    let mut broken = Vec::new();
    match (&kind.kind, found) {
        (_, Found::Null) if kind.nullable => {}
        (XdmKind::Text(rules), Found::Text(text)) => text_rules(kind, rules, text, &mut broken),
        (XdmKind::Boolean, Found::Bool(_))
        | (XdmKind::Array { .. }, Found::Array)
        | (XdmKind::Map(_) | XdmKind::Object(_), Found::Object) => {}
        (XdmKind::Number { integral, bounds }, Found::Integer(_) | Found::Unsigned(_) | Found::Float(_)) => {
            let number = number(found);
            if *integral && number.fract() != 0.0 {
                return vec![wrong_type(kind, found)];
            }
            for bound in bounds.iter().filter(|bound| !bound.holds(number)) {
                broken.push(violation(kind, bound.keyword, format!("{found} is not {} {}", bound.relation(), bound.text)));
            }
        }
        _ => return vec![wrong_type(kind, found)],
    }
    if let Some(allowed) = &kind.allowed
        && !allowed.iter().any(|value| is_same(value, found))
    {
        broken.insert(0, violation(kind, "enum", format!("{} is not a valid enum value", shown(found))));
    }
    broken
}

/// The rules that an array of so many items breaks.
pub(super) fn check_items(kind: &XdmType, count: u64) -> Vec<Violation> {
    let XdmKind::Array { min_items, max_items, .. } = &kind.kind else { return Vec::new() };
    let few = min_items.filter(|least| count < *least);
    let few = few.map(|least| violation(kind, "minItems", format!("expected minimum item count: {least}, found: {count}")));
    let many = max_items.filter(|most| count > *most);
    let many = many.map(|most| violation(kind, "maxItems", format!("expected maximum item count: {most}, found: {count}")));
    few.into_iter().chain(many).collect()
}

/// An object lacks a member.
#[cold]
pub(super) fn missing(kind: &XdmType, name: &str) -> Violation {
    violation(kind, "required", format!("required key [{name}] not found"))
}

/// An object has a member that it may not have.
#[cold]
pub(super) fn extraneous(kind: &XdmType, name: &str) -> Violation {
    violation(kind, "additionalProperties", format!("extraneous key [{}] is not permitted", shortened(name, SHOWN)))
}

fn text_rules(kind: &XdmType, rules: &TextRules, text: &str, broken: &mut Vec<Violation>) {
    if rules.min_length.is_some() || rules.max_length.is_some() {
        let length = text.chars().count() as u64;
        if let Some(least) = rules.min_length.filter(|least| length < *least) {
            broken.push(violation(kind, "minLength", format!("expected minLength: {least}, actual: {length}")));
        }
        if let Some(most) = rules.max_length.filter(|most| length > *most) {
            broken.push(violation(kind, "maxLength", format!("expected maxLength: {most}, actual: {length}")));
        }
    }
    for pattern in rules.patterns.iter().filter(|pattern| !pattern.regex.is_match(text)) {
        let message = format!("string [{}] does not match pattern {}", shortened(text, SHOWN), pattern.text);
        broken.push(violation(kind, "pattern", message));
    }
    if let Some(format) = rules.format.as_ref().filter(|format| !is_of_format(format, text)) {
        let expected = match format {
            TextFormat::Date => ". Expected [yyyy-MM-dd]",
            TextFormat::DateTime => ". Expected [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,9}Z]",
            TextFormat::Other { .. } => "",
        };
        let message = format!("[{}] is not a valid {}{expected}", shortened(text, SHOWN), format.name());
        broken.push(violation(kind, "format", message));
    }
}

fn is_of_format(format: &TextFormat, text: &str) -> bool {
    match format {
        TextFormat::Date => time::date(text).is_some(),
        TextFormat::DateTime => time::is_date_time(text),
        TextFormat::Other { validator, .. } => validator.is_valid(&Value::String(text.to_owned())),
    }
}

fn is_same(value: &Value, found: Found<'_>) -> bool {
    match (value, found) {
        (Value::Null, Found::Null) => true,
        (Value::Bool(one), Found::Bool(other)) => *one == other,
        (Value::String(one), Found::Text(other)) => one == other,
        (Value::Number(one), Found::Integer(_) | Found::Unsigned(_) | Found::Float(_)) => one.as_f64() == Some(number(found)),
        _ => false,
    }
}

/// The nearest double, as every reader of JSON may take a number; XDM's integers have exact ones.
#[expect(clippy::cast_precision_loss, reason = "an integer beyond 53 bits is beyond every bound, however it is rounded")]
fn number(found: Found<'_>) -> f64 {
    match found {
        Found::Integer(value) => value as f64,
        Found::Unsigned(value) => value as f64,
        Found::Float(value) => value,
        _ => f64::NAN,
    }
}

fn shown(found: Found<'_>) -> String {
    match found {
        Found::Text(text) => shortened(text, SHOWN),
        other => other.to_string(),
    }
}

#[cold]
fn wrong_type(kind: &XdmType, found: Found<'_>) -> Violation {
    let expected = match &kind.kind {
        XdmKind::Text(_) => "String",
        XdmKind::Number { integral: true, .. } => "Integer",
        XdmKind::Number { .. } => "Number",
        XdmKind::Boolean => "Boolean",
        XdmKind::Array { .. } => "JSONArray",
        XdmKind::Map(_) | XdmKind::Object(_) => "JSONObject",
    };
    let found = match found {
        Found::Null => "Null",
        Found::Bool(_) => "Boolean",
        Found::Integer(_) => "Long",
        Found::Unsigned(_) => "BigInteger",
        Found::Float(_) => "Double",
        Found::Text(_) => "String",
        Found::Array => "JSONArray",
        Found::Object => "JSONObject",
    };
    violation(kind, "type", format!("expected type: {expected}, found: {found}"))
}

#[cold]
fn violation(kind: &XdmType, keyword: &'static str, message: String) -> Violation {
    Violation { location: kind.location.clone(), keyword, message }
}
