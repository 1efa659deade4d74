//! Parquet files, read as rows.
//!
//! The columns that a dataset's fields need become JSON rows, which the JSON decoder reads as the dataset's: one set of rules says what a
//! value may stand for, whichever file it comes from. NaN is null, as a Parquet file of pandas' has it where a value is missing.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, Float64Array, ListArray, MapArray, RecordBatch, StringArray, StructArray, make_array, new_empty_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::LogicalType;
use serde_json::Value;

use super::FileError;
use crate::codec::absent::{absent, refuse_absent};
use crate::codec::json::{JsonDecoder, JsonEncoder, OMITS_NULL};
use crate::codec::view::is_carried;
use crate::codec::{CodecError, Decoder, Encoded, Encoder, text};
use crate::dataset::{DatasetSchema, Rejection};
use crate::guard::guarded;

/// Rows that are taken from the file at once.
const BATCH_ROWS: usize = 1_024;

/// An open file.
pub(super) struct Parquet {
    file: File,
    metadata: ArrowReaderMetadata,
    /// Its columns and what is in its records, by dotted path.
    columns: Vec<(String, DataType)>,
    /// What the last decoder asks for, in the order of the dataset's fields.
    taken: Vec<Taken>,
    encoder: JsonEncoder,
    /// None until the first row is read.
    batches: Option<ParquetRecordBatchReader>,
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

/// A column that a field of the dataset is read from.
struct Taken {
    path: String,
    /// The field's type.
    wanted: DataType,
    /// Whether its values, or those in it, are UUIDs by the file's schema.
    is_uuid: bool,
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
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, options)).map_err(damaged)?;
        let metadata = metadata.map_err(|error| damaged(error.to_string()))?;
        let mut columns = Vec::new();
        describe(metadata.schema().fields(), "", &mut columns);
        Ok(Self {
            rows: metadata.metadata().file_metadata().num_rows().cast_unsigned(),
            file,
            metadata,
            columns,
            taken: Vec::new(),
            encoder: JsonEncoder::new(&[]).map_err(|error| damaged(error.to_string()))?,
            batches: None,
            encoded: Encoded::default(),
            unencodable: Vec::new(),
            row: 0,
            batch_rows: 0,
            at: 0,
            rows_read: 0,
        })
    }

    /// The decoder of the rows that [`Parquet::next`] gives from now on, which have what it asks for; they begin with the file's first.
    pub(super) fn decoder(&mut self, schema: &DatasetSchema, projection: &[usize]) -> Result<Box<dyn Decoder>, CodecError> {
        refuse_absent(&absent(schema, projection, &self.columns()))?;
        let decoder = JsonDecoder::new(schema, projection)?;
        let mut taken = Vec::new();
        let mut is_taken = vec![false; schema.fields().len()];
        for (index, field) in schema.fields().iter().enumerate().filter(|(index, _)| projection.contains(index)) {
            let mut columns = self.columns.iter().filter(|(path, _)| *path == field.path);
            let Some((path, data_type)) = columns.next() else { continue };
            if columns.next().is_some() {
                return Err(CodecError::BadName { column: path.clone(), why: "the file has it twice" });
            }
            let mut beneath = self.beneath(path).peekable();
            let is_uuid = beneath.peek().is_some() && beneath.all(|(_, is_uuid)| is_uuid);
            let is_read = is_carried(data_type) && readable(&new_empty_array(data_type), Some(&field.data_type), is_uuid).is_ok();
            if !is_read {
                let why = format!("a Parquet column of type {data_type} is not read as {}", field.data_type);
                return Err(CodecError::Incompatible { path: path.clone(), why });
            }
            is_taken[index] = true;
            taken.push(Taken { path: path.clone(), wanted: field.data_type.clone(), is_uuid });
        }
        self.encoder = JsonEncoder::of_fields(schema, &is_taken);
        self.taken = taken;
        self.batches = None;
        (self.row, self.batch_rows, self.rows_read) = (0, 0, 0);
        Ok(Box::new(decoder))
    }

    /// The dotted paths of its columns, and of what is in its records.
    pub(super) fn columns(&self) -> Vec<&str> {
        self.columns.iter().map(|(path, _)| path.as_str()).collect()
    }

    /// What of the file makes the column at a path: Parquet's own columns, each with whether it has UUIDs.
    fn beneath(&self, path: &str) -> impl Iterator<Item = (usize, bool)> {
        let columns = self.metadata.parquet_schema().columns().iter().enumerate();
        columns.filter_map(move |(index, column)| {
            let rest = column.path().string().strip_prefix(path)?.to_owned();
            (rest.is_empty() || rest.starts_with('.')).then(|| (index, column.logical_type_ref() == Some(&LogicalType::Uuid)))
        })
    }

    fn start(&self) -> Result<ParquetRecordBatchReader, String> {
        let columns: Vec<usize> = self.taken.iter().flat_map(|taken| self.beneath(&taken.path)).map(|(index, _)| index).collect();
        let mask = ProjectionMask::leaves(self.metadata.parquet_schema(), columns);
        let file = self.file.try_clone().map_err(|error| error.to_string())?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        guarded(|| builder.with_projection(mask).with_batch_size(BATCH_ROWS).build())?.map_err(|error| error.to_string())
    }

    /// Appends the next row; false behind the last. What is wrong is told in words.
    pub(super) fn next(&mut self, into: &mut Vec<u8>) -> Result<bool, String> {
        while self.row == self.batch_rows {
            if self.batches.is_none() {
                self.batches = Some(self.start()?);
            }
            let batch = guarded(|| self.batches.as_mut().and_then(Iterator::next))?;
            let Some(batch) = batch.transpose().map_err(|error| error.to_string())? else { return Ok(false) };
            let columns: Vec<ArrayRef> = self.taken.iter().map(|taken| taken.column(&batch)).collect::<Result<_, _>>()?;
            self.encoded.clear();
            self.unencodable.clear();
            (self.row, self.batch_rows, self.at) = (0, batch.num_rows(), 0);
            self.encoder.encode(&columns, &mut (0..batch.num_rows()), &mut self.encoded, &mut self.unencodable);
        }
        if self.encoded.rows().get(self.at) == Some(&self.row) {
            into.extend_from_slice(self.encoded.get(self.at));
            self.at += 1;
        } else if let Some((_, why)) = self.unencodable.iter().find(|(row, _)| *row == self.row) {
            // Infinity, which JSON does not have: the decoder rejects the row for a number beyond a double, at its field.
            for name in why.field.as_deref().unwrap_or_default().split('.') {
                into.extend_from_slice(format!("{{{}:", Value::from(name)).as_bytes());
            }
            into.extend_from_slice(b"1e999");
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

impl Taken {
    /// Its values, as JSON is made of them.
    fn column(&self, batch: &RecordBatch) -> Result<ArrayRef, String> {
        let read = || match find(batch.schema_ref().fields(), batch.columns(), &self.path)? {
            Some(array) => readable(&array, Some(&self.wanted), self.is_uuid),
            None => Err(ArrowError::SchemaError("it is not there".to_owned())),
        };
        read().map_err(|error| format!("column `{}`: {error}", self.path))
    }
}

/// The columns and what is in their records, by dotted path.
fn describe(fields: &Fields, prefix: &str, into: &mut Vec<(String, DataType)>) {
    for field in fields {
        let path = if prefix.is_empty() { field.name().clone() } else { format!("{prefix}.{}", field.name()) };
        if let DataType::Struct(inner) = field.data_type() {
            describe(inner, &path, into);
        }
        into.push((path, field.data_type().clone()));
    }
}

/// The values at a dotted path, in which a name may have dots itself; null where a record around them is.
fn find(fields: &Fields, arrays: &[ArrayRef], path: &str) -> Result<Option<ArrayRef>, ArrowError> {
    for (field, array) in fields.iter().zip(arrays) {
        if field.name() == path {
            return Ok(Some(Arc::clone(array)));
        }
        let rest = path.strip_prefix(field.name().as_str()).and_then(|rest| rest.strip_prefix('.'));
        let (Some(rest), Some(record)) = (rest, array.as_struct_opt()) else { continue };
        let Some(inner) = find(record.fields(), record.columns(), rest)? else { continue };
        if record.nulls().is_none() || *inner.data_type() == DataType::Null {
            return Ok(Some(inner));
        }
        let nulls = NullBuffer::union(record.nulls(), inner.nulls());
        return Ok(Some(make_array(inner.to_data().into_builder().nulls(nulls).build()?)));
    }
    Ok(None)
}

/// The values in the types that the dataset's are written from as JSON, in lists, maps and records too.
///
/// Floats are doubles: written as floats they would have the fewest digits that tell one from another, which as a double are another number
/// than the float is. Bytes are text where the dataset has text, as UTF-8, for writers do not always say that they are. There is no type
/// `wanted` of a record's member that the dataset does not have.
///
/// # Errors
/// When bytes are no text, or a record stands where the dataset has a single value.
fn readable(array: &ArrayRef, wanted: Option<&DataType>, is_uuid: bool) -> Result<ArrayRef, ArrowError> {
    let renewed = |field: &Field, array: &ArrayRef| Arc::new(Field::new(field.name(), array.data_type().clone(), true));
    Ok(match (array.data_type(), wanted) {
        (DataType::Float32, _) => nan_as_null(&array.as_primitive::<Float32Type>().unary::<_, Float64Type>(f64::from)),
        (DataType::Float64, _) => nan_as_null(array.as_primitive()),
        (DataType::Binary, Some(DataType::Utf8)) => Arc::new(StringArray::try_from_binary(array.as_binary::<i32>().clone())?),
        (DataType::FixedSizeBinary(16), Some(DataType::Utf8)) if is_uuid => {
            let uuid = |bytes: &[u8]| String::from_utf8_lossy(text::uuid(bytes, &mut [0; 36])).into_owned();
            Arc::new(array.as_fixed_size_binary().iter().map(|bytes| bytes.map(uuid)).collect::<StringArray>())
        }
        (DataType::FixedSizeBinary(_), Some(DataType::Utf8)) => return Err(ArrowError::SchemaError("bytes that are no text".to_owned())),
        (DataType::List(item), _) => {
            let list = array.as_list::<i32>();
            let items = readable(list.values(), item_of(wanted), is_uuid)?;
            Arc::new(ListArray::try_new(renewed(item, &items), list.offsets().clone(), items, list.nulls().cloned())?)
        }
        (DataType::Map(entries, is_ordered), _) => {
            let map = array.as_map();
            let (key, value) = map.entries_fields();
            let values = readable(map.values(), value_of(wanted), is_uuid)?;
            let pair = Fields::from(vec![Arc::new(key.clone().with_nullable(false)), renewed(value, &values)]);
            let pairs = StructArray::try_new(pair.clone(), vec![Arc::clone(map.keys()), values], None)?;
            let entries = Arc::new(Field::new(entries.name(), DataType::Struct(pair), false));
            Arc::new(MapArray::try_new(entries, map.offsets().clone(), pairs, map.nulls().cloned(), *is_ordered)?)
        }
        (DataType::Struct(_), Some(wanted)) if !matches!(wanted, DataType::Struct(_) | DataType::Map(..)) => {
            return Err(ArrowError::SchemaError("a record".to_owned()));
        }
        (DataType::Struct(fields), _) if !fields.is_empty() => {
            let record = array.as_struct();
            let column = |(field, column): (&Arc<Field>, &ArrayRef)| readable(column, member_of(wanted, field.name()), is_uuid);
            let columns: Vec<ArrayRef> = fields.iter().zip(record.columns()).map(column).collect::<Result<_, _>>()?;
            let field = |(of, column): (&Arc<Field>, &ArrayRef)| match wanted {
                // pandas has maps as records, whose members are the keys of all rows: a row's own are not null.
                Some(DataType::Map(..)) => Arc::new(Field::clone(&renewed(of, column)).with_metadata([(OMITS_NULL, "")])),
                _ => renewed(of, column),
            };
            let fields: Vec<_> = fields.iter().zip(&columns).map(field).collect();
            Arc::new(StructArray::try_new(fields.into(), columns, record.nulls().cloned())?)
        }
        _ => Arc::clone(array),
    })
}

fn item_of(list: Option<&DataType>) -> Option<&DataType> {
    if let DataType::List(item) = list? { Some(item.data_type()) } else { None }
}

fn value_of(map: Option<&DataType>) -> Option<&DataType> {
    let DataType::Map(entries, _) = map? else { return None };
    member_of(Some(entries.data_type()), "value")
}

/// The type of a record's member; a map's, of which any name is one.
fn member_of<'t>(record: Option<&'t DataType>, name: &str) -> Option<&'t DataType> {
    match record? {
        DataType::Struct(fields) => fields.find(name).map(|(_, field)| field.data_type()),
        map => value_of(Some(map)),
    }
}

fn nan_as_null(doubles: &Float64Array) -> ArrayRef {
    Arc::new(Float64Array::from_iter(doubles.iter().map(|value| value.filter(|value| !value.is_nan()))))
}
