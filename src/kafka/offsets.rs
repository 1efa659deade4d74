//! Where a [`Consumer`] stands and where it goes: committed offsets, seeks, commits.

use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

use rdkafka::bindings::{
    rd_kafka_consumer_group_metadata, rd_kafka_consumer_group_metadata_destroy, rd_kafka_consumer_group_metadata_t, rd_kafka_event_destroy,
    rd_kafka_queue_poll, rd_kafka_seek_partitions,
};

use super::client::{Role as _, millis};
use super::partitions::PartitionList;
use super::{Consumer, ErrorCode, KafkaError, ffi};

/// The offsets a partition holds, as the last fetch told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// The first offset that still exists.
    pub low: i64,
    /// The offset after the last message.
    pub high: i64,
}

/// The member's identity in its group, for [`Producer::send_offsets`](super::Producer::send_offsets): the broker
/// refuses offsets of a member that was replaced. Take it anew for each transaction.
#[derive(Debug)]
pub struct GroupMetadata {
    native: NonNull<rd_kafka_consumer_group_metadata_t>,
    group: String,
}

// SAFETY: a self-contained value that is only read until it is destroyed.
unsafe impl Send for GroupMetadata {}

impl GroupMetadata {
    pub(super) fn as_ptr(&self) -> *const rd_kafka_consumer_group_metadata_t {
        self.native.as_ptr()
    }

    /// The group's name.
    pub(super) fn group(&self) -> &str {
        &self.group
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once.
        unsafe { rd_kafka_consumer_group_metadata_destroy(self.native.as_ptr()) }
    }
}

impl Consumer {
    /// The group's committed offsets of these partitions. With `isolation.level=read_committed` waits until none of them has a
    /// transaction open that may commit another; without it what such a transaction would commit does not count.
    pub fn committed(&self, partitions: &[i32], timeout: Duration) -> Result<Vec<(i32, Option<i64>)>, KafkaError> {
        const OPERATION: &str = "read committed offsets";
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let list = PartitionList::new(&self.role().topic, partitions);
        // SAFETY: a live handle and list, which the call fills in before it returns.
        let code = unsafe { ffi::rd_kafka_committed(self.rk(), list.as_ptr(), millis(timeout)) };
        KafkaError::check(OPERATION, code).and_then(|()| list.check(OPERATION)).map_err(|error| self.explained(error))?;
        Ok(list.entries().iter().map(|entry| (entry.partition, (entry.offset >= 0).then_some(entry.offset))).collect())
    }

    /// Moves the positions of partitions that are ours. What was fetched before is discarded.
    pub fn seek(&self, positions: &[(i32, i64)], timeout: Duration) -> Result<(), KafkaError> {
        const OPERATION: &str = "seek";
        if positions.is_empty() {
            return Ok(());
        }
        if let Some((partition, offset)) = positions.iter().find(|(_, offset)| *offset < 0) {
            return Err(KafkaError::refused(OPERATION, format!("partition {partition}: {offset} is no offset")));
        }
        let list = PartitionList::with_offsets(&self.role().topic, positions);
        // SAFETY: a live handle and list, which the call fills in before it returns.
        unsafe {
            let error = rd_kafka_seek_partitions(self.rk(), list.as_ptr(), millis(timeout).max(1));
            KafkaError::take(OPERATION, error)?;
        }
        list.check(OPERATION)?;
        let mut known = self.role().positions.borrow_mut();
        for (partition, offset) in positions {
            known.seek(*partition, *offset);
        }
        Ok(())
    }

    /// Moves every partition of the assignment back to what the group has committed, as after an aborted
    /// transaction. librdkafka does not do it by itself.
    ///
    /// A partition without a committed offset goes back to the first message this member got of it: asking
    /// `auto.offset.reset` again could skip what has arrived since. One that gave no message stays where it is.
    pub fn rewind_to_committed(&self, timeout: Duration) -> Result<(), KafkaError> {
        let deadline = Instant::now() + timeout;
        let committed = self.committed(&self.assignment(), timeout)?;
        let positions: Vec<(i32, i64)> = {
            let known = self.role().positions.borrow();
            let target = |(partition, offset): &(i32, Option<i64>)| {
                let first = known.first(*partition)?;
                Some((*partition, offset.unwrap_or(first)))
            };
            committed.iter().filter_map(target).collect()
        };
        self.seek(&positions, deadline.saturating_duration_since(Instant::now()))
    }

    /// Commits the offsets of the next messages to read, outside any transaction, and waits for the broker's answer.
    pub fn commit(&self, offsets: &[(i32, i64)], timeout: Duration) -> Result<(), KafkaError> {
        const OPERATION: &str = "commit offsets";
        if offsets.is_empty() {
            return Ok(());
        }
        let list = PartitionList::with_offsets(&self.role().topic, offsets);
        // rd_kafka_commit's own synchronous mode waits without a bound.
        let queue = self.new_queue(OPERATION)?;
        // SAFETY: live handle, list (copied) and queue; the answer comes as an event, which is owned by us.
        unsafe {
            let (rk, null) = (self.rk(), ptr::null_mut());
            let code = ffi::rd_kafka_commit_queue(rk, list.as_ptr(), queue.as_ptr(), None, null);
            KafkaError::check(OPERATION, code)?;
            let event = rd_kafka_queue_poll(queue.as_ptr(), millis(timeout));
            if event.is_null() {
                return Err(KafkaError::from_code(OPERATION, ErrorCode::TIMED_OUT));
            }
            let code = ffi::rd_kafka_event_error(event);
            rd_kafka_event_destroy(event);
            KafkaError::check(OPERATION, code).map_err(|error| self.explained(error))
        }
    }

