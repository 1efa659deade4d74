//! `astype`: conversion to another type, as NumPy converts.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::coder::Coder;
use super::operation::{Call, Operation, Scope};
use super::scalar::{Scalar, write_python_float, write_python_float32};
use super::{lanes, numbers, objects};
use crate::dataset::{Phase, Reason, Rejection, Rows, Statistic};
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&AsType];

struct AsType;

/// Keyword arguments of `astype`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// The type to convert to, or a type for each column.
    dtype: Types,
    /// Accepted; a conversion never changes the column that it reads.
    #[serde(default)]
    #[expect(dead_code, reason = "published graphs have it")]
    copy: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Types {
    /// One for all columns.
    One(Dtype),
    /// By column.
    Columns(std::collections::BTreeMap<String, Dtype>),
}

/// A type by its pandas name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::nodes) enum Dtype {
    /// `int64`.
    Int,
    /// 64 bits.
    Int64,
    /// 32 bits.
    Int32,
    /// 16 bits.
    Int16,
    /// 8 bits.
    Int8,
    /// 64 bits without a sign.
    UInt64,
    /// 32 bits without a sign.
    UInt32,
    /// 16 bits without a sign.
    UInt16,
    /// 8 bits without a sign.
    UInt8,
    /// `float64`.
    Float,
    /// 64 bits.
    Float64,
    /// 32 bits.
    Float32,
    /// Boolean.
    Bool,
    /// Text.
    Str,
    /// Categories, frozen in the statistics file.
    Category,
}

impl Dtype {
    /// The Arrow type.
    pub(in crate::nodes) fn data_type(self) -> DataType {
        match self {
            Self::Int | Self::Int64 => DataType::Int64,
            Self::Int32 => DataType::Int32,
            Self::Int16 => DataType::Int16,
            Self::Int8 => DataType::Int8,
            Self::UInt64 => DataType::UInt64,
            Self::UInt32 => DataType::UInt32,
            Self::UInt16 => DataType::UInt16,
            Self::UInt8 => DataType::UInt8,
            Self::Float | Self::Float64 => DataType::Float64,
            Self::Float32 => DataType::Float32,
            Self::Bool => DataType::Boolean,
            Self::Str => DataType::Utf8,
            Self::Category => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        }
    }
}

impl Operation for AsType {
    fn name(&self) -> &'static str {
        "astype"
    }

    fn summary(&self) -> &'static str {
        "Converts to another type; a value that cannot be converted takes its row to the dead letters"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        match call.kwargs::<Kwargs>() {
            None => call.fail(),
            Some(Kwargs { dtype: Types::One(dtype), .. }) => call.each(|call, column| convert(call, column, dtype)),
            Some(Kwargs { dtype: Types::Columns(types), .. }) => {
                if call.is_placed_twice("dtype") {
                    return call.fail();
                }
                for (name, dtype) in types {
                    let pointer = call.at(&format!("dtype/{}", name.replace('~', "~0").replace('/', "~1")));
                    if call.frame.get(&name).is_some() {
                        let made = call.column(&name, &pointer).and_then(|column| convert(call, &column, dtype));
                        call.put(&name, made);
                    } else {
                        let _ = call.column(&name, &pointer);
                    }
                }
            }
        }
    }
}

