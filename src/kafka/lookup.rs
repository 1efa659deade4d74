//! One record by its place, for people who look, and why there is none.

use std::time::Duration;

use super::{Admin, ClientProperties, ConfigError, KafkaError, MessageBatch, OffsetRange, RangeReader};

/// Why there is no record to show.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Properties that librdkafka refuses.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Kafka cannot be asked.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// No such topic.
    #[error("topic `{topic}` does not exist")]
    NoTopic {
        /// The topic.
        topic: String,
    },
    /// No such partition.
    #[error("topic `{topic}` has no partition {partition}: it has {partitions}, counted from 0")]
    NoPartition {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// How many there are.
        partitions: usize,
    },
    /// Retention has deleted it.
    #[error("offset {offset} has expired: the partition now begins at {begins}")]
    Expired {
        /// The offset.
        offset: i64,
        /// The first offset that is there.
        begins: i64,
    },
    /// Nothing has been written there yet.
    #[error("offset {offset} does not exist: the partition's next record will be {ends}")]
    Beyond {
        /// The offset.
        offset: i64,
        /// The next offset to be written.
        ends: i64,
    },
    /// Its transaction, or an earlier one, has not ended.
    #[error("offset {offset} cannot be read yet: a transaction that began before it is still open")]
    Open {
        /// The offset.
        offset: i64,
    },
    /// Its transaction was aborted: no reader of committed records sees it.
    #[error("the record at offset {offset} belongs to an aborted transaction: it never counted")]
    Aborted {
        /// The offset.
        offset: i64,
    },
    /// The offset holds no record.
    #[error("offset {offset} holds no event: it is a transaction's control record, or was removed by compaction{}", next_text(*next))]
    NoRecord {
        /// The offset.
        offset: i64,
        /// The next record's offset, where there is one.
        next: Option<i64>,
    },
}

fn next_text(next: Option<i64>) -> String {
    next.map(|next| format!("; the next record is at {next}")).unwrap_or_default()
}

/// Reads the committed record at a place: the first message of the batch. The group of `properties` is neither joined nor changed.
///
/// # Errors
/// When there is no such record, with the reason; when Kafka does not answer one of the few questions within `timeout`.
pub fn read_record(
    properties: &ClientProperties,
    topic: &str,
    partition: i32,
    offset: i64,
    timeout: Duration,
) -> Result<MessageBatch, LookupError> {
    let [committed, all] = ["read_committed", "read_uncommitted"].map(|isolation| properties.clone().with("isolation.level", isolation));
    let admin = Admin::new(&committed, timeout)?;
    let Some(description) = admin.describe_topic(topic)? else { return Err(LookupError::NoTopic { topic: topic.into() }) };
    if !description.partitions.contains(&partition) {
        return Err(LookupError::NoPartition { topic: topic.into(), partition, partitions: description.partitions.len() });
    }
    let stable = admin.watermarks(topic, partition)?;
    if offset < stable.low {
        return Err(LookupError::Expired { offset, begins: stable.low });
    }
    if offset >= stable.high {
        let ends = Admin::new(&all, timeout)?.watermarks(topic, partition)?.high;
        return Err(if offset < ends { LookupError::Open { offset } } else { LookupError::Beyond { offset, ends } });
    }
    let range = OffsetRange { partition, from: offset, to: stable.high };
    let first = |properties: &ClientProperties| -> Result<(MessageBatch, Option<i64>), LookupError> {
        let mut batch = MessageBatch::new();
        RangeReader::new(properties, topic, &[range], timeout)?.read(&mut batch)?;
        let at = batch.get(0).map(|message| message.offset());
        Ok((batch, at))
    };
    let (batch, next) = first(&committed)?;
    if next == Some(offset) {
        return Ok(batch);
    }
    // Whoever reads all sees an aborted record too, but no control record.
    let is_aborted = first(&all)?.1 == Some(offset);
    Err(if is_aborted { LookupError::Aborted { offset } } else { LookupError::NoRecord { offset, next } })
}
