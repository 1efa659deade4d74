//! Columns as plain lanes of numbers, the way NumPy sees them.
//!
//! Every numeric operation computes in one of two lanes, `i64` or `f64`, and writes the column's type. A null of a float column is NaN in
//! the lane; integer columns have no nulls.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampNanosecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, cast::AsArray};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::DataType;

/// NumPy's NaN for missing times.
pub(in crate::nodes) const NAT: i64 = i64::MIN;

/// Whether a type is a number in NumPy's sense: integers, floats and booleans.
pub(in crate::nodes) fn is_numeric(data_type: &DataType) -> bool {
    data_type.is_integer() || is_float(data_type) || *data_type == DataType::Boolean
}

/// Whether a type is a float in which null is NaN.
pub(crate) fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

/// A numeric array as floats, null as NaN; rounds to the nearest double beyond 2^53, as NumPy does.
///
/// # Panics
/// On other than numeric arrays, which planning keeps away.
pub(crate) fn floats(array: &ArrayRef) -> Cow<'_, [f64]> {
    match array.data_type() {
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            match array.nulls() {
                None => Cow::Borrowed(array.values()),
                Some(nulls) => Cow::Owned(with_nan(array.values().iter().copied(), nulls)),
            }
        }
        DataType::Float32 => cast_floats::<Float32Type>(array, f64::from),
        DataType::Int64 => cast_floats::<Int64Type>(array, |value| value as f64),
        DataType::Int32 => cast_floats::<Int32Type>(array, f64::from),
        DataType::Int16 => cast_floats::<Int16Type>(array, f64::from),
        DataType::Int8 => cast_floats::<Int8Type>(array, f64::from),
        DataType::UInt64 => cast_floats::<UInt64Type>(array, |value| value as f64),
        DataType::UInt32 => cast_floats::<UInt32Type>(array, f64::from),
        DataType::UInt16 => cast_floats::<UInt16Type>(array, f64::from),
        DataType::UInt8 => cast_floats::<UInt8Type>(array, f64::from),
        _ => {
            let bits = array.as_boolean();
            let values = bits.values().iter().map(|bit| f64::from(u8::from(bit)));
            Cow::Owned(bits.nulls().map_or_else(|| values.clone().collect(), |nulls| with_nan(values.clone(), nulls)))
        }
    }
}

fn cast_floats<T: ArrowPrimitiveType>(array: &ArrayRef, cast: impl Fn(T::Native) -> f64) -> Cow<'_, [f64]> {
    let array = array.as_primitive::<T>();
    let values = array.values().iter().map(|value| cast(*value));
    Cow::Owned(match array.nulls() {
        None => values.collect(),
        Some(nulls) => with_nan(values, nulls),
    })
}

fn with_nan(values: impl Iterator<Item = f64>, nulls: &NullBuffer) -> Vec<f64> {
    values.zip(nulls).map(|(value, valid)| if valid { value } else { f64::NAN }).collect()
}

/// An integer or Boolean array as `i64`; `u64` wraps, so that arithmetic in the lane has the bits of arithmetic in `u64`.
///
/// # Panics
/// On other arrays, which planning keeps away.
pub(crate) fn ints(array: &ArrayRef) -> Cow<'_, [i64]> {
    match array.data_type() {
        DataType::Int64 => Cow::Borrowed(array.as_primitive::<Int64Type>().values()),
        DataType::Int32 => cast_ints::<Int32Type>(array, i64::from),
        DataType::Int16 => cast_ints::<Int16Type>(array, i64::from),
        DataType::Int8 => cast_ints::<Int8Type>(array, i64::from),
        DataType::UInt64 => cast_ints::<UInt64Type>(array, u64::cast_signed),
        DataType::UInt32 => cast_ints::<UInt32Type>(array, i64::from),
        DataType::UInt16 => cast_ints::<UInt16Type>(array, i64::from),
        DataType::UInt8 => cast_ints::<UInt8Type>(array, i64::from),
        DataType::Timestamp(_, _) => times(array),
        _ => Cow::Owned(array.as_boolean().values().iter().map(i64::from).collect()),
    }
}

