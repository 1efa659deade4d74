//! Which nodes work in vain.

use std::collections::BTreeSet;

use super::{OutputColumn, PlannedNode};
use crate::nodes::{self, Slot, Step};

/// The nodes (by their place in the plan) that make columns of which no other node, no output and no filter reads one. `steps` are those that
/// are kept, their nodes by the same places. A node that only moves, drops or filters makes no column, and is never among them.
pub(super) fn idle(graph: &[PlannedNode], steps: &[Step], outputs: &[OutputColumn]) -> Vec<usize> {
    let mut needed: BTreeSet<Slot> = outputs.iter().map(|output| output.slot).collect();
    let read: BTreeSet<Slot> = steps.iter().flat_map(|step| step.reads.iter().copied()).collect();
    let columns: BTreeSet<Slot> = graph.iter().flat_map(|node| node.frame.columns()).filter_map(nodes::Column::slot).collect();
    for step in steps.iter().rev() {
        let is_filter = step.kernel.can_reject() && !step.writes.iter().any(|slot| read.contains(slot) || columns.contains(slot));
        if is_filter || step.writes.iter().any(|slot| needed.contains(slot)) {
            needed.extend(step.reads.iter().copied());
        }
    }
    let is_idle = |(place, node): (usize, &PlannedNode)| {
        let is_entry = nodes::by_name(&node.type_name).is_some_and(nodes::Node::is_entry);
        let own = node.frame.columns().iter().filter(|column| column.origin.node() == node.id);
        let made: Vec<Slot> = own.filter_map(nodes::Column::slot).collect();
        let read_elsewhere = |slot: &Slot| steps.iter().any(|step| step.node != place && step.reads.contains(slot));
        (!is_entry && !made.is_empty() && !made.iter().any(|slot| needed.contains(slot) || read_elsewhere(slot))).then_some(place)
    };
    graph.iter().enumerate().filter_map(is_idle).collect()
}
