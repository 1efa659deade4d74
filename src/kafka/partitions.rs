//! librdkafka's list of partitions of one topic, owned.

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};

use rdkafka::bindings::{
    RD_KAFKA_OFFSET_INVALID, rd_kafka_topic_partition_list_add, rd_kafka_topic_partition_list_destroy, rd_kafka_topic_partition_list_new,
    rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_t,
};

use super::{ErrorCode, KafkaError};

/// Partitions of one topic with an offset each.
pub(super) struct PartitionList(NonNull<rd_kafka_topic_partition_list_t>);

/// One entry of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) error: ErrorCode,
}

impl PartitionList {
    /// A list of `(partition, offset)`.
    pub(super) fn with_offsets(topic: &CStr, offsets: &[(i32, i64)]) -> Self {
        let capacity = c_int::try_from(offsets.len()).unwrap_or(c_int::MAX);
        // SAFETY: librdkafka aborts the process when it cannot allocate, so the list is never null.
        let list = Self(unsafe { NonNull::new_unchecked(rd_kafka_topic_partition_list_new(capacity)) });
        for (partition, offset) in offsets {
            // SAFETY: a live list and a NUL-terminated name, which it copies; it returns the new entry, which is
            // valid until the next change of the list.
            unsafe { (*rd_kafka_topic_partition_list_add(list.as_ptr(), topic.as_ptr(), *partition)).offset = *offset };
        }
        list
    }

    /// A list without offsets.
    pub(super) fn new(topic: &CStr, partitions: &[i32]) -> Self {
        let entries: Vec<_> = partitions.iter().map(|id| (*id, i64::from(RD_KAFKA_OFFSET_INVALID))).collect();
        Self::with_offsets(topic, &entries)
    }

    /// The entries, read now.
    pub(super) fn entries(&self) -> Vec<Entry> {
        // SAFETY: a live list.
        unsafe { entries(self.as_ptr()) }
    }

    /// The first entry that carries an error.
    pub(super) fn check(&self, operation: &'static str) -> Result<(), KafkaError> {
        match self.entries().iter().find(|entry| entry.error != ErrorCode::NONE) {
            None => Ok(()),
            Some(Entry { partition, error, .. }) => {
                let reason = format!("partition {partition}: {}", error.description());
                Err(KafkaError::with_reason(operation, *error, reason))
            }
        }
    }

    pub(super) fn as_ptr(&self) -> *mut rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once.
        unsafe { rd_kafka_topic_partition_list_destroy(self.as_ptr()) }
    }
}

/// Reads a list that librdkafka owns.
///
/// # Safety
/// `list` is null or a live list.
pub(super) unsafe fn entries(list: *const rd_kafka_topic_partition_list_t) -> Vec<Entry> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: a live list has `cnt` elements at `elems`, which is null only when there are none. They are read
    // through raw pointers, and the error code as an integer, because it may be unknown to the bindings.
    unsafe {
        let count = usize::try_from((*list).cnt).unwrap_or(0);
        let first: *const rd_kafka_topic_partition_t = (*list).elems;
        (0..count)
            .map(|index| {
                let element = first.add(index);
                Entry {
                    partition: (*element).partition,
                    offset: (*element).offset,
                    error: ErrorCode(ptr::addr_of!((*element).err).cast::<c_int>().read()),
                }
            })
            .collect()
    }
}