pub(in crate::nodes) fn convert(call: &mut Call<'_, '_>, column: &Column, dtype: Dtype) -> Option<Column> {
    let to = dtype.data_type();
    if column.data_type == to && !(to == DataType::Boolean && column.nullable) && !(to == DataType::Utf8 && column.nullable) {
        return Some(column.clone());
    }
    match (&column.data_type, dtype) {
        (_, Dtype::Category) => category(call, column),
        (DataType::Utf8 | DataType::Dictionary(_, _), Dtype::Str) if column.nullable => {
            null_to_text(call, column);
            None
        }
        (DataType::Utf8 | DataType::Dictionary(_, _), Dtype::Str) => {
            Some(Column { data_type: DataType::Utf8, categories: None, ..column.clone() })
        }
        (DataType::Boolean, Dtype::Str) if column.nullable => {
            null_to_text(call, column);
            None
        }
        (from, Dtype::Str) if lanes::is_numeric(from) => Some(to_text(call, column)),
        (DataType::Decimal128(_, _) | DataType::Date32 | DataType::Time32(_) | DataType::Time64(_), Dtype::Str) if column.nullable => {
            null_to_text(call, column);
            None
        }
        (DataType::Decimal128(_, _) | DataType::Date32 | DataType::Time32(_) | DataType::Time64(_), Dtype::Str) => {
            Some(object_to_text(call, column))
        }
        (DataType::Decimal128(_, scale), Dtype::Float | Dtype::Float64 | Dtype::Float32) => {
            let (slot, scale, written) = (call.array(column), *scale, to.clone());
            let slot = call.kernel(&[slot], move |inputs, _| lanes::float_array(objects::decimal_floats(inputs.array(0), scale), &written));
            Some(call.made(to, column.nullable, slot))
        }
        (DataType::Decimal128(_, scale), dtype) if dtype != Dtype::Bool => Some(decimal_to_int(call, column, *scale, to)),
        (DataType::Utf8, Dtype::Bool) => Some(text_to_bool(call, column)),
        (DataType::Utf8, _) => Some(parse(call, column, to)),
        (from, Dtype::Bool) if lanes::is_numeric(from) => Some(to_bool(call, column)),
        (from, Dtype::Float | Dtype::Float64 | Dtype::Float32) if lanes::is_numeric(from) => {
            let (slot, written) = (call.array(column), to.clone());
            let slot = call.kernel(&[slot], move |inputs, _| lanes::cast_to_floats(inputs.array(0), &written));
            Some(call.made(to, column.nullable, slot))
        }
        (from, _) if lanes::is_float(from) => Some(truncate(call, column, to)),
        (DataType::Boolean, _) if column.nullable => Some(truncate(call, column, to)),
        (from, _) if lanes::is_numeric(from) => {
            let (slot, written) = (call.array(column), to.clone());
            let slot = call.kernel(&[slot], move |inputs, _| lanes::int_array(lanes::ints(inputs.array(0)).into_owned(), &written));
            Some(call.made(to, false, slot))
        }
        (DataType::Timestamp(_, _), Dtype::Int | Dtype::Int64) => Some(time_to_int(call, column)),
        (DataType::Timestamp(_, _), Dtype::Str) => {
            let reason = "pandas spells all times of a column by what the whole column holds, so the answer depends on the batch";
            call.mismatch(column, reason, "take the parts that you need with `dt.*`");
            None
        }
        _ => {
            let help = match column.data_type {
                DataType::Timestamp(_, _) => "convert it to int64 first: its nanoseconds since 1970",
                _ => "convert it to str first",
            };
            call.mismatch(column, format!("it cannot be converted to {}", super::frame_dtype(&to)), help);
            None
        }
    }
}

fn null_to_text(call: &mut Call<'_, '_>, column: &Column) {
    let reason = "pandas makes null the text 'nan' or 'None', by how the column was read";
    // What has its own way to operations is filled by none.
    let help = if objects::way(&column.data_type).is_some() { "use `dropna` before" } else { "use `fillna` before" };
    call.null_reaches(column, reason, help);
}

/// Rejects a row whose value cannot be converted.
struct Fault {
    field: String,
    to: String,
}

impl Fault {
    fn new(column: &Column, to: &DataType) -> Self {
        Self { field: column.name.to_string(), to: super::frame_dtype(to) }
    }

    fn reject(&self, row: usize, reason: Reason, what: &str, rows: &mut Rows) {
        let message = format!("astype: {what} cannot be converted to {}", self.to);
        rows.reject(row, Rejection::new(Phase::Graph, reason, message).field(self.field.clone()));
    }
}

