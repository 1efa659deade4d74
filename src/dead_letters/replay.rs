//! Sending letters back to the input, once each.

use std::time::Duration;

use super::{DeadLetter, DeadLetterError, DeadLetters, Filter, REPLAY_OF, REPLAYED_OFFSET, TIMEOUT};
use crate::kafka::{Admin, Header, OutboundRecord, Producer, TopicHandle, TransactionError};
use crate::stream::{Assembly, publish::record_bytes};

/// How many letters one transaction sends back at most, and how many of their bytes.
const CHUNK: (usize, usize) = (500, 16 << 20);
/// The largest record that librdkafka takes unless `message.max.bytes` says otherwise.
const MESSAGE_BYTES: usize = 1_000_000;
/// How long a full queue may stay full.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// What became of the letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// How many were sent back.
    pub sent: u64,
    /// Partition and offset of letters whose value was too large for their topic, and is not in the input any more.
    pub without_value: Vec<(i32, i64)>,
    /// Partition and offset of letters whose event is larger than the input takes.
    pub too_large: Vec<(i32, i64)>,
}

/// Sends letters back to the input topic of their pipeline.
pub struct Replay {
    producer: Producer,
    input_name: String,
    input: TopicHandle,
    /// The input's partitions, of which there may be fewer than there were; `None` when nobody may know.
    partitions: Option<Vec<i32>>,
    letters_topic: TopicHandle,
    timeout: Duration,
    /// The largest record that the input takes, bytes.
    max_record_bytes: usize,
}

impl Replay {
    /// Registers the transactional id, of which a group has one for each dead-letter topic: a second replay ends the first one, and then
    /// sees what it has done.
    ///
    /// # Errors
    /// When the broker does not answer or refuses.
    pub fn new(assembly: &Assembly) -> Result<Self, DeadLetterError> {
        let pipeline = assembly.pipeline();
        let timeout = pipeline.delivery.transaction_timeout.get();
        // Events may be as large as the topics take.
        let mut settings = assembly.settings();
        settings.output.name.clone_from(&pipeline.input.topic);
        let admin = Admin::new(&assembly.client(), TIMEOUT)?;
        let partitions = match admin.describe_topic(&pipeline.input.topic) {
            Ok(Some(input)) => Some(input.partitions),
            Ok(None) => return Err(DeadLetterError::NoTopic(pipeline.input.topic.clone())),
            // Who may not ask may not write either, which tells the right that is lacking.
            Err(error) if error.code.is_denied() => None,
            Err(error) => return Err(error.into()),
        };
        settings.ask_limits(&admin)?;
        let takes = settings.output.max_record_bytes;
        let mut properties = settings.producer;
        let most = properties.bytes("message.max.bytes").unwrap_or(MESSAGE_BYTES);
        // A topic's limit is of what the broker gets: how small a compressed event is shows only there.
        let is_compressed =
            ["compression.type", "compression.codec"].iter().any(|name| properties.get(name).is_some_and(|codec| codec != "none"));
        let max_record_bytes = takes.filter(|_| !is_compressed).unwrap_or(most).min(most);
        // With at least once records may take longer than a transaction, which librdkafka refuses, and which bounds these anyway.
        for name in ["message.timeout.ms", "delivery.timeout.ms"] {
            properties.remove(name);
        }
        properties.set("transactional.id", format!("{}/replay/{}", pipeline.input.group, pipeline.dead_letters.topic));
        properties.set("transaction.timeout.ms", timeout.as_millis().to_string());
        let producer = Producer::new(&properties)?;
        producer.init_transactions(timeout.max(MAX_WAIT)).map_err(TransactionError::into_kafka_error)?;
        let input = producer.topic(&pipeline.input.topic)?;
        let letters_topic = producer.topic(&pipeline.dead_letters.topic)?;
        Ok(Self { producer, input_name: pipeline.input.topic.clone(), input, partitions, letters_topic, timeout, max_record_bytes })
    }

