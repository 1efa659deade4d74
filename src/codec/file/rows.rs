//! Reads a file's rows as the payloads that its decoder takes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::container::{Container, Fault};
use super::parquet::Parquet;
use super::{FileError, FileFormat, MAX_RECORD_BYTES};
use crate::codec::absent::absent;
use crate::codec::avro::AvroDecoder;
use crate::codec::csv::{CsvDecoder, Record};
use crate::codec::json::JsonDecoder;
use crate::codec::{AbsentField, CodecError, Decoder};
use crate::dataset::DatasetSchema;
use crate::files::BYTE_ORDER_MARK;

/// A batch ends when it has this many bytes.
const BATCH_BYTES: usize = 16 << 20;

/// A file of rows, open for reading.
#[derive(Debug)]
pub struct RowFile {
    path: PathBuf,
    reader: Counted<BufReader<File>>,
    size: u64,
    format: Format,
}

#[derive(Debug)]
enum Format {
    Csv { header: Vec<String> },
    JsonLines,
    Avro(Box<Container>),
    Parquet(Box<Parquet>),
}

/// Rows of a file, undecoded, in one buffer that is reused.
#[derive(Debug, Default)]
pub struct RawRows {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl RawRows {
    /// How many rows it holds.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it holds no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The rows, as a decoder takes them.
    pub fn payloads(&self) -> Vec<&[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end]).collect()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

impl RowFile {
    /// Opens a file, whose format its name tells, and reads its head.
    ///
    /// # Errors
    /// When it cannot be opened, or its name tells no format, or its head is not of that format.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        // Parquet is only read, so it is no `FileFormat`.
        let is_parquet = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
        let kind = if is_parquet { None } else { Some(FileFormat::of(path)?) };
        let io = |source| FileError::Io { path: path.into(), source };
        let file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let mut reader = Counted { inner: BufReader::with_capacity(1 << 16, file), count: 0 };
        let format = match kind {
            None => Format::Parquet(Box::new(Parquet::open(path, reader.inner.get_ref().try_clone().map_err(io)?)?)),
            Some(FileFormat::JsonLines) => {
                if reader.fill_buf().map_err(io)?.starts_with(BYTE_ORDER_MARK.as_bytes()) {
                    reader.consume(BYTE_ORDER_MARK.len());
                }
                Format::JsonLines
            }
            Some(FileFormat::Avro) => match Container::open(&mut reader) {
                Ok(container) => Format::Avro(Box::new(container)),
                Err(fault) => return Err(error(path, reader.count, fault)),
            },
            Some(FileFormat::Csv) => Format::Csv { header: header(path, &mut reader)? },
        };
        Ok(Self { path: path.into(), reader, size, format })
    }

    /// The decoder of this file's rows as a dataset's; `projection` are indices of its fields, in the order of the columns. Ask for it
    /// before the first row: those of a Parquet file have no more than the decoder needs.
    ///
    /// # Errors
    /// When the file lacks a field that must be there, or has it in a type that cannot be read as the dataset's.
    pub fn decoder(&mut self, schema: &DatasetSchema, projection: &[usize]) -> Result<Box<dyn Decoder>, FileError> {
        let decoder: Result<Box<dyn Decoder>, CodecError> = match &mut self.format {
            Format::Csv { header } => CsvDecoder::new(schema, projection, header).map(|decoder| Box::new(decoder) as _),
            Format::Parquet(parquet) => parquet.decoder(schema, projection),
            Format::JsonLines => JsonDecoder::new(schema, projection).map(|decoder| Box::new(decoder) as _),
            Format::Avro(container) => {
                AvroDecoder::with_writer(&container.schema, schema, projection).map(|decoder| Box::new(decoder) as _)
            }
        };
        decoder.map_err(|source| FileError::Codec { path: self.path.clone(), source })
    }

    /// The projected fields that the file has no column for; of the formats in which each row has its own, none.
    pub fn absent(&self, schema: &DatasetSchema, projection: &[usize]) -> Vec<AbsentField> {
        let columns = match &self.format {
            Format::Csv { header } => header.iter().map(String::as_str).collect(),
            Format::Parquet(parquet) => parquet.columns(),
            Format::JsonLines | Format::Avro(_) => return Vec::new(),
        };
        absent(schema, projection, &columns)
    }

