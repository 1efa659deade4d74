//! A record that holds several messages: `{"messages": [...]}`.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use crate::dataset::{Phase, Reason, Rejection};

/// The most messages of one record: a bound on the rows that a batch of records can become.
const MOST: usize = 10_000;

/// Where each message of a record stands in its value, each one JSON value; `None` for a record that holds no list of messages.
///
/// # Errors
/// When the list is not JSON, is empty or too long, or is not all that the record holds: none of it can then be told apart from the rest.
pub fn messages(value: &[u8]) -> Option<Result<Vec<Range<usize>>, Rejection>> {
    let mut reader = Reader { value, at: 0 };
    let begins = reader.take(b"{") && reader.take(b"\"messages\"") && reader.take(b":") && reader.take(b"[");
    begins.then(|| reader.list())
}

struct Reader<'a> {
    value: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// Goes over white space, and over `token` if it stands there.
    fn take(&mut self, token: &[u8]) -> bool {
        let blank = self.blank();
        let found = self.value[self.at + blank..].starts_with(token);
        self.at += if found { blank + token.len() } else { 0 };
        found
    }

    /// How much white space stands here.
    fn blank(&self) -> usize {
        self.value[self.at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
    }

    fn list(&mut self) -> Result<Vec<Range<usize>>, Rejection> {
        let mut messages = Vec::new();
        if self.take(b"]") {
            return Err(self.refuse(Reason::Empty, "the list of messages is empty"));
        }
        loop {
            let start = self.at + self.blank();
            let mut values = Deserializer::from_slice(&self.value[start..]).into_iter::<IgnoredAny>();
            let read = values.next();
            let length = values.byte_offset();
            match read {
                Some(Ok(_)) => {}
                Some(Err(error)) if !error.is_eof() => {
                    let words = error.to_string();
                    let words = words.split(" at line ").next().unwrap_or_default();
                    self.at = start;
                    return Err(self.refuse(Reason::Malformed, format!("the message that begins here is not JSON: {words}")));
                }
                _ => {
                    self.at = self.value.len();
                    return Err(self.refuse(Reason::Truncated, "the event ends inside its JSON"));
                }
            }
            messages.push(start..start + length);
            self.at = start + length;
            if messages.len() > MOST {
                return Err(self.refuse(Reason::Oversized, format!("the record holds more than {MOST} messages")));
            }
            if self.take(b"]") {
                break;
            }
            if !self.take(b",") {
                return Err(self.unfinished("`,` or `]` must follow a message"));
            }
        }
        if !self.take(b"}") {
            return Err(self.unfinished("a record with `messages` holds nothing else"));
        }
        self.at += self.blank();
        match self.at == self.value.len() {
            true => Ok(messages),
            false => Err(self.refuse(Reason::TrailingBytes, "something follows the event's object")),
        }
    }

    /// Something else stands here than must, or nothing.
    fn unfinished(&mut self, message: &'static str) -> Rejection {
        self.at += self.blank();
        match self.at == self.value.len() {
            true => self.refuse(Reason::Truncated, "the event ends inside its JSON"),
            false => self.refuse(Reason::Malformed, message),
        }
    }

    fn refuse(&self, reason: Reason, message: impl Into<std::borrow::Cow<'static, str>>) -> Rejection {
        Rejection::new(Phase::Decode, reason, message).byte(self.at)
    }
}
