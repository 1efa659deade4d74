//! Constants in keyword arguments, and how Python spells numbers.

use std::fmt::{LowerExp, Write as _};
use std::str::FromStr;

use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{lanes, timestamp};

/// The first whole number beyond 64 bits with a sign.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

/// A constant; infinities and NaN are the strings `inf`, `-inf` and `nan`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::nodes) enum Scalar {
    /// null.
    Null(()),
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
}

impl Scalar {
    /// Whether it is null: null itself or NaN.
    pub(in crate::nodes) fn is_null(&self) -> bool {
        match self {
            Self::Null(()) => true,
            Self::Float(value) => value.is_nan(),
            _ => false,
        }
    }

    /// Whether a column of this type takes it as null: among numbers, where no text can be meant, `nan` is NaN.
    pub(in crate::nodes) fn is_null_in(&self, data_type: &DataType) -> bool {
        self.is_null() || (lanes::is_numeric(data_type) && self.number().is_some_and(f64::is_nan))
    }

    /// Its value as a number, `inf`, `-inf` and `nan` included; Booleans and null are none.
    pub(in crate::nodes) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Text(text) => non_finite(text),
            _ => None,
        }
    }

    /// The whole number that it is, where 64 bits with a sign hold it; Booleans are none.
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Float(value) if value.fract() == 0.0 && (-BEYOND..BEYOND).contains(value) => Some(*value as i64),
            _ => None,
        }
    }

    /// The nanoseconds that it is in a column of times, with a zone or without, null being [`lanes::NAT`]; `None` where it is no such time.
    pub(super) fn time(&self, has_zone: bool) -> Option<i64> {
        match self {
            Self::Text(text) => timestamp::parse_iso(text).and_then(|time| time.in_zone(has_zone)).ok(),
            other => other.is_null().then_some(lanes::NAT),
        }
    }

    /// Whether it may have lost digits that a `uint64` has: beyond 63 bits a whole number is read as a float.
    pub(super) fn is_rounded(&self) -> bool {
        matches!(self, Self::Float(value) if value.is_finite() && *value >= BEYOND)
    }

    /// How messages show it.
    pub(in crate::nodes) fn show(&self) -> String {
        match self {
            Self::Null(()) => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => python_float(*value),
            Self::Text(text) => format!("'{text}'"),
        }
    }

    /// The constant that a JSON value is; `None` for lists and mappings.
    pub(in crate::nodes) fn from_json(value: &serde_json::Value) -> Option<Self> {
        serde_json::from_value(value.clone()).ok()
    }

    /// How Python's `str` spells it.
    pub(in crate::nodes) fn python_str(&self) -> String {
        match self {
            Self::Null(()) => "nan".into(),
            Self::Bool(true) => "True".into(),
            Self::Bool(false) => "False".into(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => python_float(*value),
            Self::Text(text) => text.clone(),
        }
    }
}

/// The floats that JSON has no number for.
fn non_finite(text: &str) -> Option<f64> {
    match text {
        "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    }
}

/// A float as Python's `repr` spells it: the shortest digits that read back as the same bits, an exponent below 1e-4 and from 1e16.
pub(super) fn python_float(value: f64) -> String {
    let mut text = String::new();
    write_python_float(value, &mut text);
    text
}

/// As [`python_float`], appended to `out`.
pub(super) fn write_python_float(value: f64, out: &mut String) {
    write_float(value, &Digits::of(value, f64::DIGITS), 1e16, out);
}

/// As [`write_python_float`], for a `float32` as `str` of NumPy's scalar spells it: by the digits of the narrow type, with an exponent from
/// a million.
pub(in crate::nodes) fn write_python_float32(value: f32, out: &mut String) {
    write_float(value.into(), &Digits::of(value, f32::DIGITS), 1e6, out);
}

/// A float by its digits, with an exponent below 1e-4 and from `large`.
fn write_float(value: f64, digits: &Digits, large: f64, out: &mut String) {
    if value.is_nan() {
        return out.push_str("nan");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "inf" } else { "-inf" });
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    let (mantissa, exponent) = digits.as_str().trim_start_matches('-').split_once('e').unwrap_or_default();
    if value != 0.0 && !(1e-4..large).contains(&value.abs()) {
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        // Writing to a String cannot fail.
        let _ = write!(out, "{mantissa}e{sign}{exponent:0>2}");
        return;
    }
    let (first, rest) = (&mantissa[..1], mantissa.get(2..).unwrap_or_default());
    match exponent.parse::<isize>().unwrap_or_default() {
        exponent @ ..0 => {
            out.push_str(&"0.000"[..=exponent.unsigned_abs()]);
            out.extend([first, rest]);
        }
        exponent => {
            let (whole, fraction) = rest.split_at(rest.len().min(exponent.unsigned_abs()));
            out.extend([first, whole]);
            out.extend(std::iter::repeat_n('0', exponent.unsigned_abs() - whole.len()));
            out.extend([".", if fraction.is_empty() { "0" } else { fraction }]);
        }
    }
}

/// The shortest digits of a float, with an exponent, on the stack.
struct Digits {
    bytes: [u8; 32],
    length: usize,
}

impl Digits {
    /// Of two shortest texts that are equally near, Python takes the even one, Rust the greater one. There are two only beyond the
    /// digits that every number keeps, `kept`.
    fn of<F: LowerExp + FromStr + PartialEq>(value: F, kept: u32) -> Self {
        let (mut shortest, mut even) = (Self::empty(), Self::empty());
        // The longest, such as -1.7976931348623157e-308, has 24 bytes.
        let _ = write!(shortest, "{value:e}");
        let digits = shortest.as_str().bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
        if digits <= kept as usize {
            return shortest;
        }
        let _ = write!(even, "{value:.*e}", digits - 1);
        let differs = even.as_str() != shortest.as_str();
        if differs && even.as_str().parse().is_ok_and(|read: F| read == value) { even } else { shortest }
    }

    fn empty() -> Self {
        Self { bytes: [0; 32], length: 0 }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl std::fmt::Write for Digits {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{python_float, write_python_float32};

    #[test]
    fn floats_are_spelled_as_python_does() {
        let cases = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.5e-310, "1.5e-310"),
            // 18 digits that end in 5: as near to ...313e-08.
            (2.0_f64.powi(-25), "2.9802322387695312e-08"),
            (1_995_443_087_117_884.0 + 0.25, "1995443087117884.2"),
            (-71_000_000_000_000.0 - 0.125, "-71000000000000.12"),
            (71_000_000_000_000.0 + 0.375, "71000000000000.38"),
            (0.00123, "0.00123"),
            (1200.0, "1200.0"),
            (1234.5, "1234.5"),
            (-0.5, "-0.5"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ];
        for (value, expected) in cases {
            assert_eq!(python_float(value), expected);
        }
    }

    #[test]
    fn narrow_floats_are_spelled_as_numpy_does() {
        let cases = [
            (0.1, "0.1"),
            (1e-4, "1e-04"),
            (999_999.94, "999999.94"),
            (1e6, "1e+06"),
            (28404.0 + 0.0625, "28404.062"),
            (3_516_029.0 + 0.25, "3.5160292e+06"),
            (8_388_608.5, "8.388608e+06"),
            (-f32::INFINITY, "-inf"),
            (f32::NAN, "nan"),
        ];
        for (value, expected) in cases {
            let mut text = String::new();
            write_python_float32(value, &mut text);
            assert_eq!(text, expected);
        }
    }
}
