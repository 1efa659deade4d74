//! The part of the line that needs no broker: admit, decode, graph, encode. Workers and file scoring share it.

use std::ops::Range;
use std::time::{Duration, Instant};

use arrow_array::ArrayRef;

use crate::codec::frame::SchemaKey;
use crate::codec::{Decoded, Decoder, Encoded, Encoder};
use crate::dataset::{Phase, Reason, Rejection, Rows};
use crate::graph::Plan;

/// How often [`Line::score_all`] looks for schemas.
const AWAITING_PAUSE: Duration = Duration::from_millis(50);

/// One worker's decoder, planned graph and encoder, with the buffers that they reuse.
pub struct Line {
    decoder: Box<dyn Decoder>,
    plan: Plan,
    encoder: Box<dyn Encoder>,
    max_event_size: usize,
    /// What each admitted payload is.
    admitted: Vec<Place>,
    decoded: Decoded,
    rows: Rows,
    columns: Vec<ArrayRef>,
    encoded: Encoded,
    unencodable: Vec<(usize, Rejection)>,
    rejected: Vec<(Place, Rejection)>,
}

/// An event of a batch, or one of the messages that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The event's index in the batch.
    pub event: usize,
    /// The message; `None` for an event that is one itself, and for one that could not be taken apart.
    pub message: Option<MessagePlace>,
}

/// A message of an event that holds several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePlace {
    /// Its number in the event, from 0.
    pub index: u32,
    /// Where it stands in the event's value.
    pub bytes: Range<usize>,
}

impl Place {
    /// An event that is one itself.
    pub fn of(event: usize) -> Self {
        Self { event, message: None }
    }

    /// The number of the message.
    pub fn number(&self) -> Option<u32> {
        self.message.as_ref().map(|message| message.index)
    }
}

/// How long each phase took for one batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct PhaseDurations {
    /// Bytes to columns.
    pub decode: Duration,
    /// Nodes that transform.
    pub graph: Duration,
    /// Nodes that ask a model.
    pub inference: Duration,
    /// Columns to bytes.
    pub encode: Duration,
}

/// What became of a batch of events; each event, and of one that holds messages each message, is in exactly one of scores, rejected and
/// skipped, unless some are awaiting a schema.
pub struct Scored<'a> {
    line: &'a Line,
    /// How long it took.
    pub durations: PhaseDurations,
}

impl<'a> Scored<'a> {
    /// The planned graph that scored the batch, with its trace where it has one.
    pub fn plan(&self) -> &'a Plan {
        &self.line.plan
    }

    /// The event of each row of the plan's columns.
    pub fn events(&self) -> impl Iterator<Item = usize> {
        (0..self.line.decoded.rows.len()).map(|row| self.line.place(row).event)
    }

    /// Whose score it is, and its bytes, in the order of the events.
    pub fn scores(&self) -> impl Iterator<Item = (&Place, &[u8])> {
        self.line.encoded.iter().map(|(row, bytes)| (self.line.place(row), bytes))
    }

    /// The scores' bytes, encoded as a file or a topic takes them.
    pub fn encoded(&self) -> &Encoded {
        &self.line.encoded
    }

    /// The event's index and its schema's key, of events that must wait for their writer's schema. While there is any, nothing of the batch
    /// is scored.
    pub fn awaiting(&self) -> impl Iterator<Item = (usize, SchemaKey)> + '_ {
        self.line.decoded.awaiting.iter().map(|(payload, key)| (self.line.admitted[*payload as usize].event, *key))
    }

    /// What has no score, and why, in the order of the events.
    pub fn rejected(&self) -> impl Iterator<Item = (&Place, &Rejection)> {
        self.line.rejected.iter().map(|(place, rejection)| (place, rejection))
    }

    /// What is left out, and the declared reason.
    pub fn skipped(&self) -> impl Iterator<Item = (&Place, &str)> {
        self.line.rows.skipped().map(|(row, reason)| (self.line.place(row), reason))
    }
}

impl Line {
    /// A line of these parts. The decoder must deliver the plan's projection, the encoder take the plan's outputs.
    pub fn new(decoder: Box<dyn Decoder>, plan: Plan, encoder: Box<dyn Encoder>, max_event_size: usize) -> Self {
        Self {
            decoder,
            plan,
            encoder,
            max_event_size,
            admitted: Vec::new(),
            decoded: Decoded::default(),
            rows: Rows::default(),
            columns: Vec::new(),
            encoded: Encoded::default(),
            unencodable: Vec::new(),
            rejected: Vec::new(),
        }
    }

