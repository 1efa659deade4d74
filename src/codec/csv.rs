//! CSV, of files: a header, then one record per row.

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use super::absent::{absent, refuse_absent};
use super::avro::Default;
use super::column::Column;
use super::fault::{Fault, Outcome};
use super::json::plain;
use super::rows::{RowDecoder, decode_rows};
use super::scalar::Scalar;
use super::view::{Cell, EncodedColumn, Refusal, View, check_columns, encode_rows};
use super::{CodecError, Decoded, Decoder, Encoded, Encoder, project};
use crate::dataset::{AvroField, AvroRecord, AvroType, DatasetField, DatasetSchema, Reason, Rejection};

/// Decodes CSV: each payload one record without its line end, RFC 4180 quotes. An empty field is null, and nothing else is.
#[derive(Debug)]
pub struct CsvDecoder {
    fields: Vec<DatasetField>,
    columns: Vec<Column>,
    /// For each of the record's fields, what to do with it.
    takes: Vec<Option<Take>>,
    /// Columns that the file does not have, each with what it is in every row; null without a default.
    defaults: Vec<(usize, Option<Default>)>,
    record: Record,
}

#[derive(Debug)]
struct Take {
    column: usize,
    path: String,
    scalar: Scalar,
    nullable: bool,
}

impl CsvDecoder {
    /// A decoder of a dataset's rows; `projection` are indices of its fields, in the order of the columns; `header` names the file's
    /// columns by dotted path, in any order, and may have others.
    ///
    /// # Errors
    /// When the file lacks a projected field that has no default and may not be null, or names it twice, or a field is no single value, or
    /// its header is not separated by commas.
    pub fn new(schema: &DatasetSchema, projection: &[usize], header: &[String]) -> Result<Self, CodecError> {
        let fields = project(schema, projection)?;
        let mut leaves = Vec::new();
        collect_leaves(schema.root(), &mut leaves);
        let mut takes: Vec<Option<Take>> = header.iter().map(|_| None).collect();
        let mut defaults = Vec::new();
        // Where all fields may be null it would be a file of nulls.
        if let [only] = header
            && only.contains([';', '\t'])
            && schema.field(only).is_none()
        {
            let why = "the header is this one column; fields are separated by commas";
            return Err(CodecError::BadName { column: only.clone(), why });
        }
        let absent = absent(schema, projection, &header.iter().map(String::as_str).collect::<Vec<_>>());
        refuse_absent(&absent)?;
        for (column, (field, index)) in fields.iter().zip(projection).enumerate() {
            let leaf: &AvroField = leaves[*index];
            if let Some(absent) = absent.iter().find(|absent| absent.field.path == field.path) {
                // Null is of a record around it, if not of its own type.
                let default = absent.field.default.clone().filter(|default| !default.is_null());
                defaults.push((column, Default::of_value(&AvroField { default, ..leaf.clone() }, 0, &field.path)?));
                continue;
            }
            let mut places = header.iter().enumerate().filter(|(_, name)| **name == field.path);
            let Some((place, _)) = places.next() else { continue };
            if places.next().is_some() {
                return Err(CodecError::BadName { column: field.path.clone(), why: "the file's header has it twice" });
            }
            let scalar = Scalar::of(leaf.kind.split_null().0).ok_or_else(|| {
                let why = "CSV has no arrays, maps or unions".to_owned();
                CodecError::Incompatible { path: field.path.clone(), why }
            })?;
            takes[place] = Some(Take { column, path: field.path.clone(), scalar, nullable: field.nullable });
        }
        let columns = fields.iter().map(|field| Column::new(&field.data_type, field.nullable)).collect();
        Ok(Self { fields, columns, takes, defaults, record: Record::default() })
    }

    fn read(&mut self, payload: &[u8]) -> Outcome<()> {
        let text = std::str::from_utf8(payload)
            .map_err(|error| Fault::new(Reason::InvalidUtf8, error.valid_up_to(), "the record is not UTF-8 from here on"))?;
        self.record.split(text)?;
        if self.record.ends.len() != self.takes.len() {
            let message = format!("the record has {} fields, and the header {}", self.record.ends.len(), self.takes.len());
            return Err(Fault::new(Reason::Malformed, 0, message));
        }
        for (place, take) in self.takes.iter().enumerate() {
            let Some(take) = take else { continue };
            let (value, byte) = self.record.field(place);
            let column = &mut self.columns[take.column];
            let outcome = match value {
                "" if take.nullable => {
                    column.push_null();
                    Ok(())
                }
                "" => Err((Reason::MissingField, "empty, and the dataset schema does not allow null here".into())),
                value => take.scalar.push_text(value, column),
            };
            outcome.map_err(|(reason, message)| Fault::new(reason, byte, message).within(&take.path))?;
        }
        for (column, default) in &self.defaults {
            let (column, path) = (&mut self.columns[*column], &self.fields[*column].path);
            match default {
                Some(default) => {
                    let pushed = default.push(std::slice::from_mut(column));
                    pushed.map_err(|(reason, message)| Fault::new(reason, payload.len(), message).within(path))?;
                }
                None => column.push_null(),
            }
        }
        Ok(())
    }
}

