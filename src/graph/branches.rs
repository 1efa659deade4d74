//! The rows of each branch, while statistics are fitted.

use std::sync::Arc;

use arrow_array::ArrayRef;

use super::PlannedNode;
use crate::dataset::Rows;
use crate::nodes::{Inputs, Kernel};

/// Which rows reach each node: a row is out where a node on the way there took it out, not where one of another branch did. So a statistic
/// is the notebook's, which computes each branch by itself, and the order in which a file lists the nodes changes none.
#[derive(Debug, Default)]
pub(super) struct Branches {
    /// For each node, by its place, whether each of those up to it stands on the way to it.
    upstream: Vec<Vec<bool>>,
    /// Row and node, for each row that left.
    left: Vec<(usize, usize)>,
    /// The rows as they reach a step.
    here: Rows,
    /// What is said there of a row that is out already.
    gone: Arc<str>,
}

impl Branches {
    /// Those of a plan's nodes, parents first.
    pub(super) fn of(nodes: &[PlannedNode]) -> Self {
        let mut upstream: Vec<Vec<bool>> = Vec::with_capacity(nodes.len());
        for (place, node) in nodes.iter().enumerate() {
            // All starts share what the first of them makes of the event.
            let is_start = |at: usize| node.parents.is_empty() && nodes[at].parents.is_empty();
            let mut on_the_way: Vec<bool> = (0..=place).map(|at| at == place || is_start(at)).collect();
            for parent in &node.parents {
                on_the_way.iter_mut().zip(&upstream[*parent]).for_each(|(own, parents)| *own |= parents);
            }
            upstream.push(on_the_way);
        }
        Self { upstream, ..Self::default() }
    }

    /// Forgets the last batch.
    pub(super) fn start(&mut self) {
        self.left.clear();
    }

    /// Runs a step of the node at this place on the rows that reach it; those that leave there leave `rows`.
    pub(super) fn run(&mut self, node: usize, kernel: &mut dyn Kernel, inputs: &Inputs<'_>, rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        let upstream = &self.upstream[node];
        self.here.reset(rows.len());
        for (row, at) in &self.left {
            if upstream.get(*at).is_some_and(|on_the_way| *on_the_way) {
                self.here.skip(*row, Arc::clone(&self.gone));
            }
        }
        let before = self.here.out();
        kernel.run(inputs, &mut self.here, outputs);
        self.left.extend(self.here.iter_out().skip(before).map(|row| (row, node)));
        rows.adopt(&self.here, before);
    }
}
