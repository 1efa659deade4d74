//! The floor of the transport: as few calls into librdkafka as can be made to consume events and produce records of the scores' size, with
//! the properties, transactions and offsets of caz, and nothing between.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use caz::kafka::{
    BareRecord, ClientProperties, Consumer, Header, MessageBatch, OutboundRecord, PollLimits, Producer, RebalanceListener, TopicHandle,
};
use serde_json::Value;

use super::events::Workload;

#[derive(clap::Args)]
pub(crate) struct Transport {
    #[arg(long)]
    bootstrap: String,
    #[arg(long)]
    workload: PathBuf,
    #[arg(long)]
    input: String,
    #[arg(long)]
    output: String,
    #[arg(long)]
    group: String,
    #[arg(long)]
    guarantee: Guarantee,
    #[arg(long)]
    batch: usize,
    /// Produces each record by a call of its own, with as many headers as a score of caz can have.
    #[arg(long)]
    headers: bool,
    #[arg(long, hide = true)]
    dead_letters: Option<String>,
    #[arg(long, hide = true)]
    workers: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Guarantee {
    ExactlyOnce,
    AtLeastOnce,
}

const COMMIT_INTERVAL: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_millis(100);
/// How long to wait for more before what is open is committed early, as caz does.
const DRAIN_WAIT: Duration = Duration::from_millis(10);

impl Transport {
    pub(crate) fn run(&self) -> Value {
        let client = ClientProperties::new().with("bootstrap.servers", &self.bootstrap);
        let mut properties = client.clone();
        let is_exact = self.guarantee == Guarantee::ExactlyOnce;
        if is_exact {
            properties.set("transactional.id", &self.group);
            properties.set("transaction.timeout.ms", "60000");
        }
        let producer = Producer::new(&properties).unwrap();
        if is_exact {
            producer.init_transactions(TIMEOUT).unwrap();
        }
        let topic = producer.topic(&self.output).unwrap();
        let consumer = Consumer::new(&client.with("group.id", &self.group), &self.input).unwrap();
        consumer.subscribe().unwrap();
        let value = vec![b'x'; Workload::read(&self.workload).number("output_bytes")];
        let mut batch = MessageBatch::new();
        let mut open = Open { since: None, offsets: BTreeMap::new() };
        loop {
            let wait = if open.since.is_some() { DRAIN_WAIT } else { IDLE };
            let limits = PollLimits { max_messages: self.batch, wait, linger: Duration::ZERO };
            consumer.poll_batch(&mut batch, limits, &mut Alone).unwrap();
            if !batch.is_empty() {
                if open.since.is_none() {
                    if is_exact {
                        producer.begin().unwrap();
                    }
                    open.since = Some(Instant::now());
                }
                self.produce(&producer, &topic, &batch, &value);
                open.offsets.extend(batch.iter().map(|event| (event.partition(), event.offset() + 1)));
            }
            // As caz: a transaction ends once it has all that arrived, and records at least once are seen off then.
            let is_drained = batch.len() < self.batch && consumer.lags_at_most(batch.len());
            let ends = |since: Instant| batch.is_empty() || (is_exact && is_drained) || since.elapsed() >= COMMIT_INTERVAL;
            if open.since.is_some_and(ends) {
                open.commit(&producer, &consumer);
            } else if is_drained {
                producer.send();
            }
        }
    }

    fn produce(&self, producer: &Producer, topic: &TopicHandle, batch: &MessageBatch, value: &[u8]) {
        if !self.headers {
            let record = |key| BareRecord { key, value: Some(value), ..BareRecord::default() };
            let records: Vec<BareRecord<'_>> = batch.iter().map(|event| record(event.key())).collect();
            producer.produce_batch(topic, &records, TIMEOUT).unwrap();
            return;
        }
        for event in batch.iter() {
            let headers: [Header<'_>; 5] = [
                ("caz.source.topic", Some(self.input.as_bytes())),
                ("caz.source.partition", Some(b"0")),
                ("caz.source.offset", Some(b"123456")),
                ("caz.pipeline", Some(b"0123456789abcdef")),
                ("caz.model", Some(b"0123456789abcdef")),
            ];
            let (key, timestamp_ms) = (event.key(), event.timestamp_ms());
            let record = OutboundRecord { topic, partition: None, key, value: Some(value), headers: &headers, timestamp_ms, tag: 0 };
            producer.produce(&record, TIMEOUT).unwrap();
        }
    }
}

/// What is not committed yet.
struct Open {
    since: Option<Instant>,
    offsets: BTreeMap<i32, i64>,
}

impl Open {
    fn commit(&mut self, producer: &Producer, consumer: &Consumer) {
        let offsets: Vec<(i32, i64)> = std::mem::take(&mut self.offsets).into_iter().collect();
        if producer.is_transactional() {
            let group = consumer.group_metadata().unwrap();
            producer.send_offsets(&offsets, consumer.topic(), &group, TIMEOUT).unwrap();
            producer.commit(TIMEOUT).unwrap();
        } else {
            producer.flush(TIMEOUT).unwrap();
            consumer.commit(&offsets, TIMEOUT).unwrap();
        }
        self.since = None;
    }
}

/// The only member of its group.
struct Alone;

impl RebalanceListener for Alone {
    fn assigned(&mut self, _: &Consumer, _: &[i32]) {}
    fn revoked(&mut self, _: &Consumer, _: &[i32]) {}
    fn lost(&mut self, _: &Consumer, _: &[i32]) {}
}
