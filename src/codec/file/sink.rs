//! Writes encoded rows to a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::container::Writer;
use super::{FileError, FileFormat};
use crate::codec::{Encoded, Encoder};

/// A file of rows, open for writing. What is written is in the file for sure once `finish` has returned.
#[derive(Debug)]
pub struct RowSink {
    path: PathBuf,
    output: Output,
}

#[derive(Debug)]
enum Output {
    Csv(BufWriter<File>),
    JsonLines(BufWriter<File>),
    Avro(Writer<BufWriter<File>>),
}

impl RowSink {
    /// Creates a file for the rows of an encoder that [`FileFormat::encoder`] made for the same name's format.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path, encoder: &dyn Encoder) -> Result<Self, FileError> {
        let file = File::create(path).map_err(|source| FileError::Io { path: path.into(), source })?;
        Self::into_file(path, file, encoder)
    }

    /// As [`RowSink::create`], into the file of that name that is open and empty.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn into_file(path: &Path, file: File, encoder: &dyn Encoder) -> Result<Self, FileError> {
        let io = |source| FileError::Io { path: path.into(), source };
        let format = FileFormat::of(path)?;
        let mut file = BufWriter::new(file);
        let output = match format {
            FileFormat::Csv => {
                file.write_all(&encoder.header()).map_err(io)?;
                Output::Csv(file)
            }
            FileFormat::JsonLines => Output::JsonLines(file),
            FileFormat::Avro => Output::Avro(Writer::new(file, encoder.schema().unwrap_or_default()).map_err(io)?),
        };
        Ok(Self { path: path.into(), output })
    }

    /// Writes rows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&mut self, rows: &Encoded) -> Result<(), FileError> {
        let written = match &mut self.output {
            Output::Csv(file) => file.write_all(rows.bytes()),
            Output::JsonLines(file) => rows.iter().try_for_each(|(_, row)| file.write_all(row).and_then(|()| file.write_all(b"\n"))),
            Output::Avro(file) => file.write(rows),
        };
        written.map_err(|source| FileError::Io { path: self.path.clone(), source })
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<(), FileError> {
        let flushed = match &mut self.output {
            Output::Csv(file) | Output::JsonLines(file) => file.flush(),
            Output::Avro(file) => file.finish(),
        };
        flushed.map_err(|source| FileError::Io { path: self.path.clone(), source })
    }
}