/// Floats toward zero, then into the width of the type; NaN and infinities have no integer, and negative numbers none without a sign.
fn truncate(call: &mut Call<'_, '_>, column: &Column, to: DataType) -> Column {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let least = if to.is_unsigned_integer() { -0.0 } else { -LIMIT };
    let limit = if to == DataType::UInt64 { 2.0 * LIMIT } else { LIMIT };
    let (slot, fault, written) = (call.array(column), Fault::new(column, &to), to.clone());
    let slot = call.rejecting_kernel(&[slot], move |inputs, rows| {
        let values = lanes::floats(inputs.array(0));
        let ints = values.iter().enumerate().map(|(row, value)| {
            if (least..limit).contains(value) {
                return if *value < LIMIT { *value as i64 } else { (*value as u64).cast_signed() };
            }
            match value {
                value if value.is_nan() => fault.reject(row, Reason::UnexpectedNull, "null", rows),
                value if value.is_infinite() => fault.reject(row, Reason::Conversion, "infinity", rows),
                value if *value < least => fault.reject(row, Reason::OutOfRange, "a number below the type's least", rows),
                _ => fault.reject(row, Reason::OutOfRange, "a number beyond 64 bits", rows),
            }
            0
        });
        lanes::int_array(ints.collect(), &written)
    });
    call.made(to, false, slot)
}

/// Decimals toward zero; a number beyond the type is rejected, as Python raises for it.
fn decimal_to_int(call: &mut Call<'_, '_>, column: &Column, scale: i8, to: DataType) -> Column {
    let (least, greatest) = numbers::bounds(&to);
    let (slot, fault, written) = (call.array(column), Fault::new(column, &to), to.clone());
    let slot = call.rejecting_kernel(&[slot], move |inputs, rows| {
        let ints = objects::decimal_ints(inputs.array(0), scale).enumerate().map(|(row, value)| match value {
            Some(value) if (least..=greatest).contains(&value) => value as i64,
            Some(_) => {
                fault.reject(row, Reason::OutOfRange, "this number", rows);
                0
            }
            None => {
                fault.reject(row, Reason::UnexpectedNull, "null", rows);
                0
            }
        });
        lanes::int_array(ints.collect(), &written)
    });
    call.made(to, false, slot)
}

/// Nanoseconds since 1970.
fn time_to_int(call: &mut Call<'_, '_>, column: &Column) -> Column {
    let (slot, to) = (call.array(column), DataType::Int64);
    let ints = |times: &ArrayRef| lanes::int_array(lanes::times(times).into_owned(), &DataType::Int64);
    let slot = if column.nullable {
        let fault = Fault::new(column, &to);
        call.rejecting_kernel(&[slot], move |inputs, rows| {
            let times = inputs.array(0);
            (0..times.len()).filter(|row| times.is_null(*row)).for_each(|row| fault.reject(row, Reason::UnexpectedNull, "null", rows));
            ints(times)
        })
    } else {
        call.kernel(&[slot], move |inputs, _| ints(inputs.array(0)))
    };
    call.made(to, false, slot)
}

/// Anything but zero is true, null too, as NaN is.
fn to_bool(call: &mut Call<'_, '_>, column: &Column) -> Column {
    let slot = call.array(column);
    let slot = call.kernel(&[slot], move |inputs, _| {
        let values = lanes::floats(inputs.array(0));
        lanes::bool_array(values.len(), |row| values[row] != 0.0)
    });
    call.made(DataType::Boolean, false, slot)
}

/// Any text but the empty one is true, "False" too; null is true as NaN is.
fn text_to_bool(call: &mut Call<'_, '_>, column: &Column) -> Column {
    let slot = call.array(column);
    let slot = call.kernel(&[slot], |inputs, _| {
        let text = inputs.array(0).as_string::<i32>();
        lanes::bool_array(text.len(), |row| text.is_null(row) || text.value_length(row) > 0)
    });
    call.made(DataType::Boolean, false, slot)
}