    /// Sends back every letter of this input that the filter allows; the letters must have been opened after this replay was made.
    ///
    /// # Errors
    /// When a transaction fails; those before it stand.
    pub fn run(&self, letters: &DeadLetters, filter: &Filter) -> Result<ReplayReport, DeadLetterError> {
        let filter = Filter { with_replayed: false, ..filter.clone() };
        let mut report = ReplayReport::default();
        let (mut chunk, mut bytes): (Vec<DeadLetter>, usize) = (Vec::new(), 0);
        letters.each(&filter, |mut letter| {
            if !self.is_ours(&letter) {
                return Ok(true);
            }
            if (letter.value_omitted.is_some() || letter.is_bare) && !letters.complete(&mut letter)? {
                report.without_value.push((letter.partition, letter.offset));
                return Ok(true);
            }
            let size = record_bytes(letter.key.as_deref(), letter.value.as_deref(), &headers(&letter, &place(letters.topic(), &letter)));
            if size > self.max_record_bytes {
                report.too_large.push((letter.partition, letter.offset));
                return Ok(true);
            }
            bytes += size;
            chunk.push(letter);
            if chunk.len() == CHUNK.0 || bytes >= CHUNK.1 {
                self.send(letters.topic(), &mut chunk, &mut report)?;
                bytes = 0;
            }
            Ok(true)
        })?;
        self.send(letters.topic(), &mut chunk, &mut report)?;
        Ok(report)
    }

    /// Whether the letter's event came from this pipeline's input: a topic may hold letters of several.
    pub fn is_ours(&self, letter: &DeadLetter) -> bool {
        letter.source.as_ref().is_some_and(|source| source.topic == self.input_name)
    }

    fn has(&self, partition: i32) -> bool {
        self.partitions.as_ref().is_none_or(|partitions| partitions.contains(&partition))
    }

    fn send(&self, topic: &str, chunk: &mut Vec<DeadLetter>, report: &mut ReplayReport) -> Result<(), DeadLetterError> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.transaction(topic, chunk).map_err(|failed| DeadLetterError::Transaction { failed, sent: report.sent })?;
        report.sent += chunk.len() as u64;
        chunk.clear();
        Ok(())
    }

    fn transaction(&self, topic: &str, chunk: &[DeadLetter]) -> Result<(), String> {
        self.producer.begin().map_err(|error| error.to_string())?;
        let queued = chunk.iter().try_for_each(|letter| self.queue(topic, letter));
        let topics = [self.input_name.as_str(), topic];
        let denied = |error: TransactionError| error.into_kafka_error().of_one_of(&topics).to_string();
        let outcome = queued.and_then(|()| self.producer.commit(self.timeout).map_err(denied));
        if outcome.is_err() {
            // The transaction failed anyway; the broker aborts it when this cannot.
            let _ = self.producer.abort(self.timeout);
        }
        outcome
    }

    /// The event, to its own partition as it came, or by its key where that is gone, and the mark.
    fn queue(&self, topic: &str, letter: &DeadLetter) -> Result<(), String> {
        let place = place(topic, letter);
        let event = OutboundRecord {
            topic: &self.input,
            partition: letter.source.as_ref().map(|source| source.partition).filter(|partition| self.has(*partition)),
            key: letter.key.as_deref(),
            value: letter.value.as_deref(),
            headers: &headers(letter, &place),
            timestamp_ms: letter.timestamp_ms,
            tag: 0,
        };
        let offset = letter.offset.to_string();
        let mark = OutboundRecord {
            topic: &self.letters_topic,
            partition: Some(letter.partition),
            // A key that the letter goes without is too large for its topic.
            key: letter.key.as_deref().filter(|_| !letter.is_bare),
            value: None,
            headers: &[(REPLAYED_OFFSET, Some(offset.as_bytes()))],
            timestamp_ms: None,
            tag: 0,
        };
        [event, mark].iter().try_for_each(|record| self.producer.produce(record, MAX_WAIT).map_err(|error| format!("{place}: {error}")))
    }
}

/// How the event that is sent back names its letter.
fn place(topic: &str, letter: &DeadLetter) -> String {
    format!("{topic}/{}/{}", letter.partition, letter.offset)
}

/// The headers of the event that is sent back.
fn headers<'a>(letter: &'a DeadLetter, place: &'a str) -> Vec<Header<'a>> {
    let own = letter.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
    own.chain([(REPLAY_OF, Some(place.as_bytes()))]).collect()
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("input", &self.input_name).finish_non_exhaustive()
    }
}
