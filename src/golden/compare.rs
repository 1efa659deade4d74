//! Whether a value is the one that training had, and how the two look beside each other.

use arrow_schema::DataType;
use serde_json::Value;

use crate::codec::{DecimalText, decimal, nanoseconds, time_of_day};
use crate::model::half;

/// Whether a column or feature of type `data_type` has, as `found`, the value that training had as `expected`.
///
/// Null and NaN mean the same. Numbers are compared by value whatever their width, floats by their bits; a boolean is 0 or 1. A time may
/// be written as any RFC 3339 text, a time of day and a decimal with any number of digits.
fn same(expected: &Value, found: &Value, data_type: &DataType) -> bool {
    match (expected, found) {
        // Equal numbers may still differ in the sign of zero, in lists too.
        (Value::Number(_), Value::Number(_)) => same_number(expected, found, data_type),
        (Value::Array(expected), Value::Array(found)) => {
            let DataType::List(item) = data_type else { return expected == found };
            expected.len() == found.len() && expected.iter().zip(found).all(|(one, other)| same(one, other, item.data_type()))
        }
        _ if expected == found => true,
        (Value::String(expected), Value::String(found)) if matches!(data_type, DataType::Timestamp(..)) => {
            nanoseconds(expected).is_some_and(|expected| nanoseconds(found) == Some(expected))
        }
        (Value::String(expected), Value::String(found)) if matches!(data_type, DataType::Time32(_) | DataType::Time64(_)) => {
            time_of_day(expected).is_some_and(|expected| time_of_day(found) == Some(expected))
        }
        (_, Value::String(found)) if let DataType::Decimal128(precision, scale) = data_type => {
            let unscaled = |text: &str| match decimal(text, *precision, *scale) {
                DecimalText::Value(value) => Some(value),
                DecimalText::Malformed | DecimalText::OutOfRange => None,
            };
            let expected = expected.as_str().map_or_else(|| expected.to_string(), str::to_owned);
            unscaled(&expected).is_some_and(|expected| unscaled(found) == Some(expected))
        }
        _ => same_number(expected, found, data_type),
    }
}

/// As [`same`], but for a number that has a tolerance, being a model's answer or made of one: it may be as far from training's.
pub(super) fn agree(expected: &Value, found: &Value, data_type: &DataType, tolerance: Option<f64>) -> bool {
    tolerance.map_or_else(|| same(expected, found, data_type), |tolerance| near(expected, found, data_type, tolerance))
}

/// How far a number may be from training's: `tolerance`, and of a larger number than 1 that part, since floats are the coarser the larger
/// they are.
pub(super) fn applied(tolerance: f64, expected: &Value) -> f64 {
    tolerance * number(expected).filter(|expected| expected.is_finite()).map_or(1.0, |expected| expected.abs().max(1.0))
}

/// Whether a number that a model answered is within `tolerance` of training's; what is not a number must be the same.
fn near(expected: &Value, found: &Value, data_type: &DataType, tolerance: f64) -> bool {
    same(expected, found, data_type)
        || match (number(expected), number(found)) {
            (Some(expected), Some(found)) if data_type.is_floating() => (expected - found).abs() <= tolerance,
            _ => false,
        }
}

fn same_number(expected: &Value, found: &Value, data_type: &DataType) -> bool {
    // A whole number that JSON writes without a point is exact, beyond 2^53 too.
    if let (Some(expected), Some(found)) = (integer(expected), integer(found)) {
        return expected == found;
    }
    match (number(expected), number(found)) {
        (Some(expected), Some(found)) => rounded(expected, data_type).to_bits() == rounded(found, data_type).to_bits(),
        _ => false,
    }
}

/// A number as a float of `data_type` holds it.
fn rounded(number: f64, data_type: &DataType) -> f64 {
    match data_type {
        DataType::Float16 => half(number).to_f64(),
        DataType::Float32 => f64::from(number as f32),
        _ => number,
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(value) => Some(i128::from(*value)),
        Value::Number(value) => value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from)),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Number(value) => value.as_f64(),
        Value::String(text) if text == "inf" => Some(f64::INFINITY),
        Value::String(text) if text == "-inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Two different values as a message shows them; those that look alike come with their bits, or their characters' codes.
pub(super) fn shown(expected: &Value, found: &Value, data_type: &DataType) -> (String, String) {
    let show = |value: &Value, alike: bool| match (value, number(value)) {
        (Value::Number(_), Some(number)) if matches!(data_type, DataType::Float16 | DataType::Float32) => {
            // As a single both are shortest: the file may have all digits of the double.
            let single = rounded(number, data_type) as f32;
            let bits = single.to_bits();
            if alike { format!("{single:?} (0x{bits:08x})") } else { format!("{single:?}") }
        }
        (Value::Number(_), Some(number)) if alike && data_type.is_floating() => format!("{value} (0x{:016x})", number.to_bits()),
        (Value::String(text), _) if alike => format!("{value} ({})", text.escape_unicode()),
        _ => value.to_string(),
    };
    let alike = match (expected, found) {
        (Value::String(expected), Value::String(found)) => !expected.is_ascii() && !found.is_ascii() || expected.trim() == found.trim(),
        _ => match (number(expected), number(found)) {
            (Some(expected), Some(found)) => (expected - found).abs() <= 1e-6 * expected.abs().max(found.abs()),
            _ => false,
        },
    };
    (show(expected, alike), show(found, alike))
}

#[cfg(test)]
mod tests {
    use super::{applied, near, same, shown};
    use arrow_schema::{DataType, Field, TimeUnit};
    use serde_json::{Value, json};

    fn list(item: DataType) -> DataType {
        DataType::List(Field::new_list_field(item, true).into())
    }

