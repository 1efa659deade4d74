//! The audit: what the topics themselves say of every event, without trust in the scorer that wrote them.
//!
//! The output and dead-letter topics are read first, then the input: each event of the range must have exactly one record, in the order
//! of its partition. What has none is scored again, for the graph may leave it out by its own declaration.

mod ledger;
mod topics;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

pub use self::ledger::{Ledger, PartitionReport, Record, Tallied};
use self::topics::Topics;
use crate::config::{OnError, ScoreHeaders};
use crate::dead_letters::REPLAYED_OFFSET;
use crate::diagnostic::Diagnostics;
pub use crate::kafka::TopicEnd;
use crate::kafka::{ConfigError, KafkaError, Message, OffsetRange};
use crate::stream::publish::{Origin, source};
use crate::stream::{Assembly, Line};

/// What is audited.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The input partitions; all when empty.
    pub partitions: Vec<i32>,
    /// The first offset of each; the first that still exists when absent.
    pub from: Option<i64>,
    /// The offset behind the last of each; what the group has committed when absent.
    pub to: Option<i64>,
    /// How long an open transaction may take to end before it counts as hung.
    pub patience: Duration,
}

/// The outcome of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether all is well: every event accounted for, once and in order, and no transaction hung.
    pub clean: bool,
    /// The input's partitions.
    pub partitions: Vec<PartitionReport>,
    /// The partitions of the topics that were written, where reading them ended.
    pub ends: Vec<TopicEnd>,
    /// Records of the output and dead-letter topics that name no event of the input topic, such as those of other pipelines.
    pub foreign_records: u64,
}

/// Which part of the audit is under way, and how many records it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for open transactions to end.
    Settling,
    /// Reading the output topic.
    Output,
    /// Reading the dead-letter topic.
    DeadLetters,
    /// Reading the input topic.
    Input,
}

/// Why an audit could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// librdkafka refuses a property.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Kafka did not answer as it must.
    #[error("{0}")]
    Kafka(#[from] KafkaError),
    /// Nothing tells which event a score is of.
    #[error(
        "the scores of this pipeline do not tell which events they are of (`output.headers: none`), so there is nothing to audit. \
         Mend: `output.headers: packed`, for events from then on"
    )]
    Untold,
    /// A topic or partition is missing.
    #[error("{0}")]
    Missing(String),
    /// The pipeline cannot be put together.
    #[error("{0:?}")]
    Pipeline(Diagnostics),
}

/// The most events that are scored again at once.
const BATCH: usize = 1024;

/// Audits the pipeline's topics; `progress` is told of each batch.
///
/// # Errors
/// When the topics cannot be read, or scores have no headers.
pub fn audit(assembly: &Assembly, scope: &Scope, progress: &mut dyn FnMut(Stage, u64)) -> Result<Report, AuditError> {
    let pipeline = assembly.pipeline();
    if pipeline.output.headers == ScoreHeaders::None {
        return Err(AuditError::Untold);
    }
    let topics = Topics::new(assembly)?;
    let ranges = topics.ranges(&pipeline.input.topic, &pipeline.input.group, scope)?;
    let mut books = Books {
        input: pipeline.input.topic.clone(),
        ledgers: ranges.iter().map(|range| (range.partition, Ledger::new(range.from, range.to))).collect(),
        foreign: 0,
    };
    progress(Stage::Settling, 0);
    let mut ends = Vec::new();
    for (topic, record, stage) in
        [(&pipeline.output.topic, Record::Score, Stage::Output), (&pipeline.dead_letters.topic, Record::DeadLetter, Stage::DeadLetters)]
    {
        let found = topics.settled_ends(topic, scope.patience)?;
        let whole: Vec<OffsetRange> =
            found.iter().map(|end| OffsetRange { partition: end.partition, from: end.first, to: end.stable }).collect();
        let mut order = Order::default();
        topics.read(topic, &whole, |batch, read| {
            batch.iter().for_each(|message| books.enter(&message, record, &mut order));
            progress(stage, read);
            Ok(())
        })?;
        ends.extend(found);
    }
    let mut unaccounted = Unaccounted { line: None, assembly, events: Vec::new() };
    topics.read(&pipeline.input.topic, &ranges, |batch, read| {
        for event in batch.iter() {
            let value = event.payload();
            // One that cannot be taken apart is one event.
            let messages = value.and_then(|value| assembly.messages(value)).and_then(Result::ok);
            let parts: Vec<(Option<u32>, Option<&[u8]>)> = match (messages, value) {
                (Some(messages), Some(value)) => (0..).map(Some).zip(messages.into_iter().map(|bytes| value.get(bytes))).collect(),
                _ => vec![(None, value)],
            };
            for (message, value) in parts {
                let Some(ledger) = books.ledgers.get_mut(&event.partition()) else { continue };
                if ledger.event(event.offset(), message) {
                    unaccounted.add(&event, message, value, &mut books.ledgers)?;
                }
            }
        }
        progress(Stage::Input, read);
        Ok(())
    })?;
    unaccounted.settle(&mut books.ledgers)?;
    // Events go on expiring while topics are read.
    for (partition, ledger) in &mut books.ledgers {
        ledger.begin_at(topics.first(&pipeline.input.topic, *partition)?);
    }
    let partitions: Vec<PartitionReport> = books.ledgers.iter().map(|(partition, ledger)| ledger.report(*partition)).collect();
    let clean = partitions.iter().all(PartitionReport::is_clean) && ends.iter().all(|end| end.hung == 0);
    Ok(Report { clean, partitions, ends, foreign_records: books.foreign })
}

