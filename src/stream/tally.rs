//! What was queued since the last commit: counted in the metrics when the commit has succeeded, so that undone work is not counted.

use crate::dataset::{Phase, Reason};
use crate::telemetry::WorkerMetrics;

/// Events by outcome since the last commit.
#[derive(Debug, Default)]
pub(super) struct Tally {
    scored: usize,
    score_bytes: usize,
    skipped: usize,
    dead: Vec<(Phase, Reason)>,
    /// Timestamps of events in milliseconds, equal neighbours counted.
    timestamps: Vec<(i64, usize)>,
}

impl Tally {
    pub(super) fn scored(&mut self, bytes: usize) {
        self.scored += 1;
        self.score_bytes += bytes;
    }

    pub(super) fn dead(&mut self, phase: Phase, reason: Reason) {
        self.dead.push((phase, reason));
    }

    pub(super) fn skipped(&mut self, events: usize) {
        self.skipped += events;
    }

    pub(super) fn timestamp(&mut self, timestamp_ms: i64) {
        match self.timestamps.last_mut() {
            Some((last, count)) if *last == timestamp_ms => *count += 1,
            _ => self.timestamps.push((timestamp_ms, 1)),
        }
    }

    /// Whether there are scores, and dead letters.
    pub(super) fn has(&self) -> [bool; 2] {
        [self.scored > 0, !self.dead.is_empty()]
    }

    /// Forgets everything: the work was undone.
    pub(super) fn clear(&mut self) {
        (self.scored, self.score_bytes, self.skipped) = (0, 0, 0);
        self.dead.clear();
        self.timestamps.clear();
    }

    /// Counts everything, at `now_ms` since the epoch, and forgets it.
    pub(super) fn publish(&mut self, metrics: &WorkerMetrics, now_ms: i64) {
        metrics.scored(self.scored, self.score_bytes);
        metrics.skipped(self.skipped);
        self.dead.iter().for_each(|(phase, reason)| metrics.dead_letter(*phase, *reason));
        metrics.latency(now_ms, self.timestamps.iter().copied());
        self.clear();
    }
}
