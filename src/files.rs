//! Reading files that somebody else wrote, none of which may be larger than what it is for, and opening files to write.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What some programs put before a text in UTF-8.
pub(crate) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A file to be written, opened without a change to what it holds, so that a command can see to all of its files before it writes one.
#[derive(Debug)]
pub(crate) struct Unwritten(File);

impl Unwritten {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().write(true).create(true).truncate(false).open(path).map(Self)
    }

    /// Which file it is, whatever its name.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) fn identity(&self) -> io::Result<Option<Identity>> {
        Ok(Identity::of(&self.0.metadata()?))
    }

    /// The file without what it held.
    ///
    /// # Errors
    /// When it cannot be emptied.
    pub(crate) fn emptied(self) -> io::Result<File> {
        // A pipe or a terminal holds nothing.
        if self.0.metadata()?.is_file() {
            self.0.set_len(0)?;
        }
        Ok(self.0)
    }
}

/// A regular file on this machine: its device and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u64, u64);

impl Identity {
    /// None for what is no regular file, such as a pipe or a terminal, which several may share.
    pub(crate) fn of(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| Self(metadata.dev(), metadata.ino()))
    }
}

/// Writes a file beside `path`, then puts it in its place: whoever reads it meanwhile, or after a crash, finds the old one or the new one.
///
/// # Errors
/// What the system says; the old file is then as it was.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut name = path.file_name().map(ToOwned::to_owned).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = File::create(&beside).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| std::fs::rename(&beside, path));
    if replaced.is_err() {
        // It is of no use; when it cannot be removed either, the first error says why.
        let _ = std::fs::remove_file(&beside);
    }
    replaced
}

/// The largest schema of events, bytes.
pub(crate) const MOST_SCHEMA_BYTES: u64 = 8 << 20;
/// The largest file of frozen statistics, bytes.
pub(crate) const MOST_STATISTICS_BYTES: u64 = 64 << 20;
/// The largest model, bytes: protobuf ends there.
pub(crate) const MOST_MODEL_BYTES: u64 = 2 << 30;

/// A file's bytes.
///
/// # Errors
/// When it cannot be read, or has more than `most` bytes; no more than that is read.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    let is_larger = file.metadata()?.len() > most || {
        // What is no regular file tells no length.
        file.take(most + 1).read_to_end(&mut bytes)?;
        bytes.len() as u64 > most
    };
    if is_larger {
        let limit = if most < 1 << 20 { format!("{} KiB", most >> 10) } else { format!("{} MiB", most >> 20) };
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("the file is larger than {limit}")));
    }
    Ok(bytes)
}

/// A file's text, without the byte order mark that it may begin with.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub(crate) fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let text = String::from_utf8(read(path, most)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8"))?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text))
}