/// The accounts of all partitions.
struct Books {
    input: String,
    ledgers: BTreeMap<i32, Ledger>,
    foreign: u64,
}

/// The latest event seen so far, and its message, by the partition that was written to and the event's own: records keep the order of their
/// events.
type Order = BTreeMap<(i32, i32), (i64, Option<u32>)>;

impl Books {
    fn enter(&mut self, message: &Message<'_>, record: Record, order: &mut Order) {
        let Some(Origin { partition, offset, message: part, .. }) = source(message).filter(|origin| origin.topic == self.input) else {
            self.foreign += u64::from(message.header(REPLAYED_OFFSET).is_none());
            return;
        };
        let Some(ledger) = self.ledgers.get_mut(&partition) else { return };
        let is_first = ledger.record(offset, part, record);
        let latest = order.entry((message.partition(), partition)).or_insert((-1, None));
        // A repeated event comes behind later ones by nature: it is told as doubled.
        if is_first && (offset, part) < *latest {
            ledger.out_of_order(offset);
        }
        *latest = (offset, part).max(*latest);
    }
}

/// An event without a record, or a message of one.
struct Unrecorded {
    partition: i32,
    offset: i64,
    message: Option<u32>,
    value: Option<Vec<u8>>,
}

/// Events without a record, until they are scored again.
struct Unaccounted<'a> {
    /// Made when the first one comes: a clean audit needs no model.
    line: Option<Line>,
    assembly: &'a Assembly,
    events: Vec<Unrecorded>,
}

impl Unaccounted<'_> {
    fn add(
        &mut self,
        event: &Message<'_>,
        message: Option<u32>,
        value: Option<&[u8]>,
        ledgers: &mut BTreeMap<i32, Ledger>,
    ) -> Result<(), AuditError> {
        let (partition, offset, value) = (event.partition(), event.offset(), value.map(<[u8]>::to_vec));
        self.events.push(Unrecorded { partition, offset, message, value });
        if self.events.len() < BATCH { Ok(()) } else { self.settle(ledgers) }
    }

    /// Scores the events again and notes which of them the graph leaves out.
    fn settle(&mut self, ledgers: &mut BTreeMap<i32, Ledger>) -> Result<(), AuditError> {
        if self.events.is_empty() {
            return Ok(());
        }
        let line = match &mut self.line {
            Some(line) => line,
            none => none.insert(self.assembly.line().map_err(AuditError::Pipeline)?),
        };
        let scored = line.score_all(self.events.iter().map(|event| event.value.as_deref()));
        let rejections_are_skipped = self.assembly.pipeline().on_error == OnError::Skip;
        let rejected = scored.rejected().filter(|_| rejections_are_skipped).map(|(place, _)| place);
        for place in scored.skipped().map(|(place, _)| place).chain(rejected) {
            let Unrecorded { partition, offset, message, .. } = &self.events[place.event];
            if let Some(ledger) = ledgers.get_mut(partition) {
                ledger.skip(*offset, *message);
            }
        }
        self.events.clear();
        Ok(())
    }
}
