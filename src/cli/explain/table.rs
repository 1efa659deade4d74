//! An explanation as a table for people.

use serde_json::Value;

use super::explanation::{Explanation, FeatureValue, Node, Outcome};
use super::source::Origin;
use crate::cli::table::{Table, harmless};
use crate::dead_letters::{DeadLetter, Source};

/// A value longer than this, in characters, is cut.
const LONGEST: usize = 80;

/// The table; `all` shows every column of every node.
pub(super) fn render(explanation: &Explanation, all: bool) -> String {
    let mut lines = vec![format!("event        {}", event(explanation))];
    if let Some(letter) = &explanation.dead_letter {
        lines.extend(dead_letter(letter));
    }
    if !explanation.nodes.is_empty() {
        let mut table = Table::new(&["node", "column", "type", "value"]).text(&[0, 1, 2, 3]);
        explanation.nodes.iter().flat_map(|node| node_rows(node, all)).for_each(|row| table.row(row));
        lines.push(format!("\n{table}"));
    }
    for model in &explanation.models {
        let mut table = Table::new(&["#", "feature", "input", "type", "value"]).text(&[1, 2, 3, 4]);
        for (at, FeatureValue { name, element, input, value }) in model.features.iter().enumerate() {
            let is_nan = value.is_null() && matches!(*element, "float16" | "float" | "double");
            let value = if is_nan { "NaN".to_owned() } else { shown(value) };
            table.row([at.to_string(), name.clone(), input.clone(), (*element).to_owned(), value]);
        }
        lines.push(format!("node `{}` gives to model {}\n{table}", model.node, model.model));
    }
    lines.extend(outcome(&explanation.outcome));
    lines.extend(explanation.note.as_ref().map(|note| format!("note         {note}")));
    lines.join("\n")
}

fn event(explanation: &Explanation) -> String {
    let size = explanation.event.bytes.map_or("no value".to_owned(), |bytes| format!("{bytes} bytes"));
    match &explanation.event.origin {
        Origin::Record { topic, partition, offset, message, key, .. } => {
            let key = key.as_ref().map(|key| format!(", key {}", shown(&Value::String(key.clone())))).unwrap_or_default();
            format!("{topic}, partition {partition}, offset {offset}{}: {size}{key}", part(*message))
        }
        Origin::File { file } if file == "-" => format!("standard input: {size}"),
        Origin::File { file } => format!("{file}: {size}"),
        Origin::Case { case } => format!("golden case {case}: {size}"),
    }
}

/// The message, of an event that holds several.
fn part(message: Option<u32>) -> String {
    message.map(|message| format!(", message {message}")).unwrap_or_default()
}

fn dead_letter(letter: &DeadLetter) -> Vec<String> {
    let place = place(letter.node.as_deref(), letter.field.as_deref(), letter.byte);
    let said = [&letter.phase, &letter.reason].into_iter().flatten().cloned().collect::<Vec<_>>().join(": ");
    let mut lines = vec![format!("dead letter  {said}{place}")];
    lines.extend(letter.message.iter().map(|message| format!("             {}", cut(message))));
    lines.extend(letter.source.iter().map(|source| {
        let Source { topic, partition, offset, message } = source;
        format!("             of the event at {topic}, partition {partition}, offset {offset}{}", part(*message))
    }));
    lines
}

/// What a node changed or made, or all of it. A node without such a column has a row that says so.
fn node_rows(node: &Node, all: bool) -> Vec<[String; 4]> {
    let said = |what: String| [String::new(), String::new(), String::new(), what];
    let columns = node.columns.iter().filter(|column| all || column.changed);
    let mut rows: Vec<[String; 4]> =
        columns.map(|column| [String::new(), column.name.clone(), column.dtype.clone(), shown(&column.value)]).collect();
    if !node.dropped.is_empty() {
        rows.push(said(format!("(drops {})", crate::nodes::list(node.dropped.iter().map(String::as_str)))));
    }
    if rows.is_empty() {
        rows.push(said("(changes nothing)".to_owned()));
    }
    rows[0][0].clone_from(&node.id);
    rows
}

fn outcome(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Scored { score } => {
            let fields: Vec<String> = score.iter().map(|(name, value)| format!("{name} {}", shown(value))).collect();
            vec![format!("score        {}", fields.join(", "))]
        }
        Outcome::Rejected { phase, reason, node, field, byte, message, violations } => {
            let place = place(node.as_deref(), field.as_deref(), *byte);
            let mut lines = vec![format!("rejected     {phase}: {reason}{place}"), format!("             {}", cut(message))];
            let all = violations.as_ref().and_then(|report| report.get("_validationErrors")?.as_array());
            lines.extend(all.into_iter().flatten().map(|violation| {
                let text = |key: &str| cut(violation.get(key).and_then(Value::as_str).unwrap_or_default());
                format!("             {}: {}", text("pointerToViolation"), text("message"))
            }));
            lines
        }
        Outcome::Skipped { node, reason } => {
            vec![format!("skipped      {}{}", cut(reason), place(node.as_deref(), None, None))]
        }
    }
}

fn place(node: Option<&str>, field: Option<&str>, byte: Option<usize>) -> String {
    let mut place = String::new();
    if let Some(node) = node {
        place += &format!(", node `{node}`");
    }
    if let Some(field) = field {
        place += &format!(", field `{field}`");
    }
    if let Some(byte) = byte {
        place += &format!(", byte {byte}");
    }
    place
}

/// A value as JSON, without what a terminal would obey, cut where it is long.
fn shown(value: &Value) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    let mut shown = harmless(&text.chars().take(LONGEST).collect::<String>());
    let length = text.chars().count();
    if length > LONGEST {
        shown += &format!("... ({length} characters)");
    }
    shown
}
