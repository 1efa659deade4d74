//! The Avro decoder.

use super::cursor::Cursor;
use super::read::{Step, follow};
use super::resolve;
use crate::codec::column::Column;
use crate::codec::fault::{Fault, Outcome};
use crate::codec::rows::{RowDecoder, decode_rows};
use crate::codec::{CodecError, Decoded, Decoder};
use crate::dataset::{AvroRecord, AvroType, DatasetField, DatasetSchema, Reason};

/// Decodes unframed Avro datums.
///
/// The writer's schema and the dataset's are resolved once into steps; one pass over a payload reads the projected fields straight into
/// their columns, skips the others, and takes the row back when it meets a fault. There is no second pass for bad payloads, so they cost
/// no more than good ones.
#[derive(Debug)]
pub struct AvroDecoder {
    fields: Vec<DatasetField>,
    columns: Vec<Column>,
    steps: Vec<Step>,
}

impl AvroDecoder {
    /// A decoder of datums written with the dataset's own schema; `projection` are indices of its fields, in the order of the columns.
    ///
    /// # Errors
    /// When a field has a type that cannot be decoded safely.
    pub fn new(schema: &DatasetSchema, projection: &[usize]) -> Result<Self, CodecError> {
        Self::resolve(schema.root(), schema, projection)
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
        Ok(Self { fields, columns, steps })
    }

    fn read(&mut self, payload: &[u8]) -> Outcome<()> {
        let mut cursor = Cursor::new(payload);
        follow(&self.steps, &mut cursor, &mut self.columns)?;
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
    }

    fn fields(&self) -> &[DatasetField] {
        &self.fields
    }
}
