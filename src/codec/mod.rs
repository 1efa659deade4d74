//! Bytes to columns and columns to bytes.
//!
//! A decoder turns a batch of payloads into Arrow columns, one row per payload it can read, and says of each other payload why not, to
//! the field and the byte. An encoder does the reverse.
//!
//! # Invariants
//! - Rows, rejections and payloads that must wait are together the payloads: nothing is lost, nothing is there twice.
//! - What becomes of a payload depends on its bytes and its writer's schema alone, never on the payloads around it.
//! - Lengths are checked against the bytes that are there before anything is allocated for them.

mod absent;
pub mod avro;
pub(crate) mod column;
pub mod csv;

mod fault;
pub mod file;
pub mod frame;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod json;
mod rows;
mod scalar;
#[cfg(test)]
mod tests;
mod text;
mod time;
pub(crate) mod view;

pub use absent::AbsentField;
pub(crate) use text::{DecimalText, decimal};
pub use time::nanoseconds;
pub(crate) use time::time_of_day;

use std::ops::Range;

use arrow_array::ArrayRef;

use frame::SchemaKey;

use crate::dataset::{DatasetField, DatasetSchema, Rejection};

/// Turns payloads into columns.
pub trait Decoder: Send {
    /// Decodes a batch; what `into` held before is gone.
    fn decode(&mut self, payloads: &[&[u8]], into: &mut Decoded);

    /// The projected fields, one per column.
    fn fields(&self) -> &[DatasetField];

    /// Where the messages of a payload stand in it, each of which is to be decoded as a payload of its own; `None` for one that is to be
    /// decoded itself.
    ///
    /// # Errors
    /// Why a payload that holds messages cannot be taken apart.
    fn messages(&self, _: &[u8]) -> Option<Result<Vec<Range<usize>>, Rejection>> {
        None
    }

    /// Whether payloads that a batch left in [`Decoded::awaiting`] with this key must wait still.
    fn is_awaited(&self, _: SchemaKey) -> bool {
        false
    }
}

/// What became of a batch of payloads.
#[derive(Debug, Default)]
pub struct Decoded {
    /// One column per projected field, each as long as `rows`.
    pub columns: Vec<ArrayRef>,
    /// The index of each decoded row's payload, ascending.
    pub rows: Vec<u32>,
    /// The index of each payload that could not be read, ascending, and why.
    pub rejected: Vec<(u32, Rejection)>,
    /// The index of each payload whose writer's schema is being asked for, ascending, and the schema's key: it must be decoded again
    /// later, and not be overtaken.
    pub awaiting: Vec<(u32, SchemaKey)>,
}

impl Decoded {
    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.rows.clear();
        self.rejected.clear();
        self.awaiting.clear();
    }
}

/// Why a decoder or an encoder cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// A column has a type that the format does not carry.
    #[error("column `{column}`: {format} output does not carry {data_type}")]
    UnsupportedColumn {
        /// The column's name.
        column: String,
        /// Its type.
        data_type: String,
        /// The format's name.
        format: &'static str,
    },
    /// A column's name cannot be used in the format.
    #[error("column `{column}`: {why}")]
    BadName {
        /// The column's name.
        column: String,
        /// What the format asks of names.
        why: &'static str,
    },
    /// The writer's schema cannot be read as the dataset's.
    #[error("field `{path}`: {why}")]
    Incompatible {
        /// The field's dotted path.
        path: String,
        /// What does not fit.
        why: String,
    },
    /// A file lacks fields that must be there.
    #[error("the file lacks {}", absent::listed(.0))]
    Absent(Vec<AbsentField>),
    /// A projection names a field twice, or one that the dataset does not have.
    #[error("the projection names field {index} twice, or there is no such field")]
    BadProjection {
        /// The index in the dataset's fields.
        index: usize,
    },
    /// Two writers' schemas of one fingerprint mean other values.
    #[error(
        "the fingerprint {key:016x} is another schema's too, whose logical types are others: single-object encoding cannot tell their events apart"
    )]
    SameFingerprint {
        /// The fingerprint.
        key: SchemaKey,
    },
    /// A schema cannot be used.
    #[error(transparent)]
    Schema(#[from] crate::dataset::SchemaError),
}

/// Encoded rows in one buffer, reused from batch to batch.
#[derive(Clone, Debug, Default)]
pub struct Encoded {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    rows: Vec<usize>,
}

impl Encoded {
    /// How many rows it holds.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it holds no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of the `index`-th encoded row; empty beyond the end.
    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends.get(index - 1).copied().unwrap_or(self.bytes.len()) };
        let end = self.ends.get(index).copied().unwrap_or(start);
        &self.bytes[start..end]
    }

    /// The row of the batch that each encoded row was.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Each encoded row: its row of the batch, its bytes.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.rows.iter().enumerate().map(|(index, row)| (*row, self.get(index)))
    }

    /// All rows' bytes, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.rows.clear();
    }

    /// Where the next row's bytes go.
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// What was written since the last row's end is row `row`.
    fn finish_row(&mut self, row: usize) {
        self.ends.push(self.bytes.len());
        self.rows.push(row);
    }

    /// Forgets what was written since the last row's end.
    fn discard_row(&mut self) {
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }
}

/// Turns rows of columns into payloads.
pub trait Encoder: Send {
    /// Encodes the given rows of a batch and appends them to `into`; a row that cannot be encoded is appended to `rejected` instead.
    ///
    /// `columns` are those that the encoder was made for: their types in their order, all of one length.
    fn encode(
        &mut self,
        columns: &[ArrayRef],
        rows: &mut dyn Iterator<Item = usize>,
        into: &mut Encoded,
        rejected: &mut Vec<(usize, Rejection)>,
    );

    /// The media type of the payloads, such as `application/json`.
    fn content_type(&self) -> &'static str;

    /// What a file of such rows begins with; nothing for most formats.
    fn header(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The Avro schema of the payloads, as JSON text, when they have one.
    fn schema(&self) -> Option<&str>;
}

/// The fields of a projection.
fn project(schema: &DatasetSchema, projection: &[usize]) -> Result<Vec<DatasetField>, CodecError> {
    let mut seen = vec![false; schema.fields().len()];
    let field = |index: &usize| match seen.get_mut(*index) {
        Some(seen) if !*seen => {
            *seen = true;
            Ok(schema.fields()[*index].clone())
        }
        _ => Err(CodecError::BadProjection { index: *index }),
    };
    projection.iter().map(field).collect()
}

/// The column of each of the dataset's fields; none for those that the projection leaves out.
fn places(schema: &DatasetSchema, projection: &[usize]) -> Vec<Option<usize>> {
    let mut places = vec![None; schema.fields().len()];
    for (column, field) in projection.iter().enumerate() {
        places[*field] = Some(column);
    }
    places
}
