//! Avro object container files, block by block.

use std::io::{self, BufRead, Read, Write};

use apache_avro::{Codec, DeflateSettings, Schema};
use sha2::{Digest, Sha256};

use super::MAX_RECORD_BYTES;
use crate::codec::Encoded;
use crate::codec::avro::{Splitter, write_bytes, write_count};
use crate::dataset::parse_writer;

const MAGIC: &[u8; 4] = b"Obj\x01";

/// A block of rows has at least this many bytes before it is written, unless it is the last.
const BLOCK_BYTES: usize = 64 << 10;

/// The head of a container and the block it stands at.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) schema: Schema,
    codec: Codec,
    sync: [u8; 16],
    splitter: Splitter,
    block: Vec<u8>,
    at: usize,
    rows: usize,
}

/// What is wrong with a container; the system's error, or words.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Damaged(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("the file ends inside a block".to_owned()),
            _ => Self::Io(error),
        }
    }
}

fn damaged<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Damaged(message.into()))
}

impl Container {
    /// Reads the head.
    pub(super) fn open(reader: &mut impl BufRead) -> Result<Self, Fault> {
        let mut magic = [0; 4];
        if reader.read_exact(&mut magic).is_err() || magic != *MAGIC {
            return damaged("not an Avro object container: it does not begin with `Obj` and 1");
        }
        let (mut schema, mut codec) = (None, Codec::Null);
        loop {
            let count = read_long(reader)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                read_long(reader)?;
            }
            for _ in 0..count.unsigned_abs() {
                let (key, value) = (read_bytes(reader)?, read_bytes(reader)?);
                match (key.as_slice(), value.as_slice()) {
                    (b"avro.schema", text) => schema = Some(parse(text)?),
                    (b"avro.codec", b"null") => codec = Codec::Null,
                    (b"avro.codec", b"deflate") => codec = Codec::Deflate(DeflateSettings::default()),
                    (b"avro.codec", other) => {
                        return damaged(format!("codec `{}` is not read; `null` and `deflate` are", String::from_utf8_lossy(other)));
                    }
                    _ => {}
                }
            }
        }
        let Some(schema) = schema else { return damaged("the head has no schema") };
        let splitter = Splitter::new(&schema).map_err(|error| Fault::Damaged(error.to_string()))?;
        let mut sync = [0; 16];
        reader.read_exact(&mut sync)?;
        Ok(Self { schema, codec, sync, splitter, block: Vec::new(), at: 0, rows: 0 })
    }

    /// The next row's datum; none behind the last.
    pub(super) fn next(&mut self, reader: &mut impl BufRead) -> Result<Option<&[u8]>, Fault> {
        while self.rows == 0 {
            if self.at < self.block.len() {
                return damaged(format!("a block has {} bytes behind its last row", self.block.len() - self.at));
            }
            if reader.fill_buf()?.is_empty() {
                return Ok(None);
            }
            let count = read_long(reader)?;
            self.rows = usize::try_from(count).or_else(|_| damaged(format!("a block of {count} rows")))?;
            self.block = read_bytes(reader)?;
            self.at = 0;
            if self.codec != Codec::Null {
                self.codec.decompress(&mut self.block).map_err(|error| Fault::Damaged(error.to_string()))?;
            }
            let mut sync = [0; 16];
            reader.read_exact(&mut sync)?;
            if sync != self.sync {
                return damaged("a block does not end with the file's mark");
            }
        }
        let start = self.at;
        self.at += self
            .splitter
            .end(&self.block[start..])
            .map_err(|message| Fault::Damaged(format!("a row cannot be told from the next: {message}")))?;
        self.rows -= 1;
        Ok(Some(&self.block[start..self.at]))
    }
}

fn parse(text: &[u8]) -> Result<Schema, Fault> {
    let text = std::str::from_utf8(text).map_err(|error| Fault::Damaged(format!("the schema: {error}")))?;
    parse_writer(text).map_err(|error| Fault::Damaged(format!("the schema: {error}")))
}

fn read_long(reader: &mut impl Read) -> Result<i64, Fault> {
    let mut bits = 0u64;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        bits |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
        }
    }
    damaged("a variable-length number of more than 64 bits")
}

fn read_bytes(reader: &mut impl Read) -> Result<Vec<u8>, Fault> {
    let len = read_long(reader)?;
    let Some(len) = usize::try_from(len).ok().filter(|len| *len <= MAX_RECORD_BYTES) else {
        return damaged(format!("{len} bytes in one piece, and the limit is {MAX_RECORD_BYTES}"));
    };
    let mut bytes = Vec::new();
    // Grows with what is there, not with what the length claims.
    let read = reader.take(len as u64).read_to_end(&mut bytes)?;
    if read < len { damaged("the file ends inside a block") } else { Ok(bytes) }
}

/// Writes a container.
#[derive(Debug)]
pub(super) struct Writer<W: Write> {
    file: W,
    sync: [u8; 16],
    block: Vec<u8>,
    rows: usize,
}

impl<W: Write> Writer<W> {
    /// Writes the head.
    pub(super) fn new(mut file: W, schema: &str) -> io::Result<Self> {
        let mut sync = [0; 16];
        // The mark must be unlike the rows, and need not be random: the same rows make the same file.
        sync.copy_from_slice(&Sha256::digest(schema.as_bytes())[..16]);
        let mut head = MAGIC.to_vec();
        write_count(&mut head, 2);
        for (key, value) in [("avro.schema", schema), ("avro.codec", "deflate")] {
            write_bytes(&mut head, key.as_bytes());
            write_bytes(&mut head, value.as_bytes());
        }
        write_count(&mut head, 0);
        head.extend_from_slice(&sync);
        file.write_all(&head)?;
        Ok(Self { file, sync, block: Vec::new(), rows: 0 })
    }

    /// Writes encoded rows.
    pub(super) fn write(&mut self, rows: &Encoded) -> io::Result<()> {
        for (_, row) in rows.iter() {
            self.block.extend_from_slice(row);
            self.rows += 1;
            if self.block.len() >= BLOCK_BYTES {
                self.flush_block()?;
            }
        }
        Ok(())
    }

    fn flush_block(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut block = std::mem::take(&mut self.block);
        Codec::Deflate(DeflateSettings::default()).compress(&mut block).map_err(io::Error::other)?;
        let mut head = Vec::new();
        write_count(&mut head, std::mem::take(&mut self.rows));
        write_count(&mut head, block.len());
        self.file.write_all(&head)?;
        self.file.write_all(&block)?;
        self.file.write_all(&self.sync)
    }

    /// Writes what is left.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.flush_block()?;
        self.file.flush()
    }
}