    #[test]
    fn what_training_may_write_for_the_same_value() {
        let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("+00:00".into()));
        for (expected, found, data_type) in [
            (json!(36), json!(36.0), DataType::Float64),
            (json!(36.0), json!(36), DataType::Int64),
            (json!(1), json!(true), DataType::Boolean),
            (json!(551.77), json!(551.77), DataType::Float32),
            // The same single, once with all digits of the double that it is.
            (json!(551.770_019_531_25), json!(551.77), DataType::Float32),
            // What a half holds of them.
            (json!(0.1), json!(0.099_975_585_937_5), DataType::Float16),
            (json!(2049), json!(2048.0), DataType::Float16),
            (json!(-1e6), json!("-inf"), DataType::Float16),
            (json!("inf"), json!("inf"), DataType::Float64),
            (json!([1, null, "-inf"]), json!([1.0, null, "-inf"]), list(DataType::Float64)),
            (json!([[0.1]]), json!([[0.100_000_001_490_116_12]]), list(list(DataType::Float32))),
            (json!("2020-03-01T02:23:53.943Z"), json!("2020-03-01T02:23:53.943000000Z"), time.clone()),
            (json!("2020-03-01T03:23:53.943+01:00"), json!("2020-03-01T02:23:53.943000000Z"), time),
            (json!("12:30:00"), json!("12:30:00.000"), DataType::Time32(TimeUnit::Millisecond)),
            (json!("12:30:00.250000"), json!("12:30:00.250000"), DataType::Time64(TimeUnit::Microsecond)),
            (json!("12.5"), json!("12.50"), DataType::Decimal128(9, 2)),
            (json!(-12.5), json!("-12.50"), DataType::Decimal128(9, 2)),
            (json!(12), json!("12.00"), DataType::Decimal128(9, 2)),
            (json!(u64::MAX), json!(u64::MAX), DataType::UInt64),
            (Value::Null, Value::Null, DataType::Utf8),
        ] {
            assert!(same(&expected, &found, &data_type), "{expected} {found} {data_type}");
        }
    }

    #[test]
    fn what_is_another_value() {
        for (expected, found, data_type) in [
            (json!(0.1), json!(0.100_000_000_000_000_02), DataType::Float64),
            (json!("12:30:01"), json!("12:30:00.000"), DataType::Time32(TimeUnit::Millisecond)),
            (json!("12.51"), json!("12.50"), DataType::Decimal128(9, 2)),
            (json!("12.505"), json!("12.50"), DataType::Decimal128(9, 2)),
            (json!("twelve"), json!("12.50"), DataType::Decimal128(9, 2)),
            (Value::Null, json!("0.00"), DataType::Decimal128(9, 2)),
            (json!(0.0), json!(-0.0), DataType::Float64),
            (json!(0), json!(-0.0), DataType::Float64),
            (json!(i64::MAX), json!(i64::MAX - 1), DataType::Int64),
            (json!("1"), json!(1), DataType::Int64),
            (json!(0.1), json!(0.1001), DataType::Float16),
            (json!(2051), json!(2050.0), DataType::Float16),
            (json!("Köln"), json!("Ko\u{308}ln"), DataType::Utf8),
            (Value::Null, json!(0), DataType::Float64),
            (Value::Null, json!(""), DataType::Utf8),
            (json!([0.0]), json!([-0.0]), list(DataType::Float64)),
            (json!([[1.0, -0.0]]), json!([[1.0, 0.0]]), list(list(DataType::Float32))),
            (json!([1, 2]), json!([1.0]), list(DataType::Float64)),
            (json!([1, 2]), json!([1.0, 3.0]), list(DataType::Float64)),
            (json!([1, 2]), Value::Null, list(DataType::Float64)),
            (json!("2020-03-01T02:23:53"), json!("2020-03-01T02:23:54"), DataType::Timestamp(TimeUnit::Nanosecond, None)),
        ] {
            assert!(!same(&expected, &found, &data_type), "{expected} {found} {data_type}");
        }
    }

    #[test]
    fn answers_may_differ_a_little_and_labels_may_not() {
        assert!(near(&json!(0.5), &json!(0.500_000_9), &DataType::Float32, 1e-6));
        assert!(!near(&json!(0.5), &json!(0.500_002), &DataType::Float32, 1e-6));
        assert!(!near(&json!(1), &json!(2), &DataType::Int64, 5.0));
        // Neighbours among the singles, and what is more than a millionth away.
        for (expected, found, is_near) in [
            (json!(523_371.53), json!(523_371.5), true),
            (json!(-523_371.53), json!(-523_371.5), true),
            (json!(523_371.53), json!(523_372.1), false),
            (json!("inf"), json!(1.0), false),
            (json!(1.0), json!("inf"), false),
        ] {
            assert_eq!(near(&expected, &found, &DataType::Float32, applied(1e-6, &expected)), is_near, "{expected} {found}");
        }
    }

    #[test]
    fn values_that_look_alike_show_what_differs() {
        let (expected, found) = shown(&json!(0.1), &json!(0.100_000_000_000_000_02), &DataType::Float64);
        assert_eq!((expected.as_str(), found.as_str()), ("0.1 (0x3fb999999999999a)", "0.10000000000000002 (0x3fb999999999999b)"));
        let (expected, found) = shown(&json!("Köln"), &json!("Ko\u{308}ln"), &DataType::Utf8);
        assert_ne!(expected, found);
        assert!(found.ends_with(r"(\u{4b}\u{6f}\u{308}\u{6c}\u{6e})"), "{found}");
        assert_eq!(shown(&json!("a"), &json!("b"), &DataType::Utf8), ("\"a\"".to_owned(), "\"b\"".to_owned()));
    }
}
