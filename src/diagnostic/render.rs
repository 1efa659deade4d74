//! How diagnostics look on a terminal and to a machine.

use super::{Diagnostic, Diagnostics, Document, Severity, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};
use serde_json::{Value, json};
use std::fmt::Write;

impl Diagnostics {
    /// The findings as a compiler shows them, by file and place, and a last line that counts them; nothing when there are none.
    ///
    /// Source lines come with `*` in place of secrets.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut rendered = String::new();
        for diagnostic in self.in_order() {
            rendered.push_str(&renderer.render(&[group(diagnostic)]));
            rendered.push_str("\n\n");
        }
        rendered.push_str(&self.summary());
        rendered
    }

    /// The findings as a JSON list, by file and place, for editors and scripts: `code`, `severity`, `message`, `file`, `line`,
    /// `column`, `end_line`, `end_column` (from 1, in characters), `label`, `notes` and `help`.
    pub fn to_json(&self) -> Value {
        let finding = |diagnostic: &Diagnostic| {
            let mut finding = json!({
                "code": diagnostic.code.as_str(),
                "severity": severity_name(diagnostic.severity),
                "message": diagnostic.message,
            });
            if let Some((document, span)) = &diagnostic.location {
                let ((line, column), (end_line, end_column)) = (document.position(span.start), document.position(span.end));
                finding["file"] = document.name().into();
                finding["line"] = line.into();
                finding["column"] = column.into();
                finding["end_line"] = end_line.into();
                finding["end_column"] = end_column.into();
            }
            if let Some(label) = &diagnostic.label {
                finding["label"] = label.as_str().into();
            }
            if !diagnostic.notes.is_empty() {
                finding["notes"] = diagnostic.notes.as_slice().into();
            }
            if !diagnostic.help.is_empty() {
                finding["help"] = diagnostic.help.as_slice().into();
            }
            finding
        };
        self.in_order().into_iter().map(finding).collect()
    }

    /// `3 errors, 1 warning`, and nothing when nothing was found.
    pub fn summary(&self) -> String {
        let mut summary = String::new();
        for severity in [Severity::Error, Severity::Warning, Severity::Note] {
            let count = self.found.iter().filter(|diagnostic| diagnostic.severity == severity).count();
            if count > 0 {
                let comma = if summary.is_empty() { "" } else { ", " };
                let plural = if count == 1 { "" } else { "s" };
                // Writing to a string cannot fail.
                let _ = write!(summary, "{comma}{count} {}{plural}", severity_name(severity));
            }
        }
        if !summary.is_empty() {
            summary.push('\n');
        }
        summary
    }

    /// The findings without a place first, then by file and place; those made first come first.
    fn in_order(&self) -> Vec<&Diagnostic> {
        let mut found: Vec<_> = self.found.iter().collect();
        found.sort_by_key(|diagnostic| diagnostic.location.as_ref().map(|(document, span)| (document.name(), span.start, span.end)));
        found
    }
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str()));
    match &diagnostic.location {
        Some((document, span)) => group = group.element(snippet(document, span, diagnostic.label.as_deref())),
        None => group = group.elements(diagnostic.label.as_deref().map(|label| Level::NOTE.message(label))),
    }
    group = group.elements(diagnostic.notes.iter().map(|note| Level::NOTE.message(note.as_str())));
    group.elements(diagnostic.help.iter().map(|help| Level::HELP.message(help.as_str())))
}

/// A label may quote what the file holds: its control characters are shown, and none of its lines looks like a finding.
fn on_one_line(label: &str) -> String {
    normalize_untrusted_str(&label.replace('\n', "\u{240A}"))
}

/// The line on which the place starts: more would hide what matters, and might show what must not be shown.
fn snippet<'a>(document: &'a Document, span: &Span, label: Option<&'a str>) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let (line_start, line) = document.masked_line(span.start);
    let start = (span.start - line_start).min(line.len());
    let end = span.end.saturating_sub(line_start).clamp(start, line.len());
    Snippet::source(line)
        .path(document.name())
        .line_start(document.position(span.start).0)
        .annotation(AnnotationKind::Primary.span(start..end).label(label.map(on_one_line)))
}
