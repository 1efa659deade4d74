//! The graph's shape: who sends to whom, and an order in which every node comes after its parents.

use std::collections::{BTreeMap, BTreeSet};

use super::{EdgeSpec, GraphSpec};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, nearest};
use crate::nodes::{self, Position};

/// How many nodes and edges a graph may have: far more than any does, and few enough to be looked at pair by pair.
const MOST_NODES: usize = 1_000;
const MOST_EDGES: usize = 4_000;

/// The shape of a graph.
#[derive(Debug)]
pub(super) struct Topology {
    /// All nodes (indices into the spec), parents first; on a cycle, which was reported, one node comes before its parent.
    pub(super) order: Vec<usize>,
    /// The parents of each node, in the order of the edges.
    pub(super) parents: Vec<Vec<usize>>,
    /// The nodes that send to nobody: their columns are the graph's answer.
    pub(super) sinks: Vec<usize>,
    /// Whether a mistake in the edges, which was reported, leaves open what reaches each node.
    pub(super) doubtful: Vec<bool>,
    /// Whether no mistake was reported.
    pub(super) is_sound: bool,
}

impl Topology {
    /// Where a node (by its index in the spec) stands in the order.
    pub(super) fn place(&self, node: usize) -> usize {
        self.order.iter().position(|at| *at == node).unwrap_or_default()
    }
}

/// Checks names, edges and shape; reports every mistake. `None` when the graph is too large to be looked at.
pub(super) fn resolve(spec: &GraphSpec, diagnostics: &mut Diagnostics) -> Option<Topology> {
    let before = diagnostics.errors();
    let (node, edge) = (spec.nodes.get(MOST_NODES).map(|node| &node.pointer), spec.edges.get(MOST_EDGES).map(|edge| &edge.pointer));
    for (what, count, most, beyond) in [("nodes", spec.nodes.len(), MOST_NODES, node), ("edges", spec.edges.len(), MOST_EDGES, edge)] {
        if let Some(beyond) = beyond {
            let message = format!("the graph has {count} {what}; there can be at most {most}");
            diagnostics.push(Diagnostic::error(Code::WrongValue, message).at(&spec.document, beyond));
            return None;
        }
    }
    let index = index_nodes(spec, diagnostics);
    check_types(spec, diagnostics);
    let mut parents = vec![Vec::new(); spec.nodes.len()];
    // An edge from a node that does not exist still leads somewhere: no echo of it is reported there.
    let mut led_to = vec![false; spec.nodes.len()];
    let mut doubtful = vec![false; spec.nodes.len()];
    let mut lost = Vec::new();
    for edge in &spec.edges {
        if let Some(to) = index.get(edge.to.as_str()) {
            led_to[*to] = true;
        }
        match (end(spec, edge, &edge.from, 0, &index, diagnostics), end(spec, edge, &edge.to, 1, &index, diagnostics)) {
            (Some(from), Some(to)) if parents[to].contains(&from) => {
                let message = format!("the edge from `{}` to `{}` is there twice", edge.from, edge.to);
                diagnostics.push(Diagnostic::warning(Code::DuplicateNode, message).at(&spec.document, &edge.pointer));
            }
            (Some(from), Some(to)) => parents[to].push(from),
            (None, Some(to)) => doubtful[to] = true,
            (from, None) => lost.push(from),
        }
    }
    // An edge to a node that does not exist may be meant for any but those before it.
    for from in lost {
        let before = from.map(|from| with_ancestors(from, &parents)).unwrap_or_default();
        doubtful.iter_mut().enumerate().for_each(|(node, doubtful)| *doubtful |= !before.contains(&node));
    }
    // Of two nodes with one id, which was reported, an edge may mean either.
    for (at, node) in spec.nodes.iter().enumerate() {
        if let Some(meant) = index.get(node.id.as_str()).copied().filter(|meant| *meant != at) {
            led_to[at] |= led_to[meant];
            (doubtful[at], doubtful[meant]) = (true, true);
        }
    }
    check_starts(spec, &led_to, &mut doubtful, diagnostics);
    let order = sort(spec, &parents, &mut doubtful, diagnostics);
    let sinks = (0..spec.nodes.len()).filter(|node| !parents.iter().flatten().any(|parent| parent == node)).collect();
    Some(Topology { order, parents, sinks, doubtful, is_sound: diagnostics.errors() == before })
}

fn with_ancestors(node: usize, parents: &[Vec<usize>]) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), vec![node]);
    while let Some(node) = open.pop() {
        if found.insert(node) {
            open.extend(&parents[node]);
        }
    }
    found
}

fn index_nodes<'a>(spec: &'a GraphSpec, diagnostics: &mut Diagnostics) -> BTreeMap<&'a str, usize> {
    let mut index = BTreeMap::new();
    for (at, node) in spec.nodes.iter().enumerate() {
        if index.insert(node.id.as_str(), at).is_some() {
            let message = format!("two nodes have the id `{}`", node.id);
            diagnostics.push(Diagnostic::error(Code::DuplicateNode, message).at(&spec.document, &format!("{}/id", node.pointer)));
        }
    }
    index
}