/// Text as Python's `int` or `float` reads it.
fn parse(call: &mut Call<'_, '_>, column: &Column, to: DataType) -> Column {
    let (slot, fault, written) = (call.array(column), Fault::new(column, &to), to.clone());
    if lanes::is_float(&to) {
        let slot = call.rejecting_kernel(&[slot], move |inputs, rows| {
            let text = inputs.array(0).as_string::<i32>();
            let values = (0..text.len()).map(|row| match text.is_null(row) {
                true => f64::NAN,
                false => numbers::python_float(text.value(row)).unwrap_or_else(|| {
                    fault.reject(row, Reason::Conversion, "this text", rows);
                    f64::NAN
                }),
            });
            lanes::float_array(values.collect(), &written)
        });
        // "nan" is a float.
        return call.made(to, true, slot).or_nan();
    }
    let (least, greatest) = numbers::bounds(&to);
    let slot = call.rejecting_kernel(&[slot], move |inputs, rows| {
        let text = inputs.array(0).as_string::<i32>();
        let ints = (0..text.len()).map(|row| {
            if text.is_null(row) {
                fault.reject(row, Reason::UnexpectedNull, "null", rows);
                return 0;
            }
            match numbers::python_int(text.value(row)) {
                Some(value) if (least..=greatest).contains(&value) => value as i64,
                Some(_) => {
                    fault.reject(row, Reason::OutOfRange, "this number", rows);
                    0
                }
                None => {
                    fault.reject(row, Reason::Conversion, "this text", rows);
                    0
                }
            }
        });
        lanes::int_array(ints.collect(), &written)
    });
    call.made(to, false, slot)
}

/// Numbers as Python's `str` spells them; a null float is "nan".
fn to_text(call: &mut Call<'_, '_>, column: &Column) -> Column {
    let (slot, data_type) = (call.array(column), column.data_type.clone());
    let slot = call.kernel(&[slot], move |inputs, _| {
        let array = inputs.array(0);
        let (mut bytes, mut ends) = (String::with_capacity(array.len() * 8), Vec::with_capacity(array.len() + 1));
        ends.push(0);
        let mut close = |bytes: &String| ends.push(bytes.len() as i32);
        let mut buffer = itoa::Buffer::new();
        if lanes::is_float(&data_type) {
            // float32 has its own shortest digits.
            let narrow = data_type == DataType::Float32;
            for value in lanes::floats(array).iter() {
                if narrow {
                    write_python_float32(*value as f32, &mut bytes)
                } else {
                    write_python_float(*value, &mut bytes)
                }
                close(&bytes);
            }
        } else {
            for value in lanes::ints(array).iter() {
                bytes.push_str(match data_type {
                    DataType::Boolean => ["False", "True"][usize::from(*value != 0)],
                    DataType::UInt64 => buffer.format(value.cast_unsigned()),
                    _ => buffer.format(*value),
                });
                close(&bytes);
            }
        }
        Arc::new(StringArray::new(OffsetBuffer::new(ends.into()), bytes.into_bytes().into(), None)) as ArrayRef
    });
    call.made(DataType::Utf8, false, slot)
}

/// Decimals, dates and times of day as Python's `str` spells them.
fn object_to_text(call: &mut Call<'_, '_>, column: &Column) -> Column {
    let (slot, fault) = (call.array(column), Fault { field: column.name.to_string(), to: "text".into() });
    let slot = call.rejecting_kernel(&[slot], move |inputs, rows| {
        let beyond = "a date outside of the years 1 to 9999, or a time beyond a day,";
        objects::spelled(inputs.array(0), |row| fault.reject(row, Reason::OutOfRange, beyond, rows))
    });
    call.made(DataType::Utf8, false, slot)
}

/// Text to frozen categories; what is not among them is null.
fn category(call: &mut Call<'_, '_>, column: &Column) -> Option<Column> {
    if !matches!(column.data_type, DataType::Utf8 | DataType::Dictionary(_, _)) {
        call.mismatch(column, "only text becomes a category", "use `astype` to str first, or `get_dummies` on the numbers themselves");
        return None;
    }
    let pointer = call.at("dtype");
    let categories = call.frozen_list(column, &Statistic::Categories, &pointer)?;
    let categories: Arc<[String]> = categories.iter().map(Scalar::python_str).collect();
    let keys: Vec<(Scalar, i32)> = categories.iter().cloned().map(Scalar::Text).zip(0..).collect();
    let coder = Coder::new(column, &keys, -1, -1)?;
    let codes = call.codes(column, coder);
    Some(call.made_category(codes, categories, true))
}
