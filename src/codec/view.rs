//! Columns seen through their concrete types, once per batch, for the encoders.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time64MicrosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Fields, TimeUnit};

use super::{CodecError, Encoded};
use crate::dataset::{Phase, Reason, Rejection};

/// A column, or the items of one.
#[derive(Debug)]
pub(crate) struct View<'a> {
    nulls: Option<&'a NullBuffer>,
    nan_is_null: bool,
    values: Values<'a>,
}

#[derive(Debug)]
enum Values<'a> {
    Null,
    Bool(&'a BooleanArray),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Text(&'a StringArray),
    Dictionary32(&'a [i32], &'a StringArray),
    Dictionary8(&'a [i8], &'a StringArray),
    Binary(&'a BinaryArray),
    Fixed(&'a FixedSizeBinaryArray),
    Date(&'a [i32]),
    TimeMillis(&'a [i32]),
    TimeMicros(&'a [i64]),
    Timestamp(&'a [i64], TimeUnit, bool),
    Decimal(&'a [i128], i8),
    List(&'a [i32], Box<View<'a>>),
    Map(&'a [i32], &'a StringArray, Box<View<'a>>),
    Struct(&'a Fields, Vec<View<'a>>),
}

/// One value of a column.
#[derive(Clone, Debug)]
pub(crate) enum Cell<'v> {
    Null,
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f32),
    Double(f64),
    Text(&'v str),
    Binary(&'v [u8]),
    Date(i32),
    TimeMillis(i32),
    TimeMicros(i64),
    Timestamp(i64, TimeUnit, bool),
    Decimal(i128, i8),
    /// Items of a list: their column, and the range of its rows.
    List(&'v View<'v>, std::ops::Range<usize>),
    /// Entries of a map: their keys, their values, and the range of rows of both.
    Map(&'v StringArray, &'v View<'v>, std::ops::Range<usize>),
    /// A struct: its fields, their columns, and the row of all.
    Struct(&'v Fields, &'v [View<'v>], usize),
}

/// Why a row cannot be encoded.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Refusal {
    #[cold]
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    #[cold]
    pub(crate) fn not_finite(value: f64) -> Self {
        Self::new(Reason::NotFinite, format!("{value}, and a number must be finite here"))
    }
}

/// Whether an encoder can carry a type: one that `View::new` sees through.
pub(crate) fn is_carried(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) => is_carried(item.data_type()),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => pair.len() == 2 && *pair[0].data_type() == DataType::Utf8 && is_carried(pair[1].data_type()),
            _ => false,
        },
        DataType::Struct(fields) => fields.iter().all(|field| is_carried(field.data_type())),
        DataType::Dictionary(key, value) => matches!(**key, DataType::Int8 | DataType::Int32) && **value == DataType::Utf8,
        DataType::Decimal128(_, scale) => *scale >= 0,
        _ => {
            matches!(
                data_type,
                DataType::Null
                    | DataType::Boolean
                    | DataType::Int8
                    | DataType::Int16
                    | DataType::Int32
                    | DataType::Int64
                    | DataType::UInt8
                    | DataType::UInt16
                    | DataType::UInt32
                    | DataType::UInt64
                    | DataType::Float32
                    | DataType::Float64
                    | DataType::Utf8
                    | DataType::Binary
                    | DataType::FixedSizeBinary(_)
                    | DataType::Date32
                    | DataType::Time32(TimeUnit::Millisecond)
                    | DataType::Time64(TimeUnit::Microsecond)
                    | DataType::Timestamp(..)
            )
        }
    }
}

/// A column that an encoder writes.
#[derive(Debug)]
pub(crate) struct EncodedColumn {
    pub(crate) name: String,
    /// Nodes make NaN of a null in a column of floats, as pandas does: it is written as the null that it is.
    nan_is_null: bool,
}

impl EncodedColumn {
    /// A field of an event, written as it stands.
    pub(crate) fn field(path: &str) -> Self {
        Self { name: path.to_owned(), nan_is_null: false }
    }

    /// A column of scores, and whether it may hold null.
    pub(crate) fn score(name: &str, nullable: bool) -> Self {
        Self { name: name.to_owned(), nan_is_null: nullable }
    }
}

/// The columns of an encoder, by name, type and whether they may hold null.
///
/// # Errors
/// Names the first column whose type the format does not carry, or whose name is there twice.
pub(crate) fn check_columns(fields: &[(String, DataType, bool)], format: &'static str) -> Result<Vec<EncodedColumn>, CodecError> {
    for (index, (column, data_type, _)) in fields.iter().enumerate() {
        if fields[..index].iter().any(|(name, ..)| name == column) {
            return Err(CodecError::BadName { column: column.clone(), why: "another column has the same name" });
        }
        if !is_carried(data_type) {
            return Err(CodecError::UnsupportedColumn { column: column.clone(), data_type: data_type.to_string(), format });
        }
    }
    Ok(fields.iter().map(|(name, _, nullable)| EncodedColumn::score(name, *nullable)).collect())
}

impl<'a> View<'a> {
    /// None for a type that is not carried.
    pub(crate) fn new(array: &'a dyn Array) -> Option<Self> {
        fn primitive<T: ArrowPrimitiveType>(array: &dyn Array) -> Option<&[T::Native]> {
            array.as_primitive_opt::<T>().map(|array| array.values().as_ref())
        }
        let values = match array.data_type() {
            DataType::Null => Values::Null,
            DataType::Boolean => Values::Bool(array.as_boolean_opt()?),
            DataType::Int8 => Values::I8(primitive::<Int8Type>(array)?),
            DataType::Int16 => Values::I16(primitive::<Int16Type>(array)?),
            DataType::Int32 => Values::I32(primitive::<Int32Type>(array)?),
            DataType::Int64 => Values::I64(primitive::<Int64Type>(array)?),
            DataType::UInt8 => Values::U8(primitive::<UInt8Type>(array)?),
            DataType::UInt16 => Values::U16(primitive::<UInt16Type>(array)?),
            DataType::UInt32 => Values::U32(primitive::<UInt32Type>(array)?),
            DataType::UInt64 => Values::U64(primitive::<UInt64Type>(array)?),
            DataType::Float32 => Values::F32(primitive::<Float32Type>(array)?),
            DataType::Float64 => Values::F64(primitive::<Float64Type>(array)?),
            DataType::Utf8 => Values::Text(array.as_string_opt()?),
            DataType::Binary => Values::Binary(array.as_binary_opt()?),
            DataType::FixedSizeBinary(_) => Values::Fixed(array.as_fixed_size_binary_opt()?),
            DataType::Date32 => Values::Date(primitive::<Date32Type>(array)?),
            DataType::Time32(TimeUnit::Millisecond) => Values::TimeMillis(primitive::<Time32MillisecondType>(array)?),
            DataType::Time64(TimeUnit::Microsecond) => Values::TimeMicros(primitive::<Time64MicrosecondType>(array)?),
            DataType::Timestamp(unit, zone) => {
                let values = match unit {
                    TimeUnit::Second => primitive::<TimestampSecondType>(array),
                    TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(array),
                    TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(array),
                    TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(array),
                };
                Values::Timestamp(values?, *unit, zone.is_some())
            }
            DataType::Decimal128(_, scale) => Values::Decimal(primitive::<Decimal128Type>(array)?, *scale),
            DataType::Dictionary(key, _) => match **key {
                DataType::Int32 => {
                    let dictionary = array.as_dictionary_opt::<Int32Type>()?;
                    Values::Dictionary32(dictionary.keys().values(), dictionary.values().as_string_opt()?)
                }
                DataType::Int8 => {
                    let dictionary = array.as_dictionary_opt::<Int8Type>()?;
                    Values::Dictionary8(dictionary.keys().values(), dictionary.values().as_string_opt()?)
                }
                _ => return None,
            },
            DataType::List(_) => {
                let list = array.as_list_opt::<i32>()?;
                Values::List(list.value_offsets(), Box::new(Self::new(list.values().as_ref())?))
            }
            DataType::Map(..) => {
                let map = array.as_map_opt()?;
                Values::Map(map.value_offsets(), map.keys().as_string_opt()?, Box::new(View::new(map.values().as_ref())?))
            }
            DataType::Struct(fields) => {
                let children = array.as_struct_opt()?.columns().iter().map(|child| View::new(child.as_ref()));
                Values::Struct(fields, children.collect::<Option<_>>()?)
            }
            _ => return None,
        };
        Some(Self { nulls: array.nulls(), nan_is_null: false, values })
    }

    fn encoded(array: &'a ArrayRef, column: &EncodedColumn) -> Option<Self> {
        Some(Self { nan_is_null: column.nan_is_null, ..Self::new(array.as_ref())? })
    }

    /// The value of a row.
    #[inline(always)]
    pub(crate) fn cell(&'a self, row: usize) -> Cell<'a> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return Cell::Null;
        }
        match &self.values {
            Values::Null => Cell::Null,
            Values::Bool(values) => Cell::Bool(values.value(row)),
            Values::I8(values) => Cell::Int(values[row].into()),
            Values::I16(values) => Cell::Int(values[row].into()),
            Values::I32(values) => Cell::Int(values[row].into()),
            Values::I64(values) => Cell::Int(values[row]),
            Values::U8(values) => Cell::Int(values[row].into()),
            Values::U16(values) => Cell::Int(values[row].into()),
            Values::U32(values) => Cell::Int(values[row].into()),
            Values::U64(values) => Cell::Unsigned(values[row]),
            Values::F32(values) if self.nan_is_null && values[row].is_nan() => Cell::Null,
            Values::F32(values) => Cell::Float(values[row]),
            Values::F64(values) if self.nan_is_null && values[row].is_nan() => Cell::Null,
            Values::F64(values) => Cell::Double(values[row]),
            Values::Text(values) => Cell::Text(values.value(row)),
            Values::Dictionary32(keys, values) => category(values, usize::try_from(keys[row]).ok()),
            Values::Dictionary8(keys, values) => category(values, usize::try_from(keys[row]).ok()),
            Values::Binary(values) => Cell::Binary(values.value(row)),
            Values::Fixed(values) => Cell::Binary(values.value(row)),
            Values::Date(values) => Cell::Date(values[row]),
            Values::TimeMillis(values) => Cell::TimeMillis(values[row]),
            Values::TimeMicros(values) => Cell::TimeMicros(values[row]),
            Values::Timestamp(values, unit, utc) => Cell::Timestamp(values[row], *unit, *utc),
            Values::Decimal(values, scale) => Cell::Decimal(values[row], *scale),
            Values::List(ends, items) => Cell::List(items, range(ends, row)),
            Values::Map(ends, keys, values) => Cell::Map(keys, values, range(ends, row)),
            Values::Struct(fields, children) => Cell::Struct(fields, children, row),
        }
    }
}

/// A dictionary's value, which may be null though its key is not.
fn category(values: &StringArray, index: Option<usize>) -> Cell<'_> {
    match index {
        Some(index) if index < values.len() && values.is_valid(index) => Cell::Text(values.value(index)),
        _ => Cell::Null,
    }
}

fn range(ends: &[i32], row: usize) -> std::ops::Range<usize> {
    // Arrow's offsets are not negative.
    let at = |index: usize| usize::try_from(ends[index]).unwrap_or(0);
    at(row)..at(row + 1)
}

/// Encodes rows one by one with `write`, which appends a row's bytes or says which column it cannot encode, and why.
pub(crate) fn encode_rows(
    arrays: &[ArrayRef],
    columns: &[EncodedColumn],
    rows: &mut dyn Iterator<Item = usize>,
    into: &mut Encoded,
    rejected: &mut Vec<(usize, Rejection)>,
    mut write: impl FnMut(&[View<'_>], usize, &mut Vec<u8>) -> Result<(), (usize, Refusal)>,
) {
    let views: Option<Vec<View<'_>>> = arrays.iter().zip(columns).map(|(array, column)| View::encoded(array, column)).collect();
    let views = views.filter(|_| arrays.len() == columns.len());
    for row in rows {
        let written = match &views {
            Some(views) => write(views, row, into.buffer()),
            None => Err((0, Refusal::new(Reason::WrongType, "the batch's columns are not those that the encoder was made for"))),
        };
        match written {
            Ok(()) => into.finish_row(row),
            Err((column, refusal)) => {
                into.discard_row();
                let rejection = Rejection::new(Phase::Encode, refusal.reason, refusal.message);
                let name = columns.get(column).map(|column| column.name.clone());
                rejected.push((row, rejection.field(name.unwrap_or_default())));
            }
        }
    }
}
