//! Records on their way out: scores and dead letters, with the headers that tell where they come from.

use std::time::Duration;

use super::line::Place;
use super::settings::{OutputTopic, Settings};
use crate::config::ScoreHeaders;
use crate::dataset::Rejection;
use crate::kafka::{Header, KafkaError, Message, OutboundRecord, ProduceError, Producer, TopicHandle};

/// Topic of the event.
pub const SOURCE_TOPIC: &str = "caz.source.topic";
/// Partition of the event, decimal.
pub const SOURCE_PARTITION: &str = "caz.source.partition";
/// Offset of the event, decimal.
pub const SOURCE_OFFSET: &str = "caz.source.offset";
/// Number of the message in an event that holds several, from 0, decimal.
pub const SOURCE_MESSAGE: &str = "caz.source.message";
/// Digest of the pipeline that scored it, 16 hexadecimal digits.
pub const PIPELINE: &str = "caz.pipeline";
/// Digests of the models that scored it, 16 hexadecimal digits each, separated by commas.
pub const MODEL: &str = "caz.model";
/// All of that in one, of scores with `output.headers: packed`: `topic/partition/offset pipeline model`, and `/message` behind the offset of
/// an event that holds several.
pub const PACKED: &str = "caz.score";
/// Phase in which the event was rejected.
pub const ERROR_PHASE: &str = "caz.error.phase";
/// Reason from the closed set.
pub const ERROR_REASON: &str = "caz.error.reason";
/// One sentence for a person.
pub const ERROR_MESSAGE: &str = "caz.error.message";
/// The field by dotted path.
pub const ERROR_FIELD: &str = "caz.error.field";
/// Byte offset in the value, decimal.
pub const ERROR_BYTE: &str = "caz.error.byte";
/// What the event breaks of its XDM schema, JSON.
pub const ERROR_VIOLATIONS: &str = "caz.error.violations";
/// The node that rejected it.
pub const ERROR_NODE: &str = "caz.error.node";
/// How many headers of the event are left out, with its key, since the dead-letter topic does not take them either.
pub const ERROR_HEADERS_OMITTED: &str = "caz.error.headers_omitted";
/// Bytes of a value that is left out since the dead-letter topic does not take it; the original is at the source coordinates.
pub const ERROR_VALUE_OMITTED: &str = "caz.error.value_omitted";

/// Where the event stands that a record of caz tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The message, of an event that holds several.
    pub message: Option<u32>,
}

/// The event that a record of caz tells of; `None` for any other record.
pub fn source<'a>(record: &Message<'a>) -> Option<Origin<'a>> {
    let text = |name| std::str::from_utf8(record.header(name)?).ok();
    if let Some(packed) = text(PACKED) {
        return unpack(packed);
    }
    let message = match record.header(SOURCE_MESSAGE) {
        None => None,
        Some(_) => Some(text(SOURCE_MESSAGE)?.parse().ok()?),
    };
    Some(Origin {
        topic: text(SOURCE_TOPIC)?,
        partition: text(SOURCE_PARTITION)?.parse().ok()?,
        offset: text(SOURCE_OFFSET)?.parse().ok()?,
        message,
    })
}

/// Writes [`PACKED`] into an empty buffer.
fn pack(into: &mut Vec<u8>, origin: &Origin<'_>, pipeline: &str, models: &str) {
    let (mut partition, mut offset, mut message) = (itoa::Buffer::new(), itoa::Buffer::new(), itoa::Buffer::new());
    let mut put = |between: &str, part: &str| {
        into.extend_from_slice(between.as_bytes());
        into.extend_from_slice(part.as_bytes());
    };
    put("", origin.topic);
    put("/", partition.format(origin.partition));
    put("/", offset.format(origin.offset));
    if let Some(number) = origin.message {
        put("/", message.format(number));
    }
    put(" ", pipeline);
    put(" ", models);
}

/// The event of [`PACKED`]; neither blanks nor slashes stand in the names of topics.
fn unpack(packed: &str) -> Option<Origin<'_>> {
    let mut parts = packed.split(' ').next()?.split('/');
    let (topic, partition, offset) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let message = parts.next().map(str::parse).transpose().ok()?;
    parts.next().is_none().then_some(Origin { topic, partition, offset, message })
}

