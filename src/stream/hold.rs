//! Partitions that stand still at an event whose writer's schema is not known yet.
//!
//! The event keeps its place: nothing behind it in its partition is scored before it. Its partition is paused and rewound to it, while
//! the worker goes on polling, so the group does not take the worker for dead, and the other partitions go on. Offsets cover only what
//! was scored, so the wait changes nothing in what a commit says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::codec::frame::SchemaKey;
use crate::kafka::{Consumer, KafkaError, MessageBatch};

/// The partitions held, each with the schema that it waits for.
#[derive(Debug, Default)]
pub(super) struct Held {
    partitions: BTreeMap<i32, SchemaKey>,
    /// Where they end, as was asked: no fetch tells of a partition that is paused.
    ends: BTreeMap<i32, i64>,
    /// When it was asked last, or the first of them was held.
    asked: Option<Instant>,
}

/// How often it is asked where the partitions end, and how long the answer may take, which the other partitions wait for.
const END_INTERVAL: Duration = Duration::from_secs(15);
const END_TIMEOUT: Duration = Duration::from_secs(2);

impl Held {
    /// Whether no partition is held.
    pub(super) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Holds each partition at its first event of `awaiting`, which are indices in the batch; the batch keeps the events before.
    pub(super) fn hold(
        &mut self,
        consumer: &Consumer,
        batch: &mut MessageBatch,
        awaiting: &[(usize, SchemaKey)],
        timeout: Duration,
    ) -> Result<(), KafkaError> {
        let firsts = cut(batch, awaiting);
        let partitions: Vec<i32> = firsts.keys().copied().collect();
        let positions: Vec<(i32, i64)> = firsts.iter().map(|(partition, (offset, _))| (*partition, *offset)).collect();
        consumer.pause(&partitions)?;
        if self.partitions.is_empty() {
            // Most schemas are known within moments, and nobody is to wait for more than them.
            self.asked = Some(Instant::now());
        }
        self.partitions.extend(firsts.iter().map(|(partition, (_, key))| (*partition, *key)));
        consumer.seek(&positions, timeout)?;
        tracing::info!(?positions, "partitions stand still: the schema of their next event is not known yet");
        Ok(())
    }

    /// Lets partitions go on whose schema is awaited no more, and forgets those that have left.
    pub(super) fn release(&mut self, consumer: &Consumer, is_awaited: impl Fn(SchemaKey) -> bool) {
        let ours = consumer.assignment();
        self.partitions.retain(|partition, _| ours.contains(partition));
        let free: Vec<i32> = self.partitions.iter().filter(|(_, key)| !is_awaited(**key)).map(|(partition, _)| *partition).collect();
        if free.is_empty() {
            return;
        }
        match consumer.resume(&free) {
            Ok(()) => {
                self.partitions.retain(|partition, _| !free.contains(partition));
                tracing::info!(partitions = ?free, "partitions go on");
            }
            Err(error) => tracing::warn!(%error, "partitions could not be resumed; trying again"),
        }
    }

    /// Asks now and then where the partitions end.
    pub(super) fn ask_ends(&mut self, consumer: &Consumer) {
        self.ends.retain(|partition, _| self.partitions.contains_key(partition));
        if self.partitions.is_empty() || self.asked.is_some_and(|asked| asked.elapsed() < END_INTERVAL) {
            return;
        }
        let partitions: Vec<i32> = self.partitions.keys().copied().collect();
        match consumer.ask_ends(&partitions, END_TIMEOUT) {
            Ok(ends) => self.ends.extend(ends),
            Err(error) => tracing::debug!(%error, "it is not known how much waits in partitions that stand still"),
        }
        self.asked = Some(Instant::now());
    }

    /// Where a partition ends, when it is held and its leader told.
    pub(super) fn end(&self, partition: i32) -> Option<i64> {
        self.ends.get(&partition).copied()
    }
}

/// Cuts a batch at the first of the given events of each partition: what is left of the partition comes before it. The answer is where
/// each was cut.
pub(super) fn cut<T: Copy>(batch: &mut MessageBatch, at: &[(usize, T)]) -> BTreeMap<i32, (i64, T)> {
    let mut firsts = BTreeMap::new();
    for (index, what) in at {
        if let Some(event) = batch.get(*index) {
            // A batch has a partition's events in their order.
            firsts.entry(event.partition()).or_insert((event.offset(), *what));
        }
    }
    batch.keep(|event| firsts.get(&event.partition()).is_none_or(|(offset, _)| event.offset() < *offset));
    firsts
}
