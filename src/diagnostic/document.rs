//! A file that a user wrote: its text, its value, and where each part of the value stands.

use super::{Code, Diagnostic, Diagnostics, environment::Environment, place::Place, secret::mask, yaml};
use std::{
    ffi::OsString,
    fs::File,
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A range of bytes in a document's text.
pub type Span = Range<usize>;

/// How large a document may be, unless its reader says otherwise.
const MAX_BYTES: u64 = 1 << 20;

/// A parsed YAML or JSON file.
///
/// Its text may hold secrets: `Debug` and [`Document::masked_line`] show none.
pub struct Document {
    name: String,
    folder: PathBuf,
    text: String,
    /// The text with `*` in place of secrets, byte for byte.
    masked: String,
    /// The byte at which each line starts.
    lines: Vec<usize>,
    value: serde_json::Value,
    place: Place,
}

impl Document {
    /// Reads a file, variables of the process's environment filled in.
    ///
    /// # Errors
    /// E0001 when it cannot be read, E0002, E0005, E0006 and E0007 for each mistake in its text.
    pub fn read(path: &Path) -> Result<Arc<Self>, Diagnostics> {
        let (document, diagnostics) = Self::open(path)?;
        if diagnostics.has_errors() { Err(diagnostics) } else { Ok(document) }
    }

    /// Reads a file of at most `most` bytes that is not written for caz, such as a schema: `${` in it has no meaning.
    ///
    /// # Errors
    /// E0001 when it cannot be read, E0002, E0005 and E0007 for each mistake in its text.
    pub fn read_foreign(path: &Path, most: u64) -> Result<Arc<Self>, Diagnostics> {
        let (document, diagnostics) = Self::load(path.display().to_string(), read_text(path, most)?, None)?;
        if diagnostics.has_errors() { Err(diagnostics) } else { Ok(document) }
    }

    /// Parses a text, variables filled in by `environment`; relative paths in it stand relative to the folder of `name`.
    ///
    /// # Errors
    /// E0002, E0005, E0006 and E0007 for each mistake.
    pub fn parse(
        name: impl Into<String>,
        text: impl Into<String>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Arc<Self>, Diagnostics> {
        let (document, diagnostics) = Self::examine(name, text, environment)?;
        if diagnostics.has_errors() { Err(diagnostics) } else { Ok(document) }
    }

    /// As [`Document::read`], but a document with mistakes that leave the rest readable comes with them, so that later checks can
    /// add theirs: those leave out values that are already reported.
    ///
    /// # Errors
    /// The file cannot be read or is not YAML.
    pub fn open(path: &Path) -> Result<(Arc<Self>, Diagnostics), Diagnostics> {
        Self::load(path.display().to_string(), read_text(path, MAX_BYTES)?, Some(&|name: &str| std::env::var_os(name)))
    }

    /// As [`Document::parse`], with the leniency of [`Document::open`].
    ///
    /// # Errors
    /// The text is not YAML, or larger than a document may be.
    pub fn examine(
        name: impl Into<String>,
        text: impl Into<String>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Arc<Self>, Diagnostics), Diagnostics> {
        let (name, text) = (name.into(), text.into());
        if text.len() as u64 > MAX_BYTES {
            return Err(too_large(&name, MAX_BYTES));
        }
        Self::load(name, text, Some(&|name: &str| environment(name).map(OsString::from)))
    }

    fn load(name: String, text: String, environment: Option<Environment<'_>>) -> Result<(Arc<Self>, Diagnostics), Diagnostics> {
        let loaded = yaml::load(&text, environment);
        let folder = Path::new(&name).parent().map(Path::to_owned).unwrap_or_default();
        let masked = mask(&text, &loaded.secrets);
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        let document = Arc::new(Self { name, folder, text, masked, lines, value: loaded.value, place: loaded.place });
        let mut diagnostics = Diagnostics::new();
        for finding in loaded.findings {
            diagnostics.push(Diagnostic {
                location: Some((Arc::clone(&document), finding.span)),
                label: finding.label,
                help: finding.help.into_iter().collect(),
                ..Diagnostic::error(finding.code, finding.message)
            });
        }
        if loaded.complete { Ok((document, diagnostics)) } else { Err(diagnostics) }
    }

    /// The file's name, as messages show it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's text, secrets included: show [`Document::masked_line`] instead.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file's value, environment variables filled in; NaN is null there, infinities are the strings `inf` and `-inf`.
    pub fn value(&self) -> &serde_json::Value {
        &self.value
    }

    /// A path of this document, from the working directory: relative ones stand relative to the document's folder.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Where the value at an RFC 6901 pointer stands; its nearest parent's place when there is no such value.
    pub fn span(&self, pointer: &str) -> Span {
        self.place.along(pointer).0.last().map(|place| place.value.clone()).unwrap_or_default()
    }

    /// Where a part of the text at an RFC 6901 pointer stands, `part` in bytes of the text's value; `None` when the text is not written in the
    /// file as it reads, such as one with escapes or environment variables.
    pub fn span_within(&self, pointer: &str, part: Span) -> Option<Span> {
        let (path, _) = self.place.along(pointer);
        let value = self.value.pointer(pointer)?.as_str()?;
        if path.iter().any(|place| place.private) {
            return None;
        }
        if value.is_empty() {
            return Some(self.span(pointer));
        }
        // Line by line: a block's lines are indented in the file.
        let (mut within, mut at) = (self.span(pointer), 0);
        for line in value.split_inclusive('\n') {
            let content = line.trim();
            let written = within.start + self.text.get(within.clone())?.find(content)?;
            let start = at + (line.len() - line.trim_start().len());
            at += line.len();
            if part.start < at || at == value.len() {
                let from = written + part.start.saturating_sub(start).min(content.len());
                let to = written + part.end.saturating_sub(start).min(content.len());
                return Some(from..to.max(from));
            }
            within.start = written + content.len();
        }
        None
    }

    /// Where the key at an RFC 6901 pointer stands; the value's place when there is no such key, as in a list.
    pub fn key_span(&self, pointer: &str) -> Span {
        let (path, _) = self.place.along(pointer);
        path.last().map(|place| place.key.clone().unwrap_or_else(|| place.value.clone())).unwrap_or_default()
    }

    /// What stands at a pointer where the value is not this text: `007` is the number 7. Not told of what joins a mapping by an alias.
    pub fn written(&self, pointer: &str) -> Option<&str> {
        let (path, complete) = self.place.along(pointer);
        path.last().copied().filter(|_| complete)?.text.as_deref()
    }

    /// Whether the value at a pointer is a secret or came from the environment, so that a message must not quote it.
    pub fn is_private(&self, pointer: &str) -> bool {
        let (path, complete) = self.place.along(pointer);
        path.iter().any(|place| place.private) || complete && path.last().is_some_and(|place| place.holds_private())
    }

    /// Whether the text at a pointer has a variable, or `$${`, and stands in quotes.
    pub(super) fn is_quoted_variable(&self, pointer: &str) -> bool {
        let (path, complete) = self.place.along(pointer);
        complete && path.last().is_some_and(|place| place.quoted_variable)
    }

    /// Whether the value at a pointer could not be made out, which has been reported.
    pub fn is_unknown(&self, pointer: &str) -> bool {
        self.place.along(pointer).0.iter().any(|place| place.unknown)
    }

    /// Line and column of a byte, both from 1, columns in characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let line = self.line(byte);
        let column = self.lines.get(line).and_then(|start| self.text.get(*start..byte)).map_or(0, |before| before.chars().count());
        (line + 1, column + 1)
    }

    /// The line in which a byte stands, without its end and with `*` in place of secrets, and the byte at which it starts.
    pub fn masked_line(&self, byte: usize) -> (usize, &str) {
        let start = self.lines.get(self.line(byte)).copied().unwrap_or_default();
        (start, self.masked.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default())
    }

    /// Index of the line in which a byte stands.
    fn line(&self, byte: usize) -> usize {
        self.lines.partition_point(|start| *start <= byte).saturating_sub(1)
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("name", &self.name).field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

fn unreadable(name: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(Code::Unreadable, format!("cannot read `{name}`: {reason}"))
}

fn too_large(name: &str, most: u64) -> Diagnostics {
    let diagnostic = unreadable(name, &format!("it is larger than {} KiB", most / 1024));
    diagnostic.help("the bound is caz's own; JSON without indentation is smaller").into()
}

fn read_text(path: &Path, most: u64) -> Result<String, Diagnostics> {
    let name = path.display().to_string();
    let refuse = |reason: String| Diagnostics::from(unreadable(&name, &reason));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| refuse(error.to_string()))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| refuse(error.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(too_large(&name, most));
    }
    String::from_utf8(bytes).map_err(|error| refuse(format!("it is not UTF-8 text (byte {})", error.utf8_error().valid_up_to())))
}
