//! A planned graph as a picture: what each node is, and what flows on each edge.

mod layout;
mod mermaid;
mod svg;

pub use mermaid::mermaid;
pub use svg::svg;

use super::{Plan, PlannedNode};
use crate::nodes::{self, Column, Frame, dtype};

/// The names that a picture gives to the graph's two ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends<'a> {
    /// Where events come from: the input topic.
    pub input: Option<&'a str>,
    /// Where scores go: the output topic.
    pub output: Option<&'a str>,
}

/// What a box of the picture stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The events as they come.
    Event,
    /// A node that transforms columns.
    Transformation,
    /// A node that asks a model.
    Model,
    /// The scores as they go.
    Output,
}

#[derive(Debug)]
struct Vertex {
    role: Role,
    title: String,
    /// Smaller, under the title.
    details: Vec<String>,
}

#[derive(Debug)]
struct Edge {
    from: usize,
    to: usize,
    /// What flows, one line each.
    label: Vec<String>,
}

/// What both forms draw. The vertices stand in planned order: the event first, the output last, each after all that lead to it.
#[derive(Debug)]
struct Diagram {
    vertices: Vec<Vertex>,
    edges: Vec<Edge>,
}

/// Further lines are counted instead of drawn.
const MOST_OUTPUTS: usize = 12;
const MOST_CHANGES: usize = 2;
const MOST_CHARACTERS: usize = 48;

impl Diagram {
    fn of(plan: &Plan, ends: Ends<'_>) -> Self {
        let outputs: Vec<String> = plan.outputs().iter().map(|output| format!("{} {}", output.name, dtype(&output.data_type))).collect();
        Self::new(plan.nodes(), plan.projection().len(), &outputs, ends)
    }

    /// `fields` are decoded from each event, `outputs` are the lines of the answer's columns.
    fn new(nodes: &[PlannedNode], fields: usize, outputs: &[String], ends: Ends<'_>) -> Self {
        let mut vertices =
            vec![Vertex { role: Role::Event, title: "event".into(), details: ends.input.map(shorten).into_iter().collect() }];
        vertices.extend(nodes.iter().map(vertex));
        vertices.push(output_vertex(outputs, ends));

        let mut edges = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            if node.parents.is_empty() {
                edges.push(Edge { from: 0, to: at + 1, label: vec![count(fields, "field")] });
            }
            edges.extend(node.parents.iter().map(|parent| Edge { from: parent + 1, to: at + 1, label: flow(nodes, *parent) }));
        }
        let is_sink = |at: &usize| !nodes.iter().any(|node| node.parents.contains(at));
        edges.extend((0..nodes.len()).filter(is_sink).map(|sink| Edge { from: sink + 1, to: nodes.len() + 1, label: flow(nodes, sink) }));
        Self { vertices, edges }
    }
}

fn vertex(node: &PlannedNode) -> Vertex {
    let is_model = nodes::by_name(&node.type_name).is_some_and(nodes::Node::is_inference);
    let role = if is_model { Role::Model } else { Role::Transformation };
    Vertex { role, title: shorten(&node.id), details: vec![shorten(&node.type_name)] }
}

fn output_vertex(outputs: &[String], ends: Ends<'_>) -> Vertex {
    let mut details: Vec<String> = ends.output.into_iter().map(shorten).collect();
    details.extend(outputs.iter().take(MOST_OUTPUTS).map(|line| shorten(line)));
    if outputs.len() > MOST_OUTPUTS {
        details.push(format!("and {} more", outputs.len() - MOST_OUTPUTS));
    }
    Vertex { role: Role::Output, title: "output".into(), details }
}

/// What leaves node `at`: how many columns, and how they differ from those that reached it.
fn flow(nodes: &[PlannedNode], at: usize) -> Vec<String> {
    let node = &nodes[at];
    let mut lines = vec![count(node.frame.columns().len(), "column")];
    // What an entry makes of the event is told by the number alone.
    if node.parents.is_empty() {
        return lines;
    }
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    for column in node.frame.columns() {
        let mut before = node.parents.iter().filter_map(|parent| nodes[*parent].frame.get(&column.name)).peekable();
        if before.peek().is_none() {
            added.push(typed(column));
        } else if !before.any(|before| before.source == column.source && before.data_type == column.data_type) {
            changed.push(typed(column));
        }
    }
    let removed = removed(nodes, node);
    lines.extend(change("+", &added));
    lines.extend(change("~", &changed));
    lines.extend(change("-", &removed));
    lines
}

fn removed(nodes: &[PlannedNode], node: &PlannedNode) -> Vec<String> {
    let before: Frame = node.parents.iter().flat_map(|parent| nodes[*parent].frame.columns().iter().cloned()).collect();
    before.names().filter(|name| node.frame.get(name).is_none()).map(str::to_owned).collect()
}

fn typed(column: &Column) -> String {
    format!("{} {}", column.name, column.dtype())
}

fn change(sign: &str, columns: &[String]) -> Vec<String> {
    if columns.len() > MOST_CHANGES {
        return vec![format!("{sign}{}", count(columns.len(), "column"))];
    }
    columns.iter().map(|column| shorten(&format!("{sign} {column}"))).collect()
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A name of any length as a line of a picture; control characters would break either form.
fn shorten(text: &str) -> String {
    let mut line: String =
        text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(MOST_CHARACTERS).collect();
    if text.chars().count() > MOST_CHARACTERS {
        line.pop();
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests;