/// The dataset's fields in their order, records flattened.
fn collect_leaves<'a>(record: &'a AvroRecord, into: &mut Vec<&'a AvroField>) {
    for field in &record.fields {
        match field.kind.split_null().0 {
            AvroType::Record(inner) => collect_leaves(inner, into),
            _ => into.push(field),
        }
    }
}

impl RowDecoder for CsvDecoder {
    fn columns(&mut self) -> &mut [Column] {
        &mut self.columns
    }

    fn row(&mut self, payload: &[u8]) -> Outcome<()> {
        self.read(payload)
    }
}

impl Decoder for CsvDecoder {
    fn decode(&mut self, payloads: &[&[u8]], into: &mut Decoded) {
        decode_rows(self, payloads, into);
    }

    fn fields(&self) -> &[DatasetField] {
        &self.fields
    }
}

/// A record taken apart: its fields without their quotes, one after the other.
#[derive(Debug, Default)]
pub(super) struct Record {
    text: String,
    ends: Vec<usize>,
    /// Where each field begins in the record.
    starts: Vec<usize>,
}

impl Record {
    /// Takes a record apart.
    ///
    /// # Errors
    /// When a quote is not closed, or something follows the quote that closes a field.
    pub(super) fn split(&mut self, record: &str) -> Outcome<()> {
        self.text.clear();
        self.ends.clear();
        self.starts.clear();
        let mut rest = record;
        loop {
            let start = record.len() - rest.len();
            self.starts.push(start);
            rest = match rest.strip_prefix('"') {
                Some(quoted) => self.quoted(quoted, start)?,
                None => {
                    let end = rest.find(',').unwrap_or(rest.len());
                    self.text.push_str(&rest[..end]);
                    &rest[end..]
                }
            };
            self.ends.push(self.text.len());
            if rest.is_empty() {
                return Ok(());
            }
            let Some(next) = rest.strip_prefix(',') else {
                let byte = record.len() - rest.len();
                return Err(Fault::new(Reason::Malformed, byte, "a comma must follow the quote that closes a field"));
            };
            rest = next;
        }
    }

    fn quoted<'a>(&mut self, mut rest: &'a str, start: usize) -> Outcome<&'a str> {
        loop {
            let Some(quote) = rest.find('"') else {
                return Err(Fault::new(Reason::Truncated, start, "a quote that opens a field is not closed"));
            };
            self.text.push_str(&rest[..quote]);
            rest = &rest[quote + 1..];
            // A quote inside quotes is doubled.
            let Some(more) = rest.strip_prefix('"') else { return Ok(rest) };
            self.text.push('"');
            rest = more;
        }
    }

    /// A field and the byte at which it begins in the record.
    fn field(&self, index: usize) -> (&str, usize) {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        (&self.text[start..self.ends[index]], self.starts[index])
    }

    /// All fields.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|index| self.field(index).0)
    }
}

/// Encodes rows as CSV records, each with its line end.
#[derive(Debug)]
pub struct CsvEncoder {
    columns: Vec<EncodedColumn>,
}

impl CsvEncoder {
    /// An encoder of the named columns, each with its type and whether it may hold null.
    ///
    /// # Errors
    /// Names the first column that CSV cannot carry: one of arrays or maps.
    pub fn new(fields: &[(String, DataType, bool)]) -> Result<Self, CodecError> {
        let columns = check_columns(fields, "CSV")?;
        for (column, data_type, _) in fields {
            if matches!(data_type, DataType::List(_) | DataType::Map(..)) {
                return Err(CodecError::UnsupportedColumn { column: column.clone(), data_type: data_type.to_string(), format: "CSV" });
            }
        }
        Ok(Self { columns })
    }
}

impl Encoder for CsvEncoder {
    fn header(&self) -> Vec<u8> {
        let mut header = Vec::new();
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                header.push(b',');
            }
            quote(&mut header, &column.name);
        }
        header.push(b'\n');
        header
    }

    fn encode(
        &mut self,
        arrays: &[ArrayRef],
        rows: &mut dyn Iterator<Item = usize>,
        into: &mut Encoded,
        rejected: &mut Vec<(usize, Rejection)>,
    ) {
        encode_rows(arrays, &self.columns, rows, into, rejected, record);
    }

    fn content_type(&self) -> &'static str {
        "text/csv"
    }

    fn schema(&self) -> Option<&str> {
        None
    }
}

fn record(views: &[View<'_>], row: usize, into: &mut Vec<u8>) -> Result<(), (usize, Refusal)> {
    let start = into.len();
    for (column, view) in views.iter().enumerate() {
        if column > 0 {
            into.push(b',');
        }
        match view.cell(row) {
            Cell::Null => {}
            Cell::Text(text) => quote(into, text),
            Cell::Binary(bytes) => quote(into, &bytes.iter().map(|byte| char::from(*byte)).collect::<String>()),
            cell => plain(&cell, into).map_err(|refusal| (column, refusal))?,
        }
    }
    // A line without a character would be no record at all.
    if into.len() == start && views.len() == 1 {
        into.extend_from_slice(b"\"\"");
    }
    into.push(b'\n');
    Ok(())
}

/// Text in quotes where it needs them; the empty text has them, to differ from null.
fn quote(into: &mut Vec<u8>, text: &str) {
    if !text.is_empty() && !text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        into.extend_from_slice(text.as_bytes());
        return;
    }
    into.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            into.push(b'"');
        }
        into.push(byte);
    }
    into.push(b'"');
}