    /// The planned graph.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The encoder of scores.
    pub fn encoder(&self) -> &dyn Encoder {
        self.encoder.as_ref()
    }

    /// Whether events with this key must still wait for their writer's schema.
    pub fn is_awaited(&self, key: SchemaKey) -> bool {
        self.decoder.is_awaited(key)
    }

    /// The output columns of the last batch, one value per decoded row; for tests that look at features.
    pub fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// Scores a batch; `None` is a record without a value.
    pub fn score<'e>(&mut self, events: impl Iterator<Item = Option<&'e [u8]>>) -> Scored<'_> {
        self.rejected.clear();
        let payloads = self.admit(events);
        let mut durations = PhaseDurations::default();
        let started = Instant::now();
        self.decoder.decode(&payloads, &mut self.decoded);
        durations.decode = started.elapsed();
        if !self.decoded.awaiting.is_empty() {
            self.rejected.clear();
            self.rows.reset(0);
            self.encoded.clear();
            return Scored { line: self, durations };
        }
        for (payload, rejection) in self.decoded.rejected.drain(..) {
            self.rejected.push((self.admitted[payload as usize].clone(), rejection));
        }
        self.rows.reset(self.decoded.rows.len());
        let timings = self.plan.run(&self.decoded.columns, &mut self.rows, &mut self.columns);
        (durations.graph, durations.inference) = (timings.graph, timings.inference);
        let started = Instant::now();
        self.encode();
        durations.encode = started.elapsed();
        self.rejected.sort_by_key(|(place, _)| (place.event, place.number()));
        Scored { line: self, durations }
    }

    /// As [`Line::score`], where nothing else is to be done meanwhile: waits for schemas until they are known or given up, so that no
    /// event is left awaiting one.
    pub fn score_all<'e>(&mut self, events: impl Iterator<Item = Option<&'e [u8]>> + Clone) -> Scored<'_> {
        loop {
            let durations = self.score(events.clone()).durations;
            if self.decoded.awaiting.is_empty() {
                return Scored { line: self, durations };
            }
            std::thread::sleep(AWAITING_PAUSE);
        }
    }

    /// Sorts out what no decoder needs to see.
    fn admit<'e>(&mut self, events: impl Iterator<Item = Option<&'e [u8]>>) -> Vec<&'e [u8]> {
        self.admitted.clear();
        let mut payloads = Vec::with_capacity(events.size_hint().0);
        for (event, payload) in events.enumerate() {
            let refused = match payload {
                None => Rejection::new(Phase::Decode, Reason::Tombstone, "the record has no value (a tombstone)"),
                Some([]) => Rejection::new(Phase::Decode, Reason::Empty, "the record's value is empty"),
                Some(payload) if payload.len() > self.max_event_size => {
                    let message = format!("the event has {} bytes; `input.max_event_size` allows {}", payload.len(), self.max_event_size);
                    Rejection::new(Phase::Decode, Reason::Oversized, message)
                }
                Some(payload) => match self.decoder.messages(payload) {
                    None => {
                        self.admitted.push(Place::of(event));
                        payloads.push(payload);
                        continue;
                    }
                    Some(Ok(messages)) => {
                        for (index, bytes) in (0..).zip(messages) {
                            payloads.push(&payload[bytes.clone()]);
                            self.admitted.push(Place { event, message: Some(MessagePlace { index, bytes }) });
                        }
                        continue;
                    }
                    Some(Err(rejection)) => rejection,
                },
            };
            self.rejected.push((Place::of(event), refused));
        }
        payloads
    }

    fn encode(&mut self) {
        self.encoded.clear();
        self.unencodable.clear();
        let mut alive = self.rows.iter_alive();
        self.encoder.encode(&self.columns, &mut alive, &mut self.encoded, &mut self.unencodable);
        let (admitted, decoded) = (&self.admitted, &self.decoded);
        let place = |row: usize| admitted[decoded.rows[row] as usize].clone();
        self.rejected.extend(self.rows.rejected().map(|(row, rejection)| (place(row), rejection.clone())));
        self.rejected.extend(self.unencodable.drain(..).map(|(row, rejection)| (place(row), rejection)));
    }

    /// What a decoded row was.
    fn place(&self, row: usize) -> &Place {
        &self.admitted[self.decoded.rows[row] as usize]
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("plan", &self.plan).finish_non_exhaustive()
    }
}
