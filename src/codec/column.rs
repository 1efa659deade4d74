//! Columns under construction, which can take back an unfinished row.

use std::mem;
use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType, Time64MicrosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray, ListArray, MapArray, NullArray,
    PrimitiveArray, StringArray, StructArray, new_empty_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, TimeUnit};

use super::Decoded;
use crate::dataset::{Phase, Reason, Rejection};

/// A column under construction. Values are pushed one at a time; `truncate` takes back what a rejected row pushed before its fault.
///
/// # Invariants
/// A push of another type than the column's does nothing: which reader pushes to which column is settled when a decoder is built.
#[derive(Debug)]
pub(crate) struct Column {
    data_type: DataType,
    /// One per value; none for a column without nulls.
    valid: Option<Vec<bool>>,
    values: Values,
    /// Bytes per row of the last batch, to ask for the next one's memory at once.
    bytes_per_row: usize,
}

#[derive(Debug)]
enum Values {
    Null(usize),
    Bool(Vec<bool>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    I128(Vec<i128>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// Strings and binaries: where each ends, and all of their bytes.
    Bytes(Vec<i32>, Vec<u8>),
    Fixed(usize, Vec<u8>),
    List(Vec<i32>, Box<Column>),
    Map(Vec<i32>, Box<[Column; 2]>),
    Struct(usize, Vec<Column>),
}

/// A column that can hold no more bytes or items: its offsets have 32 bits.
#[derive(Debug)]
pub(crate) struct Full;

impl Column {
    /// An empty column. Types that no schema resolves to are columns of nulls.
    pub(crate) fn new(data_type: &DataType, nullable: bool) -> Self {
        let child = |field: &Field| Self::new(field.data_type(), field.is_nullable());
        let values = match data_type {
            DataType::Boolean => Values::Bool(Vec::new()),
            DataType::Int32 | DataType::Date32 | DataType::Time32(_) => Values::I32(Vec::new()),
            DataType::Int64 | DataType::Timestamp(..) | DataType::Time64(_) => Values::I64(Vec::new()),
            DataType::Decimal128(..) => Values::I128(Vec::new()),
            DataType::Float32 => Values::F32(Vec::new()),
            DataType::Float64 => Values::F64(Vec::new()),
            DataType::Utf8 | DataType::Binary => Values::Bytes(vec![0], Vec::new()),
            DataType::FixedSizeBinary(size) => Values::Fixed(usize::try_from(*size).unwrap_or(0), Vec::new()),
            DataType::List(item) => Values::List(vec![0], Box::new(child(item))),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => Values::Map(vec![0], Box::new([child(&pair[0]), child(&pair[1])])),
                _ => Values::Null(0),
            },
            DataType::Struct(fields) => Values::Struct(0, fields.iter().map(|field| child(field)).collect()),
            _ => Values::Null(0),
        };
        let valid = (nullable && !matches!(values, Values::Null(_))).then(Vec::new);
        Self { data_type: data_type.clone(), valid, values, bytes_per_row: 0 }
    }

    /// Asks for the memory of a batch of `rows` rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        if let Some(valid) = &mut self.valid {
            valid.reserve(rows);
        }
        match &mut self.values {
            Values::Bool(values) => values.reserve(rows),
            Values::I32(values) => values.reserve_exact(rows),
            Values::I64(values) => values.reserve_exact(rows),
            Values::I128(values) => values.reserve_exact(rows),
            Values::F32(values) => values.reserve_exact(rows),
            Values::F64(values) => values.reserve_exact(rows),
            Values::Bytes(ends, bytes) => {
                ends.reserve_exact(rows);
                bytes.reserve(rows.saturating_mul(self.bytes_per_row.min(1 << 16)));
            }
            Values::Fixed(size, bytes) => bytes.reserve(rows.saturating_mul(*size)),
            Values::List(ends, _) | Values::Map(ends, _) => ends.reserve_exact(rows),
            Values::Null(_) | Values::Struct(..) => {}
        }
    }

    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        match &self.values {
            Values::Null(len) | Values::Struct(len, _) => *len,
            Values::Bool(values) => values.len(),
            Values::I32(values) => values.len(),
            Values::I64(values) => values.len(),
            Values::I128(values) => values.len(),
            Values::F32(values) => values.len(),
            Values::F64(values) => values.len(),
            Values::Bytes(ends, _) | Values::List(ends, _) | Values::Map(ends, _) => ends.len() - 1,
            Values::Fixed(size, bytes) => bytes.len().checked_div(*size).unwrap_or(0),
        }
    }

    /// Takes back every value from the `len`-th on.
    pub(crate) fn truncate(&mut self, len: usize) {
        if let Some(valid) = &mut self.valid {
            valid.truncate(len);
        }
        match &mut self.values {
            Values::Null(values) => *values = len.min(*values),
            Values::Bool(values) => values.truncate(len),
            Values::I32(values) => values.truncate(len),
            Values::I64(values) => values.truncate(len),
            Values::I128(values) => values.truncate(len),
            Values::F32(values) => values.truncate(len),
            Values::F64(values) => values.truncate(len),
            Values::Bytes(ends, bytes) => bytes.truncate(cut(ends, len)),
            Values::Fixed(size, bytes) => bytes.truncate(len * *size),
            Values::List(ends, item) => item.truncate(cut(ends, len)),
            Values::Map(ends, pair) => {
                let end = cut(ends, len);
                pair.iter_mut().for_each(|column| column.truncate(end));
            }
            Values::Struct(values, children) => {
                *values = len.min(*values);
                children.iter_mut().for_each(|child| child.truncate(len));
            }
        }
    }

    #[inline]
    fn mark_valid(&mut self) {
        if let Some(valid) = &mut self.valid {
            valid.push(true);
        }
    }

    fn mark_all_valid(&mut self, count: usize) {
        if let Some(valid) = &mut self.valid {
            valid.resize(valid.len() + count, true);
        }
    }

    pub(crate) fn push_null(&mut self) {
        if let Some(valid) = &mut self.valid {
            valid.push(false);
        }
        match &mut self.values {
            Values::Null(len) => *len += 1,
            Values::Bool(values) => values.push(false),
            Values::I32(values) => values.push(0),
            Values::I64(values) => values.push(0),
            Values::I128(values) => values.push(0),
            Values::F32(values) => values.push(0.0),
            Values::F64(values) => values.push(0.0),
            Values::Bytes(ends, _) | Values::List(ends, _) | Values::Map(ends, _) => ends.push(ends.last().copied().unwrap_or(0)),
            Values::Fixed(size, bytes) => bytes.resize(bytes.len() + *size, 0),
            Values::Struct(len, children) => {
                *len += 1;
                children.iter_mut().for_each(Self::push_null);
            }
        }
    }

    #[inline]
    pub(crate) fn push_bool(&mut self, value: bool) {
        if let Values::Bool(values) = &mut self.values {
            values.push(value);
        }
        self.mark_valid();
    }

    #[inline]
    pub(crate) fn push_i32(&mut self, value: i32) {
        if let Values::I32(values) = &mut self.values {
            values.push(value);
        }
        self.mark_valid();
    }

    #[inline]
    pub(crate) fn push_i64(&mut self, value: i64) {
        if let Values::I64(values) = &mut self.values {
            values.push(value);
        }
        self.mark_valid();
    }

    #[inline]
    pub(crate) fn push_i128(&mut self, value: i128) {
        if let Values::I128(values) = &mut self.values {
            values.push(value);
        }
        self.mark_valid();
    }

    #[inline]
    pub(crate) fn push_f32(&mut self, value: f32) {
        if let Values::F32(values) = &mut self.values {
            values.push(value);
        }
        self.mark_valid();
    }

    #[inline]
    pub(crate) fn push_f64(&mut self, value: f64) {
        if let Values::F64(values) = &mut self.values {
            values.push(value);
        }
        self.mark_valid();
    }

    /// As [`Column::push_f32`], all of these.
    pub(crate) fn extend_f32(&mut self, all: impl ExactSizeIterator<Item = f32>) {
        let count = all.len();
        if let Values::F32(values) = &mut self.values {
            values.extend(all);
        }
        self.mark_all_valid(count);
    }

    /// As [`Column::push_f64`], all of these.
    pub(crate) fn extend_f64(&mut self, all: impl ExactSizeIterator<Item = f64>) {
        let count = all.len();
        if let Values::F64(values) = &mut self.values {
            values.extend(all);
        }
        self.mark_all_valid(count);
    }

    /// Pushes a binary of any length, or a string: the caller has seen to it that a string is UTF-8.
    #[inline]
    pub(crate) fn push_bytes(&mut self, value: &[u8]) -> Result<(), Full> {
        if let Values::Bytes(ends, bytes) = &mut self.values {
            let end = i32::try_from(bytes.len() + value.len()).map_err(|_| Full)?;
            bytes.extend_from_slice(value);
            ends.push(end);
        }
        self.mark_valid();
        Ok(())
    }

    /// Pushes a binary of the column's length.
    #[inline]
    pub(crate) fn push_fixed(&mut self, value: &[u8]) {
        if let Values::Fixed(_, bytes) = &mut self.values {
            bytes.extend_from_slice(value);
        }
        self.mark_valid();
    }

    /// The columns in which a list's items, a map's keys and values, or a struct's fields are built. `close` makes them a value.
    pub(crate) fn children(&mut self) -> &mut [Column] {
        match &mut self.values {
            Values::List(_, item) => std::slice::from_mut(item),
            Values::Map(_, pair) => pair.as_mut_slice(),
            Values::Struct(_, children) => children,
            _ => &mut [],
        }
    }

    /// Makes what was pushed to the children since the last value a value.
    pub(crate) fn close(&mut self) -> Result<(), Full> {
        match &mut self.values {
            Values::List(ends, item) => ends.push(i32::try_from(item.len()).map_err(|_| Full)?),
            Values::Map(ends, pair) => ends.push(i32::try_from(pair[0].len()).map_err(|_| Full)?),
            Values::Struct(len, _) => *len += 1,
            _ => {}
        }
        self.mark_valid();
        Ok(())
    }

    /// The finished column; what is left is empty.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let len = self.len();
        let nulls = self.valid.as_mut().and_then(|valid| {
            let nulls = valid.contains(&false).then(|| NullBuffer::new(BooleanBuffer::collect_bool(valid.len(), |row| valid[row])));
            valid.clear();
            nulls
        });
        Ok(match &mut self.values {
            Values::Null(len) => Arc::new(NullArray::new(mem::take(len))),
            Values::Bool(values) => {
                let bits = BooleanBuffer::collect_bool(values.len(), |row| values[row]);
                values.clear();
                Arc::new(BooleanArray::new(bits, nulls))
            }
            Values::I32(values) => {
                let values = mem::take(values);
                match &self.data_type {
                    DataType::Date32 => primitive::<Date32Type>(values, nulls)?,
                    DataType::Time32(_) => primitive::<Time32MillisecondType>(values, nulls)?,
                    _ => primitive::<Int32Type>(values, nulls)?,
                }
            }
            Values::I64(values) => {
                let values = mem::take(values);
                match &self.data_type {
                    DataType::Timestamp(unit, zone) => timestamp(*unit, zone.clone(), values, nulls)?,
                    DataType::Time64(_) => primitive::<Time64MicrosecondType>(values, nulls)?,
                    _ => primitive::<Int64Type>(values, nulls)?,
                }
            }
            Values::I128(values) => {
                Arc::new(Decimal128Array::try_new(ScalarBuffer::from(mem::take(values)), nulls)?.with_data_type(self.data_type.clone()))
            }
            Values::F32(values) => primitive::<Float32Type>(mem::take(values), nulls)?,
            Values::F64(values) => primitive::<Float64Type>(mem::take(values), nulls)?,
            Values::Bytes(ends, bytes) => {
                self.bytes_per_row = bytes.len().div_ceil(len.max(1));
                let (ends, bytes) = (offsets(ends), Buffer::from_vec(mem::take(bytes)));
                match &self.data_type {
                    DataType::Utf8 => Arc::new(StringArray::try_new(ends, bytes, nulls)?),
                    _ => Arc::new(BinaryArray::try_new(ends, bytes, nulls)?),
                }
            }
            Values::Fixed(size, bytes) => {
                let size = i32::try_from(*size).unwrap_or(0);
                Arc::new(FixedSizeBinaryArray::try_new(size, Buffer::from_vec(mem::take(bytes)), nulls)?)
            }
            Values::List(ends, item) => {
                let DataType::List(field) = &self.data_type else { return Ok(Arc::new(NullArray::new(len))) };
                Arc::new(ListArray::try_new(field.clone(), offsets(ends), item.finish()?, nulls)?)
            }
            Values::Map(ends, pair) => {
                let DataType::Map(field, sorted) = &self.data_type else { return Ok(Arc::new(NullArray::new(len))) };
                let DataType::Struct(fields) = field.data_type() else { return Ok(Arc::new(NullArray::new(len))) };
                let entries = StructArray::try_new(fields.clone(), vec![pair[0].finish()?, pair[1].finish()?], None)?;
                Arc::new(MapArray::try_new(field.clone(), offsets(ends), entries, nulls, *sorted)?)
            }
            Values::Struct(rows, children) => {
                *rows = 0;
                let DataType::Struct(fields) = &self.data_type else { return Ok(Arc::new(NullArray::new(len))) };
                let children = children.iter_mut().map(Self::finish).collect::<Result<_, _>>()?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), children, nulls, len)?)
            }
        })
    }
}

