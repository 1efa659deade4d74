//! Dead letters: what they say, which of them, and their way back to the input.
//!
//! A letter that was sent back is marked in its own topic: a record of the same partition without a value, with the letter's offset in
//! [`REPLAYED_OFFSET`]. The mark and the event are written in one transaction, so each letter is sent back once, whatever is interrupted.

mod letter;
mod replay;

use std::collections::BTreeSet;
use std::time::Duration;

pub use self::letter::{DeadLetter, Source};
pub use self::replay::{Replay, ReplayReport};
use crate::kafka::{
    ClientProperties, ConfigError, Ends, KafkaError, LookupError, Message, MessageBatch, OffsetRange, RangeReader, TopicEnd, read_record,
};
use crate::stream::Assembly;

/// Header of a mark: the offset, in the same partition, of the letter that was sent back, decimal.
pub const REPLAYED_OFFSET: &str = "caz.replayed.offset";
/// Header of an event that was sent back: `topic/partition/offset` of its letter.
pub const REPLAY_OF: &str = "caz.replay.of";

/// How long one question to the broker may take, and how long reading may stand still.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Which letters. An empty list allows everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Phases by name.
    pub phases: Vec<String>,
    /// Reasons by name.
    pub reasons: Vec<String>,
    /// Nodes by id.
    pub nodes: Vec<String>,
    /// Fields by dotted path.
    pub fields: Vec<String>,
    /// Partitions of the dead-letter topic.
    pub partitions: Vec<i32>,
    /// Offsets in the dead-letter topic.
    pub offsets: Vec<i64>,
    /// Letters that were sent back already, too.
    pub with_replayed: bool,
}

impl Filter {
    /// Whether it names anything that a letter must have.
    pub fn is_narrow(&self) -> bool {
        let texts = [&self.phases, &self.reasons, &self.nodes, &self.fields];
        texts.iter().any(|list| !list.is_empty()) || !self.partitions.is_empty() || !self.offsets.is_empty()
    }

    /// Whether a letter is one of those.
    pub fn allows(&self, letter: &DeadLetter) -> bool {
        fn within<T: PartialEq>(list: &[T], value: Option<&T>) -> bool {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        }
        within(&self.phases, letter.phase.as_ref())
            && within(&self.reasons, letter.reason.as_ref())
            && within(&self.nodes, letter.node.as_ref())
            && within(&self.fields, letter.field.as_ref())
            && within(&self.partitions, Some(&letter.partition))
            && within(&self.offsets, Some(&letter.offset))
            && (self.with_replayed || !letter.is_replayed)
    }
}

/// Why dead letters cannot be read or sent back.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// librdkafka refuses a property.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Kafka did not answer as it must.
    #[error("{0}")]
    Kafka(#[from] KafkaError),
    /// The dead-letter topic is missing.
    #[error("topic `{0}` does not exist")]
    NoTopic(String),
    /// The dead-letter topic has fewer partitions.
    #[error("topic `{topic}` has no partition {partition}; it has {partitions}")]
    NoPartition {
        /// The dead-letter topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// How many it has.
        partitions: usize,
    },
    /// Which letters were sent back cannot be told yet.
    #[error(
        "a transaction is open in topic `{}`, partition {}, from offset {} on, and may hide which letters were sent back: none was sent now. \
         It ends when its producer goes on or its `transaction_timeout` is over; run it again then", .0.topic, .0.partition, .0.stable
    )]
    Open(TopicEnd),
    /// The transaction failed: none of its letters was sent back.
    #[error("{failed}. {sent} letters were sent back before; run it again for the others")]
    Transaction {
        /// What failed.
        failed: String,
        /// How many letters earlier transactions sent back.
        sent: u64,
    },
    /// Whoever was asked to look at a letter failed.
    #[error(transparent)]
    Look(#[from] std::io::Error),
}

/// The letters of a pipeline, up to the end of their topic as of now.
#[derive(Debug)]
pub struct DeadLetters {
    topic: String,
    properties: ClientProperties,
    ranges: Vec<OffsetRange>,
    /// Partition and offset of the letters that were sent back.
    replayed: BTreeSet<(i32, i64)>,
}

