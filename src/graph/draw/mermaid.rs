//! A planned graph as a Mermaid flowchart, which GitHub and many editors draw.

use std::fmt::Write;

use super::{Diagram, Ends, Role};
use crate::graph::Plan;

/// The plan as a Mermaid flowchart: a box for each node with its id and type, an arrow for each edge with the columns that flow.
pub fn mermaid(plan: &Plan, ends: Ends<'_>) -> String {
    render(&Diagram::of(plan, ends))
}

pub(super) fn render(diagram: &Diagram) -> String {
    let mut text = String::from("flowchart TD\n");
    // Writing to a string cannot fail. Ids are ours: a node called `end` would break the flowchart.
    for (at, vertex) in diagram.vertices.iter().enumerate() {
        let (open, close) = match vertex.role {
            Role::Event | Role::Output => ("([", "])"),
            Role::Transformation => ("[", "]"),
            Role::Model => ("{{", "}}"),
        };
        let lines: Vec<String> = std::iter::once(&vertex.title).chain(&vertex.details).map(|line| escape(line)).collect();
        let _ = writeln!(text, "    v{at}{open}\"{}\"{close}", lines.join("<br/>"));
    }
    for edge in &diagram.edges {
        let lines: Vec<String> = edge.label.iter().map(|line| escape(line)).collect();
        let _ = writeln!(text, "    v{} -->|\"{}\"| v{}", edge.from, lines.join("<br/>"), edge.to);
    }
    text
}

/// Text for inside a quoted label: Mermaid's own entities for what would end the label, or be read as HTML or Markdown.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '*' => {
                let _ = write!(escaped, "#{};", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}