fn cut(ends: &mut Vec<i32>, len: usize) -> usize {
    ends.truncate(len + 1);
    usize::try_from(ends.last().copied().unwrap_or(0)).unwrap_or(0)
}

fn offsets(ends: &mut Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(mem::replace(ends, vec![0])))
}

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(PrimitiveArray::<T>::try_new(ScalarBuffer::from(values), nulls)?))
}

fn timestamp(unit: TimeUnit, zone: Option<Arc<str>>, values: Vec<i64>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let values = ScalarBuffer::from(values);
    Ok(match unit {
        TimeUnit::Second => Arc::new(PrimitiveArray::<TimestampSecondType>::try_new(values, nulls)?.with_timezone_opt(zone)),
        TimeUnit::Millisecond => Arc::new(PrimitiveArray::<TimestampMillisecondType>::try_new(values, nulls)?.with_timezone_opt(zone)),
        TimeUnit::Microsecond => Arc::new(PrimitiveArray::<TimestampMicrosecondType>::try_new(values, nulls)?.with_timezone_opt(zone)),
        TimeUnit::Nanosecond => Arc::new(PrimitiveArray::<TimestampNanosecondType>::try_new(values, nulls)?.with_timezone_opt(zone)),
    })
}

/// Finishes a batch's columns into `into`, whose rows are set.
pub(crate) fn deliver(columns: &mut [Column], into: &mut Decoded) {
    let mut refused = None;
    for column in columns.iter_mut() {
        match column.finish() {
            Ok(array) => into.columns.push(array),
            Err(error) => refused = Some(error),
        }
    }
    // Arrow refuses what the pushes built. No way there is known; were there one, its rows must be accounted for like any others.
    if let Some(error) = refused {
        let rejection = Rejection::new(Phase::Decode, Reason::Malformed, format!("no column can be made of the batch: {error}"));
        into.rejected.extend(into.rows.drain(..).map(|row| (row, rejection.clone())));
        into.rejected.sort_by_key(|(row, _)| *row);
        into.columns = columns.iter().map(|column| new_empty_array(&column.data_type)).collect();
    }
}