impl DeadLetters {
    /// Looks at the topic, and which of its letters were sent back, as far as its committed records tell.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub fn open(assembly: &Assembly) -> Result<Self, DeadLetterError> {
        Self::up_to(&ends(assembly, Duration::ZERO)?, assembly)
    }

    /// As [`DeadLetters::open`], once every transaction that is open in the topic has ended: one may stand before the marks of an earlier replay,
    /// and hide them.
    ///
    /// # Errors
    /// When one is still open after `patience`, and when the topic cannot be read.
    pub fn open_settled(assembly: &Assembly, patience: Duration) -> Result<Self, DeadLetterError> {
        let ends = ends(assembly, patience)?;
        match ends.iter().find(|end| end.hung > 0) {
            Some(end) => Err(DeadLetterError::Open(end.clone())),
            None => Self::up_to(&ends, assembly),
        }
    }

    /// The letters up to these ends, with their marks.
    fn up_to(ends: &[TopicEnd], assembly: &Assembly) -> Result<Self, DeadLetterError> {
        let ranges = ends.iter().map(|end| OffsetRange { partition: end.partition, from: end.first, to: end.stable }).collect();
        let (topic, properties) = (assembly.pipeline().dead_letters.topic.clone(), assembly.settings().consumer);
        let mut replayed = BTreeSet::new();
        let unmarked = Self { topic, properties, ranges, replayed: BTreeSet::new() };
        unmarked.read(|message| {
            replayed.extend(letter::marked(message).map(|offset| (message.partition(), offset)));
            Ok(true)
        })?;
        Ok(Self { replayed, ..unmarked })
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Shows each letter that the filter allows, by partition and offset within a partition, until `look` answers `false`.
    ///
    /// # Errors
    /// When the topic cannot be read, and what `look` fails with.
    pub fn each(&self, filter: &Filter, mut look: impl FnMut(DeadLetter) -> Result<bool, DeadLetterError>) -> Result<(), DeadLetterError> {
        let is_unknown = |partition: &&i32| !self.ranges.iter().any(|range| range.partition == **partition);
        if let Some(partition) = filter.partitions.iter().find(is_unknown) {
            return Err(DeadLetterError::NoPartition { topic: self.topic.clone(), partition: *partition, partitions: self.ranges.len() });
        }
        self.read(|message| {
            if letter::marked(message).is_some() {
                return Ok(true);
            }
            let letter = DeadLetter::read(message, self.replayed.contains(&(message.partition(), message.offset())));
            if filter.allows(&letter) { look(letter) } else { Ok(true) }
        })
    }

    /// Fills in what a letter goes without, from the event in its own topic; `false` when that is not there any more.
    fn complete(&self, letter: &mut DeadLetter) -> Result<bool, DeadLetterError> {
        let Some(source) = letter.source.clone() else { return Ok(false) };
        let batch = match read_record(&self.properties, &source.topic, source.partition, source.offset, TIMEOUT) {
            Ok(batch) => batch,
            Err(LookupError::Config(error)) => return Err(error.into()),
            Err(LookupError::Kafka(error)) => return Err(error.into()),
            // Expired, or never there.
            Err(_) => return Ok(false),
        };
        let Some(event) = batch.get(0) else { return Ok(false) };
        if letter.value_omitted.is_some() {
            letter.value = event.payload().and_then(|value| source.part(value)).map(<[u8]>::to_vec);
        }
        if letter.is_bare {
            letter.key = event.key().map(<[u8]>::to_vec);
            letter.headers = letter::own_headers(&event);
        }
        // Of another length it is another event: the topic was made anew.
        let is_it = |bytes| letter.value.as_ref().is_some_and(|value| value.len() as u64 == bytes);
        Ok(letter.value_omitted.is_none_or(is_it))
    }

    fn read(&self, mut each: impl FnMut(&Message<'_>) -> Result<bool, DeadLetterError>) -> Result<(), DeadLetterError> {
        // Partition after partition, so that what is listed has an order.
        for range in &self.ranges {
            let mut reader = RangeReader::new(&self.properties, &self.topic, &[*range], TIMEOUT)?;
            let mut batch = MessageBatch::new();
            while reader.read(&mut batch)? {
                for message in batch.iter() {
                    if !each(&message)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// Where the topic's partitions end, once every transaction that is open in them has ended, or `patience` is over.
fn ends(assembly: &Assembly, patience: Duration) -> Result<Vec<TopicEnd>, DeadLetterError> {
    let topic = &assembly.pipeline().dead_letters.topic;
    let ends = Ends::new(&assembly.settings().consumer, TIMEOUT)?;
    let description = ends.committed.describe_topic(topic)?.ok_or_else(|| DeadLetterError::NoTopic(topic.clone()))?;
    Ok(ends.settled(topic, &description.partitions, patience)?)
}
