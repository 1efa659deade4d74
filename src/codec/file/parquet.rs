//! Parquet files, read as rows.
//!
//! A file's columns become JSON rows, which the JSON decoder reads as the dataset's: one set of rules says what a value may stand for,
//! whichever file it comes from. NaN is null, as a Parquet file of pandas' has it where a value is missing.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, Float64Array, ListArray, StructArray, make_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde_json::{Value, json};

use super::FileError;
use crate::codec::json::{JsonDecoder, JsonEncoder};
use crate::codec::view::is_carried;
use crate::codec::{CodecError, Decoder, Encoded, Encoder, absent, refuse_absent};
use crate::dataset::{DatasetSchema, Rejection};
use crate::guard::guarded;

/// Rows that are taken from the file at once.
const BATCH_ROWS: usize = 1_024;

/// An open file.
pub(super) struct Parquet {
    batches: ParquetRecordBatchReader,
    /// What is taken of the file.
    leaves: Vec<Leaf>,
    /// The dotted paths of columns whose type is not read, with the type.
    refused: Vec<(String, DataType)>,
    encoder: JsonEncoder,
    encoded: Encoded,
    unencodable: Vec<(usize, Rejection)>,
    /// The next row of the batch, and how many it has.
    row: usize,
    batch_rows: usize,
    /// The next encoded row.
    at: usize,
    rows_read: u64,
    rows: u64,
}

/// A column without members: the members that lead to it, and its dotted path.
struct Leaf {
    steps: Vec<usize>,
    path: String,
}

impl std::fmt::Debug for Parquet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parquet").field("rows", &self.rows).field("rows_read", &self.rows_read).finish_non_exhaustive()
    }
}

impl Parquet {
    /// Reads the file's end, where its columns are described.
    pub(super) fn open(path: &Path, file: File) -> Result<Self, FileError> {
        let damaged = |message: String| FileError::Damaged { path: path.into(), byte: 0, message };
        // Without the types that its writer had in memory: dictionaries and views come as plain values.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)).map_err(damaged)?;
        let builder = builder.map_err(|error| damaged(error.to_string()))?;
        let rows = builder.metadata().file_metadata().num_rows().cast_unsigned();
        let (mut leaves, mut refused) = (Vec::new(), Vec::new());
        let fields = members(builder.schema().fields(), &mut Vec::new(), "", &mut leaves, &mut refused);
        let schema = json!({"type": "record", "name": "Row", "fields": fields}).to_string();
        let schema = DatasetSchema::parse_avro(&schema).map_err(|error| damaged(error.to_string()))?;
        let batches = guarded(|| builder.with_batch_size(BATCH_ROWS).build()).map_err(damaged)?;
        let batches = batches.map_err(|error| damaged(error.to_string()))?;
        Ok(Self {
            batches,
            leaves,
            refused,
            encoder: JsonEncoder::for_schema(&schema),
            encoded: Encoded::default(),
            unencodable: Vec::new(),
            row: 0,
            batch_rows: 0,
            at: 0,
            rows_read: 0,
            rows,
        })
    }

    /// The decoder of the rows that [`Parquet::next`] gives.
    pub(super) fn decoder(&self, schema: &DatasetSchema, projection: &[usize]) -> Result<Box<dyn Decoder>, CodecError> {
        for field in projection.iter().filter_map(|index| schema.fields().get(*index)) {
            if let Some((_, data_type)) = self.refused.iter().find(|(path, _)| *path == field.path) {
                let why = format!("a Parquet column of type {data_type} is not read");
                return Err(CodecError::Incompatible { path: field.path.clone(), why });
            }
        }
        refuse_absent(absent(schema, projection, &self.columns()))?;
        Ok(Box::new(JsonDecoder::new(schema, projection)?))
    }

    /// The dotted paths of its columns.
    pub(super) fn columns(&self) -> Vec<&str> {
        self.leaves.iter().map(|leaf| leaf.path.as_str()).collect()
    }

