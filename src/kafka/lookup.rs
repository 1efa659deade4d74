//! One record by its place, for people who look. Off the hot path, so on rust-rdkafka's own consumer.

use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList, error::KafkaError as RdKafkaError, types::RDKafkaErrorCode};

use super::admin::{TracedContext, failure};
use super::client::{ConfigError, NativeConfig};
use super::{ClientProperties, ErrorCode, KafkaError};

/// A record and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

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
    /// The broker did not send it in time.
    #[error("the broker did not send offset {offset} within {} s", timeout.as_secs())]
    TimedOut {
        /// The offset.
        offset: i64,
        /// How long it was waited for.
        timeout: Duration,
    },
}

fn next_text(next: Option<i64>) -> String {
    next.map(|next| format!("; the next record is at {next}")).unwrap_or_default()
}

/// Reads the committed record at a place. The group of `properties` is neither joined nor changed.
///
/// # Errors
/// When there is no such record, with the reason; when Kafka does not answer within `timeout`, a bound of each of its few questions.
pub fn read_record(
    properties: &ClientProperties,
    topic: &str,
    partition: i32,
    offset: i64,
    timeout: Duration,
) -> Result<StoredRecord, LookupError> {
    let committed = reader(properties, "read_committed")?;
    let metadata = committed.fetch_metadata(Some(topic), timeout).map_err(|error| failure("ask for the topic", &error))?;
    let described = metadata.topics().iter().find(|described| described.name() == topic);
    let described = described.filter(|described| described.error().is_none_or(|error| ErrorCode(error as i32) == ErrorCode::NONE));
    let Some(described) = described else { return Err(LookupError::NoTopic { topic: topic.into() }) };
    if !described.partitions().iter().any(|known| known.id() == partition) {
        return Err(LookupError::NoPartition { topic: topic.into(), partition, partitions: described.partitions().len() });
    }
    let watermarks = |consumer: &BaseConsumer<TracedContext>| {
        consumer.fetch_watermarks(topic, partition, timeout).map_err(|error| failure("ask for the partition's offsets", &error))
    };
    let (begins, stable) = watermarks(&committed)?;
    if offset < begins {
        return Err(LookupError::Expired { offset, begins });
    }
    let place = Place { topic, partition, offset, timeout };
    if offset >= stable {
        let (_, ends) = watermarks(&reader(properties, "read_uncommitted")?)?;
        return Err(if offset < ends { LookupError::Open { offset } } else { LookupError::Beyond { offset, ends } });
    }
    let next = match place.first_from(&committed)? {
        Some(record) if record.offset == offset => return Ok(record),
        other => other.map(|record| record.offset),
    };
    let any = place.first_from(&reader(properties, "read_uncommitted")?)?;
    Err(match any {
        Some(record) if record.offset == offset => LookupError::Aborted { offset },
        _ => LookupError::NoRecord { offset, next },
    })
}

fn reader(properties: &ClientProperties, isolation: &str) -> Result<BaseConsumer<TracedContext>, ConfigError> {
    let mut properties = properties.clone();
    for (name, value) in
        [("isolation.level", isolation), ("enable.auto.commit", "false"), ("enable.partition.eof", "true"), ("auto.offset.reset", "error")]
    {
        properties.set(name, value);
    }
    // As for `Admin`: rust-rdkafka stops at the first wrong property and quotes its value.
    drop(NativeConfig::new(&properties, Vec::new())?);
    let mut config = ClientConfig::new();
    properties.iter().for_each(|(name, value)| {
        config.set(name, value);
    });
    BaseConsumer::from_config_and_context(&config, TracedContext)
        .map_err(|error| ConfigError::general(properties.redact(&error.to_string())))
}

struct Place<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timeout: Duration,
}

impl Place<'_> {
    /// The first record at the place or behind it; `None` at the partition's end.
    fn first_from(&self, consumer: &BaseConsumer<TracedContext>) -> Result<Option<StoredRecord>, LookupError> {
        let mut assignment = TopicPartitionList::new();
        let assigned = assignment.add_partition_offset(self.topic, self.partition, Offset::Offset(self.offset));
        assigned.and_then(|()| consumer.assign(&assignment)).map_err(|error| failure("read the record", &error))?;
        let deadline = Instant::now() + self.timeout;
        loop {
            match consumer.poll(deadline.saturating_duration_since(Instant::now())) {
                Some(Ok(message)) => return Ok(Some(stored(&message))),
                Some(Err(RdKafkaError::PartitionEOF(_))) => return Ok(None),
                // Brokers that do not answer are asked again until the time is over.
                Some(Err(error)) if is_transient(&error) => {}
                Some(Err(error)) => return Err(failure("read the record", &error).into()),
                None => return Err(LookupError::TimedOut { offset: self.offset, timeout: self.timeout }),
            }
        }
    }
}

fn is_transient(error: &RdKafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::Resolve)
    )
}

fn stored(message: &BorrowedMessage<'_>) -> StoredRecord {
    let headers = message.headers().map(|headers| headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))));
    StoredRecord {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.into_iter().flatten().collect(),
    }
}