    /// Reads up to `max_rows` rows, fewer when they are large; none at the file's end. What `into` held before is gone.
    ///
    /// # Errors
    /// When the file cannot be read, or is so damaged that one row cannot be told from the next.
    pub fn read(&mut self, max_rows: usize, into: &mut RawRows) -> Result<(), FileError> {
        into.clear();
        while into.len() < max_rows && into.bytes.len() < BATCH_BYTES {
            let start = into.bytes.len();
            let read = match &mut self.format {
                Format::Avro(container) => match container.next(&mut self.reader) {
                    Ok(Some(datum)) => {
                        into.bytes.extend_from_slice(datum);
                        Ok(true)
                    }
                    Ok(None) => Ok(false),
                    Err(fault) => Err(fault),
                },
                Format::Parquet(parquet) => parquet.next(&mut into.bytes).map_err(Fault::Damaged),
                Format::Csv { .. } => read_record(&mut self.reader, &mut into.bytes),
                Format::JsonLines => read_line(&mut self.reader, &mut into.bytes),
            };
            match read {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => return Err(error(&self.path, self.reader.count, fault)),
            }
            // Empty lines are no rows; an empty datum is one.
            if into.bytes.len() > start || matches!(self.format, Format::Avro(_)) {
                into.ends.push(into.bytes.len());
            }
        }
        Ok(())
    }

    /// How many bytes of how many have been read, for progress; of a Parquet file by its rows.
    pub fn progress(&self) -> (u64, u64) {
        if let Format::Parquet(parquet) = &self.format {
            let (read, rows) = parquet.progress();
            return (if read == rows { self.size } else { (self.size as f64 * (read as f64 / rows as f64)) as u64 }, self.size);
        }
        (self.reader.count, self.size)
    }
}

fn error(path: &Path, byte: u64, fault: Fault) -> FileError {
    match fault {
        Fault::Io(source) => FileError::Io { path: path.into(), source },
        Fault::Damaged(message) => FileError::Damaged { path: path.into(), byte, message },
    }
}

fn header(path: &Path, reader: &mut Counted<BufReader<File>>) -> Result<Vec<String>, FileError> {
    let damaged = |message: String| FileError::Damaged { path: path.into(), byte: 0, message };
    let mut line = Vec::new();
    if !read_record(reader, &mut line).map_err(|fault| error(path, 0, fault))? {
        return Err(damaged("the file is empty; it must begin with a header".to_owned()));
    }
    let line = line.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(&line);
    let text = std::str::from_utf8(line).map_err(|error| damaged(format!("the header is not UTF-8: {error}")))?;
    let mut record = Record::default();
    record.split(text).map_err(|fault| damaged(format!("the header: {}", fault.rejection().message)))?;
    Ok(record.fields().map(str::to_owned).collect())
}

/// Appends the next line without its end; false at the file's end.
fn read_line(reader: &mut impl BufRead, into: &mut Vec<u8>) -> Result<bool, Fault> {
    let start = into.len();
    let limit = MAX_RECORD_BYTES as u64 + 1;
    if reader.take(limit).read_until(b'\n', into)? == 0 {
        return Ok(false);
    }
    if into.len() - start > MAX_RECORD_BYTES {
        return Err(Fault::Damaged(format!("a row of more than {MAX_RECORD_BYTES} bytes")));
    }
    trim_line_end(start, into);
    Ok(true)
}

fn trim_line_end(start: usize, line: &mut Vec<u8>) {
    for end in [b'\n', b'\r'] {
        if line.len() > start && line.last() == Some(&end) {
            line.pop();
        }
    }
}

/// Appends the next record without its line end; false at the file's end. A line end inside quotes is part of the record.
fn read_record(reader: &mut impl BufRead, into: &mut Vec<u8>) -> Result<bool, Fault> {
    let start = into.len();
    let mut state = Quotes::FieldStart;
    loop {
        let scanned = into.len();
        let limit = (MAX_RECORD_BYTES + 1 - (scanned - start)) as u64;
        if reader.take(limit).read_until(b'\n', into)? == 0 {
            return Ok(into.len() > start);
        }
        if into.len() - start > MAX_RECORD_BYTES {
            return Err(Fault::Damaged(format!("a row of more than {MAX_RECORD_BYTES} bytes: is a quote not closed?")));
        }
        state = into[scanned..].iter().fold(state, |state, byte| state.after(*byte));
        if state != Quotes::Quoted {
            trim_line_end(start, into);
            return Ok(true);
        }
    }
}

/// Where in a record a byte stands, as far as quotes matter.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote inside quotes: it closes the field unless it is doubled.
    Closing,
}

impl Quotes {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Closing,
            (Self::Quoted, _) | (Self::FieldStart | Self::Closing, b'"') => Self::Quoted,
            (_, b',') => Self::FieldStart,
            _ => Self::Plain,
        }
    }
}

/// Counts the bytes that were read.
#[derive(Debug)]
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(into)?;
        self.count += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count += amount as u64;
        self.inner.consume(amount);
    }
}
