//! Reading a topic as it lies there: ranges of offsets, once, as a member of no group.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::partitions::PartitionList;
use super::{ClientProperties, ConfigError, Consumer, ErrorCode, KafkaError, MessageBatch, PollLimits, RebalanceListener, ffi};

/// Offsets of one partition: `from` and all after it up to, not including, `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRange {
    /// The partition.
    pub partition: i32,
    /// The first offset.
    pub from: i64,
    /// The offset behind the last.
    pub to: i64,
}

/// Reads ranges of one topic's partitions, each once. Offsets that hold no record (control records, expired and compacted ones, aborted
/// ones for a reader of committed records) are passed over.
pub struct RangeReader {
    consumer: Consumer,
    /// What is left to read of each partition.
    open: BTreeMap<i32, OffsetRange>,
    patience: Duration,
}

/// The most messages of one [`RangeReader::read`].
const BATCH: usize = 1024;
/// How long one poll waits.
const WAIT: Duration = Duration::from_millis(100);

impl RangeReader {
    /// A reader of these ranges, at most one for each partition. `properties` need a `group.id`, which is used for nothing but the
    /// broker's access check; `isolation.level` decides what is read. Without a single message for `patience` the reader gives up.
    ///
    /// # Errors
    /// Every wrong property.
    pub fn new(properties: &ClientProperties, topic: &str, ranges: &[OffsetRange], patience: Duration) -> Result<Self, ConfigError> {
        let mut properties = properties.clone();
        // The end of a range may hold no record; the end of the partition then tells that it was reached. (Not for partitions that are
        // resumed: librdkafka 2.12 takes this for a message, and would go on one record behind it.)
        properties.set("enable.partition.eof", "true");
        // What has expired is passed over; a range begins at the first record that is there.
        properties.set("auto.offset.reset", "earliest");
        let consumer = Consumer::new(&properties, topic)?;
        let ranges = ranges.iter().filter(|range| range.from < range.to);
        let starts: Vec<(i32, i64)> = ranges.clone().map(|range| (range.partition, range.from)).collect();
        consumer.assign(&starts).map_err(|error| ConfigError::general(error.to_string()))?;
        Ok(Self { consumer, open: ranges.map(|range| (range.partition, *range)).collect(), patience })
    }

    /// Fills `batch` with the next messages, by offset within a partition. `false`, and an empty batch, when all ranges are read.
    ///
    /// # Errors
    /// When nothing arrives any more, a partition begins again, or waiting cannot help.
    pub fn read(&mut self, batch: &mut MessageBatch) -> Result<bool, KafkaError> {
        const OPERATION: &str = "read a range of offsets";
        let give_up = Instant::now() + self.patience;
        let limits = PollLimits { max_messages: BATCH, wait: WAIT, linger: Duration::ZERO };
        batch.clear();
        while !self.open.is_empty() {
            match self.consumer.poll_batch(batch, limits, &mut Alone) {
                // It is a member of no group, and librdkafka asks for the group's coordinator all the same.
                Err(error) if error.code == ErrorCode::GROUP_DENIED => {}
                outcome => outcome?,
            }
            batch.keep(|message| self.open.get(&message.partition()).is_some_and(|range| message.offset() < range.to));
            for message in batch.iter() {
                let (partition, offset) = (message.partition(), message.offset());
                let Some(range) = self.open.get_mut(&partition) else { continue };
                if offset < range.from {
                    let reason = format!("partition {partition} begins again: its topic was made anew, or its log was cut");
                    return Err(KafkaError::with_reason(OPERATION, ErrorCode::INCONSISTENT, reason));
                }
                range.from = offset + 1;
            }
            self.close_finished()?;
            if !batch.is_empty() {
                return Ok(true);
            }
            if Instant::now() > give_up {
                return Err(KafkaError::from_code(OPERATION, ErrorCode::TIMED_OUT));
            }
        }
        Ok(false)
    }

    fn close_finished(&mut self) -> Result<(), KafkaError> {
        let position = |partition: i32| self.consumer.position(partition).max(self.consumer.end_seen(partition));
        let finished: Vec<i32> =
            self.open.values().filter(|range| position(range.partition) >= Some(range.to)).map(|range| range.partition).collect();
        if finished.is_empty() {
            return Ok(());
        }
        self.consumer.pause(&finished)?;
        self.open.retain(|partition, _| !finished.contains(partition));
        Ok(())
    }
}

impl Consumer {
    /// Reads these partitions from these offsets on, outside any group.
    fn assign(&self, positions: &[(i32, i64)]) -> Result<(), KafkaError> {
        let list = PartitionList::with_offsets(&self.role().topic, positions);
        // SAFETY: a live handle and list; librdkafka copies the list.
        KafkaError::check("assign", unsafe { ffi::rd_kafka_assign(self.rk(), list.as_ptr()) })?;
        let mut known = self.role().positions.borrow_mut();
        known.assign(&positions.iter().map(|(partition, _)| *partition).collect::<Vec<_>>());
        positions.iter().for_each(|(partition, offset)| known.seek(*partition, *offset));
        Ok(())
    }

    /// The end of a partition, when reading came upon it.
    fn end_seen(&self, partition: i32) -> Option<i64> {
        self.role().ends.borrow().get(&partition).copied()
    }
}

/// For a consumer without a group: there is nobody to share with.
struct Alone;

impl RebalanceListener for Alone {
    fn assigned(&mut self, _: &Consumer, _: &[i32]) {}
    fn revoked(&mut self, _: &Consumer, _: &[i32]) {}
    fn lost(&mut self, _: &Consumer, _: &[i32]) {}
}

impl std::fmt::Debug for RangeReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RangeReader").field("topic", &self.consumer.topic()).field("open", &self.open).finish_non_exhaustive()
    }
}
