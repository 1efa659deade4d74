//! The rules of texts: patterns as ECMAScript writes them, and formats.

use regex::Regex;
use serde_json::json;

use super::types::{Pattern, TextFormat};

/// The formats beside `date` and `date-time` that are checked. Any other is a note to people, as JSON Schema has it.
const FORMATS: [&str; 13] = [
    "email",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "regex",
    "time",
    "uri",
    "uri-reference",
    "uuid",
];

impl Pattern {
    /// Reads a pattern; none for one that Rust's regular expressions do not have, such as look-around.
    pub(super) fn new(text: &str) -> Option<Self> {
        let regex = Regex::new(&jsonschema_regex::to_rust_regex(text).ok()?).ok()?;
        Some(Self { text: text.to_owned(), regex })
    }
}

impl TextFormat {
    /// The format of a name; none for one that is not checked.
    pub(super) fn new(name: &str) -> Option<Self> {
        match name {
            "date" => Some(Self::Date),
            "date-time" => Some(Self::DateTime),
            _ if FORMATS.contains(&name) => {
                let schema = json!({"type": "string", "format": name});
                let validator = jsonschema::options().should_validate_formats(true).build(&schema).ok()?;
                Some(Self::Other { name: name.to_owned(), validator })
            }
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Other { name, .. } => name,
        }
    }
}
