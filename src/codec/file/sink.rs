//! Writes rows to a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use super::container::Writer;
use super::{FileError, FileFormat};
use crate::codec::avro::AvroEncoder;
use crate::codec::csv::CsvEncoder;
use crate::codec::json::JsonEncoder;
use crate::codec::{CodecError, Encoded, Encoder};
use crate::dataset::Rejection;

/// A file of rows, open for writing. What is written is in the file for sure once `finish` has returned.
#[derive(Debug)]
pub struct RowSink {
    path: PathBuf,
    output: Output,
    encoded: Encoded,
}

#[derive(Debug)]
enum Output {
    Csv(CsvEncoder, BufWriter<File>),
    JsonLines(JsonEncoder, BufWriter<File>),
    Avro(AvroEncoder, Writer<BufWriter<File>>),
}

impl RowSink {
    /// Creates a file, whose format its name tells, for the named columns, each with its type and whether it may hold null. `record` is
    /// the name of the record in an Avro file.
    ///
    /// # Errors
    /// When the file cannot be created, or the format cannot carry a column.
    pub fn create(path: &Path, record: &str, fields: &[(String, DataType, bool)]) -> Result<Self, FileError> {
        let io = |source| FileError::Io { path: path.into(), source };
        let codec = |source: CodecError| FileError::Codec { path: path.into(), source };
        let create = || File::create(path).map(BufWriter::new).map_err(io);
        // The columns are checked before a file that is there is cut to nothing.
        let output = match FileFormat::of(path)? {
            FileFormat::Csv => {
                let encoder = CsvEncoder::new(fields).map_err(codec)?;
                let mut file = create()?;
                file.write_all(&encoder.header()).map_err(io)?;
                Output::Csv(encoder, file)
            }
            FileFormat::JsonLines => Output::JsonLines(JsonEncoder::new(fields).map_err(codec)?, create()?),
            FileFormat::Avro => {
                let encoder = AvroEncoder::new(record, fields).map_err(codec)?;
                let writer = Writer::new(create()?, encoder.schema().unwrap_or_default()).map_err(io)?;
                Output::Avro(encoder, writer)
            }
        };
        Ok(Self { path: path.into(), output, encoded: Encoded::default() })
    }

    /// Writes the given rows of a batch; a row that cannot be encoded is appended to `rejected` instead.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(
        &mut self,
        columns: &[ArrayRef],
        rows: &mut dyn Iterator<Item = usize>,
        rejected: &mut Vec<(usize, Rejection)>,
    ) -> Result<(), FileError> {
        self.encoded.clear();
        let encoded = &mut self.encoded;
        let written = match &mut self.output {
            Output::Csv(encoder, file) => {
                encoder.encode(columns, rows, encoded, rejected);
                file.write_all(encoded.bytes())
            }
            Output::JsonLines(encoder, file) => {
                encoder.encode(columns, rows, encoded, rejected);
                encoded.iter().try_for_each(|(_, row)| file.write_all(row).and_then(|()| file.write_all(b"\n")))
            }
            Output::Avro(encoder, file) => {
                encoder.encode(columns, rows, encoded, rejected);
                file.write(encoded)
            }
        };
        written.map_err(|source| FileError::Io { path: self.path.clone(), source })
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<(), FileError> {
        let flushed = match &mut self.output {
            Output::Csv(_, file) | Output::JsonLines(_, file) => file.flush(),
            Output::Avro(_, file) => file.finish(),
        };
        flushed.map_err(|source| FileError::Io { path: self.path.clone(), source })
    }
}
