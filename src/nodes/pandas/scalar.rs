//! Constants in keyword arguments, and how Python spells numbers.

use schemars::JsonSchema;
use serde::Deserialize;

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

    /// Its value as a number, `inf`, `-inf` and `nan` included; Booleans and null are none.
    pub(in crate::nodes) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Text(text) => non_finite(text),
            _ => None,
        }
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
    write_float(value, 1e16, out);
}

/// As [`write_python_float`], with an exponent from `large`.
pub(super) fn write_float(value: f64, large: f64, out: &mut String) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = if value.is_nan() {
        out.write_str("nan")
    } else if value.is_infinite() {
        out.write_str(if value > 0.0 { "inf" } else { "-inf" })
    } else if value != 0.0 && !(1e-4..large).contains(&value.abs()) {
        let shortest = Digits::of(value);
        let (digits, exponent) = shortest.as_str().split_once('e').unwrap_or((shortest.as_str(), "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        write!(out, "{digits}e{sign}{exponent:0>2}")
    } else {
        // Debug prints a fraction always (`1.0`), and no exponent in this range.
        write!(out, "{value:?}")
    };
}

/// The shortest digits of a float, with an exponent, on the stack.
struct Digits {
    bytes: [u8; 32],
    length: usize,
}

impl Digits {
    /// Of two shortest texts that are equally near, Python takes the even one, Rust the greater one. They are so where 17 digits are needed.
    fn of(value: f64) -> Self {
        use std::fmt::Write as _;
        let (mut shortest, mut even) = (Self::empty(), Self::empty());
        // The longest, such as -1.7976931348623157e-308, has 24 bytes.
        let _ = write!(shortest, "{value:e}");
        let digits = shortest.as_str().bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
        if digits == 17 && write!(even, "{value:.16e}").is_ok() && even.as_str().parse() == Ok(value) { even } else { shortest }
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
    use super::python_float;

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
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ];
        for (value, expected) in cases {
            assert_eq!(python_float(value), expected);
        }
    }
}
