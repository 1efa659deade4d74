//! What every node made of a batch: what `explain` shows and golden cases are compared with.

use std::collections::BTreeSet;

use arrow_array::ArrayRef;

use super::PlannedNode;
use crate::dataset::{Phase, Rows};
use crate::nodes::{Feature, Slot, Source, Step};

/// The columns of every node after a batch, and what each model was given.
///
/// Values of a row that left are meaningful for the nodes before the one at which it left.
#[derive(Debug, Default)]
pub struct Trace {
    nodes: Vec<TracedNode>,
    /// What models answered, and what was made of it.
    answers: BTreeSet<Slot>,
    /// Row and node, for each row that left.
    left: Vec<(usize, usize)>,
}

#[derive(Debug, Default)]
struct TracedNode {
    /// Of the columns, in the order of its frame, then of the features.
    slots: Vec<Slot>,
    arrays: Vec<ArrayRef>,
    features: Vec<Feature>,
}

impl Trace {
    /// A trace of all nodes, adding the steps that make arrays of columns which are held as codes. Steps know their nodes by their place
    /// in `nodes`.
    pub(super) fn plan(nodes: &[PlannedNode], steps: &mut Vec<Step>, slots: &mut usize) -> Self {
        let mut decoded: Vec<(Source, Slot)> = Vec::new();
        let mut traced = Vec::with_capacity(nodes.len());
        for (place, node) in nodes.iter().enumerate() {
            let mut slot_of = |column: &crate::nodes::Column| {
                if let Source::Slot(slot) = column.source {
                    return slot;
                }
                if let Some((_, slot)) = decoded.iter().find(|(source, _)| *source == column.source) {
                    return *slot;
                }
                let slot = Slot::new(*slots);
                *slots += 1;
                steps.extend(Step::decode(column, place, slot));
                decoded.push((column.source.clone(), slot));
                slot
            };
            let slots = node.frame.columns().iter().map(&mut slot_of).collect();
            traced.push(TracedNode { slots, ..TracedNode::default() });
        }
        for step in steps.iter().filter(|step| !step.kernel.features().is_empty()) {
            let node = &mut traced[step.node];
            node.features.extend_from_slice(step.kernel.features());
            node.slots.extend_from_slice(&step.writes);
        }
        Self { nodes: traced, answers: answers(steps), left: Vec::new() }
    }

    /// Forgets the last batch.
    pub(super) fn start(&mut self) {
        self.left.clear();
        self.nodes.iter_mut().for_each(|node| node.arrays.clear());
    }

    /// Notes the rows that left at `node`, which are all but the first `before` of those that are out.
    pub(super) fn leave(&mut self, rows: &Rows, before: usize, node: usize) {
        self.left.extend(rows.iter_out().skip(before).map(|row| (row, node)));
    }

    /// Keeps the arrays of the batch.
    pub(super) fn finish(&mut self, slots: &[Option<ArrayRef>]) {
        for node in &mut self.nodes {
            node.arrays.extend(node.slots.iter().filter_map(|slot| slots[slot.index()].clone()));
        }
    }

    /// Where every slot is that must be written.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.nodes.iter().flat_map(|node| node.slots.iter().copied())
    }

    /// The arrays of a node's columns, in the order of its frame; `node` is its place in [`Plan::nodes`](super::Plan::nodes).
    pub fn columns(&self, node: usize) -> &[ArrayRef] {
        let node = &self.nodes[node];
        &node.arrays[..node.arrays.len() - node.features.len()]
    }

    /// What a node gives to its model: each feature and its array, in the model's order; nothing for a node without a model.
    pub fn features(&self, node: usize) -> impl ExactSizeIterator<Item = (&Feature, &ArrayRef)> {
        let node = &self.nodes[node];
        node.features.iter().zip(&node.arrays[node.arrays.len() - node.features.len()..])
    }

    /// Whether a column of a node is a model's answer, or was made of one.
    pub fn is_answer(&self, node: usize, column: usize) -> bool {
        self.nodes[node].slots.get(column).is_some_and(|slot| self.answers.contains(slot))
    }

    /// The features' descriptions, in the model's order, batch or no batch.
    pub fn feature_list(&self, node: usize) -> &[Feature] {
        &self.nodes[node].features
    }

    /// The place of the node at which a row was rejected or skipped; `None` for one that went all the way.
    pub fn left_at(&self, row: usize) -> Option<usize> {
        self.left.iter().find(|(left, _)| *left == row).map(|(_, node)| *node)
    }
}

/// The slots of models' answers and of everything that is computed from them.
fn answers(steps: &[Step]) -> BTreeSet<Slot> {
    let mut answers = BTreeSet::new();
    for step in steps {
        if step.kernel.phase() == Phase::Inference || step.reads.iter().any(|slot| answers.contains(slot)) {
            answers.extend(step.writes.iter().copied());
        }
    }
    answers
}
