//! The JSON decoder: one object per payload, straight into columns.

use std::ops::Range;

use arrow_schema::DataType;
use serde::de::DeserializeSeed;

use super::envelope::{Envelope, is_envelope};
use super::fault::{Context, fault};
use super::messages::messages;
use super::report::Report;
use super::shape::{Compiler, Object, Rules, Target};
use super::visit::Event;
use crate::codec::column::Column;
use crate::codec::fault::{Fault, Outcome};
use crate::codec::frame::Framing;
use crate::codec::rows::{RowDecoder, decode_rows};
use crate::codec::{CodecError, Decoded, Decoder};
use crate::dataset::{DatasetField, DatasetSchema, Reason, Rejection};

/// Decodes JSON: each payload one object with the dataset's fields as its members, records as objects.
///
/// Members in any order; those that the dataset does not have, or nobody asked for, are skipped with all that is in them. A member of the
/// dataset's that is there twice is refused. A field that is missing is null where it may be, else the schema's default. A number for an
/// integer may be written `5.0`; it may not be text, nor text a number. Instants are RFC 3339 text or numbers in the schema's unit. Values
/// nest up to 64 deep.
#[derive(Debug)]
pub struct JsonDecoder {
    fields: Vec<DatasetField>,
    columns: Vec<Column>,
    root: Object<Target>,
    context: Context,
    framing: Framing,
    envelopes: Envelopes,
    /// Whether long arrays of numbers may be read apart from the rest of an event.
    has_floats: bool,
}

/// Whether events are in the envelopes of Adobe's streaming ingestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Envelopes {
    /// None is.
    Never,
    /// Each is; a payload has one envelope or several.
    Always,
    /// Those are that look like it.
    Sometimes,
}

impl JsonDecoder {
    /// A decoder of a dataset's rows as files have them, by the plain rules; of XDM in an envelope or without one. `projection` are indices
    /// of the dataset's fields, in the order of the columns.
    ///
    /// # Errors
    /// When a default is not of its field's type, or the projection names no field.
    pub fn new(schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        Self::outside(Rules::Plain, schema, projection)
    }

    /// A decoder of events as people write them, whatever the topic has: by the plain rules, or by those of the dataset's XDM schema, in an
    /// envelope or without one.
    ///
    /// # Errors
    /// As [`JsonDecoder::new`].
    pub fn by_hand(schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        Self::outside(if schema.xdm().is_some() { Rules::Xdm } else { Rules::Plain }, schema, projection)
    }

    /// A decoder of events that no topic has.
    fn outside(rules: Rules, schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        let envelopes = if schema.xdm().is_some() { Envelopes::Sometimes } else { Envelopes::Never };
        Ok(Self { envelopes, ..Self::by(rules, schema, projection)? })
    }

    /// A decoder of events written by the given rules.
    ///
    /// # Errors
    /// As [`JsonDecoder::new`].
    pub fn by(rules: Rules, schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        let fields = crate::codec::project(schema, projection)?;
        let places = crate::codec::places(schema, projection);
        let mut compiler = Compiler { rules, is_xdm: schema.xdm().is_some(), places: &places, leaf: 0, id: 0 };
        let root = match schema.xdm() {
            Some(xdm) if rules == Rules::Xdm => compiler.entity(&xdm.root),
            _ => compiler.object(schema.written(), schema.root(), "")?,
        };
        let context = Context::new(compiler.id);
        let columns = fields.iter().map(|field| Column::new(&field.data_type, field.nullable)).collect();
        // By rules an array is held against them item by item.
        let has_floats = rules != Rules::Xdm && fields.iter().any(|field| has_list_of_floats(&field.data_type));
        Ok(Self { fields, columns, root, context, framing: Framing::None, envelopes: Envelopes::Never, has_floats })
    }

    /// The same decoder for payloads behind a header, whose id is not looked at: the dataset schema says what events are.
    #[must_use]
    pub fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// The same decoder for events in the envelopes of Adobe's streaming ingestion.
    #[must_use]
    pub fn enveloped(self) -> Self {
        Self { envelopes: Envelopes::Always, ..self }
    }

