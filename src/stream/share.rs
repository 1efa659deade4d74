//! The partitions that are a worker's own: whether they can be read, and from where on their events wait.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::kafka::Consumer;

/// How long partitions may be unread before the log tells, and how often.
const UNREAD: Duration = Duration::from_secs(10);

/// A worker's share of the input.
pub(super) struct Share {
    partitions: usize,
    was_told: bool,
    /// Partitions of which no broker has told this worker yet what they hold.
    unread: Vec<i32>,
    /// When the last of them came, or the log told of them.
    unread_since: Instant,
    /// The next offset of each partition, as of its last commit here.
    durable: BTreeMap<i32, i64>,
}

impl Share {
    pub(super) fn new() -> Self {
        let (unread, durable) = (Vec::new(), BTreeMap::new());
        Self { partitions: 0, was_told: false, unread, unread_since: Instant::now(), durable }
    }

    pub(super) fn assigned(&mut self, partitions: &[i32]) {
        self.was_told = true;
        self.partitions += partitions.len();
        self.unread.extend(partitions);
        self.unread_since = Instant::now();
    }

    pub(super) fn left(&mut self, partitions: &[i32]) {
        self.partitions = self.partitions.saturating_sub(partitions.len());
        self.unread.retain(|partition| !partitions.contains(partition));
        self.durable.retain(|partition, _| !partitions.contains(partition));
    }

    /// The group has thrown the worker out, and is asked anew.
    pub(super) fn lost(&mut self) {
        self.was_told = false;
    }

    /// How many partitions there are.
    pub(super) fn len(&self) -> usize {
        self.partitions
    }

    /// Whether the group has told this worker its partitions.
    pub(super) fn was_told(&self) -> bool {
        self.was_told
    }

    /// Whether brokers have told of every partition what it holds. Until its committed offset is known none is asked, and an open
    /// transaction that may commit another one hides it.
    pub(super) fn is_read(&mut self, consumer: &Consumer) -> bool {
        self.unread.retain(|partition| consumer.end_cached(*partition).is_none());
        if !self.unread.is_empty() && self.unread_since.elapsed() > UNREAD {
            self.unread_since = Instant::now();
            let partitions = &self.unread;
            tracing::warn!(
                ?partitions,
                "partitions are not read yet: an open transaction may still commit their offsets, or their leader does not answer"
            );
        }
        self.unread.is_empty()
    }

    /// Everything before these offsets is durable.
    pub(super) fn committed(&mut self, offsets: &mut BTreeMap<i32, i64>) {
        self.durable.append(offsets);
    }

    /// How many events of each partition wait, the ones under way among them: what is not durable would come again. Partitions of which
    /// nothing is known yet are left out; `end` tells of those that no fetch tells of.
    pub(super) fn waiting(&self, consumer: &Consumer, end: impl Fn(i32) -> Option<i64>) -> Vec<(i32, i64)> {
        let done = |partition: i32| {
            // A topic that was made anew, or a log that was cut, is read below what was durable.
            let durable = self.durable.get(&partition).copied().filter(|durable| Some(*durable) <= consumer.position(partition));
            durable.or_else(|| consumer.first(partition))
        };
        consumer.lags_from(done, end)
    }
}
