//! What the tests against a real broker share.

// Each test binary compiles this module for itself and uses a part of it.
#![allow(dead_code, unreachable_pub, clippy::expect_used, clippy::panic)]

pub mod car_insurance;
pub mod command;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use caz::kafka::{Admin, BareRecord, ClientProperties, Consumer, Producer, RebalanceListener};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};

/// The longest any test waits for one thing to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The broker under test.
pub fn bootstrap() -> String {
    std::env::var("CAZ_TEST_BOOTSTRAP").unwrap_or_else(|_| {
        panic!("CAZ_TEST_BOOTSTRAP names no broker: run `make test`, or `scripts/with-kafka cargo test`, which start one")
    })
}

/// A name nobody else uses, in this run or another.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{:x}-{:x}-{number}", std::process::id(), since_epoch.as_nanos())
}

/// Properties that reach the broker.
pub fn properties() -> ClientProperties {
    ClientProperties::new().with("bootstrap.servers", bootstrap())
}

/// A client for topics.
pub fn admin() -> Admin {
    Admin::new(&properties(), PATIENCE).expect("valid properties")
}

/// Makes a topic with a unique name that starts with `prefix`.
pub fn create_topic(prefix: &str, partitions: i32) -> String {
    create_topic_with(prefix, partitions, &[])
}

/// [`create_topic`] with topic properties.
pub fn create_topic_with(prefix: &str, partitions: i32, config: &[(&str, &str)]) -> String {
    let name = unique(prefix);
    let created = admin().create_topic(&name, partitions, None, config).expect("the broker creates topics");
    assert!(created, "the name is unique");
    // A busy broker knows it a moment later than its controller.
    wait_for("the topic is known", || admin().describe_topic(&name).ok().flatten().map(drop));
    name
}

/// Carries out what [`Admin`] does not do.
fn administer<T>(call: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> KafkaResult<T>) -> T {
    let client = ClientConfig::new().set("bootstrap.servers", bootstrap()).create().expect("valid properties");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(call(&client, &AdminOptions::new())).expect("the broker answers")
}

/// Deletes a topic.
pub fn delete_topic(name: &str) {
    let deleted = administer(async |client, options| client.delete_topics(&[name], options).await);
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
}

/// Lets the records of a partition expire that stand before `offset`.
pub fn expire(topic: &str, partition: i32, offset: i64) {
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("an offset");
    administer(async |client, options| client.delete_records(&before, options).await);
}

/// Deletes a topic and makes one of the same name.
pub fn make_topic_anew(name: &str, partitions: i32) {
    delete_topic(name);
    wait_for("the topic is gone, and made", || admin().create_topic(name, partitions, None, &[]).ok().filter(|is_new| *is_new));
}

/// Produces `count` records spread over the topic's partitions; key and value of the n-th are `n` in decimal.
pub fn produce_numbers(topic: &str, partitions: i32, count: usize) {
    let producer = Producer::new(&properties()).expect("valid properties");
    let handle = producer.topic(topic).expect("a valid name");
    let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    let records: Vec<BareRecord<'_>> = (0..partitions)
        .cycle()
        .zip(&numbers)
        .map(|(partition, number)| BareRecord {
            partition: Some(partition),
            key: Some(number.as_bytes()),
            value: Some(number.as_bytes()),
            tag: 0,
        })
        .collect();
    for chunk in records.chunks(1000) {
        producer.produce_batch(&handle, chunk, PATIENCE).expect("the queue drains");
    }
    producer.flush(PATIENCE).expect("the broker takes everything");
    assert_eq!(producer.take_failures(), []);
}

/// A record as a test looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Its timestamp, milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
}

impl Stored {
    /// The value as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.value.as_deref().expect("a value")).expect("UTF-8")
    }

    /// The last header of that name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().rfind(|(known, _)| known == name)?;
        std::str::from_utf8(value.as_deref()?).ok()
    }

    /// The event that a score or a dead letter tells of.
    pub fn source(&self) -> Option<Source> {
        source(|name| self.header(name))
    }
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The message, of an event that holds several.
    pub message: Option<u32>,
}

/// The event that a record with these headers tells of, by one header or by several.
pub fn source<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Source> {
    let packed = header("caz.score").and_then(|packed| packed.split(' ').next());
    let numbers: Vec<&str> = match packed {
        Some(packed) => packed.split('/').skip(1).collect(),
        None => ["partition", "offset", "message"].iter().map_while(|part| header(&format!("caz.source.{part}"))).collect(),
    };
    let [partition, offset, message @ ..] = &numbers[..] else { return None };
    Some(Source {
        partition: partition.parse().ok()?,
        offset: offset.parse().ok()?,
        message: message.first().map(|number| number.parse().expect("a number")),
    })
}

/// Everything a `read_committed` reader sees in the topic, by partition and offset, up to the end as of now.
///
/// Reads with rust-rdkafka's own consumer, so that what is checked and what checks share little.
pub fn read_committed(topic: &str) -> Vec<Stored> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap())
        .set("group.id", unique("reader"))
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()
        .expect("valid properties");
    let description = admin().describe_topic(topic).expect("the broker answers").expect("the topic exists");
    let mut assignment = TopicPartitionList::new();
    for partition in &description.partitions {
        assignment.add_partition_offset(topic, *partition, Offset::Beginning).expect("a valid offset");
    }
    consumer.assign(&assignment).expect("an assignment");
    let mut open: BTreeSet<i32> = description.partitions.into_iter().collect();
    let mut stored = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while !open.is_empty() {
        assert!(Instant::now() < deadline, "partitions {open:?} of {topic} have no end: is a transaction open?");
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            // On a busy machine a connection may take longer than librdkafka waits for it; it tries again.
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure))) => {}
            Some(Err(error)) => panic!("reading {topic}: {error}"),
            Some(Ok(message)) => stored.push(Stored {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers: message.headers().map_or_else(Vec::new, |headers| {
                    headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
                }),
                timestamp_ms: message.timestamp().to_millis(),
            }),
        }
    }
    stored.sort_by_key(|record| (record.partition, record.offset));
    stored
}

/// Repeats `step` until it yields a value.
pub fn wait_for<T>(what: &str, mut step: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = step() {
            return value;
        }
        assert!(Instant::now() < deadline, "timed out: {what}");
    }
}

/// Takes part in rebalances without doing anything.
pub struct Bystander;

impl RebalanceListener for Bystander {
    fn assigned(&mut self, _: &Consumer, _: &[i32]) {}
    fn revoked(&mut self, _: &Consumer, _: &[i32]) {}
    fn lost(&mut self, _: &Consumer, _: &[i32]) {}
}
