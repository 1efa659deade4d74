//! Files of rows, read and written as a stream: CSV, JSON lines, Avro object containers. Parquet is read only.

mod container;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod parquet;
mod rows;
mod sink;

use std::path::{Path, PathBuf};

pub use rows::{RawRows, RowFile};
pub use sink::RowSink;

use arrow_schema::DataType;

use super::avro::AvroEncoder;
use super::csv::CsvEncoder;
use super::json::JsonEncoder;
use super::{CodecError, Encoder};

/// The most bytes that one row may have, and one block of an Avro file.
const MAX_RECORD_BYTES: usize = 64 << 20;

/// The format of a file, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// `.csv`: comma-separated values behind a header.
    Csv,
    /// `.jsonl` or `.ndjson`: a JSON object per line.
    JsonLines,
    /// `.avro`: an Avro object container.
    Avro,
}

impl FileFormat {
    /// The format that a path's extension names.
    ///
    /// # Errors
    /// When it names none; the error lists those that there are.
    pub fn of(path: &Path) -> Result<Self, FileError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl" | "ndjson") => Ok(Self::JsonLines),
            Some("avro") => Ok(Self::Avro),
            _ => Err(FileError::UnknownFormat { path: path.into() }),
        }
    }

    /// The encoder of this format's rows, for the named columns, each with its type and whether it may hold null. `record` is the name of
    /// the record in an Avro file.
    ///
    /// # Errors
    /// When the format cannot carry a column.
    pub fn encoder(self, record: &str, fields: &[(String, DataType, bool)]) -> Result<Box<dyn Encoder>, CodecError> {
        Ok(match self {
            Self::Csv => Box::new(CsvEncoder::new(fields)?),
            Self::JsonLines => Box::new(JsonEncoder::new(fields)?),
            Self::Avro => Box::new(AvroEncoder::new(record, fields)?),
        })
    }
}

/// Why a file of rows cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refuses.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file's name ends with no known extension.
    #[error("{path}: the name must end with .csv, .jsonl, .ndjson or .avro, or with .parquet where the file is read")]
    UnknownFormat {
        /// Which file.
        path: PathBuf,
    },
    /// The file is damaged, or not of the format that its name says.
    #[error("{path}: at byte {byte}: {message}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where in it, as far as the rows were told apart.
        byte: u64,
        /// What is wrong.
        message: String,
    },
    /// Its columns do not fit.
    #[error("{path}: {source}")]
    Codec {
        /// Which file.
        path: PathBuf,
        /// What does not fit.
        source: CodecError,
    },
}
