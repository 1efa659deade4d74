//! Where the event to explain comes from: a file, a record in Kafka, a golden case.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::cli::exit::{Failure, running};
use crate::config::Format;
use crate::dataset::DatasetSchema;
use crate::dead_letters::DeadLetter;
use crate::files::BYTE_ORDER_MARK;
use crate::golden::Golden;
use crate::kafka::{ClientProperties, LookupError, MessageBatch, read_record};
use crate::stream::Assembly;

/// How long each question to the broker may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The event to explain.
pub(super) struct Subject {
    /// Its bytes; `None` for a record without a value.
    pub(super) value: Option<Vec<u8>>,
    /// Whether they are JSON whatever the pipeline's format.
    pub(super) is_json: bool,
    pub(super) origin: Origin,
    pub(super) dead_letter: Option<DeadLetter>,
}

/// Where an event comes from.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Origin {
    /// A record.
    Record {
        topic: String,
        partition: i32,
        offset: i64,
        /// The message, of an event that holds several.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<u32>,
        timestamp_ms: Option<i64>,
        /// As text; bytes that are not UTF-8 are replaced.
        key: Option<String>,
    },
    /// A file, `-` for standard input.
    File { file: String },
    /// A golden case.
    Case { case: usize },
}

impl Subject {
    /// The bytes of a file, `-` for standard input.
    pub(super) fn from_file(path: &Path, max_bytes: u64) -> Result<Self, Failure> {
        let fail = |error: std::io::Error| Failure::Running(format!("{}: {error}", path.display()));
        let mut bytes = Vec::new();
        // One byte more than is allowed: the line then says that it is too large.
        let limit = max_bytes.saturating_add(1);
        if path == Path::new("-") {
            std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(fail)?;
        } else {
            std::fs::File::open(path).map_err(fail)?.take(limit).read_to_end(&mut bytes).map_err(fail)?;
        }
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if is_json && bytes.starts_with(BYTE_ORDER_MARK.as_bytes()) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        let origin = Origin::File { file: path.display().to_string() };
        Ok(Self { value: Some(bytes), is_json, origin, dead_letter: None })
    }

    /// The event of a golden case.
    pub(super) fn from_golden(golden: &Golden, number: usize, dataset: &DatasetSchema) -> Result<Self, Failure> {
        let Some(case) = golden.cases.get(number) else {
            return Err(running(format!("there is no golden case {number}: there are {}, counted from 0", golden.cases.len())));
        };
        let (value, is_json) = match case.bytes() {
            Some(bytes) => (bytes, false),
            None => (case.json(dataset).into_bytes(), true),
        };
        Ok(Self { value: Some(value), is_json, origin: Origin::Case { case: number }, dead_letter: None })
    }

    /// A committed record; of a dead letter whose value did not fit, the original's value.
    pub(super) fn from_kafka(assembly: &Assembly, topic: Option<&str>, partition: i32, offset: i64) -> Result<Self, Failure> {
        let properties = assembly.settings().consumer;
        let topic = topic.unwrap_or(&assembly.pipeline().input.topic);
        let batch = lookup(&properties, topic, partition, offset)?;
        let record = batch.get(0).ok_or_else(|| running("the record is gone"))?;
        let dead_letter = DeadLetter::of(&record);
        let mut value = record.payload().map(<[u8]>::to_vec);
        if let Some(DeadLetter { value_omitted: Some(_), source, .. }) = &dead_letter {
            let at =
                source.as_ref().ok_or_else(|| running("the dead letter has no value, and its headers do not say where the event is"))?;
            let original = lookup(&properties, &at.topic, at.partition, at.offset)?;
            value = original.get(0).and_then(|record| at.part(record.payload()?).map(<[u8]>::to_vec));
        }
        let key = record.key().map(|key| String::from_utf8_lossy(key).into_owned());
        let origin = Origin::Record { topic: topic.to_owned(), partition, offset, message: None, timestamp_ms: record.timestamp_ms(), key };
        Ok(Self { value, is_json: false, origin, dead_letter })
    }

    /// A word on a file that looks like JSON or rows and is read as bytes.
    pub(super) fn doubt(&self, format: Format) -> Option<String> {
        let Origin::File { file } = &self.origin else { return None };
        let is_rows = |name: &OsStr| ["jsonl", "ndjson", "csv"].iter().any(|rows| name.eq_ignore_ascii_case(rows));
        let looks_like_text =
            Path::new(file).extension().is_some_and(is_rows) || self.value.as_deref()?.trim_ascii_start().starts_with(b"{");
        let is_doubtful = format == Format::Avro && !self.is_json && looks_like_text;
        is_doubtful.then(|| format!("{file} is read as the bytes of an Avro record; one event as JSON needs a name that ends with .json"))
    }

    /// The message of this number, where the event holds several.
    pub(super) fn part(mut self, assembly: &Assembly, message: Option<u32>) -> Result<Self, Failure> {
        // In one without an envelope `messages` may be a field.
        let may_be_field = self.is_json && assembly.dataset().field("messages").is_some();
        let value = self.value.as_deref().filter(|_| !may_be_field);
        let messages = value.and_then(|value| assembly.messages(value));
        let part = match (value, messages, message) {
            (Some(value), Some(Ok(messages)), Some(number)) => {
                let bytes = usize::try_from(number).ok().and_then(|number| value.get(messages.get(number)?.clone()));
                let none = || running(format!("there is no message {number}: the event holds {}, counted from 0", messages.len()));
                bytes.ok_or_else(none)?.to_vec()
            }
            (_, Some(Ok(messages)), None) => {
                return Err(running(format!(
                    "the event holds {} messages. Mend: say which with --message, counted from 0",
                    messages.len()
                )));
            }
            (_, None, Some(_)) => return Err(running("the event holds no messages. Mend: leave --message out")),
            // Also one that cannot be taken apart, which is explained as a whole.
            _ => return Ok(self),
        };
        self.value = Some(part);
        if let Origin::Record { message: number, .. } = &mut self.origin {
            *number = message;
        }
        Ok(self)
    }
}

fn lookup(properties: &ClientProperties, topic: &str, partition: i32, offset: i64) -> Result<MessageBatch, Failure> {
    read_record(properties, topic, partition, offset, TIMEOUT).map_err(|error| match error {
        LookupError::Config(_) | LookupError::NoTopic { .. } | LookupError::NoPartition { .. } => running(error),
        _ => running(format!("topic `{topic}`, partition {partition}: {error}")),
    })
}
