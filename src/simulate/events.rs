//! Where simulated events come from, and the records that they become.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::ArrayRef;

use super::fault::Faults;
use super::invent::Inventor;
use crate::codec::file::{FileError, RawRows, RowFile};
use crate::codec::json::plain;
use crate::codec::view::{Cell, View};
use crate::codec::{Decoded, Decoder, Encoded, Encoder};
use crate::dataset::{DatasetSchema, Rejection};

/// What events are like.
#[derive(Clone, Debug, Default)]
pub struct EventOptions {
    /// The field, by dotted path, whose value is a record's key; none takes the first field of text, if there is one.
    pub key: Option<String>,
    /// The share of events that are broken on purpose, 0 to 1.
    pub faults: f64,
    /// Determines what is made up and what is broken.
    pub seed: u64,
}

/// Why no events can be had.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The file of rows cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file has no rows.
    #[error("{path} has no rows")]
    NoRows {
        /// Which file.
        path: PathBuf,
    },
    /// A row is not of the dataset schema.
    #[error("{path}: row {row}: {what}")]
    Row {
        /// Which file.
        path: PathBuf,
        /// Which row, from 1; a header is none.
        row: u64,
        /// What is wrong with it.
        what: String,
    },
    /// There is no field of that name to make keys of.
    #[error("the dataset has no field `{field}` to make keys of; it has {known}")]
    UnknownKey {
        /// The name.
        field: String,
        /// The fields that there are.
        known: String,
    },
    /// The input's format cannot carry a row.
    #[error("an event cannot be written in the input's format: {0}")]
    Unencodable(String),
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] crate::kafka::KafkaError),
}

/// An endless source of events.
pub struct Events {
    source: Source,
    encoder: Box<dyn Encoder>,
    /// The field that keys are made of.
    key: Option<usize>,
    faults: Faults,
    batch: EventBatch,
    unencodable: Vec<(usize, Rejection)>,
}

/// A record to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; none is a tombstone.
    pub value: Option<&'a [u8]>,
}

/// Some events, in buffers that are reused.
#[derive(Debug, Default)]
pub struct EventBatch {
    values: Encoded,
    /// What stands in for the value of a broken event, by index, ascending.
    broken: Vec<(usize, Option<Vec<u8>>)>,
    keys: Vec<u8>,
    /// Where each key is in `keys`.
    key_spans: Vec<Option<(usize, usize)>>,
}

impl EventBatch {
    /// How many events it has.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The events in order.
    pub fn iter(&self) -> impl Iterator<Item = Event<'_>> {
        let mut broken = self.broken.iter().peekable();
        (0..self.len()).map(move |index| {
            let value = match broken.next_if(|(at, _)| *at == index) {
                Some((_, instead)) => instead.as_deref(),
                None => Some(self.values.get(index)),
            };
            let key = self.key_spans.get(index).copied().flatten().map(|(start, end)| &self.keys[start..end]);
            Event { key, value }
        })
    }

    fn clear(&mut self) {
        self.values.clear();
        self.broken.clear();
        self.keys.clear();
        self.key_spans.clear();
    }
}

enum Source {
    Rows(Box<Rows>),
    Invented(Box<Inventor>),
}

/// The rows of a file, over and over.
struct Rows {
    path: PathBuf,
    schema: DatasetSchema,
    file: RowFile,
    decoder: Box<dyn Decoder>,
    raw: RawRows,
    decoded: Decoded,
    /// Rows read since the file was opened.
    read: u64,
}

impl Events {
    /// Events of a file's rows, over and over; `encoder` must take the dataset's fields.
    ///
    /// # Errors
    /// When the file cannot be read as the dataset's, or the key is no field.
    pub fn of_rows(path: &Path, schema: &DatasetSchema, encoder: Box<dyn Encoder>, options: &EventOptions) -> Result<Self, SimulateError> {
        let (file, decoder) = open(path, schema)?;
        let (raw, decoded) = (RawRows::default(), Decoded::default());
        let rows = Rows { path: path.into(), schema: schema.clone(), file, decoder, raw, decoded, read: 0 };
        Self::new(Source::Rows(Box::new(rows)), schema, encoder, options)
    }

    /// Events made up from the dataset schema; `encoder` must take the dataset's fields.
    ///
    /// # Errors
    /// When the key is no field.
    pub fn invented(schema: &DatasetSchema, encoder: Box<dyn Encoder>, options: &EventOptions) -> Result<Self, SimulateError> {
        Self::new(Source::Invented(Box::new(Inventor::new(schema, options.seed))), schema, encoder, options)
    }

