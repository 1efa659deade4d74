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

/// A decimal's unscaled value from big-endian two's complement; none when it has no byte, or more digits than `precision`.
pub(crate) fn decimal_from_be(bytes: &[u8], precision: u8) -> Option<i128> {
    let fill = if bytes.first()? & 0x80 != 0 { 0xff } else { 0 };
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

/// What a decimal in text says of itself.
pub(crate) enum DecimalText {
    Value(i128),
    Malformed,
    OutOfRange,
}

/// A decimal's unscaled value from text such as `-12.50`. Digits behind the scale are out of range unless they are zeros.
pub(crate) fn decimal(text: &str, precision: u8, scale: i8) -> DecimalText {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return DecimalText::Malformed;
    }
    let scale = usize::try_from(scale).unwrap_or(0);
    let (kept, rest) = fraction.split_at(fraction.len().min(scale));
    if rest.bytes().any(|byte| byte != b'0') {
        return DecimalText::OutOfRange;
    }
    let padding = std::iter::repeat_n(b'0', scale - kept.len());
    let mut value = 0i128;
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit - b'0')));
        let Some(next) = next else { return DecimalText::OutOfRange };
        value = next;
    }
    if value.unsigned_abs() >= 10u128.pow(u32::from(precision)) {
        return DecimalText::OutOfRange;
    }
    DecimalText::Value(if negative { -value } else { value })
}

/// The 16 bytes of a UUID's text, hyphens where they belong or none at all.
pub(crate) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let hyphenated = text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text.as_bytes()[*at] == b'-');
    let digits: Vec<u8> = match hyphenated {
        true => text.bytes().filter(|byte| *byte != b'-').collect(),
        false => text.as_bytes().to_vec(),
    };
    let mut bytes = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(bytes)
}

/// Writes a decimal with all the digits of its scale.
pub(crate) fn write_decimal(into: &mut Vec<u8>, value: i128, scale: i8) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if value < 0 {
        into.push(b'-');
    }
    into.extend_from_slice(whole.as_bytes());
    if scale > 0 {
        into.push(b'.');
        into.extend_from_slice(fraction.as_bytes());
    }
}