fn cast_ints<T: ArrowPrimitiveType>(array: &ArrayRef, cast: impl Fn(T::Native) -> i64) -> Cow<'_, [i64]> {
    Cow::Owned(array.as_primitive::<T>().values().iter().map(|value| cast(*value)).collect())
}

/// A nanosecond timestamp array as `i64`, null as [`NAT`].
pub(in crate::nodes) fn times(array: &ArrayRef) -> Cow<'_, [i64]> {
    let array = array.as_primitive::<TimestampNanosecondType>();
    match array.nulls() {
        None => Cow::Borrowed(array.values()),
        Some(nulls) => Cow::Owned(array.values().iter().zip(nulls).map(|(value, valid)| if valid { *value } else { NAT }).collect()),
    }
}

/// A numeric array as floats of `data_type`, each rounded once, as in C; null as [`float_array`] has it.
///
/// # Panics
/// As [`floats`].
pub(in crate::nodes) fn cast_to_floats(array: &ArrayRef, data_type: &DataType) -> ArrayRef {
    match (array.data_type(), data_type) {
        (DataType::Int64, DataType::Float32) => Arc::new(array.as_primitive::<Int64Type>().unary::<_, Float32Type>(|value| value as f32)),
        (DataType::UInt64, DataType::Float32) => Arc::new(array.as_primitive::<UInt64Type>().unary::<_, Float32Type>(|value| value as f32)),
        _ => float_array(floats(array).into_owned(), data_type),
    }
}

/// A float array of `data_type` (`Float32` or `Float64`); NaN stands for null.
pub(in crate::nodes) fn float_array(values: Vec<f64>, data_type: &DataType) -> ArrayRef {
    match data_type {
        DataType::Float32 => primitive::<Float32Type>(values.into_iter().map(|value| value as f32).collect()),
        _ => primitive::<Float64Type>(values),
    }
}

/// An integer array of `data_type`, values wrapped to its width.
pub(in crate::nodes) fn int_array(values: Vec<i64>, data_type: &DataType) -> ArrayRef {
    match data_type {
        DataType::Int32 => primitive::<Int32Type>(values.into_iter().map(|value| value as i32).collect()),
        DataType::Int16 => primitive::<Int16Type>(values.into_iter().map(|value| value as i16).collect()),
        DataType::Int8 => primitive::<Int8Type>(values.into_iter().map(|value| value as i8).collect()),
        DataType::UInt64 => primitive::<UInt64Type>(values.into_iter().map(i64::cast_unsigned).collect()),
        DataType::UInt32 => primitive::<UInt32Type>(values.into_iter().map(|value| value as u32).collect()),
        DataType::UInt16 => primitive::<UInt16Type>(values.into_iter().map(|value| value as u16).collect()),
        DataType::UInt8 => primitive::<UInt8Type>(values.into_iter().map(|value| value as u8).collect()),
        _ => primitive::<Int64Type>(values),
    }
}

/// A nanosecond timestamp array of `data_type`; [`NAT`] becomes null.
pub(in crate::nodes) fn time_array(values: Vec<i64>, data_type: &DataType) -> ArrayRef {
    let nulls = values.contains(&NAT).then(|| NullBuffer::new(BooleanBuffer::collect_bool(values.len(), |row| values[row] != NAT)));
    let array = PrimitiveArray::<TimestampNanosecondType>::new(values.into(), nulls);
    match data_type {
        DataType::Timestamp(_, zone) => Arc::new(array.with_timezone_opt(zone.clone())),
        _ => Arc::new(array),
    }
}

/// A Boolean array, one call of `is` a row.
pub(in crate::nodes) fn bool_array(rows: usize, is: impl FnMut(usize) -> bool) -> ArrayRef {
    Arc::new(BooleanArray::new(BooleanBuffer::collect_bool(rows, is), None))
}

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), None))
}

/// Which rows pandas calls null: Arrow's nulls, and NaN.
pub(in crate::nodes) fn null_mask(array: &ArrayRef) -> BooleanBuffer {
    let rows = array.len();
    match array.data_type() {
        DataType::Float64 | DataType::Float32 => {
            let values = floats(array);
            BooleanBuffer::collect_bool(rows, |row| values[row].is_nan())
        }
        _ => match array.nulls() {
            None => BooleanBuffer::new_unset(rows),
            Some(nulls) => !nulls.inner(),
        },
    }
}
