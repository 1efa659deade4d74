//! Long arrays of numbers, which a model takes by the hundred: read eight digits at a time, beside the parser.
//!
//! Each is cut out of the event's text, and a mark left as its only item; where floats are kept, a mark becomes the array's numbers again. An
//! event that is not read to its end this way is read once more as it came, so that all that is wrong with it is told as ever.

use memchr::memchr2;

/// Arrays with fewer numbers stay in the text.
const LONG: usize = 8;
/// The mark of the first array; the next ones' follow downwards.
const FIRST_MARK: u64 = u64::MAX;
/// What every mark begins with, and no text that arrays are cut out of has elsewhere.
const MARKED: &str = "18446744073";
/// The most arrays that are cut out of an event: their marks begin so.
const MOST_ARRAYS: usize = 1 << 16;
/// The most digits of a number that a double holds exactly, whatever they are.
const EXACT_DIGITS: usize = 15;
/// What a number is times when so many digits follow.
const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
/// Powers of ten that a double holds exactly.
const POWERS: [f64; EXACT_DIGITS + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// An event's long arrays of numbers, and its text without them. The memory is reused.
#[derive(Debug, Default)]
pub(super) struct Floats {
    text: String,
    values: Vec<f64>,
    /// Where each array's values end.
    ends: Vec<usize>,
}

impl Floats {
    /// Cuts the arrays out of a text and answers what is left; nothing when there are none, or a mark would not be known for one.
    pub(super) fn cut(&mut self, text: &str) -> Option<String> {
        let mut left = std::mem::take(&mut self.text);
        left.clear();
        let bytes = text.as_bytes();
        let (mut at, mut kept) = (0, 0);
        while let Some(found) = memchr2(b'"', b'[', &bytes[at..]) {
            at += found + 1;
            if bytes[at - 1] == b'"' {
                at = end_of_string(bytes, at);
                continue;
            }
            let first = self.values.len();
            match numbers(bytes, at, &mut self.values) {
                Some(end) if self.values.len() - first >= LONG && self.ends.len() < MOST_ARRAYS => {
                    if text[kept..at].contains(MARKED) {
                        break;
                    }
                    left.push_str(&text[kept..at]);
                    left.push_str(itoa::Buffer::new().format(FIRST_MARK - self.ends.len() as u64));
                    self.ends.push(self.values.len());
                    (at, kept) = (end, end);
                }
                _ => self.values.truncate(first),
            }
        }
        if self.ends.is_empty() || text[kept..].contains(MARKED) {
            self.give_back(left);
            return None;
        }
        left.push_str(&text[kept..]);
        Some(left)
    }

    /// Takes the text back: its arrays are no longer asked for.
    pub(super) fn give_back(&mut self, text: String) {
        self.text = text;
        self.values.clear();
        self.ends.clear();
    }

    /// The numbers of an array whose only item is this mark; nothing where it is none.
    #[inline]
    pub(super) fn marked(&self, mark: u64) -> Option<&[f64]> {
        let array = usize::try_from(FIRST_MARK - mark).ok()?;
        let end = *self.ends.get(array)?;
        let start = array.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.values[start..end])
    }
}

/// Where the string ends whose first character is here, behind its quote.
fn end_of_string(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = memchr2(b'"', b'\\', &bytes[at..]) {
        at += found + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        at = bytes.len().min(at + 1);
    }
    bytes.len()
}

/// Adds an array's numbers, of which the first is here; where its bracket closes it, unless it holds something else.
fn numbers(bytes: &[u8], from: usize, values: &mut Vec<f64>) -> Option<usize> {
    let mut rest = &bytes[from..];
    loop {
        rest = without_blanks(rest);
        if let Some((value, after)) = usual(rest) {
            values.push(value);
            rest = after;
            continue;
        }
        let (value, after) = number(rest)?;
        values.push(value);
        match without_blanks(after) {
            [b',', after @ ..] => rest = after,
            closed @ [b']', ..] => return Some(bytes.len() - closed.len()),
            _ => return None,
        }
    }
}