fn check_types(spec: &GraphSpec, diagnostics: &mut Diagnostics) {
    let names = || nodes::NODES.iter().map(|node| node.type_name());
    for node in &spec.nodes {
        if nodes::by_name(&node.type_name).is_none() {
            let message = format!("node `{}` has type `{}`, which does not exist", node.id, node.type_name);
            let mut diagnostic = Diagnostic::error(Code::UnknownNodeType, message);
            if let Some(near) = nearest(&node.type_name, names()) {
                diagnostic = diagnostic.label(format!("did you mean `{near}`?"));
            }
            let diagnostic = diagnostic.help(format!("types: {}", names().collect::<Vec<_>>().join(", ")));
            diagnostics.push(diagnostic.at(&spec.document, &format!("{}/type", node.pointer)));
        }
    }
    let types = || spec.nodes.iter().map(|node| nodes::by_name(&node.type_name));
    if types().all(|kind| kind.is_some_and(|kind| !kind.is_inference())) {
        let diagnostic = Diagnostic::error(Code::NoModel, "the graph asks no model").help("add a node of type ONNXNode or ScikitLearn");
        let place = spec.nodes.first().map_or("", |node| node.pointer.as_str()).rsplit_once('/').map_or("", |(nodes, _)| nodes);
        diagnostics.push(diagnostic.at(&spec.document, place));
    }
}

fn end(
    spec: &GraphSpec,
    edge: &EdgeSpec,
    id: &str,
    position: usize,
    index: &BTreeMap<&str, usize>,
    diagnostics: &mut Diagnostics,
) -> Option<usize> {
    let found = index.get(id).copied();
    if found.is_none() {
        let message = format!("an edge names node `{id}`, which is not in the graph");
        let mut diagnostic = Diagnostic::error(Code::UnknownNode, message);
        if let Some(near) = nearest(id, index.keys().copied()) {
            diagnostic = diagnostic.label(format!("did you mean `{near}`?"));
        }
        let list = spec.document.value().pointer(&edge.pointer).is_some_and(serde_json::Value::is_array);
        let key = if list { position.to_string() } else { ["from", "to"][position].to_owned() };
        diagnostics.push(diagnostic.at(&spec.document, &format!("{}/{key}", edge.pointer)));
    }
    found
}

/// A node without parents must be one that may start a graph; one that takes the event itself must have none.
fn check_starts(spec: &GraphSpec, led_to: &[bool], doubtful: &mut [bool], diagnostics: &mut Diagnostics) {
    for ((node, led_to), doubtful) in spec.nodes.iter().zip(led_to).zip(doubtful) {
        let Some(kind) = nodes::by_name(&node.type_name) else { continue };
        let message = match (led_to, kind.position()) {
            (false, Position::Inside) => format!("no edge leads to node `{}`, so no event reaches it", node.id),
            (true, Position::Start) => format!("node `{}` takes the event itself, so no edge may lead to it", node.id),
            _ => continue,
        };
        *doubtful = true;
        let help = "events enter by a node of type JsonToDataframe, Receiver or Simulator; every other node needs an edge to it";
        diagnostics.push(Diagnostic::error(Code::Unreachable, message).help(help).at(&spec.document, &node.pointer));
    }
}

/// Parents first, otherwise the file's order. A cycle is reported with its nodes, which are then placed all the same, so that others are
/// found that have no node in common with it.
fn sort(spec: &GraphSpec, parents: &[Vec<usize>], doubtful: &mut [bool], diagnostics: &mut Diagnostics) -> Vec<usize> {
    let mut order = Vec::with_capacity(parents.len());
    let mut placed = vec![false; parents.len()];
    while order.len() < parents.len() {
        let is_next = |node: &usize| !placed[*node] && parents[*node].iter().all(|parent| placed[*parent]);
        let next = match (0..parents.len()).find(is_next) {
            Some(next) => vec![next],
            None => {
                let cycle = find_cycle(parents, &placed);
                let names: Vec<&str> = cycle.iter().map(|node| spec.nodes[*node].id.as_str()).collect();
                let message = format!("the graph has a cycle: {} -> {}", names.join(" -> "), names[0]);
                diagnostics.push(Diagnostic::error(Code::Cycle, message).at(&spec.document, &spec.nodes[cycle[0]].pointer));
                cycle.iter().for_each(|node| doubtful[*node] = true);
                cycle
            }
        };
        next.iter().for_each(|node| placed[*node] = true);
        order.extend(next);
    }
    order
}

/// Walks from parent to parent among the nodes that could not be placed, until one comes again.
fn find_cycle(parents: &[Vec<usize>], placed: &[bool]) -> Vec<usize> {
    let mut path: Vec<usize> = placed.iter().position(|placed| !placed).into_iter().collect();
    while let Some(next) = path.last().and_then(|node| parents[*node].iter().find(|parent| !placed[**parent])) {
        if let Some(start) = path.iter().position(|node| node == next) {
            let mut cycle = path.split_off(start);
            cycle.reverse();
            return cycle;
        }
        path.push(*next);
    }
    path
}
