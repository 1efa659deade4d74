//! An explanation as a table for people.

use serde_json::Value;

use super::explanation::{Explanation, FeatureValue, Node, Outcome};
use super::source::{DeadLetter, Origin};

/// A value longer than this, in characters, is cut.
const LONGEST: usize = 80;

/// The table; `all` shows every column of every node.
pub(super) fn render(explanation: &Explanation, all: bool) -> String {
    let mut lines = vec![format!("event        {}", event(explanation))];
    if let Some(letter) = &explanation.dead_letter {
        lines.extend(dead_letter(letter));
    }
    let mut rows = Vec::new();
    for node in &explanation.nodes {
        rows.extend(node_rows(node, all));
    }
    if !rows.is_empty() {
        rows.insert(0, ["node", "column", "type", "value"].map(str::to_owned));
        lines.push(String::new());
        lines.extend(aligned(rows));
    }
    for model in &explanation.models {
        lines.push(String::new());
        lines.push(format!("node `{}` gives to model {}", model.node, model.model));
        let rows = model.features.iter().enumerate().map(|(at, feature)| {
            let FeatureValue { name, element, input, value } = feature;
            let value = if value.is_null() && matches!(*element, "float" | "double") { "NaN".to_owned() } else { shown(value) };
            [format!("{at:>5}"), name.clone(), format!("{input}: {element}"), value]
        });
        lines.extend(aligned(rows.collect()));
    }
    lines.push(String::new());
    lines.extend(outcome(&explanation.outcome));
    lines.extend(explanation.note.as_ref().map(|note| format!("note         {note}")));
    lines.join("\n")
}

fn event(explanation: &Explanation) -> String {
    let size = explanation.event.bytes.map_or("no value".to_owned(), |bytes| format!("{bytes} bytes"));
    match &explanation.event.origin {
        Origin::Record { topic, partition, offset, key, .. } => {
            let key = key.as_ref().map(|key| format!(", key {}", shown(&Value::String(key.clone())))).unwrap_or_default();
            format!("{topic}, partition {partition}, offset {offset}: {size}{key}")
        }
        Origin::File { file } if file == "-" => format!("standard input: {size}"),
        Origin::File { file } => format!("{file}: {size}"),
        Origin::Case { case } => format!("golden case {case}: {size}"),
    }
}

fn dead_letter(letter: &DeadLetter) -> Vec<String> {
    let place = place(letter.node.as_deref(), letter.field.as_deref(), letter.byte);
    let said = [&letter.phase, &letter.reason].into_iter().flatten().cloned().collect::<Vec<_>>().join(": ");
    let mut lines = vec![format!("dead letter  {said}{place}")];
    lines.extend(letter.message.iter().map(|message| format!("             {}", cut(message))));
    lines.extend(letter.source.iter().map(|source| format!("             of the event at {source}")));
    lines
}

/// What a node changed or made, or all of it; a node without such a column has a row of its own.
fn node_rows(node: &Node, all: bool) -> Vec<[String; 4]> {
    let shown_columns = node.columns.iter().filter(|column| all || column.changed);
    let mut rows: Vec<[String; 4]> =
        shown_columns.map(|column| [String::new(), column.name.clone(), column.dtype.clone(), shown(&column.value)]).collect();
    if !node.dropped.is_empty() {
        rows.push([
            String::new(),
            format!("(drops {})", crate::nodes::list(node.dropped.iter().map(String::as_str))),
            String::new(),
            String::new(),
        ]);
    }
    if rows.is_empty() {
        rows.push([String::new(), "(changes nothing)".to_owned(), String::new(), String::new()]);
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
        Outcome::Rejected { phase, reason, node, field, byte, message } => {
            let place = place(node.as_deref(), field.as_deref(), byte.map(|byte| byte as u64));
            vec![format!("rejected     {phase}: {reason}{place}"), format!("             {}", cut(message))]
        }
        Outcome::Skipped { node, reason } => {
            vec![format!("skipped      {}{}", cut(reason), place(node.as_deref(), None, None))]
        }
    }
}

fn place(node: Option<&str>, field: Option<&str>, byte: Option<u64>) -> String {
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

/// The rows with their first three columns as wide as the widest.
fn aligned(rows: Vec<[String; 4]>) -> Vec<String> {
    let mut widths = [0; 3];
    for row in &rows {
        // What stands for a whole row is no reason for a wide column.
        for (width, cell) in widths.iter_mut().zip(row).filter(|(_, cell)| !cell.starts_with('(')) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |[node, column, kind, value]: &[String; 4]| {
        let line = format!("{node:a$}  {column:b$}  {kind:c$}  {value}", a = widths[0], b = widths[1], c = widths[2]);
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A value as JSON, without what a terminal would obey, cut where it is long.
fn shown(value: &Value) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).flat_map(harmless).collect();
    let length = text.chars().count();
    if length > LONGEST {
        shown += &format!("... ({length} characters)");
    }
    shown
}

/// Control characters as escapes: an event's text must not move the cursor.
fn harmless(character: char) -> Box<dyn Iterator<Item = char>> {
    if character.is_control() { Box::new(character.escape_unicode()) } else { Box::new(std::iter::once(character)) }
}