    fn read(&mut self, payload: &[u8]) -> Outcome<()> {
        if payload.starts_with(b"\xef\xbb\xbf") {
            return Err(Fault::new(Reason::Malformed, 0, "the event begins with a byte order mark, which JSON does not allow"));
        }
        let text = std::str::from_utf8(payload)
            .map_err(|error| Fault::new(Reason::InvalidUtf8, error.valid_up_to(), "the event is not UTF-8 from here on"))?;
        if self.has_floats && self.read_apart(text) {
            return Ok(());
        }
        match self.read_text(text) {
            Err(fault) if fault.reason() == Reason::XdmViolation => Err(self.report(text, fault)),
            outcome => outcome,
        }
    }

    /// Reads an event whose long arrays of numbers are read apart; whether it did, with nothing left behind otherwise.
    fn read_apart(&mut self, text: &str) -> bool {
        let Some(left) = self.context.floats.cut(text) else { return false };
        let rows = self.columns.first().map_or(0, Column::len);
        let is_read = self.read_text(&left).is_ok();
        if !is_read {
            self.columns.iter_mut().for_each(|column| column.truncate(rows));
        }
        self.context.floats.give_back(left);
        is_read
    }

    fn read_text(&mut self, text: &str) -> Outcome<()> {
        let mut json = serde_json::Deserializer::from_str(text);
        self.context.start();
        let event = Event { object: &self.root, columns: &mut self.columns, context: &mut self.context };
        let is_enveloped = match self.envelopes {
            Envelopes::Never => false,
            Envelopes::Always => true,
            Envelopes::Sometimes if matches!(messages(text.as_bytes()), Some(Ok(_))) && self.root.find("messages", 0).is_none() => {
                return Err(Fault::new(Reason::WrongType, 0, "it holds several messages, and here is place for one: give each by itself"));
            }
            Envelopes::Sometimes => is_envelope(text),
        };
        let read = if is_enveloped { Envelope(event).deserialize(&mut json) } else { event.deserialize(&mut json) };
        read.map_err(|error| fault(text, &error, &mut self.context))?;
        json.end().map_err(|error| match fault(text, &error, &mut self.context) {
            other if error.is_eof() => other,
            other => Fault::new(Reason::TrailingBytes, other.byte(), "something follows the event's object"),
        })
    }

    /// Reads an event to its end for all that it breaks of its schema. It is a violation only if it is an event otherwise.
    #[cold]
    fn report(&mut self, text: &str, violation: Box<Fault>) -> Box<Fault> {
        self.context.report = Some(Report::new());
        let read = self.read_text(text);
        let report = self.context.report.take().and_then(Report::finish);
        match (read, report) {
            (Err(fault), _) => fault,
            (Ok(()), Some(report)) => violation.reported(report),
            (Ok(()), None) => violation,
        }
    }
}

fn has_list_of_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) => matches!(item.data_type(), DataType::Float32 | DataType::Float64) || has_list_of_floats(item.data_type()),
        DataType::Map(field, _) => has_list_of_floats(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_list_of_floats(field.data_type())),
        _ => false,
    }
}

impl RowDecoder for JsonDecoder {
    fn columns(&mut self) -> &mut [Column] {
        &mut self.columns
    }

    fn row(&mut self, payload: &[u8]) -> Outcome<()> {
        let header = self.framing.header_bytes();
        self.framing.key(payload)?;
        self.read(&payload[header..]).map_err(|fault| fault.or_empty(payload).behind(header))
    }
}

impl Decoder for JsonDecoder {
    fn decode(&mut self, payloads: &[&[u8]], into: &mut Decoded) {
        decode_rows(self, payloads, into);
    }

    fn fields(&self) -> &[DatasetField] {
        &self.fields
    }

    fn messages(&self, payload: &[u8]) -> Option<Result<Vec<Range<usize>>, Rejection>> {
        if self.envelopes == Envelopes::Always { messages(payload) } else { None }
    }
}