    /// An error with the right that is lacking.
    fn explained(&self, error: KafkaError) -> KafkaError {
        error.lacking(|code| self.role().lacking(code))
    }

    /// This member's identity, as of now.
    pub fn group_metadata(&self) -> Result<GroupMetadata, KafkaError> {
        // SAFETY: a live handle; the result is owned by us.
        let metadata = unsafe { rd_kafka_consumer_group_metadata(self.rk()) };
        let missing = || KafkaError::from_code("read the group's metadata", ErrorCode::STATE);
        let native = NonNull::new(metadata).ok_or_else(missing)?;
        Ok(GroupMetadata { native, group: self.role().group.clone() })
    }

    /// A partition's offsets as the last fetch told, without asking the broker. `None` before the first fetch.
    pub fn watermarks_cached(&self, partition: i32) -> Option<Watermarks> {
        self.watermarks_told(partition).filter(|watermarks| watermarks.low >= 0)
    }

    /// The offset after a partition's last message, as [`Consumer::watermarks_cached`]; a broker need not tell the first offset.
    pub fn end_cached(&self, partition: i32) -> Option<i64> {
        self.watermarks_told(partition).map(|watermarks| watermarks.high)
    }

    fn watermarks_told(&self, partition: i32) -> Option<Watermarks> {
        let (mut low, mut high) = (-1, -1);
        let topic = self.role().topic.as_ptr();
        // SAFETY: a live handle, a NUL-terminated name, two integers to write to.
        let code = unsafe { ffi::rd_kafka_get_watermark_offsets(self.rk(), topic, partition, &mut low, &mut high) };
        (code == 0 && high >= 0).then_some(Watermarks { low, high })
    }

    /// The offset after the last message of each of these partitions, asked of their leaders: an answer comes behind those of the fetches that are
    /// under way, each of which waits for `fetch.wait.max.ms` where nothing arrives.
    pub fn ask_ends(&self, partitions: &[i32], timeout: Duration) -> Result<Vec<(i32, i64)>, KafkaError> {
        const OPERATION: &str = "read the ends of partitions";
        /// As a time, in Kafka's protocol: behind the latest message.
        const LATEST: i64 = -1;
        let times: Vec<(i32, i64)> = partitions.iter().map(|partition| (*partition, LATEST)).collect();
        let list = PartitionList::with_offsets(&self.role().topic, &times);
        // SAFETY: a live handle and list, which the call fills in before it returns.
        let code = unsafe { ffi::rd_kafka_offsets_for_times(self.rk(), list.as_ptr(), millis(timeout)) };
        KafkaError::check(OPERATION, code).and_then(|()| list.check(OPERATION))?;
        Ok(list.entries().iter().map(|entry| (entry.partition, entry.offset)).collect())
    }

    /// How many offsets each partition that is ours has behind the last message returned, as its last fetch told; nothing before the first
    /// fetch. Control records right behind that message do not count. 0 before a first message: one that had arrived would have been
    /// returned.
    pub fn lags(&self) -> Vec<(i32, i64)> {
        self.lags_from(|_| None, |_| None)
    }

    /// Whether at most so many messages wait, as [`Consumer::lags`] tells.
    pub fn lags_at_most(&self, messages: usize) -> bool {
        self.lags().iter().map(|(_, lag)| usize::try_from(*lag).unwrap_or(0)).sum::<usize>() <= messages
    }

    /// As [`Consumer::lags`], but behind what is `done`: the next offset of a partition, where messages from there on were returned; and
    /// up to the `end` of a partition where it is known better than by a fetch.
    pub fn lags_from(&self, done: impl Fn(i32) -> Option<i64>, end: impl Fn(i32) -> Option<i64>) -> Vec<(i32, i64)> {
        let list = PartitionList::new(&self.role().topic, &self.assignment());
        // SAFETY: a live handle and list, which the call fills in. It knows of control records, and nothing for a while after a seek.
        unsafe { ffi::rd_kafka_position(self.rk(), list.as_ptr()) };
        let lag = |partition: i32, position: i64| {
            let end = end(partition).or_else(|| self.end_cached(partition))?;
            let begin = match self.position(partition) {
                None => end,
                Some(next) => done(partition).filter(|done| *done < next).unwrap_or(next.max(position)),
            };
            Some((partition, (end - begin).max(0)))
        };
        list.entries().iter().filter_map(|entry| lag(entry.partition, entry.offset)).collect()
    }

    /// The first offset that this member got of a partition; `None` before it, and for a partition that is not ours.
    pub fn first(&self, partition: i32) -> Option<i64> {
        self.role().positions.borrow().first(partition)
    }
}
