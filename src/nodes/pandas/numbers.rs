//! Numbers as Python reads and writes them.

use arrow_schema::DataType;

/// The least and the greatest value of an integer type.
pub(super) fn bounds(data_type: &DataType) -> (i128, i128) {
    match data_type {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        DataType::UInt64 => (0, u64::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    }
}

/// Text as Python's `int(text)` reads it: white space around, a sign, digits with single underscores between them. Numbers beyond 128
/// bits read as the greatest or least. ASCII digits only.
pub(super) fn python_int(text: &str) -> Option<i128> {
    let text = strip(text);
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let mut value: i128 = 0;
    let mut after_digit = false;
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value.saturating_mul(10).saturating_add(i128::from(byte - b'0'));
                after_digit = true;
            }
            b'_' if after_digit => after_digit = false,
            _ => return None,
        }
    }
    after_digit.then_some(if negative { -value } else { value })
}

/// Text as Python's `float(text)` reads it.
pub(super) fn python_float(text: &str) -> Option<f64> {
    let text = strip(text);
    if !text.contains('_') {
        return text.parse().ok();
    }
    // An underscore stands between two digits.
    let bytes = text.as_bytes();
    let between = |at: usize| at > 0 && bytes[at - 1].is_ascii_digit() && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
    let fits = (0..bytes.len()).all(|at| bytes[at] != b'_' || between(at));
    fits.then(|| text.replace('_', "").parse().ok()).flatten()
}

/// Text without the white space that Python's `int` and `float` pass over: all of Unicode's in a text with other than ASCII characters,
/// C's in one without.
fn strip(text: &str) -> &str {
    if text.is_ascii() { text.trim_matches(|character: char| matches!(character, ' ' | '\t'..='\r')) } else { text.trim_matches(is_space) }
}

/// Whether Python's `str.isspace` holds for a character.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}
