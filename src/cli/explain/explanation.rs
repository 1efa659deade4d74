//! What is known of one event. The structs are the JSON that `--json` prints; docs/explain.md describes it.

use std::collections::HashMap;

use arrow_schema::DataType;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Serialize;
use serde_json::{Map, Value};

use super::source::{Origin, Subject};
use crate::codec::json::JsonValues;
use crate::dataset::Rejection;
use crate::dead_letters::DeadLetter;
use crate::golden::{Fate, Observed, ObservedNode};
use crate::stream::Line;

/// All that is shown.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    pub(super) event: Event,
    /// What the dead letter said, when the event is one.
    pub(super) dead_letter: Option<DeadLetter>,
    /// The nodes in graph order, up to the one at which the event left.
    pub(super) nodes: Vec<Node>,
    /// What each model was given.
    pub(super) models: Vec<Model>,
    pub(super) outcome: Outcome,
    /// Why the nodes are not shown, when the event has a score all the same.
    pub(super) note: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Event {
    pub(super) origin: Origin,
    /// Size of the value; nothing for a record without one.
    pub(super) bytes: Option<usize>,
    /// The value: as JSON where it is, else in base64.
    pub(super) value: Option<Value>,
}

#[derive(Debug, Serialize)]
pub(super) struct Node {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) type_name: String,
    /// All columns that leave it, in order.
    pub(super) columns: Vec<Column>,
    /// The columns that reach it and do not leave it.
    pub(super) dropped: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) dtype: String,
    pub(super) value: Value,
    /// Whether the node made it, or gave it another value or type.
    pub(super) changed: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Model {
    /// The node that asks it.
    pub(super) node: String,
    pub(super) model: String,
    pub(super) features: Vec<FeatureValue>,
}

#[derive(Debug, Serialize)]
pub(super) struct FeatureValue {
    pub(super) input: String,
    pub(super) name: String,
    /// The element type that the model takes.
    pub(super) element: &'static str,
    /// Null is NaN.
    pub(super) value: Value,
}

/// What becomes of the event.
#[derive(Debug, Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub(super) enum Outcome {
    /// The columns that are published.
    Scored { score: Map<String, Value> },
    /// It is a dead letter.
    Rejected {
        phase: &'static str,
        reason: &'static str,
        node: Option<String>,
        field: Option<String>,
        byte: Option<usize>,
        message: String,
        /// What it breaks of its XDM schema.
        #[serde(skip_serializing_if = "Option::is_none")]
        violations: Option<Value>,
    },
    /// It is left out.
    Skipped { node: Option<String>, reason: String },
}

/// What becomes of an event on the stream's own line.
pub(super) fn serve(line: &mut Line, value: Option<&[u8]>) -> Outcome {
    let scored = line.score_all(std::iter::once(value));
    if let Some((_, rejection)) = scored.rejected().next() {
        return rejected(rejection);
    }
    if let Some((_, reason)) = scored.skipped().next() {
        return Outcome::Skipped { node: None, reason: reason.to_owned() };
    }
    let columns = line.plan().outputs().iter().zip(line.columns());
    let score = columns.map(|(column, array)| {
        let values = JsonValues::new(array.as_ref());
        (column.name.clone(), values.map(|values| values.get(0)).unwrap_or_default())
    });
    Outcome::Scored { score: score.collect() }
}

fn rejected(rejection: &Rejection) -> Outcome {
    Outcome::Rejected {
        phase: rejection.phase.name(),
        reason: rejection.reason.name(),
        node: rejection.node.clone(),
        field: rejection.field.as_ref().map(ToString::to_string),
        byte: rejection.byte,
        message: rejection.message.to_string(),
        violations: rejection.violations.as_ref().and_then(|violations| serde_json::from_str(violations).ok()),
    }
}

