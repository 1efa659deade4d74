//! The Avro decoder.

use super::cursor::Cursor;
use super::read::{Step, follow};
use super::resolve;
use super::writers::{WriterSchemas, Writers};
use crate::codec::column::Column;
use crate::codec::fault::{Fault, Outcome};
use crate::codec::frame::{Framing, SchemaKey};
use crate::codec::rows::{RowDecoder, decode_rows};
use crate::codec::{CodecError, Decoded, Decoder};
use crate::dataset::{AvroRecord, AvroType, DatasetField, DatasetSchema, Reason};

/// Decodes Avro datums, unframed or behind a header that tells the writer's schema.
///
/// Each writer's schema and the dataset's are resolved once into steps; one pass over a payload reads the projected fields straight into
/// their columns, skips the others, and takes the row back when it meets a fault. There is no second pass for bad payloads, so they cost
/// no more than good ones.
#[derive(Debug)]
pub struct AvroDecoder {
    fields: Vec<DatasetField>,
    columns: Vec<Column>,
    source: Source,
}

/// Whose datums they are.
#[derive(Debug)]
enum Source {
    /// All of one writer.
    One(Vec<Step>),
    /// Each tells its writer in a header.
    Framed(Box<Writers>),
}

impl AvroDecoder {
    /// A decoder of datums written with the dataset's own schema; `projection` are indices of its fields, in the order of the columns.
    ///
    /// # Errors
    /// When a field has a type that cannot be decoded safely.
    pub fn new(schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        Self::resolve(schema.written(), schema, projection)
    }

    /// A decoder of datums behind headers, which name one of `writers`' schemas each; a batch may mix them. The dataset's own schema is
    /// tried on itself, so that what cannot be read at all is reported now.
    ///
    /// # Errors
    /// As [`AvroDecoder::new`].
    pub fn framed(framing: Framing, writers: WriterSchemas, schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        let decoder = Self::new(schema, projection)?;
        if framing == Framing::None {
            return Ok(decoder);
        }
        let places = crate::codec::places(schema, projection);
        Ok(Self { source: Source::Framed(Box::new(Writers::new(framing, writers, schema, places))), ..decoder })
    }

    /// A decoder of datums written with another schema, by Avro's rules of schema resolution.
    ///
    /// # Errors
    /// When a projected field cannot be read from what the writer has.
    pub fn with_writer(writer: &apache_avro::Schema, schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        match AvroType::resolve(writer)? {
            AvroType::Record(root) => Self::resolve(&root, schema, projection),
            _ => Err(CodecError::Incompatible { path: String::new(), why: "the writer's schema is not of a record".to_owned() }),
        }
    }

    fn resolve(writer: &AvroRecord, schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        let fields = crate::codec::project(schema, projection)?;
        let places = crate::codec::places(schema, projection);
        let columns = fields.iter().map(|field| Column::new(&field.data_type, field.nullable)).collect();
        let steps = resolve::steps(writer, schema.root(), 0, &places, "")?;
        Ok(Self { fields, columns, source: Source::One(steps) })
    }

    fn read(&mut self, payload: &[u8]) -> Outcome<()> {
        let (steps, header) = match &mut self.source {
            Source::One(steps) => (steps.as_slice(), 0),
            Source::Framed(writers) => writers.steps(payload)?,
        };
        let mut cursor = Cursor::behind(payload, header);
        follow(steps, &mut cursor, &mut self.columns)?;
        match cursor.remaining() {
            0 => Ok(()),
            left => Err(Fault::new(Reason::TrailingBytes, cursor.at(), format!("the event ends here; bytes left over: {left}"))),
        }
    }
}

impl RowDecoder for AvroDecoder {
    fn columns(&mut self) -> &mut [Column] {
        &mut self.columns
    }

    fn row(&mut self, payload: &[u8]) -> Outcome<()> {
        self.read(payload).map_err(|fault| fault.or_empty(payload))
    }
}

impl Decoder for AvroDecoder {
    fn decode(&mut self, payloads: &[&[u8]], into: &mut Decoded) {
        decode_rows(self, payloads, into);
        // A schema that is met for the first time is mostly there in a moment: then the batch is read whole.
        if !into.awaiting.is_empty()
            && let Source::Framed(writers) = &mut self.source
            && writers.settle()
        {
            decode_rows(self, payloads, into);
        }
    }

    fn is_awaited(&self, key: SchemaKey) -> bool {
        matches!(&self.source, Source::Framed(writers) if writers.is_awaited(key))
    }

    fn fields(&self) -> &[DatasetField] {
        &self.fields
    }
}
