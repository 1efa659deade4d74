//! What a value must be, as a schema says it once its parts are put together.

use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

/// A type with its rules.
#[derive(Debug)]
pub(crate) struct XdmType {
    /// Where it stands in the schema whose parts are put together, as reports write it: `#/properties/a`.
    pub(crate) location: String,
    pub(crate) kind: XdmKind,
    /// Whether null is one of its values.
    pub(crate) nullable: bool,
    /// The only values that it has; all of its kind when absent.
    pub(crate) allowed: Option<Vec<Value>>,
}

impl XdmType {
    /// Takes the members that are null out of a value, but for those that must be there, and for entries of maps whose values may be null.
    pub(crate) fn drop_nulls(&self, value: &mut Value) {
        match (&self.kind, value) {
            (XdmKind::Array { item, .. }, Value::Array(items)) => items.iter_mut().for_each(|value| item.drop_nulls(value)),
            (XdmKind::Map(kind), Value::Object(entries)) => {
                entries.retain(|_, value| kind.nullable || !value.is_null());
                entries.values_mut().for_each(|value| kind.drop_nulls(value));
            }
            (XdmKind::Object(object), Value::Object(members)) => {
                members.retain(|name, value| !value.is_null() || object.member(name).is_some_and(|member| member.required));
                for (name, value) in members {
                    match (object.member(name), &object.extra) {
                        (Some(member), _) => member.kind.drop_nulls(value),
                        (None, Extra::Each(kind)) => kind.drop_nulls(value),
                        (None, Extra::Any | Extra::None) => {}
                    }
                }
            }
            _ => {}
        }
    }
}

#[derive(Debug)]
pub(crate) enum XdmKind {
    Text(TextRules),
    /// A number, without fraction when `integral`.
    Number {
        integral: bool,
        /// The tightest of each that the schema says, and of the type's own.
        bounds: Vec<Bound>,
    },
    Boolean,
    Array {
        item: Arc<XdmType>,
        min_items: Option<u64>,
        max_items: Option<u64>,
    },
    /// An object whose members are all of one type, under any name.
    Map(Arc<XdmType>),
    Object(XdmObject),
}

/// The rules of a text.
#[derive(Debug, Default)]
pub(crate) struct TextRules {
    /// Characters.
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) format: Option<TextFormat>,
}

/// A regular expression that is found in each of the type's texts.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// As the schema writes it.
    pub(crate) text: String,
    pub(crate) regex: Regex,
}

/// What a text is a form of.
#[derive(Debug)]
pub(crate) enum TextFormat {
    Date,
    DateTime,
    /// Another one that JSON Schema defines, with its validator.
    Other {
        name: String,
        validator: jsonschema::Validator,
    },
}

/// A limit of a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bound {
    pub(crate) keyword: &'static str,
    pub(crate) value: f64,
    /// As the schema writes it.
    pub(crate) text: String,
}

impl Bound {
    /// Whether a number keeps to it.
    pub(crate) fn holds(&self, number: f64) -> bool {
        match self.keyword {
            "minimum" => number >= self.value,
            "exclusiveMinimum" => number > self.value,
            "maximum" => number <= self.value,
            _ => number < self.value,
        }
    }

    /// What a number that does not keep to it is not.
    pub(crate) fn relation(&self) -> &'static str {
        match self.keyword {
            "minimum" => "greater or equal to",
            "exclusiveMinimum" => "greater than",
            "maximum" => "less or equal to",
            _ => "less than",
        }
    }
}

/// An object with members of its own.
#[derive(Debug)]
pub(crate) struct XdmObject {
    pub(crate) members: Vec<XdmMember>,
    pub(crate) extra: Extra,
}

impl XdmObject {
    /// The member that an event writes by this name.
    fn member(&self, name: &str) -> Option<&XdmMember> {
        self.members.iter().find(|member| member.name == name || member.aliases.iter().any(|alias| alias == name))
    }
}

/// What members may be that an object does not name.
#[derive(Debug)]
pub(crate) enum Extra {
    Any,
    None,
    Each(Arc<XdmType>),
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct XdmMember {
    pub(crate) name: String,
    /// The other names that an event may write it by.
    pub(crate) aliases: Vec<String>,
    pub(crate) required: bool,
    /// The schema's words about it.
    pub(crate) doc: Option<String>,
    pub(crate) kind: Arc<XdmType>,
}
