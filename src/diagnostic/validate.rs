//! A document's value as a typed one, with every mistake at its place.
//!
//! One definition serves: the type's JSON Schema tells all mistakes at once, its `Deserialize` makes the value.

use super::{
    Code, Diagnostic, Diagnostics, Document, join, nearest,
    place::segments,
    scalar,
    secret::{mask, shown_part},
    violation::{Precision, Violation, Wording},
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use std::{borrow::Cow, sync::Arc};

impl Document {
    /// The value at an RFC 6901 pointer as a `T`, or nothing after reporting every mistake in it.
    ///
    /// A value that is not there reads as an empty mapping, so that what it should hold is reported at its nearest parent; so does null in
    /// the place of a mapping with a key of its own, such as a node's `params:`.
    /// `T` refuses unknown keys by `#[serde(deny_unknown_fields)]`; a schema with `title` and `examples` is named by them in messages,
    /// such as "a duration with its unit" and `100ms`.
    pub fn read_as<T: DeserializeOwned + JsonSchema>(self: &Arc<Self>, pointer: &str, diagnostics: &mut Diagnostics) -> Option<T> {
        self.deserialize(pointer, false, diagnostics)
    }

    /// As [`Document::read_as`], but null stands for being left out wherever a key may be left out.
    pub fn read_without_nulls<T: DeserializeOwned + JsonSchema>(
        self: &Arc<Self>,
        pointer: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        self.deserialize(pointer, true, diagnostics)
    }

    fn deserialize<T: DeserializeOwned + JsonSchema>(
        self: &Arc<Self>,
        pointer: &str,
        leaves_out_nulls: bool,
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
        let empty = Value::Object(serde_json::Map::new());
        let is_left_out = |value: &Value| value.is_null() && !pointer.is_empty() && schema.get("type").is_some_and(|kind| kind == "object");
        let given = self.value().pointer(pointer).filter(|value| !is_left_out(value));
        let mut value = Cow::Borrowed(given.unwrap_or(&empty));
        let mut found = violations(self, pointer, &schema, &value);
        let some_texts = put_texts(self, pointer, &found, &mut value);
        let left_out = if leaves_out_nulls { leave_out_nulls(&found, &mut value) } else { Vec::new() };
        if some_texts || !left_out.is_empty() {
            found = violations(self, pointer, &schema, &value);
        }
        if put_back_required(&left_out, &found, &mut value) {
            found = violations(self, pointer, &schema, &value);
        }
        if !found.is_empty() {
            let reporter = Reporter { document: self, base: pointer, found: &found };
            found.iter().filter_map(|violation| reporter.diagnostic(violation)).for_each(|diagnostic| diagnostics.push(diagnostic));
            return None;
        }
        // What is unknown was reported when the document was read, and stands for no value.
        if holds_unknown(self, pointer, &value) {
            return None;
        }
        match serde_path_to_error::deserialize(&*value) {
            Ok(value) => Some(value),
            Err(error) => {
                diagnostics.push(undeserialised(self, pointer, &error));
                None
            }
        }
    }
}

fn violations(document: &Document, base: &str, schema: &Value, value: &Value) -> Vec<Violation> {
    match jsonschema::options().offline().build(schema) {
        Ok(validator) => {
            let wording = Wording { document, base, schema };
            wording.violations(validator.iter_errors(value).collect::<Vec<_>>().iter())
        }
        Err(error) => vec![Violation::Other { at: String::new(), message: format!("its schema cannot be used: {error}") }],
    }
}

/// Puts a variable's text where the value that it looks like is of the wrong type, such as a password of digits; whether there was one.
/// What is written in the file can have quotes.
fn put_texts(document: &Document, base: &str, found: &[Violation], value: &mut Cow<'_, Value>) -> bool {
    let mut some = false;
    for violation in found {
        let Violation::WrongValue { at, precision: Precision::Type, .. } = violation else { continue };
        let pointer = format!("{base}{at}");
        let Some(text) = document.written(&pointer).filter(|_| document.is_private(&pointer)) else { continue };
        if let Some(place) = value.to_mut().pointer_mut(at) {
            *place = Value::from(text);
            some = true;
        }
    }
    some
}

/// Leaves out each key whose null is no value: its mapping's pointer, and its name.
fn leave_out_nulls(found: &[Violation], value: &mut Cow<'_, Value>) -> Vec<(String, String)> {
    let mut left_out = Vec::new();
    for violation in found {
        let Violation::WrongValue { at, .. } = violation else { continue };
        let Some(((mapping, _), key)) = at.rsplit_once('/').zip(segments(at).next_back()) else { continue };
        if value.pointer(at).is_some_and(Value::is_null)
            && let Some(Value::Object(entries)) = value.to_mut().pointer_mut(mapping)
        {
            entries.remove(&key);
            left_out.push((mapping.to_owned(), key));
        }
    }
    left_out
}

/// Puts back the nulls of keys that must be there, so that each is reported at its place; whether there was one.
fn put_back_required(left_out: &[(String, String)], found: &[Violation], value: &mut Cow<'_, Value>) -> bool {
    let is_missing = |mapping: &str, name: &str| {
        found.iter().any(|violation| matches!(violation, Violation::MissingKey { at, key, .. } if at == mapping && key == name))
    };
    let mut some = false;
    for (mapping, key) in left_out.iter().filter(|(mapping, key)| is_missing(mapping, key)) {
        if let Some(Value::Object(entries)) = value.to_mut().pointer_mut(mapping) {
            entries.insert(key.clone(), Value::Null);
            some = true;
        }
    }
    some
}

fn holds_unknown(document: &Document, pointer: &str, value: &Value) -> bool {
    document.is_unknown(pointer)
        || match value {
            Value::Array(items) => {
                items.iter().enumerate().any(|(index, item)| holds_unknown(document, &format!("{pointer}/{index}"), item))
            }
            Value::Object(entries) => entries.iter().any(|(key, item)| holds_unknown(document, &join(pointer, key), item)),
            _ => false,
        }
}

/// A mistake that only deserialising can see, such as a number too large for its type.
fn undeserialised(document: &Arc<Document>, base: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Diagnostic {
    let pointer = error.path().iter().fold(base.to_owned(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => join(&pointer, key),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    });
    let name = name_of(document, &pointer);
    let private = document.is_private(&pointer);
    // To a schema 4.0 is an integer.
    if let Some(value) = document.value().pointer(&pointer).filter(|value| value.is_f64()) {
        let diagnostic = Diagnostic::error(Code::WrongValue, format!("{name} must be an integer")).at(document, &pointer);
        return diagnostic.label(format!("found {}", shown(value, private)));
    }
    let message = if private {
        format!("{name} has a value that cannot be used")
    } else {
        format!("{name} has a value that cannot be used: {}", error.inner())
    };
    Diagnostic::error(Code::WrongValue, message).at(document, &pointer)
}

/// What messages call the value at a pointer.
fn name_of(document: &Document, pointer: &str) -> String {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return "the file".to_owned() };
    let is_item = document.value().pointer(parent).is_some_and(Value::is_array);
    match last.parse::<usize>() {
        Ok(index) if is_item && parent.is_empty() => format!("item {}", index.saturating_add(1)),
        Ok(index) if is_item => format!("item {} of {}", index.saturating_add(1), name_of(document, parent)),
        _ => format!("`{}`", last.replace("~1", "/").replace("~0", "~")),
    }
}

/// What mends a text that was meant to be a number, a Boolean or null.
const QUOTED_VARIABLE: &str = "a variable in quotes is always text; for a number, true, false or null write it without them, on a line \
                               of its own in YAML: `key: ${NAME}`";

/// Turns violations into diagnostics.
struct Reporter<'a> {
    document: &'a Arc<Document>,
    base: &'a str,
    found: &'a [Violation],
}

