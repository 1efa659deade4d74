//! Temporary files for what memory does not hold. A file has no name once it is open, so nothing is left of it however the process ends.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A temporary file, made when something is written.
#[derive(Debug, Default)]
pub(super) struct Spill {
    file: Option<Arc<File>>,
    length: u64,
}

impl Spill {
    /// Appends what `write` writes, and answers where it is.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut BufWriter<Counted>) -> io::Result<()>) -> io::Result<Run> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(self.file.insert(Arc::new(unnamed_file()?))),
        };
        let start = self.length;
        let mut writer = BufWriter::with_capacity(64 << 10, Counted { file: Arc::clone(&file), at: start });
        write(&mut writer)?;
        self.length = writer.into_inner().map_err(io::IntoInnerError::into_error)?.at;
        Ok(Run { file, at: start, end: self.length })
    }
}

/// Writes to a file from a place on.
#[derive(Debug)]
pub(super) struct Counted {
    file: Arc<File>,
    at: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.at)?;
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A part of a temporary file, read from its start.
#[derive(Debug)]
pub(super) struct Run {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Run {
    /// Whether all of it has been read.
    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.end
    }
}

impl Read for Run {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let length = into.len().min(left);
        let read = self.file.read_at(&mut into[..length], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A file in the system's folder for temporary files (`TMPDIR`) that nobody else can open.
fn unnamed_file() -> io::Result<File> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    loop {
        let name = format!("caz-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            // Left by a process of the same id that was stopped between the two lines above.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
