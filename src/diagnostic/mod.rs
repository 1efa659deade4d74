//! What is wrong with a file that a user wrote: where, why, what is allowed, and how to mend it.
//!
//! Every check reports into one [`Diagnostics`] and goes on, so that a user sees all mistakes at once.

mod code;
mod document;
mod environment;
mod nearest;
mod place;
mod render;
mod scalar;
mod secret;
mod source;
#[cfg(test)]
mod tests;
mod validate;
mod violation;
mod yaml;

pub use code::Code;
pub use document::{Document, Span};
pub use nearest::nearest;
pub use place::join;
pub use secret::is_secret_key;
pub(crate) use secret::shown_part;

use std::sync::Arc;

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the pipeline runs.
    Note,
    /// Probably a mistake; the pipeline runs.
    Warning,
    /// The pipeline does not run.
    Error,
}

/// One finding, tied to a place in a document where it has one.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Stable code, the key of its explanation page.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence: what is wrong, with the names as the user wrote them.
    pub message: String,
    /// Where, if it has a place.
    pub location: Option<(Arc<Document>, Span)>,
    /// Short text under the marked place: the nearest name, the found type.
    pub label: Option<String>,
    /// What led to it.
    pub notes: Vec<String>,
    /// How to mend it, or what is allowed.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error without a place; add one with [`Diagnostic::at`].
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), location: None, label: None, notes: Vec::new(), help: Vec::new() }
    }

    /// A warning without a place.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// A note without a place.
    pub fn note(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, message) }
    }

    /// Ties the finding to the value at `pointer` (RFC 6901, such as `/graph/nodes/3/params/cols`) of `document`;
    /// a pointer to nothing falls back to its nearest parent.
    #[must_use]
    pub fn at(mut self, document: &Arc<Document>, pointer: &str) -> Self {
        self.location = Some((Arc::clone(document), document.span(pointer)));
        self
    }

    /// Ties the finding to the *key* at `pointer` rather than to its value.
    #[must_use]
    pub fn at_key(mut self, document: &Arc<Document>, pointer: &str) -> Self {
        self.location = Some((Arc::clone(document), document.key_span(pointer)));
        self
    }

    /// Adds the text under the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a line on what led to it.
    #[must_use]
    pub fn because(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a line on how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// Everything found so far.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Nothing found yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Keeps the findings that `keep` says; others would be echoes of a finding.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.found.retain(keep);
    }

    /// The findings, those without a place tied to the value at `pointer` of `document`, which names the file that they are about.
    #[must_use]
    pub fn or_at(mut self, document: &Arc<Document>, pointer: &str) -> Self {
        for diagnostic in self.found.iter_mut().filter(|diagnostic| diagnostic.location.is_none()) {
            diagnostic.location = Some((Arc::clone(document), document.span(pointer)));
        }
        self
    }

    /// Adds all findings of another check.
    pub fn extend(&mut self, other: Diagnostics) {
        self.found.extend(other.found);
    }

    /// The findings, in the order in which they were made.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Diagnostic> {
        self.found.iter()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.found.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// Whether the pipeline must not run.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { found: vec![diagnostic] }
    }
}