#[inline]
fn without_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// The number that is here, and what follows its comma, if it is as most in a long array are: a digit, a point, at most 14 digits, a comma. It is
/// read without a branch that depends on how many digits there are, which nothing foretells.
#[inline]
fn usual(bytes: &[u8]) -> Option<(f64, &[u8])> {
    let sign = usize::from(*bytes.first()? == b'-');
    let (text, _) = bytes.get(sign..)?.split_first_chunk::<19>()?;
    let (whole, fraction) = (text[0] ^ b'0', u128::from_le_bytes(*text[2..].first_chunk()?));
    #[expect(clippy::cast_possible_truncation, reason = "one half, then the other")]
    let (upper, lower) = (digits(fraction as u64), digits((fraction >> 64) as u64));
    let (count, more) = (count(upper), count(lower));
    let more = if count == 8 { more } else { 0 };
    if whole > 9 || text[1] != b'.' || count == 0 || 1 + count + more > EXACT_DIGITS || text[2 + count + more] != b',' {
        return None;
    }
    let upper = u64::from(whole) * TENS[count] + eight_digits(upper << (64 - 8 * count));
    let number = upper * TENS[more] + eight_digits(lower << (56 - 8 * more) << 8);
    // Both are exact, so the quotient is the nearest double. An integer with a sign is turned into one by a single instruction.
    let value = number.cast_signed() as f64 / POWERS[count + more];
    Some((if sign == 1 { -value } else { value }, &bytes[sign + 3 + count + more..]))
}

/// The number that is here, by JSON's grammar, to the nearest double, and what follows it. None of those that the parser would refuse, nor
/// integers that a double may not hold.
#[inline]
fn number(bytes: &[u8]) -> Option<(f64, &[u8])> {
    let (is_negative, first) = if let [b'-', rest @ ..] = bytes { (true, rest) } else { (false, bytes) };
    let (mut digits, mut rest) = few_digits(first, 0);
    let whole = first.len() - rest.len();
    if whole == 0 || (whole > 1 && first[0] == b'0') {
        return None;
    }
    let mut fraction = 0;
    if let [b'.', after @ ..] = rest {
        (digits, rest) = many_digits(after, digits);
        fraction = after.len() - rest.len();
        if fraction == 0 {
            return None;
        }
    }
    let has_exponent = matches!(rest, [b'e' | b'E', ..]);
    if !has_exponent && whole + fraction <= EXACT_DIGITS {
        // Both are exact, so the quotient is the nearest double.
        let value = digits as f64 / POWERS[fraction];
        return Some((if is_negative { -value } else { value }, rest));
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = if let [b'+' | b'-', digits @ ..] = exponent { digits } else { exponent };
        rest = few_digits(exponent, 0).1;
        if rest.len() == exponent.len() {
            return None;
        }
    } else if fraction == 0 {
        return None;
    }
    let value: f64 = std::str::from_utf8(&bytes[..bytes.len() - rest.len()]).ok()?.parse().ok()?;
    value.is_finite().then_some((value, rest))
}

/// The digits that are here behind those of `value`, and what follows them; more than 19 overflow.
#[inline]
fn few_digits(mut bytes: &[u8], mut value: u64) -> (u64, &[u8]) {
    while let [digit @ b'0'..=b'9', rest @ ..] = bytes {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        bytes = rest;
    }
    (value, bytes)
}

/// As [`few_digits`], eight at a time, or as many as there are.
#[inline]
fn many_digits(mut bytes: &[u8], mut value: u64) -> (u64, &[u8]) {
    while let Some((chunk, _)) = bytes.split_first_chunk() {
        let digits = digits(u64::from_le_bytes(*chunk));
        let count = count(digits);
        if count == 0 {
            return (value, bytes);
        }
        // What is no digit goes; zeros take its place, before the digits.
        let added = eight_digits(digits << (64 - 8 * count));
        value = value.wrapping_mul(TENS[count]).wrapping_add(added);
        bytes = &bytes[count..];
        if count < 8 {
            return (value, bytes);
        }
    }
    few_digits(bytes, value)
}

/// Eight bytes of text, of which a digit is its value now.
#[inline]
fn digits(text: u64) -> u64 {
    text ^ 0x3030_3030_3030_3030
}