/// Longest wait for room in the producer's queue before the batch counts as failed.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// A topic and the largest record that it takes.
struct Destination {
    topic: TopicHandle,
    max_record_bytes: usize,
}

impl Destination {
    fn open(producer: &Producer, topic: &OutputTopic) -> Result<Self, KafkaError> {
        Ok(Self { topic: producer.topic(&topic.name)?, max_record_bytes: topic.max_record_bytes.unwrap_or(usize::MAX) })
    }
}

/// What a dead letter goes without, because its topic does not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Omit {
    Nothing,
    Value,
    /// Value, key, headers and the list of violations: the event is still at its place in the input.
    AllThatCame,
}

/// Writes records with one producer.
pub(super) struct Publisher {
    pub(super) producer: Producer,
    output: Destination,
    dead_letters: Destination,
    headers: ScoreHeaders,
    pipeline_digest: String,
    model_digests: String,
    /// The last score's packed header; its memory is reused.
    packed: Vec<u8>,
}

impl Publisher {
    pub(super) fn new(producer: Producer, settings: &Settings) -> Result<Self, KafkaError> {
        let (output, dead_letters) =
            (Destination::open(&producer, &settings.output)?, Destination::open(&producer, &settings.dead_letters)?);
        let (pipeline_digest, model_digests) = (settings.pipeline_digest.clone(), settings.model_digests.clone());
        Ok(Self { producer, output, dead_letters, headers: settings.score_headers, pipeline_digest, model_digests, packed: Vec::new() })
    }

    /// The topics of scores and of dead letters.
    pub(super) fn topics(&self) -> [&str; 2] {
        [self.output.topic.name(), self.dead_letters.topic.name()]
    }

    /// Queues a score: the event's key and timestamp, the score's bytes.
    pub(super) fn score(&mut self, event: &Message<'_>, place: &Place, value: &[u8]) -> Result<(), ProduceError> {
        let content = (event.key(), Some(value));
        match self.headers {
            ScoreHeaders::None => produce(&self.producer, &self.output, event, content, &[]),
            ScoreHeaders::Packed => {
                let (topic, partition, offset, message) = (event.topic(), event.partition(), event.offset(), place.number());
                self.packed.clear();
                pack(&mut self.packed, &Origin { topic, partition, offset, message }, &self.pipeline_digest, &self.model_digests);
                produce(&self.producer, &self.output, event, content, &[(PACKED, Some(&self.packed))])
            }
            ScoreHeaders::Separate => {
                let (mut partition, mut offset, mut message) = (itoa::Buffer::new(), itoa::Buffer::new(), itoa::Buffer::new());
                let number = message.format(place.number().unwrap_or_default());
                let headers = [
                    (SOURCE_TOPIC, Some(event.topic().as_bytes())),
                    (SOURCE_PARTITION, Some(partition.format(event.partition()).as_bytes())),
                    (SOURCE_OFFSET, Some(offset.format(event.offset()).as_bytes())),
                    (PIPELINE, Some(self.pipeline_digest.as_bytes())),
                    (MODEL, Some(self.model_digests.as_bytes())),
                    (SOURCE_MESSAGE, Some(number.as_bytes())),
                ];
                let headers = if place.message.is_some() { &headers[..] } else { &headers[..headers.len() - 1] };
                produce(&self.producer, &self.output, event, content, headers)
            }
        }
    }

