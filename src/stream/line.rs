//! The part of the line that needs no broker: admit, decode, graph, encode. Workers and file scoring share it.

use std::time::{Duration, Instant};

use arrow_array::ArrayRef;

use crate::codec::frame::SchemaKey;
use crate::codec::{Decoded, Decoder, Encoded, Encoder};
use crate::dataset::{Phase, Reason, Rejection, Rows};
use crate::graph::Plan;

/// One worker's decoder, planned graph and encoder, with the buffers that they reuse.
pub struct Line {
    decoder: Box<dyn Decoder>,
    plan: Plan,
    encoder: Box<dyn Encoder>,
    max_event_size: usize,
    /// The event of each admitted payload.
    admitted: Vec<usize>,
    decoded: Decoded,
    rows: Rows,
    columns: Vec<ArrayRef>,
    encoded: Encoded,
    unencodable: Vec<(usize, Rejection)>,
    rejected: Vec<(usize, Rejection)>,
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

/// What became of a batch of events; each event is in exactly one of scores, rejected and skipped, unless some are awaiting a schema.
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
        (0..self.line.decoded.rows.len()).map(|row| self.line.event(row))
    }

    /// The event's index and its score's bytes, in the order of the events.
    pub fn scores(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.line.encoded.iter().map(|(row, bytes)| (self.line.event(row), bytes))
    }

    /// The scores' bytes, encoded as a file or a topic takes them.
    pub fn encoded(&self) -> &Encoded {
        &self.line.encoded
    }

    /// The event's index and its schema's key, of events that must wait for their writer's schema. While there is any, nothing of the batch
    /// is scored.
    pub fn awaiting(&self) -> impl Iterator<Item = (usize, SchemaKey)> + '_ {
        self.line.decoded.awaiting.iter().map(|(payload, key)| (self.line.admitted[*payload as usize], *key))
    }

    /// The event's index and why it has no score, in the order of the events.
    pub fn rejected(&self) -> impl Iterator<Item = (usize, &Rejection)> {
        self.line.rejected.iter().map(|(event, rejection)| (*event, rejection))
    }

    /// The event's index and the declared reason why it is left out.
    pub fn skipped(&self) -> impl Iterator<Item = (usize, &str)> {
        self.line.rows.skipped().map(|(row, reason)| (self.line.event(row), reason))
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
            self.rejected.push((self.admitted[payload as usize], rejection));
        }
        self.rows.reset(self.decoded.rows.len());
        let timings = self.plan.run(&self.decoded.columns, &mut self.rows, &mut self.columns);
        (durations.graph, durations.inference) = (timings.graph, timings.inference);
        let started = Instant::now();
        self.encode();
        durations.encode = started.elapsed();
        self.rejected.sort_by_key(|(event, _)| *event);
        Scored { line: self, durations }
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
                Some(payload) => {
                    self.admitted.push(event);
                    payloads.push(payload);
                    continue;
                }
            };
            self.rejected.push((event, refused));
        }
        payloads
    }

    fn encode(&mut self) {
        self.encoded.clear();
        self.unencodable.clear();
        let mut alive = self.rows.iter_alive();
        self.encoder.encode(&self.columns, &mut alive, &mut self.encoded, &mut self.unencodable);
        let (admitted, decoded) = (&self.admitted, &self.decoded);
        let event = |row: usize| admitted[decoded.rows[row] as usize];
        self.rejected.extend(self.rows.rejected().map(|(row, rejection)| (event(row), rejection.clone())));
        self.rejected.extend(self.unencodable.drain(..).map(|(row, rejection)| (event(row), rejection)));
    }

    /// The event that a decoded row was.
    fn event(&self, row: usize) -> usize {
        self.admitted[self.decoded.rows[row] as usize]
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("plan", &self.plan).finish_non_exhaustive()
    }
}
