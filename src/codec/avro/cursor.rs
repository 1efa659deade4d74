//! Avro's binary encoding, value by value, over a payload that may be anything.

use crate::codec::fault::{Fault, Outcome};
use crate::dataset::Reason;

/// A place in a payload. No read goes beyond its end, and a failed read says where its value began.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// A cursor behind a header, which is known to be there.
    pub(super) fn behind(bytes: &'a [u8], header: usize) -> Self {
        Self { bytes, at: header }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `len` bytes, which belong to a value that began at `start`.
    #[inline]
    fn take(&mut self, len: usize, start: usize, what: &'static str) -> Outcome<&'a [u8]> {
        let Some(bytes) = self.bytes[self.at..].get(..len) else { return Err(self.truncated(start, what, len)) };
        self.at += len;
        Ok(bytes)
    }

    #[cold]
    fn truncated(&self, start: usize, what: &str, len: usize) -> Box<Fault> {
        let left = self.remaining();
        Fault::new(Reason::Truncated, start, format!("{what} of {len} bytes; bytes left: {left}"))
    }

    pub(super) fn fixed(&mut self, len: usize) -> Outcome<&'a [u8]> {
        self.take(len, self.at, "a value")
    }

    #[inline]
    fn array<const N: usize>(&mut self, what: &'static str) -> Outcome<[u8; N]> {
        let Some(bytes) = self.bytes[self.at..].first_chunk::<N>() else { return Err(self.truncated(self.at, what, N)) };
        self.at += N;
        Ok(*bytes)
    }

    #[inline]
    pub(super) fn boolean(&mut self) -> Outcome<bool> {
        match self.array::<1>("a boolean")? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(Fault::new(Reason::UnknownBranch, self.at - 1, format!("a boolean is 0 or 1, found {other}"))),
        }
    }

    #[inline(always)]
    pub(super) fn long(&mut self) -> Outcome<i64> {
        let start = self.at;
        // Most numbers of an event are small: branches, lengths, counts.
        let value = match self.bytes.get(start) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                u64::from(byte)
            }
            _ => self.long_varint(start)?,
        };
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    #[inline(never)]
    fn long_varint(&mut self, start: usize) -> Outcome<u64> {
        let mut value = 0;
        for (index, &byte) in self.bytes[start..].iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if index == 9 && byte > 1 {
                return Err(Fault::new(Reason::OutOfRange, start, "a variable-length number of more than 64 bits"));
            }
            value |= bits << (7 * index);
            if byte < 0x80 {
                self.at = start + index + 1;
                return Ok(value);
            }
        }
        Err(Fault::new(Reason::Truncated, start, "a variable-length number does not end before the value does"))
    }

    #[inline]
    pub(super) fn int(&mut self) -> Outcome<i32> {
        let start = self.at;
        let value = self.long()?;
        i32::try_from(value).map_err(|_| too_wide(start, value))
    }

    pub(super) fn unsigned_int(&mut self) -> Outcome<u32> {
        self.array("a part of a duration").map(u32::from_le_bytes)
    }

    #[inline]
    pub(super) fn float(&mut self) -> Outcome<f32> {
        self.array("a float").map(f32::from_le_bytes)
    }

    #[inline]
    pub(super) fn double(&mut self) -> Outcome<f64> {
        self.array("a double").map(f64::from_le_bytes)
    }

    /// Bytes behind their length.
    #[inline(always)]
    pub(super) fn bytes(&mut self, what: &'static str) -> Outcome<&'a [u8]> {
        let start = self.at;
        let len = self.long()?;
        match usize::try_from(len) {
            Ok(len) => self.take(len, start, what),
            Err(_) => Err(negative(start, what, len)),
        }
    }

    /// The bytes of a string, which are UTF-8.
    #[inline]
    pub(super) fn string(&mut self) -> Outcome<&'a [u8]> {
        let bytes = self.bytes("a string")?;
        if !is_ascii(bytes)
            && let Err(error) = std::str::from_utf8(bytes)
        {
            let byte = self.at - bytes.len() + error.valid_up_to();
            return Err(Fault::new(Reason::InvalidUtf8, byte, "a string is not UTF-8 from here on"));
        }
        Ok(bytes)
    }

    /// The index of a union's branch or an enum's symbol, below `count`.
    #[inline]
    pub(super) fn index(&mut self, count: usize, what: &'static str) -> Outcome<usize> {
        let start = self.at;
        let index = self.long()?;
        match usize::try_from(index) {
            Ok(index) if index < count => Ok(index),
            _ => Err(no_such_index(start, what, count, index)),
        }
    }

    /// The head of an array's or a map's next block; none behind the last. The items are sure to have room in what is left of the
    /// payload when each takes at least `item` bytes.
    pub(super) fn block(&mut self, item: usize) -> Outcome<Option<Block>> {
        let start = self.at;
        let count = self.long()?;
        if count == 0 {
            return Ok(None);
        }
        let end = if count < 0 { Some(self.block_end()?) } else { None };
        let count = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        if count > self.remaining() / item.max(1) {
            let left = self.remaining();
            return Err(Fault::new(Reason::Truncated, start, format!("a block of {count} items; bytes left: {left}")));
        }
        Ok(Some(Block { count, end }))
    }

    fn block_end(&mut self) -> Outcome<usize> {
        let start = self.at;
        let size = self.long()?;
        match usize::try_from(size) {
            Err(_) => Err(negative(start, "a block", size)),
            Ok(size) if size > self.remaining() => Err(self.truncated(start, "a block", size)),
            Ok(size) => Ok(self.at + size),
        }
    }

    /// Checks that a block whose items were read ends where its head said.
    pub(super) fn end_block(&self, block: &Block) -> Outcome<()> {
        match block.end {
            Some(end) if end != self.at => {
                Err(Fault::new(Reason::InvalidLength, self.at, format!("a block ends here, and its head said at byte {end}")))
            }
            _ => Ok(()),
        }
    }

    /// Goes to the end of a block that knows it; whether it does.
    pub(super) fn skip_block(&mut self, block: &Block) -> bool {
        if let Some(end) = block.end {
            self.at = end;
        }
        block.end.is_some()
    }
}

/// A block of an array or a map.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) count: usize,
    /// Where it ends, where its head tells.
    end: Option<usize>,
}

#[cold]
fn too_wide(start: usize, value: i64) -> Box<Fault> {
    Fault::new(Reason::OutOfRange, start, format!("{value} does not fit an int of 32 bits"))
}

#[cold]
fn negative(start: usize, what: &str, len: i64) -> Box<Fault> {
    Fault::new(Reason::InvalidLength, start, format!("{what} of {len} bytes"))
}

#[cold]
fn no_such_index(start: usize, what: &str, count: usize, index: i64) -> Box<Fault> {
    Fault::new(Reason::UnknownBranch, start, format!("{what} has {count} branches, found index {index}"))
}

/// Whether bytes are ASCII: words at a time also for the short strings that events are full of.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = |chunk: &[u8; 8]| u64::from_ne_bytes(*chunk);
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) if bytes.len() <= 16 => (word(first) | word(last)) & HIGH == 0,
        (Some(_), Some(_)) => bytes.is_ascii(),
        _ => match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            (Some(first), Some(last)) => (u32::from_ne_bytes(*first) | u32::from_ne_bytes(*last)) & 0x8080_8080 == 0,
            _ => bytes.iter().fold(0, |seen, byte| seen | byte) < 0x80,
        },
    }
}