    /// Appends the next row; false behind the last. What is wrong is told in words.
    pub(super) fn next(&mut self, into: &mut Vec<u8>) -> Result<bool, String> {
        while self.row == self.batch_rows {
            let Some(batch) = guarded(|| self.batches.next())? else { return Ok(false) };
            let batch = batch.map_err(|error| error.to_string())?;
            let columns: Result<Vec<ArrayRef>, String> = self.leaves.iter().map(|leaf| column(batch.columns(), &leaf.steps)).collect();
            self.encoded.clear();
            self.unencodable.clear();
            (self.row, self.batch_rows, self.at) = (0, batch.num_rows(), 0);
            self.encoder.encode(&columns?, &mut (0..batch.num_rows()), &mut self.encoded, &mut self.unencodable);
        }
        if self.encoded.rows().get(self.at) == Some(&self.row) {
            into.extend_from_slice(self.encoded.get(self.at));
            self.at += 1;
        } else if let Some((_, why)) = self.unencodable.iter().find(|(row, _)| *row == self.row) {
            // No JSON, so that the decoder rejects this row and no other.
            let field = why.field.as_deref().unwrap_or_default();
            into.extend_from_slice(format!("{{\"{field}\": {}", why.message).as_bytes());
        }
        self.row += 1;
        self.rows_read += 1;
        Ok(true)
    }

    /// How many rows of how many have been read.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.rows_read, self.rows)
    }
}

/// The members of a record as Avro describes them, for their names and nesting; every one may be null.
fn members<'a>(
    fields: impl IntoIterator<Item = &'a Arc<Field>>,
    steps: &mut Vec<usize>,
    prefix: &str,
    leaves: &mut Vec<Leaf>,
    refused: &mut Vec<(String, DataType)>,
) -> Vec<Value> {
    let mut described = Vec::new();
    for (index, field) in fields.into_iter().enumerate() {
        // A dataset's fields have no other names.
        if !field.name().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            || field.name().starts_with(|c: char| c.is_ascii_digit())
        {
            continue;
        }
        let path = if prefix.is_empty() { field.name().clone() } else { format!("{prefix}.{}", field.name()) };
        steps.push(index);
        match field.data_type() {
            DataType::Struct(inner) => {
                let inner = members(inner, steps, &path, leaves, refused);
                let record = json!({"type": "record", "name": format!("Row_{}", path.replace('.', "_")), "fields": inner});
                described.push(json!({"name": field.name(), "type": ["null", record]}));
            }
            data_type if is_carried(data_type) => {
                leaves.push(Leaf { steps: steps.clone(), path });
                described.push(json!({"name": field.name(), "type": ["null", "string"]}));
            }
            data_type => refused.push((path, data_type.clone())),
        }
        steps.pop();
    }
    described
}

/// A leaf's values; null where a record around it is.
fn column(columns: &[ArrayRef], steps: &[usize]) -> Result<ArrayRef, String> {
    let [first, rest @ ..] = steps else { return Err("a column without a place".into()) };
    let mut array = ArrayRef::clone(&columns[*first]);
    for step in rest {
        let outer = array.as_struct();
        let inner = outer.column(*step);
        let nulls = NullBuffer::union(outer.nulls(), inner.nulls());
        let data = inner.to_data().into_builder().nulls(nulls).build().map_err(|error| error.to_string())?;
        array = make_array(data);
    }
    let array = widened(&array);
    Ok(if *array.data_type() == DataType::Float64 { nan_as_null(&array) } else { array })
}

/// Floats as doubles, in lists too. Written as floats they would have the fewest digits that tell one from another, which as a double are
/// another number than the float is.
fn widened(array: &ArrayRef) -> ArrayRef {
    let field = |field: &Field, array: &ArrayRef| Arc::new(Field::new(field.name(), array.data_type().clone(), field.is_nullable()));
    match array.data_type() {
        DataType::Float32 => Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float64Type>(f64::from)),
        DataType::List(item) => {
            let list = array.as_list::<i32>();
            let items = widened(list.values());
            Arc::new(ListArray::new(field(item, &items), list.offsets().clone(), items, list.nulls().cloned()))
        }
        DataType::Struct(fields) if !fields.is_empty() => {
            let record = array.as_struct();
            let columns: Vec<ArrayRef> = record.columns().iter().map(widened).collect();
            let fields: Vec<_> = fields.iter().zip(&columns).map(|(of, column)| field(of, column)).collect();
            Arc::new(StructArray::new(fields.into(), columns, record.nulls().cloned()))
        }
        _ => ArrayRef::clone(array),
    }
}

fn nan_as_null(array: &ArrayRef) -> ArrayRef {
    let doubles = array.as_primitive::<Float64Type>();
    Arc::new(Float64Array::from_iter(doubles.iter().map(|value| value.filter(|value| !value.is_nan()))))
}
