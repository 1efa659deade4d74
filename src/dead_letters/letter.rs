//! One dead letter, as its headers tell it.

use serde::Serialize;

use super::REPLAYED_OFFSET;
use crate::codec::json::messages;
use crate::kafka::Message;
use crate::stream::publish;

/// Where an event stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The message, of an event that holds several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<u32>,
}

impl Source {
    /// What is meant of the value of the event that stands there: the message, where the event holds several.
    pub fn part<'v>(&self, value: &'v [u8]) -> Option<&'v [u8]> {
        let Some(message) = self.message else { return Some(value) };
        let messages = messages(value)?.ok()?;
        value.get(messages.get(usize::try_from(message).ok()?)?.clone())
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)?;
        self.message.map_or(Ok(()), |message| write!(f, ", message {message}"))
    }
}

/// One dead letter. What a header does not tell is absent: any producer can write to the topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The event's timestamp, milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
    /// Where the event stood.
    pub source: Option<Source>,
    /// In which phase it was rejected.
    pub phase: Option<String>,
    /// Why, from the closed set.
    pub reason: Option<String>,
    /// One sentence for a person.
    pub message: Option<String>,
    /// The field by dotted path.
    pub field: Option<String>,
    /// Byte offset in the value.
    pub byte: Option<usize>,
    /// The node that rejected it.
    pub node: Option<String>,
    /// What the event breaks of its XDM schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub violations: Option<serde_json::Value>,
    /// Digest of the pipeline that rejected it.
    pub pipeline: Option<String>,
    /// Bytes of the value when it is not in the letter.
    pub value_omitted: Option<u64>,
    /// Whether it goes without the event's key and headers too.
    #[serde(skip)]
    pub is_bare: bool,
    /// Whether it was sent back to the input.
    pub is_replayed: bool,
    /// The event's key.
    #[serde(skip)]
    pub key: Option<Vec<u8>>,
    /// The event's value; absent too when it had none.
    #[serde(skip)]
    pub value: Option<Vec<u8>>,
    /// The event's own headers.
    #[serde(skip)]
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl DeadLetter {
    /// The letter that a record is; `None` for a record that is none.
    pub fn of(message: &Message<'_>) -> Option<Self> {
        message.header(publish::ERROR_PHASE).map(|_| Self::read(message, false))
    }

    pub(super) fn read(message: &Message<'_>, is_replayed: bool) -> Self {
        let text = |name| message.header(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let source = publish::source(message).map(|origin| Source {
            topic: origin.topic.to_owned(),
            partition: origin.partition,
            offset: origin.offset,
            message: origin.message,
        });
        Self {
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp_ms(),
            source,
            phase: text(publish::ERROR_PHASE),
            reason: text(publish::ERROR_REASON),
            message: text(publish::ERROR_MESSAGE),
            field: text(publish::ERROR_FIELD),
            byte: text(publish::ERROR_BYTE).and_then(|byte| byte.parse().ok()),
            node: text(publish::ERROR_NODE),
            violations: message.header(publish::ERROR_VIOLATIONS).and_then(|violations| serde_json::from_slice(violations).ok()),
            pipeline: text(publish::PIPELINE),
            value_omitted: text(publish::ERROR_VALUE_OMITTED).and_then(|bytes| bytes.parse().ok()),
            is_bare: message.header(publish::ERROR_HEADERS_OMITTED).is_some(),
            is_replayed,
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: own_headers(message),
        }
    }
}

/// The headers that are not caz's.
pub(super) fn own_headers(message: &Message<'_>) -> Vec<(String, Option<Vec<u8>>)> {
    let own = message.headers().filter(|(name, _)| !name.starts_with("caz."));
    own.map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec))).collect()
}

/// The offset of the letter that this record marks as sent back; `None` for a letter.
pub(super) fn marked(message: &Message<'_>) -> Option<i64> {
    std::str::from_utf8(message.header(REPLAYED_OFFSET)?).ok()?.parse().ok()
}
