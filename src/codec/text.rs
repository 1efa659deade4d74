//! Values as text: UUIDs, decimals, dates and instants.

/// The hyphenated lower-case form of 16 bytes.
pub(crate) fn uuid<'a>(bytes: &[u8], buffer: &'a mut [u8; 36]) -> &'a [u8] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut at = 0;
    for (index, byte) in bytes.iter().take(16).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            buffer[at] = b'-';
            at += 1;
        }
        buffer[at] = HEX[usize::from(byte >> 4)];
        buffer[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    buffer
}

/// A decimal's unscaled value from big-endian two's complement of any length; none when it has more digits than `precision`.
pub(crate) fn decimal_from_be(bytes: &[u8], precision: u8) -> Option<i128> {
    let fill = if bytes.first().is_some_and(|first| first & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [fill; 16];
    let (sign, digits) = bytes.split_at(bytes.len().saturating_sub(16));
    if sign.iter().any(|byte| *byte != fill) {
        return None;
    }
    wide[16 - digits.len()..].copy_from_slice(digits);
    let value = i128::from_be_bytes(wide);
    // A long run of sign bytes must go on in the first digit's sign.
    let same_sign = (value < 0) == (fill != 0);
    (same_sign && value.unsigned_abs() < 10u128.pow(u32::from(precision))).then_some(value)
}

/// The bytes of a string whose characters each stand for one, as Avro's JSON writes bytes; none when one does not.
pub(crate) fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect()
}
