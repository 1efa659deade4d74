//! What is wrong with one payload, gathered on the way out of the reader.

use std::borrow::Cow;

use super::frame::SchemaKey;
use crate::dataset::{Phase, Reason, Rejection};

/// A fault in a payload. Faults are rare, so they are boxed to keep the way of the sound payloads narrow.
pub(crate) type Outcome<T> = Result<T, Box<Fault>>;

/// Where and why a payload cannot be read.
#[derive(Debug)]
pub(crate) struct Fault {
    reason: Reason,
    byte: usize,
    message: Cow<'static, str>,
    /// Field names from the innermost outwards.
    path: Vec<String>,
    /// The schema that is being asked for: no fault, the payload must wait.
    awaiting: Option<SchemaKey>,
    /// What the payload breaks of its schema, as JSON.
    report: Option<String>,
}

impl Fault {
    #[cold]
    pub(crate) fn new(reason: Reason, byte: usize, message: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Self { reason, byte, message: message.into(), path: Vec::new(), awaiting: None, report: None })
    }

    /// No fault: the payload must wait for its writer's schema.
    #[cold]
    pub(crate) fn awaiting(key: SchemaKey, byte: usize) -> Box<Self> {
        let fault = Self::new(Reason::UnknownSchema, byte, "the writer's schema is not known yet");
        Box::new(Self { awaiting: Some(key), ..*fault })
    }

    /// The schema that the payload must wait for, if that is all that is wrong with it.
    pub(crate) fn awaited(&self) -> Option<SchemaKey> {
        self.awaiting
    }

    /// The same fault, seen from the record around the field `name`.
    #[cold]
    pub(crate) fn within(mut self: Box<Self>, name: &str) -> Box<Self> {
        self.path.push(name.to_owned());
        self
    }

    /// The same fault, unless the payload has no byte at all, which then is the fault.
    #[cold]
    pub(crate) fn or_empty(self: Box<Self>, payload: &[u8]) -> Box<Self> {
        if payload.is_empty() { Self::new(Reason::Empty, 0, "the event has no bytes") } else { self }
    }

    /// The same fault in a payload that begins behind a header.
    #[cold]
    pub(crate) fn behind(mut self: Box<Self>, header: usize) -> Box<Self> {
        self.byte += header;
        self
    }

    /// The same fault with a report of all that the payload breaks of its schema.
    #[cold]
    pub(crate) fn reported(mut self: Box<Self>, report: String) -> Box<Self> {
        self.report = Some(report);
        self
    }

    /// Why.
    pub(crate) fn reason(&self) -> Reason {
        self.reason
    }

    /// Where it is.
    pub(crate) fn byte(&self) -> usize {
        self.byte
    }

    /// The rejection of the payload.
    pub(crate) fn rejection(mut self) -> Rejection {
        self.path.reverse();
        let rejection = Rejection::new(Phase::Decode, self.reason, self.message).byte(self.byte);
        let rejection = Rejection { violations: self.report, ..rejection };
        if self.path.is_empty() { rejection } else { rejection.field(self.path.join(".")) }
    }
}