impl Explanation {
    /// `outcome` is that of the stream's own line.
    pub(super) fn new(subject: &Subject, observed: &Observed<'_>, mut outcome: Outcome) -> Self {
        let seen = &observed.events[0];
        let note = match (&outcome, &seen.fate) {
            (Outcome::Scored { .. }, Fate::Rejected(rejection)) => {
                let field = rejection.field.as_ref().map(|field| format!("field `{field}`")).unwrap_or_default();
                Some(format!("the nodes' values are not known: {field}, which no score needs, cannot be read: {}", rejection.message))
            }
            _ => None,
        };
        if let (Outcome::Skipped { node, .. }, Fate::Skipped { node: at, .. }) = (&mut outcome, &seen.fate) {
            *node = Some(at.clone());
        }
        let (nodes, models) = match seen.row {
            Some(row) => (
                observed.nodes[..seen.passed].iter().map(|node| Node::new(node, &observed.nodes, row)).collect(),
                // A model that refuses its features has been given them.
                observed.nodes.iter().take(seen.passed + 1).filter_map(|node| Model::new(node, &observed.nodes, row)).collect(),
            ),
            None => (Vec::new(), Vec::new()),
        };
        let value = subject.value.as_deref().map(|value| {
            let json = serde_json::from_slice::<Value>(value).ok().filter(Value::is_object);
            json.unwrap_or_else(|| Value::String(BASE64_STANDARD.encode(value)))
        });
        let event = Event { origin: subject.origin.clone(), bytes: subject.value.as_ref().map(Vec::len), value };
        Self { event, dead_letter: subject.dead_letter.clone(), nodes, models, outcome, note }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Node {
    fn new(node: &ObservedNode<'_>, among: &[ObservedNode<'_>], row: usize) -> Self {
        let changed: Vec<usize> = node.changed(among, row).collect();
        let columns = node.node.frame.columns().iter().enumerate().map(|(at, column)| Column {
            name: column.name.to_string(),
            dtype: column.dtype(),
            value: node.value(at, row).unwrap_or_else(|| Value::String("(not shown)".to_owned())),
            changed: changed.contains(&at),
        });
        let mut dropped: Vec<String> = Vec::new();
        for name in node.node.parents.iter().flat_map(|parent| among[*parent].node.frame.names()) {
            if node.node.frame.get(name).is_none() && !dropped.iter().any(|known| known == name) {
                dropped.push(name.to_owned());
            }
        }
        Self { id: node.node.id.clone(), type_name: node.node.type_name.clone(), columns: columns.collect(), dropped }
    }
}

impl Model {
    fn new(node: &ObservedNode<'_>, among: &[ObservedNode<'_>], row: usize) -> Option<Self> {
        let lists = lengths_of_lists(node, among, row);
        // Of a list that is too short the model would have more features than the event has items.
        let is_there = |name: &str| {
            let item = name.strip_suffix(']').and_then(|name| name.rsplit_once('['));
            item.is_none_or(|(list, at)| lists.get(list).is_none_or(|length| at.parse().is_ok_and(|at: usize| at < *length)))
        };
        let mut model = None;
        let features: Vec<FeatureValue> = node
            .features(row)
            .filter(|(feature, _)| is_there(&feature.name))
            .map(|(feature, value)| {
                model = Some(feature.model.to_string());
                let (input, name) = (feature.input.to_string(), feature.name.to_string());
                FeatureValue { input, name, element: feature.element.name(), value }
            })
            .collect();
        Some(Self { node: node.node.id.clone(), model: model?, features })
    }
}

/// How many items the lists that reach a node have in this row, by name.
fn lengths_of_lists<'a>(node: &ObservedNode<'_>, among: &'a [ObservedNode<'_>], row: usize) -> HashMap<&'a str, usize> {
    let parents = node.node.parents.iter().map(|parent| &among[*parent]);
    let lists = parents.flat_map(|parent| {
        let columns = parent.node.frame.columns().iter().enumerate();
        columns.filter(|(_, column)| matches!(column.data_type, DataType::List(_))).map(move |(at, column)| {
            let value = parent.value(at, row);
            (&*column.name, value.as_ref().and_then(Value::as_array).map_or(0, Vec::len))
        })
    });
    lists.collect()
}
