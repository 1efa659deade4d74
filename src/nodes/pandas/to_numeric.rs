//! `to_numeric`: text to numbers, by pandas' own reader of numbers.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::astype::{Dtype, convert};
use super::lanes;
use super::numbers::python_int;
use super::operation::{Call, Operation, Scope};
use super::to_datetime::Errors;
use crate::dataset::{Phase, Reason, Rejection};
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&ToNumeric];

struct ToNumeric;

/// Keyword arguments of `to_numeric`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// What becomes of text that is no number.
    #[serde(default)]
    errors: Errors,
}

impl Operation for ToNumeric {
    fn name(&self) -> &'static str {
        "to_numeric"
    }

    fn summary(&self) -> &'static str {
        "Reads text as numbers"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(Kwargs { errors }) = call.kwargs() else { return call.fail() };
        call.each(|call, column| match &column.data_type {
            data_type if lanes::is_numeric(data_type) && !(*data_type == DataType::Boolean && column.nullable) => Some(column.clone()),
            DataType::Utf8 => Some(plan(call, column, errors)),
            DataType::Decimal128(_, _) => convert(call, column, Dtype::Float64),
            other => {
                let is_category = matches!(other, DataType::Dictionary(_, _));
                let help = if is_category { "convert it with `astype` to str first, or use `map`" } else { "to_numeric takes text" };
                call.mismatch(column, "it is neither text nor numbers", help);
                None
            }
        });
    }
}

/// The result is always `float64`: pandas makes it `int64` where a batch happens to hold whole numbers only.
fn plan(call: &mut Call<'_, '_>, column: &Column, errors: Errors) -> Column {
    let (slot, field) = (call.array(column), column.name.to_string());
    let slot = call.rejecting_kernel(&[slot], move |inputs, rows| {
        let text = inputs.array(0).as_string::<i32>();
        let mut values = Vec::with_capacity(text.len());
        for row in 0..text.len() {
            let value = if text.is_valid(row) { read_number(text.value(row), errors) } else { Some(f64::NAN) };
            if value.is_none() && errors == Errors::Raise {
                let message = "to_numeric: this text is no number";
                rows.reject(row, Rejection::new(Phase::Graph, Reason::Conversion, message).field(field.clone()));
            }
            values.push(value.unwrap_or(f64::NAN));
        }
        lanes::float_array(values, &DataType::Float64)
    });
    let made = call.made(DataType::Float64, true, slot);
    if errors == Errors::Coerce {
        made.null_where("the text is no number, with `errors: coerce`")
    } else {
        made.null_where("the text is empty")
    }
}

/// Text as pandas reads numbers: 17 digits in doubles, then one product or quotient with a power of ten. The last bit can differ from
/// the nearest double, and from what `astype` reads.
///
/// A whole number beyond 64 bits raises, but is not coerced to null.
fn read_number(text: &str, errors: Errors) -> Option<f64> {
    if text.is_empty() {
        return Some(f64::NAN);
    }
    // A whole number is read as one where it fits into 64 bits, with or without a sign.
    let trimmed = text.trim_matches(is_space);
    let is_bare = trimmed.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-'))
        && trimmed.ends_with(|last: char| last.is_ascii_digit());
    if is_bare
        && !trimmed.contains('_')
        && let Some(whole) = python_int(trimmed)
    {
        if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&whole) {
            return Some(whole as f64);
        }
        if errors == Errors::Raise {
            return None;
        }
    }
    decimal(text).or_else(|| word(text))
}

fn word(text: &str) -> Option<f64> {
    let (sign, word) = match text.as_bytes() {
        [b'-', ..] => (-1.0, &text[1..]),
        [b'+', ..] => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let infinite = word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity");
    infinite.then_some(sign * f64::INFINITY)
}

fn decimal(text: &str) -> Option<f64> {
    const DIGITS: u32 = 17;
    let mut rest = text.trim_start_matches(is_space).as_bytes();
    let negative = rest.first() == Some(&b'-');
    if let [b'-' | b'+', after @ ..] = rest {
        rest = after;
    }
    let (mut number, mut exponent, mut digits) = (0.0_f64, 0_i64, 0);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        if digits < DIGITS {
            number = number * 10.0 + f64::from(digit - b'0');
            digits += 1;
        } else {
            exponent += 1;
        }
        rest = after;
    }
    if let [b'.', after @ ..] = rest {
        rest = after;
        while let [digit @ b'0'..=b'9', after @ ..] = rest {
            if digits < DIGITS {
                number = number * 10.0 + f64::from(digit - b'0');
                digits += 1;
                exponent -= 1;
            }
            rest = after;
        }
    }
    if digits == 0 {
        return None;
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let (sign, mut after) = match after {
            [b'-', after @ ..] => (-1, after),
            [b'+', after @ ..] => (1, after),
            _ => (1, after),
        };
        let mut power: Option<i64> = None;
        while let [digit @ b'0'..=b'9', left @ ..] = after {
            power = Some(power.unwrap_or(0).saturating_mul(10).saturating_add(i64::from(digit - b'0')));
            after = left;
        }
        exponent = exponent.saturating_add(sign * power?);
        rest = after;
    }
    if rest.iter().any(|byte| !is_space(char::from(*byte))) {
        return None;
    }
    let number = if negative { -number } else { number };
    let number = scale(number, exponent);
    number.is_finite().then_some(number)
}

/// A number by a power of ten, in pandas' steps.
fn scale(number: f64, exponent: i64) -> f64 {
    match exponent {
        309.. => number * f64::INFINITY,
        1..=308 => number * power_of_ten(exponent),
        -308..=0 => number / power_of_ten(-exponent),
        // Two quotients reach the subnormal numbers.
        -616..=-309 => number / power_of_ten(-308 - exponent) / power_of_ten(308),
        _ => 0.0_f64.copysign(number),
    }
}

/// The double nearest to a power of ten.
fn power_of_ten(exponent: i64) -> f64 {
    static POWERS: std::sync::LazyLock<Vec<f64>> =
        std::sync::LazyLock::new(|| (0..=308).map(|exponent| format!("1e{exponent}").parse().unwrap_or(f64::NAN)).collect());
    usize::try_from(exponent).ok().and_then(|exponent| POWERS.get(exponent).copied()).unwrap_or(f64::NAN)
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t'..='\r')
}
