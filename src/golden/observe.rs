//! What a traced line made of a batch of events, as values.

use arrow_array::ArrayRef;
use serde_json::Value;

use crate::codec::json::JsonValues;
use crate::dataset::Rejection;
use crate::graph::{PlannedNode, Trace};
use crate::nodes::Feature;
use crate::stream::Scored;

/// A batch of events after a line for looking, see [`Assembly::tracing_line`](crate::stream::Assembly::tracing_line).
#[derive(Debug)]
pub struct Observed<'a> {
    /// The nodes in graph order.
    pub nodes: Vec<ObservedNode<'a>>,
    /// The events in order.
    pub events: Vec<Seen>,
}

/// One node and what it made.
#[derive(Debug)]
pub struct ObservedNode<'a> {
    /// The node.
    pub node: &'a PlannedNode,
    columns: Vec<Option<JsonValues<'a>>>,
    answers: Vec<bool>,
    features: Vec<(&'a Feature, Option<JsonValues<'a>>)>,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its row in the columns; `None` when it could not be decoded.
    pub row: Option<usize>,
    /// How many nodes it passed: those have its values.
    pub passed: usize,
    /// What became of it.
    pub fate: Fate,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It has a score.
    Scored,
    /// It is a dead letter.
    Rejected(Rejection),
    /// It is left out.
    Skipped {
        /// The node that did so.
        node: String,
        /// The declared reason.
        reason: String,
    },
}

impl<'a> Observed<'a> {
    /// What `scored` made of `events` events; `None` when its line is not one for looking.
    pub fn new(scored: &Scored<'a>, events: usize) -> Option<Self> {
        let (plan, trace) = (scored.plan(), scored.plan().trace()?);
        let nodes = plan.nodes().iter().enumerate().map(|(at, node)| ObservedNode::new(node, trace, at)).collect();
        let mut seen = vec![Seen { row: None, passed: 0, fate: Fate::Scored }; events];
        for (row, event) in scored.events().enumerate() {
            seen[event] = Seen { row: Some(row), passed: trace.left_at(row).unwrap_or(plan.nodes().len()), fate: Fate::Scored };
        }
        for (place, rejection) in scored.rejected() {
            seen[place.event].fate = Fate::Rejected(rejection.clone());
        }
        for (place, reason) in scored.skipped() {
            let event = place.event;
            let node = plan.nodes().get(seen[event].passed).map(|node| node.id.clone()).unwrap_or_default();
            seen[event].fate = Fate::Skipped { node, reason: reason.to_owned() };
        }
        Some(Self { nodes, events: seen })
    }

    /// The place of a node in graph order.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.node.id == id)
    }
}

impl<'a> ObservedNode<'a> {
    fn new(node: &'a PlannedNode, trace: &'a Trace, at: usize) -> Self {
        let values = |array: &'a ArrayRef| JsonValues::new(array.as_ref());
        let columns = trace.columns(at).iter().map(values).collect();
        let features = trace.features(at).map(|(feature, array)| (feature, values(array))).collect();
        let answers = (0..node.frame.columns().len()).map(|column| trace.is_answer(at, column)).collect();
        Self { node, columns, answers, features }
    }

    /// The value of column number `column` of its frame; `None` for a type that has no form here.
    pub fn value(&self, column: usize, row: usize) -> Option<Value> {
        Some(self.columns.get(column)?.as_ref()?.get(row))
    }

    /// Whether column number `column` of its frame is a model's answer, or was made of one.
    pub fn is_answer(&self, column: usize) -> bool {
        self.answers.get(column).is_some_and(|is_answer| *is_answer)
    }

    /// The place of a column in its frame.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.node.frame.columns().iter().position(|column| column.name.as_ref() == name)
    }

    /// What it gives to its model, in the model's order: nothing for a node without a model. Null is NaN.
    pub fn features(&self, row: usize) -> impl ExactSizeIterator<Item = (&'a Feature, Value)> {
        self.features.iter().map(move |(feature, values)| (*feature, values.as_ref().map(|values| values.get(row)).unwrap_or_default()))
    }

    /// The columns of its frame that its parents do not have with the same value in this row: what it changed or made.
    pub fn changed<'s>(&'s self, among: &'s [ObservedNode<'a>], row: usize) -> impl Iterator<Item = usize> + 's {
        let parents = self.node.parents.iter().map(|parent| &among[*parent]);
        let parents: Vec<&ObservedNode<'a>> = parents.collect();
        (0..self.node.frame.columns().len()).filter(move |column| {
            let made = &self.node.frame.columns()[*column];
            !parents.iter().any(|parent| {
                parent.node.frame.columns().iter().position(|had| had.name == made.name).is_some_and(|had| {
                    let before = &parent.node.frame.columns()[had];
                    before.source == made.source || before.data_type == made.data_type && parent.value(had, row) == self.value(*column, row)
                })
            })
        })
    }
}