    /// Queues a dead letter: the event's key, timestamp, headers and value as they came, of one that holds messages the message's bytes, and
    /// why it is one; for a topic that did not take that, without some of it.
    pub(super) fn dead_letter(&self, event: &Message<'_>, place: &Place, why: &Rejection, omit: Omit) -> Result<(), ProduceError> {
        let (mut partition, mut offset, mut message) = (itoa::Buffer::new(), itoa::Buffer::new(), itoa::Buffer::new());
        let (mut byte, mut omitted) = (itoa::Buffer::new(), itoa::Buffer::new());
        let came = event.headers().filter(|(name, _)| !name.starts_with("caz."));
        let (mut left_out, mut headers) = (itoa::Buffer::new(), Vec::new());
        let key = if omit == Omit::AllThatCame {
            headers.push((ERROR_HEADERS_OMITTED, Some(left_out.format(came.count()).as_bytes())));
            None
        } else {
            headers.extend(came);
            event.key()
        };
        headers.extend([
            (ERROR_PHASE, Some(why.phase.name().as_bytes())),
            (ERROR_REASON, Some(why.reason.name().as_bytes())),
            (ERROR_MESSAGE, Some(why.message.as_bytes())),
        ]);
        headers.extend(why.field.as_ref().map(|field| (ERROR_FIELD, Some(field.as_bytes()))));
        headers.extend(why.byte.map(|at| (ERROR_BYTE, Some(byte.format(at).as_bytes()))));
        headers.extend(why.node.as_ref().map(|node| (ERROR_NODE, Some(node.as_bytes()))));
        let violations = why.violations.as_ref().filter(|_| omit != Omit::AllThatCame);
        headers.extend(violations.map(|violations| (ERROR_VIOLATIONS, Some(violations.as_bytes()))));
        headers.extend([
            (SOURCE_TOPIC, Some(event.topic().as_bytes())),
            (SOURCE_PARTITION, Some(partition.format(event.partition()).as_bytes())),
            (SOURCE_OFFSET, Some(offset.format(event.offset()).as_bytes())),
            (PIPELINE, Some(self.pipeline_digest.as_bytes())),
        ]);
        headers.extend(place.number().map(|number| (SOURCE_MESSAGE, Some(message.format(number).as_bytes()))));
        let payload = event.payload().map(|payload| match &place.message {
            Some(message) => payload.get(message.bytes.clone()).unwrap_or(payload),
            None => payload,
        });
        let value = payload.filter(|_| omit == Omit::Nothing);
        if let (Some(payload), None) = (payload, value) {
            headers.push((ERROR_VALUE_OMITTED, Some(omitted.format(payload.len()).as_bytes())));
        }
        produce(&self.producer, &self.dead_letters, event, (key, value), &headers)
    }
}

fn produce(
    producer: &Producer,
    to: &Destination,
    event: &Message<'_>,
    (key, value): (Option<&[u8]>, Option<&[u8]>),
    headers: &[Header<'_>],
) -> Result<(), ProduceError> {
    let bytes = record_bytes(key, value, headers);
    if bytes > to.max_record_bytes {
        return Err(ProduceError::TooLarge { bytes });
    }
    let record = OutboundRecord { topic: &to.topic, partition: None, key, value, headers, timestamp_ms: event.timestamp_ms(), tag: 0 };
    producer.produce(&record, MAX_WAIT).map_err(|error| match error {
        ProduceError::Refused(error) => ProduceError::Refused(error.of_topic(to.topic.name())),
        error => error,
    })
}

/// The most that a record takes as the only one of its batch: Kafka's limit counts the batch's head (61 bytes) and each part's length.
pub(crate) fn record_bytes(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> usize {
    const BATCH_HEAD: usize = 61;
    const RECORD_HEAD: usize = 40;
    const LENGTHS: usize = 10;
    let headers: usize = headers.iter().map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len) + LENGTHS).sum();
    BATCH_HEAD + RECORD_HEAD + key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + headers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Origin, pack, unpack};

    proptest! {
        #[test]
        fn what_is_packed_comes_out(
            topic in "[a-zA-Z0-9._-]{1,20}", partition in 0..i32::MAX, offset in 0..i64::MAX, message in proptest::option::of(0..u32::MAX),
        ) {
            let mut packed = Vec::new();
            let origin = Origin { topic: &topic, partition, offset, message };
            pack(&mut packed, &origin, "0123456789abcdef", "fedcba9876543210");
            prop_assert_eq!(unpack(std::str::from_utf8(&packed).unwrap_or_default()), Some(origin));
        }

        #[test]
        fn any_text_is_read_or_is_none(text in ".{0,40}") {
            let _ = unpack(&text);
        }
    }
}
