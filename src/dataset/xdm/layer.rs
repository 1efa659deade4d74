//! The layers of a type: the schemas that all say something of the same value, and what follows from all of them.

use serde_json::{Map, Value};

use super::class;
use super::types::Bound;
use crate::diagnostic::join;

/// A schema, and where it stands.
#[derive(Clone)]
pub(super) struct Layer<'a> {
    pub(super) schema: &'a Value,
    /// In the document; of what Adobe defines, where the document refers to it.
    pub(super) pointer: String,
    /// Whether it stands in the document itself.
    pub(super) is_ours: bool,
}

impl<'a> Layer<'a> {
    pub(super) fn get(&self, keyword: &str) -> Option<Layer<'a>> {
        self.schema.get(keyword).map(|schema| self.within(keyword, schema))
    }

    pub(super) fn within(&self, key: &str, schema: &'a Value) -> Layer<'a> {
        let pointer = if self.is_ours { join(&self.pointer, key) } else { self.pointer.clone() };
        Layer { schema, pointer, is_ours: self.is_ours }
    }

    /// The schemas by name under a keyword.
    pub(super) fn named(&self, keyword: &str) -> impl Iterator<Item = (&'a str, Layer<'a>)> {
        let inner = self.get(keyword);
        let schemas: Option<&'a Map<String, Value>> = self.schema.get(keyword).and_then(Value::as_object);
        schemas.into_iter().flatten().filter_map(move |(name, schema)| Some((name.as_str(), inner.as_ref()?.within(name, schema))))
    }
}

/// A member's name, and the schemas that all say something of it.
pub(super) type Member<'a> = (&'a str, Vec<Layer<'a>>);

/// Whether a schema says that it is of the class ExperienceEvent.
pub(super) fn is_of_class(schema: &Value) -> bool {
    let is_class = |value: &Value| value.as_str() == Some(class::EXPERIENCE_EVENT);
    let extends = schema.get("meta:extends").and_then(Value::as_array);
    schema.get("meta:class").is_some_and(is_class) || extends.is_some_and(|extended| extended.iter().any(is_class))
}

/// Adds the fields of the class that the schema relies on and does not have.
pub(super) fn add_required<'a>(members: &mut Vec<Member<'a>>) {
    for [name, alias] in class::REQUIRED {
        let properties = class::defined(class::EXPERIENCE_EVENT).and_then(|class| class.get("properties"));
        let schema = properties.and_then(|properties| properties.get(name));
        if let Some(schema) = schema.filter(|_| !members.iter().any(|(known, _)| *known == name || *known == alias)) {
            members.push((name, vec![Layer { schema, pointer: String::new(), is_ours: false }]));
        }
    }
}

/// The limits of a number: those of its XDM type, and every one that the schema writes, the tightest of each keyword.
pub(super) fn bounds(layers: &[Layer<'_>], json: &str, said: Option<&str>) -> Vec<Bound> {
    let own = match (json, said) {
        ("number", _) => None,
        (_, Some("byte")) => Some(128_i64),
        (_, Some("short")) => Some(32_768),
        (_, Some("int")) => Some(2_147_483_648),
        // Also an integer that says no more: beyond these a double, which JSON's numbers are elsewhere, does not tell neighbours apart.
        _ => Some(9_007_199_254_740_991),
    };
    let bound = |keyword, value: f64, text: String| Bound { keyword, value, text };
    let mut bounds: Vec<Bound> = own
        .into_iter()
        .flat_map(|most| [("minimum", -most), ("maximum", most)])
        .map(|(keyword, value)| bound(keyword, value as f64, value.to_string()))
        .collect();
    for keyword in ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"] {
        for number in layers.iter().filter_map(|layer| layer.schema.get(keyword)) {
            let Some(value) = number.as_f64() else { continue };
            let tighter = bound(keyword, value, number.to_string());
            match bounds.iter_mut().find(|known| known.keyword == keyword) {
                Some(known) if known.holds(value) => *known = tighter,
                Some(_) => {}
                None => bounds.push(tighter),
            }
        }
    }
    bounds
}

/// The values that all layers allow, where any says.
pub(super) fn allowed(layers: &[Layer<'_>]) -> Option<Vec<Value>> {
    let lists = layers.iter().flat_map(|layer| {
        let list = layer.schema.get("enum").and_then(Value::as_array).cloned();
        list.into_iter().chain(layer.schema.get("const").map(|only| vec![only.clone()]))
    });
    lists.reduce(|mut one, other| {
        one.retain(|value| other.contains(value));
        one
    })
}

pub(super) fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}
