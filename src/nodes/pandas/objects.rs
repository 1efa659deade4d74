//! Decimals, dates and times of day, which pandas holds as Python objects: what they become, and the way there.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Time32MillisecondType, Time64MicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use super::text::text_array;
use super::timestamp::civil_from_days;

/// How a column gets where operations take it; `None` for the types that operations take as they are.
pub(super) fn way(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Decimal128(_, _) => "convert it with `astype` first, to float64, int64 or str",
        DataType::Date32 => "convert it with `to_datetime` first, or with `astype` to str",
        DataType::Time32(_) | DataType::Time64(_) => {
            "convert it with `astype` to str first: `str.slice` takes the parts of a text such as 12:30:00"
        }
        DataType::List(_) => "no operation takes a list: only a model does, as the whole of one input",
        DataType::Map(_, _) | DataType::Struct(_) | DataType::Binary | DataType::FixedSizeBinary(_) => {
            "no operation takes it: let the event bring what the graph needs in a field of its own"
        }
        _ => return None,
    })
}

/// Decimals as Python's `float` reads them: the nearest doubles, null as NaN.
///
/// # Panics
/// On other arrays, which planning keeps away.
pub(super) fn decimal_floats(array: &ArrayRef, scale: i8) -> Vec<f64> {
    let mut text = String::new();
    let mut nearest = |decimal: i128| {
        text.clear();
        // Writing to a String cannot fail.
        let _ = write!(text, "{decimal}e{}", -i16::from(scale));
        text.parse().unwrap_or(f64::NAN)
    };
    array.as_primitive::<Decimal128Type>().iter().map(|decimal| decimal.map_or(f64::NAN, &mut nearest)).collect()
}

/// Decimals as Python's `int` reads them, without their fraction.
///
/// # Panics
/// On other arrays, which planning keeps away.
pub(super) fn decimal_ints(array: &ArrayRef, scale: i8) -> impl Iterator<Item = Option<i128>> {
    let unit = 10_i128.checked_pow(u32::from(scale.unsigned_abs())).unwrap_or(i128::MAX);
    array.as_primitive::<Decimal128Type>().iter().map(move |decimal| decimal.map(|decimal| decimal / unit))
}

/// Decimals, dates or times of day as Python's `str` spells them. `refuse` gets the rows with a date or a time that Python does not have;
/// nulls are empty.
///
/// # Panics
/// On other arrays, which planning keeps away.
pub(super) fn spelled(array: &ArrayRef, mut refuse: impl FnMut(usize)) -> ArrayRef {
    let mut spell = |write: &dyn Fn(usize, &mut String) -> bool| {
        let (mut out, mut ends) = (String::with_capacity(array.len() * 12), Vec::with_capacity(array.len() + 1));
        ends.push(0);
        for row in 0..array.len() {
            if array.is_valid(row) && !write(row, &mut out) {
                refuse(row);
            }
            ends.push(out.len() as i32);
        }
        text_array(out, ends, None)
    };
    match array.data_type() {
        DataType::Decimal128(_, scale) => {
            let (decimals, scale) = (array.as_primitive::<Decimal128Type>().values(), i64::from(*scale));
            spell(&|row, out| {
                write_decimal(decimals[row], scale, out);
                true
            })
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().values();
            spell(&|row, out| write_date(days[row].into(), out))
        }
        DataType::Time32(_) => {
            let millis = array.as_primitive::<Time32MillisecondType>().values();
            spell(&|row, out| write_time(i64::from(millis[row]) * 1_000, out))
        }
        _ => {
            let micros = array.as_primitive::<Time64MicrosecondType>().values();
            spell(&|row, out| write_time(micros[row], out))
        }
    }
}

/// A decimal with all digits of its scale; with an exponent below a millionth.
fn write_decimal(decimal: i128, scale: i64, out: &mut String) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(decimal.unsigned_abs());
    // Digits in front of the point, none of them where it is negative; then as written.
    let whole = digits.len() as i64 - scale;
    let written = if whole > -6 { whole } else { 1 };
    if decimal < 0 {
        out.push('-');
    }
    match usize::try_from(written).ok().filter(|count| *count > 0) {
        None => {
            out.push_str("0.");
            (written..0).for_each(|_| out.push('0'));
            out.push_str(digits);
        }
        Some(count) => {
            let (front, behind) = digits.split_at(count.min(digits.len()));
            out.push_str(front);
            if !behind.is_empty() {
                out.push('.');
                out.push_str(behind);
            }
        }
    }
    if whole != written {
        let _ = write!(out, "E{:+}", whole - written);
    }
}

/// A day since 1970-01-01; false outside of the years 1 to 9999.
fn write_date(days: i64, out: &mut String) -> bool {
    let (year, month, day) = civil_from_days(days);
    (1..=9999).contains(&year) && write!(out, "{year:04}-{month:02}-{day:02}").is_ok()
}

/// Microseconds since midnight, whose fraction is written where there is one; false beyond a day.
fn write_time(micros: i64, out: &mut String) -> bool {
    const SECOND: i64 = 1_000_000;
    let (seconds, fraction) = (micros.div_euclid(SECOND), micros.rem_euclid(SECOND));
    if !(0..86_400).contains(&seconds) {
        return false;
    }
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let _ = write!(out, ".{fraction:06}");
    }
    true
}
