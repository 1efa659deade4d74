//! The rows of a dataset that take no part in its statistics.

use std::collections::BTreeSet;

use crate::dataset::Rejection;

/// How many are kept with their reason, to be shown.
const SHOWN: usize = 5;

/// Rows that are rejected or skipped, each counted once however many passes meet it.
#[derive(Debug, Default)]
pub struct Rejections {
    allowed: u64,
    rejected: BTreeSet<u64>,
    shown: Vec<String>,
    /// Of the last pass, which runs more of the graph than those before.
    skipped: u64,
}

impl Rejections {
    pub(super) fn new(allowed: u64) -> Self {
        Self { allowed, ..Self::default() }
    }

    /// Counts a row, from 0.
    pub(super) fn reject(&mut self, row: u64, why: &Rejection) {
        // One more than are allowed is enough to know; so the memory is bounded by what the user allows.
        if self.rejected.len() as u64 <= self.allowed && self.rejected.insert(row) && self.shown.len() < SHOWN {
            let field = why.field.as_ref().map(|field| format!(", field `{field}`")).unwrap_or_default();
            let node = why.node.as_ref().map(|node| format!(" by node `{node}`")).unwrap_or_default();
            self.shown.push(format!("row {row} is rejected{node}: {} ({}{field}): {}", why.phase.name(), why.reason.name(), why.message));
        }
    }

    pub(super) fn begin_pass(&mut self) {
        self.skipped = 0;
    }

    pub(super) fn skip(&mut self, rows: u64) {
        self.skipped += rows;
    }

    pub(super) fn are_too_many(&self) -> bool {
        self.rejected.len() as u64 > self.allowed
    }

    pub(super) fn allowed(&self) -> u64 {
        self.allowed
    }

    /// How many rows are rejected.
    pub fn rejected(&self) -> u64 {
        self.rejected.len() as u64
    }

    /// How many rows nodes skip.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The first rejected rows with their reasons.
    pub fn shown(&self) -> &[String] {
        &self.shown
    }
}
