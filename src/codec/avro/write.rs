//! Avro's binary encoding of single values.

/// A zigzag number of variable length.
#[inline]
pub(super) fn long(into: &mut Vec<u8>, value: i64) {
    let mut bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while bits >= 0x80 {
        into.push((bits & 0x7f) as u8 | 0x80);
        bits >>= 7;
    }
    into.push(bits as u8);
}

/// A count, a length or an index.
#[inline]
pub(crate) fn count(into: &mut Vec<u8>, value: usize) {
    long(into, i64::try_from(value).unwrap_or(i64::MAX));
}

/// Bytes behind their length.
#[inline]
pub(crate) fn bytes(into: &mut Vec<u8>, value: &[u8]) {
    count(into, value.len());
    into.extend_from_slice(value);
}