/// How many of the [`digits`] are some, before the first that is none.
#[inline]
fn count(digits: u64) -> usize {
    // The first byte that is more than 9 has its highest bit set, and so may those behind it.
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    others.trailing_zeros() as usize / 8
}

/// The number of eight digits, a byte each, the first in the lowest: added up in pairs, and pairs of pairs, within one register.
#[inline]
fn eight_digits(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let even = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let odd = (pairs >> 16 & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    even.wrapping_add(odd) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Floats, number, usual};

    /// What serde_json makes of a number that is a text of its own; nothing of anything else.
    fn by_serde(text: &str) -> Option<f64> {
        serde_json::from_str::<f64>(text).ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn a_number_is_serde_jsons_or_is_left_to_it(text in r"-?(0|[1-9][0-9]{0,20}|[0-9]{0,9})(\.[0-9]{0,24})?([eE][+-]?[0-9]{0,3})?") {
            match number(text.as_bytes()) {
                Some((value, [])) => prop_assert_eq!(Some(value.to_bits()), by_serde(&text).map(f64::to_bits)),
                Some((_, rest)) => prop_assert_eq!(by_serde(&text), None, "{:?} is left", rest),
                // Refused, or an integer that may be another as a double.
                None => prop_assert!(by_serde(&text).is_none_or(|value| value.abs() >= 1e15)),
            }
        }

        #[test]
        fn the_usual_number_is_the_same(text in r"-?[0-9e ]?(\.[0-9]{1,16})?[,eE0 \]]{1,2}", rest in r"[0-9,.e+-]{0,20}") {
            let text = text + &rest;
            if let Some((value, after)) = usual(text.as_bytes()) {
                let expected = number(text.as_bytes()).map(|(value, rest)| (value.to_bits(), rest.strip_prefix(b",")));
                prop_assert_eq!(expected, Some((value.to_bits(), Some(after))));
            }
        }

        #[test]
        fn doubles_come_back(value in any::<f64>().prop_filter("JSON has no others", |value| value.is_finite())) {
            for text in [format!("{value:?}"), format!("{value:e}"), format!("{}", value as f32)] {
                let expected: f64 = text.parse().unwrap_or(f64::NAN);
                if let Some((found, rest)) = number(text.as_bytes()) {
                    prop_assert_eq!((found.to_bits(), rest.len()), (expected.to_bits(), 0));
                }
            }
        }

        #[test]
        fn any_text_is_cut_or_is_left(text in r#"([0-9.,\[\]{}:e" \\-]|1844674407370955161[0-9]|[0-9]{1,9},){0,60}"#) {
            let mut floats = Floats::default();
            let Some(left) = floats.cut(&text) else { return Ok(()) };
            prop_assert!(floats.marked(u64::MAX).is_some_and(|values| values.len() >= 8));
            prop_assert_eq!(left.matches(super::MARKED).count(), floats.ends.len());
        }
    }

    #[test]
    fn arrays_are_cut_out_of_objects_and_not_out_of_strings() {
        let mut floats = Floats::default();
        let text = r#"{"[1,2,3,4,5,6,7,8]": "\"[1,2,3,4,5,6,7,8]", "a": [ 1, 2.5 ,-3e2,4,5,6,7,-0 ], "b": [1], "c": [[0,1,2,3,4,5,6,7]]}"#;
        let left = floats.cut(text);
        let expected =
            r#"{"[1,2,3,4,5,6,7,8]": "\"[1,2,3,4,5,6,7,8]", "a": [18446744073709551615], "b": [1], "c": [[18446744073709551614]]}"#;
        assert_eq!(left.as_deref(), Some(expected));
        assert_eq!(floats.marked(u64::MAX), Some(&[1.0, 2.5, -300.0, 4.0, 5.0, 6.0, 7.0, -0.0][..]));
        assert_eq!(floats.marked(u64::MAX - 1), Some(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0][..]));
        assert_eq!((floats.marked(u64::MAX - 2), floats.marked(1)), (None, None));
        floats.give_back(left.unwrap_or_default());
        assert_eq!(floats.marked(u64::MAX), None);
        assert_eq!(floats.cut(r#"{"a": [1,2,3,4,5,6,7,8], "b": 18446744073709551615}"#), None);
    }
}
