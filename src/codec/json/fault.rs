//! Finds the field and the byte of what is wrong with a JSON payload.

use std::borrow::Cow;

use serde_json::error::Category;

use super::floats::Floats;
use super::report::{LONGEST, Report, Violation, shortened};
use crate::codec::fault::Fault;
use crate::dataset::Reason;

/// What the visitors share: the fault, since the parser's errors cannot carry it, and which members objects had.
#[derive(Debug)]
pub(super) struct Context {
    fault: Option<(Reason, Cow<'static, str>, Anchor)>,
    /// Names from the innermost outwards.
    path: Vec<String>,
    /// By member: the last object that had it.
    seen: Vec<u64>,
    /// The number of the last object.
    objects: u64,
    pub(super) depth: usize,
    /// What an event breaks of its schema, while it is read a second time to tell.
    pub(super) report: Option<Report>,
    /// The arrays that are cut out of the event's text.
    pub(super) floats: Floats,
}

/// What the parser had just read when a visitor found the fault: the way back to its first byte.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Number,
    /// `null`, `true` or `false`, by length.
    Word(usize),
    Text,
    /// A bracket or a brace that opens.
    Open,
    /// The brace that closes the object.
    Close,
    /// The bracket that closes the array.
    CloseArray,
}

impl Context {
    pub(super) fn new(members: usize) -> Self {
        Self { fault: None, path: Vec::new(), seen: vec![0; members], objects: 0, depth: 0, report: None, floats: Floats::default() }
    }

    /// Begins the next payload.
    pub(super) fn start(&mut self) {
        self.depth = 0;
    }

    /// A number for the next object. An object cannot be inside one of the same members, so the last one of each is enough to know.
    #[inline]
    pub(super) fn object(&mut self) -> u64 {
        self.objects += 1;
        self.objects
    }

    /// Notes that an object has a member; whether it had it before.
    #[inline]
    pub(super) fn see(&mut self, member: usize, object: u64) -> bool {
        std::mem::replace(&mut self.seen[member], object) == object
    }

    #[inline]
    pub(super) fn has(&self, member: usize, object: u64) -> bool {
        self.seen[member] == object
    }

    /// Refuses the event for what its schema does not allow. While a report is made, notes it and goes on.
    #[cold]
    pub(super) fn violate<E: serde::de::Error>(&mut self, violations: Vec<Violation>, anchor: Anchor) -> Result<(), E> {
        if let Some(report) = &mut self.report {
            report.add(violations);
            return Ok(());
        }
        let message = violations.into_iter().next().map(|first| first.message).unwrap_or_default();
        Err(self.refuse(Reason::XdmViolation, message, anchor))
    }

    /// Keeps the fault and returns an error for the parser to carry out.
    #[cold]
    pub(super) fn refuse<E: serde::de::Error>(&mut self, reason: Reason, message: impl Into<Cow<'static, str>>, anchor: Anchor) -> E {
        self.fault = Some((reason, message.into(), anchor));
        E::custom("")
    }

    /// Goes into a member or an entry, for the report.
    #[inline]
    pub(super) fn enter(&mut self, step: &str) {
        if let Some(report) = &mut self.report {
            report.enter(step);
        }
    }

    /// Goes into an item.
    #[inline]
    pub(super) fn enter_item(&mut self, index: u64) {
        if let Some(report) = &mut self.report {
            report.enter(&index.to_string());
        }
    }

    /// Goes back out of a member, an entry or an item.
    #[inline]
    pub(super) fn leave(&mut self) {
        if let Some(report) = &mut self.report {
            report.leave();
        }
    }

    /// Notes that the fault is inside the field `name`.
    #[cold]
    pub(super) fn within(&mut self, name: &str) {
        self.path.push(name.to_owned());
    }

    /// Notes that the fault is inside a member that only the event names, at whatever length.
    #[cold]
    pub(super) fn within_event(&mut self, name: &str) {
        self.path.push(shortened(name, LONGEST));
    }
}

/// The fault behind the parser's error.
#[cold]
pub(super) fn fault(text: &str, error: &serde_json::Error, context: &mut Context) -> Box<Fault> {
    let end = position(text, error);
    let kept = context.fault.take();
    let path = std::mem::take(&mut context.path);
    let fault = match (error.classify(), kept) {
        (Category::Data, Some((reason, message, anchor))) => Fault::new(reason, anchor.first_byte(text.as_bytes(), end), message),
        (Category::Eof, _) => Fault::new(Reason::Truncated, text.len(), "the event ends inside its JSON"),
        _ => {
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            match words {
                "number out of range" => {
                    Fault::new(Reason::OutOfRange, Anchor::Number.first_byte(text.as_bytes(), end), "a number beyond a double")
                }
                _ => Fault::new(Reason::Malformed, end.saturating_sub(1), format!("not JSON: {words}")),
            }
        }
    };
    path.iter().fold(fault, |fault, name| fault.within(name))
}

/// How many bytes the parser had taken, which it tells as a line and a column.
fn position(text: &str, error: &serde_json::Error) -> usize {
    let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    let line_start = match error.line() {
        0 | 1 => 0,
        line => newlines.map(|(at, _)| at + 1).nth(line - 2).unwrap_or(0),
    };
    (line_start + error.column()).min(text.len())
}

impl Anchor {
    fn first_byte(self, text: &[u8], end: usize) -> usize {
        let taken = &text[..end];
        let last = |wanted: &[u8]| taken.iter().rposition(|byte| wanted.contains(byte)).unwrap_or(0);
        match self {
            Self::Number => {
                let number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                taken.iter().rposition(|byte| !number(byte)).map_or(0, |before| before + 1)
            }
            Self::Word(len) => end.saturating_sub(len),
            Self::Open => last(b"{["),
            Self::Close => last(b"}"),
            Self::CloseArray => last(b"]"),
            Self::Text => {
                // A quote inside a string has an odd number of backslashes before it; the one that opens it has none.
                let mut close = last(b"\"");
                while let Some(open) = taken[..close].iter().rposition(|byte| *byte == b'"') {
                    let escapes = taken[..open].iter().rev().take_while(|byte| **byte == b'\\').count();
                    if escapes % 2 == 0 {
                        return open;
                    }
                    close = open;
                }
                0
            }
        }
    }
}