    fn new(source: Source, schema: &DatasetSchema, encoder: Box<dyn Encoder>, options: &EventOptions) -> Result<Self, SimulateError> {
        let key = match &options.key {
            None => schema.fields().iter().position(|field| field.data_type == arrow_schema::DataType::Utf8),
            Some(field) => Some(schema.field(field).map(|(index, _)| index).ok_or_else(|| {
                let known: Vec<&str> = schema.fields().iter().map(|field| field.path.as_str()).collect();
                SimulateError::UnknownKey { field: field.clone(), known: known.join(", ") }
            })?),
        };
        // Another stream than the inventor's, so that faults do not change what is made up.
        let faults = Faults::new(options.faults, options.seed ^ 0xfa17);
        Ok(Self { source, encoder, key, faults, batch: EventBatch::default(), unencodable: Vec::new() })
    }

    /// The next events: at least one, at most `max` (which counts as one when it is 0).
    ///
    /// # Errors
    /// When a row cannot be read, or cannot be written in the input's format.
    pub fn next_batch(&mut self, max: usize) -> Result<&EventBatch, SimulateError> {
        let invented;
        let columns: &[ArrayRef] = match &mut self.source {
            Source::Rows(rows) => rows.next_columns(max.max(1))?,
            Source::Invented(inventor) => {
                invented = inventor.rows(max.max(1), now_ms()).map_err(|error| SimulateError::Unencodable(error.to_string()))?;
                &invented
            }
        };
        let rows = columns.first().map_or(0, |column| column.len());
        self.batch.clear();
        self.unencodable.clear();
        self.encoder.encode(columns, &mut (0..rows), &mut self.batch.values, &mut self.unencodable);
        if let Some((_, rejection)) = self.unencodable.first() {
            return Err(SimulateError::Unencodable(describe(rejection)));
        }
        if let Some(key) = self.key {
            append_keys(&columns[key], &mut self.batch);
        }
        for index in 0..self.batch.values.len() {
            if let Some(instead) = self.faults.strike(self.batch.values.get(index)) {
                self.batch.broken.push((index, instead));
            }
        }
        Ok(&self.batch)
    }
}

/// A file of rows with the decoder of all fields.
fn open(path: &Path, schema: &DatasetSchema) -> Result<(RowFile, Box<dyn Decoder>), FileError> {
    let mut file = RowFile::open(path)?;
    let projection: Vec<usize> = (0..schema.fields().len()).collect();
    let decoder = file.decoder(schema, &projection)?;
    Ok((file, decoder))
}

impl Rows {
    fn next_columns(&mut self, max: usize) -> Result<&[ArrayRef], SimulateError> {
        self.file.read(max, &mut self.raw)?;
        if self.raw.is_empty() {
            if self.read == 0 {
                return Err(SimulateError::NoRows { path: self.path.clone() });
            }
            (self.file, self.decoder) = open(&self.path, &self.schema)?;
            self.read = 0;
            self.file.read(max, &mut self.raw)?;
            if self.raw.is_empty() {
                return Err(SimulateError::NoRows { path: self.path.clone() });
            }
        }
        self.decoder.decode(&self.raw.payloads(), &mut self.decoded);
        if let Some((row, rejection)) = self.decoded.rejected.first() {
            let row = self.read + u64::from(*row) + 1;
            return Err(SimulateError::Row { path: self.path.clone(), row, what: describe(rejection) });
        }
        self.read += self.raw.len() as u64;
        Ok(&self.decoded.columns)
    }
}

fn append_keys(column: &ArrayRef, batch: &mut EventBatch) {
    // Without a view there is no key: a type that no encoder carries does not get here.
    let Some(view) = View::new(column) else { return };
    for row in 0..column.len() {
        let start = batch.keys.len();
        let has_key = match view.cell(row) {
            Cell::Null => false,
            Cell::Text(text) => {
                batch.keys.extend_from_slice(text.as_bytes());
                true
            }
            Cell::Binary(bytes) => {
                batch.keys.extend_from_slice(bytes);
                true
            }
            cell => plain(&cell, &mut batch.keys).is_ok(),
        };
        batch.key_spans.push(has_key.then_some((start, batch.keys.len())));
    }
}

fn describe(rejection: &Rejection) -> String {
    match &rejection.field {
        Some(field) => format!("field `{field}`: {}", rejection.message),
        None => rejection.message.to_string(),
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