impl Reporter<'_> {
    fn diagnostic(&self, violation: &Violation) -> Option<Diagnostic> {
        match violation {
            Violation::UnknownKey { at, key, allowed } => Some(self.unknown_key(at, key, allowed)),
            Violation::MissingKey { at, key, help, .. } => (!self.is_misspelt(at, key)).then(|| self.missing_key(at, key, help)),
            Violation::WrongValue { at, precision, must, allowed, example } => {
                let diagnostic = self.wrong_value(at, must, allowed, example.as_deref());
                Some(if self.is_text_by_quotes(at, *precision) { diagnostic.help(QUOTED_VARIABLE) } else { diagnostic })
            }
            Violation::Other { at, message } => {
                let pointer = self.pointer(at);
                Some(
                    Diagnostic::error(Code::WrongValue, format!("{}: {message}", name_of(self.document, &pointer)))
                        .at(self.document, &pointer),
                )
            }
        }
    }

    fn pointer(&self, at: &str) -> String {
        format!("{}{at}", self.base)
    }

    /// Whether what stands there is a text only because the variable in it is in quotes.
    fn is_text_by_quotes(&self, at: &str, precision: Precision) -> bool {
        let pointer = self.pointer(at);
        let text = self.document.value().pointer(&pointer).and_then(Value::as_str).unwrap_or_default();
        let matters = precision == Precision::Type || text.is_empty();
        // What the environment says is never null, with quotes or without.
        let is_text = |plain: Value| plain.is_string() || plain.is_null() && self.document.is_private(&pointer);
        matters && self.document.is_quoted_variable(&pointer) && scalar::plain(text).is_ok_and(|plain| !is_text(plain))
    }

    fn unknown_key(&self, at: &str, key: &str, allowed: &[String]) -> Diagnostic {
        let object = self.pointer(at);
        let place = if object.is_empty() { String::new() } else { format!(" in {}", name_of(self.document, &object)) };
        let shown = shown_part(key);
        let label = match nearest(key, allowed.iter().map(String::as_str)) {
            _ if shown.len() < key.len() => "a blank is missing behind the colon".to_owned(),
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "unknown key".to_owned(),
        };
        let diagnostic = Diagnostic::error(Code::UnknownKey, format!("unknown key `{shown}`{place}"))
            .at_key(self.document, &join(&object, key))
            .label(label);
        if allowed.is_empty() {
            diagnostic.help("no keys are allowed here")
        } else {
            diagnostic.help(format!("allowed keys: {}", quoted(allowed)))
        }
    }

    /// Whether an unknown key of the same mapping is the missing one with a slip: one report is enough.
    fn is_misspelt(&self, at: &str, missing: &str) -> bool {
        self.found.iter().any(|violation| match violation {
            Violation::UnknownKey { at: other, key, allowed } => {
                other == at && nearest(key, allowed.iter().map(String::as_str)) == Some(missing)
            }
            _ => false,
        })
    }

    fn missing_key(&self, at: &str, key: &str, help: &[String]) -> Diagnostic {
        let object = self.pointer(at);
        let place = if object.is_empty() { String::new() } else { format!(" in {}", name_of(self.document, &object)) };
        let mut diagnostic = Diagnostic::error(Code::MissingKey, format!("missing key `{key}`{place}"))
            .at_key(self.document, &object)
            .label(format!("needs `{key}`"));
        if let Some((_, span)) = diagnostic.location.as_mut().filter(|_| object.is_empty()) {
            // The file has no key of its own: its start, not its whole first entry.
            span.end = span.start;
        }
        help.iter().fold(diagnostic, Diagnostic::help)
    }

    fn wrong_value(&self, at: &str, must: &str, allowed: &[String], example: Option<&str>) -> Diagnostic {
        let pointer = self.pointer(at);
        let value = self.document.value().pointer(&pointer).unwrap_or(&Value::Null);
        let private = self.document.is_private(&pointer);
        let meant = value.as_str().filter(|_| !private).and_then(|text| nearest(text, allowed.iter().map(String::as_str)));
        let label = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("found {}", shown(value, private)),
        };
        let diagnostic = Diagnostic::error(Code::WrongValue, format!("{} must be {must}", name_of(self.document, &pointer)))
            .at(self.document, &pointer)
            .label(label);
        match example {
            Some(example) => diagnostic.help(format!("for example {example}")),
            None => diagnostic,
        }
    }
}

/// "`a`, `b`"
pub(super) fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A value as messages name it: its type and, when it is not private, as much of it as is short, without the password of a URL.
fn shown(value: &Value, private: bool) -> String {
    const LONGEST: usize = 40;
    let kind = match value {
        Value::Null => return "nothing".to_owned(),
        Value::Array(items) => return format!("a list of {} item{}", items.len(), if items.len() == 1 { "" } else { "s" }),
        Value::String(text) if text.is_empty() => return "an empty string".to_owned(),
        Value::Object(_) => return "a mapping".to_owned(),
        Value::Bool(_) => "the boolean",
        Value::String(_) => "the string",
        Value::Number(number) if number.is_f64() => "the number",
        Value::Number(_) => "the integer",
    };
    if private {
        return kind.replacen("the", if kind == "the integer" { "an" } else { "a" }, 1) + ", which is not shown";
    }
    let text = value.as_str().map_or_else(|| value.to_string(), |text| mask(text, &[]));
    let cut = text.char_indices().nth(LONGEST).map(|(cut, _)| format!("{}...", &text[..cut]));
    format!("{kind} `{}`", cut.unwrap_or(text))
}
