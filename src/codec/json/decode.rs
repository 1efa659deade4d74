//! The JSON decoder: one object per payload, straight into columns.

use serde::de::DeserializeSeed;

use super::fault::{Context, fault};
use super::shape::{Compiler, Member, Object, Rules};
use super::visit::Event;
use crate::codec::column::Column;
use crate::codec::fault::{Fault, Outcome};
use crate::codec::frame::Framing;
use crate::codec::rows::{RowDecoder, decode_rows};
use crate::codec::{CodecError, Decoded, Decoder};
use crate::dataset::{DatasetField, DatasetSchema, Reason};

/// Decodes JSON: each payload one object with the dataset's fields as its members, records as objects.
///
/// Members in any order; those that the dataset does not have, or nobody asked for, are skipped. A member of the dataset's that is there
/// twice is refused. A field that is missing is null where it may be, else the schema's default. A number for an integer may be written
/// `5.0`; it may not be text, nor text a number. Instants are RFC 3339 text or numbers in the schema's unit. Values nest up to 64 deep.
#[derive(Debug)]
pub struct JsonDecoder {
    fields: Vec<DatasetField>,
    columns: Vec<Column>,
    root: Object<Member>,
    context: Context,
    framing: Framing,
}

impl JsonDecoder {
    /// A decoder of a dataset's events; `projection` are indices of its fields, in the order of the columns.
    ///
    /// # Errors
    /// When a default is not of its field's type, or the projection names no field.
    pub fn new(schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        Self::by(Rules::Plain, schema, projection)
    }

    /// A decoder of events written by the given rules.
    ///
    /// # Errors
    /// As [`JsonDecoder::new`].
    pub fn by(rules: Rules, schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        let fields = crate::codec::project(schema, projection)?;
        let places = crate::codec::places(schema, projection);
        let mut compiler = Compiler { rules, places: &places, leaf: 0, id: 0 };
        let root = compiler.object(schema.written(), schema.root(), "")?;
        let context = Context::new(compiler.id);
        let columns = fields.iter().map(|field| Column::new(&field.data_type, field.nullable)).collect();
        Ok(Self { fields, columns, root, context, framing: Framing::None })
    }

    /// The same decoder for payloads behind a header, whose id is not looked at: the dataset schema says what events are.
    #[must_use]
    pub fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    fn read(&mut self, payload: &[u8]) -> Outcome<()> {
        if payload.starts_with(b"\xef\xbb\xbf") {
            return Err(Fault::new(Reason::Malformed, 0, "the event begins with a byte order mark, which JSON does not allow"));
        }
        let text = std::str::from_utf8(payload)
            .map_err(|error| Fault::new(Reason::InvalidUtf8, error.valid_up_to(), "the event is not UTF-8 from here on"))?;
        let mut json = serde_json::Deserializer::from_str(text);
        self.context.start();
        let event = Event { object: &self.root, columns: &mut self.columns, context: &mut self.context };
        event.deserialize(&mut json).map_err(|error| fault(text, &error, &mut self.context))?;
        json.end().map_err(|error| match fault(text, &error, &mut self.context) {
            other if error.is_eof() => other,
            other => Fault::new(Reason::TrailingBytes, other.byte(), "something follows the event's object"),
        })
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
}
