//! Filling a tensor: one pass over each source of features.

use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::DataType;

use super::features::{Features, NOWHERE, Piece};
use crate::model::{F16, Values, half};
use crate::nodes::Inputs;

/// Writes the features of the rows `alive`, in this order, into a tensor of as many rows of zeros.
pub(super) fn fill(features: &Features, inputs: &Inputs<'_>, alive: &[usize], into: &mut Values) {
    let writer = Writer { features, inputs, alive };
    if let Values::F32(into) = into
        && writer.copy_floats(into)
    {
        return;
    }
    match into {
        // NumPy takes an integer to a half through a float.
        Values::F16(into) if features.integers => {
            writer.whole(into, F16::ONE, |value| F16::from_f32(value as f32), |value| F16::from_f32(value as f32));
        }
        Values::F16(into) => writer.numbers(into, F16::NAN, F16::ONE, half),
        Values::F32(into) if features.integers => writer.whole(into, 1.0, |value| value as f32, |value| value as f32),
        Values::F32(into) => writer.numbers(into, f32::NAN, 1.0, |value| value as f32),
        Values::F64(into) => writer.numbers(into, f64::NAN, 1.0, |value| value),
        Values::I8(into) => writer.integers(into, 0, 1, |value| value as i8),
        Values::I16(into) => writer.integers(into, 0, 1, |value| value as i16),
        Values::I32(into) => writer.integers(into, 0, 1, |value| value as i32),
        Values::I64(into) => writer.integers(into, 0, 1, |value| value),
        Values::U8(into) => writer.integers(into, 0, 1, |value| value as u8),
        Values::U16(into) => writer.integers(into, 0, 1, |value| value as u16),
        Values::U32(into) => writer.integers(into, 0, 1, |value| value as u32),
        Values::U64(into) => writer.integers(into, 0, 1, |value| value as u64),
        Values::Bool(into) => writer.columns(into, true, |array, rows, column| boolean_column(array, rows, column, false, |value| value)),
        Values::Str(into) => writer.columns(into, String::new(), text_column),
    }
}

struct Writer<'a> {
    features: &'a Features,
    inputs: &'a Inputs<'a>,
    alive: &'a [usize],
}

/// The places of one feature in all rows of a tensor.
type Places<'t, T> = std::iter::StepBy<std::slice::IterMut<'t, T>>;

impl Writer<'_> {
    fn numbers<T: Copy>(&self, into: &mut [T], null: T, one: T, convert: impl Fn(f64) -> T + Copy) {
        self.columns(into, one, |array, rows, column| number_column(array, rows, column, null, convert));
    }

    /// Values that do not fit belong to rows that are out.
    fn integers<T: Copy>(&self, into: &mut [T], null: T, one: T, convert: impl Fn(i64) -> T + Copy) {
        self.columns(into, one, |array, rows, column| integer_column(array, rows, column, null, convert));
    }

    /// Integers without nulls on their way to a float: rounded once, from the column's own type.
    fn whole<T: Copy + Default>(&self, into: &mut [T], one: T, signed: impl Fn(i64) -> T + Copy, unsigned: impl Fn(u64) -> T + Copy) {
        self.columns(into, one, |array, rows, column| match array.data_type() {
            DataType::UInt64 => copy::<UInt64Type, T>(array, rows, column, T::default(), unsigned),
            _ => integer_column(array, rows, column, T::default(), signed),
        });
    }

    /// `write` gets an array, which of its places, and where they go.
    fn columns<T: Clone>(&self, into: &mut [T], one: T, write: impl Fn(&ArrayRef, &[usize], Places<'_, T>)) {
        let width = self.features.width;
        for piece in &self.features.pieces {
            match piece {
                Piece::OneHot { read, places } => set_ones(self.inputs.array(*read), places, self.alive, into, width, &one),
                Piece::Array { read, at, .. } => {
                    let from = into.get_mut(*at..).unwrap_or_default();
                    write(self.inputs.array(*read), self.alive, from.iter_mut().step_by(width));
                }
                Piece::List { read, .. } => {
                    let places: Vec<usize> = (0..width).collect();
                    for (row, items) in into.chunks_exact_mut(width).zip(self.lists(*read)) {
                        write(&items, &places[..items.len().min(width)], row.iter_mut().step_by(1));
                    }
                }
            }
        }
    }

    /// The lists of the rows.
    fn lists(&self, read: usize) -> impl Iterator<Item = ArrayRef> {
        let lists = self.inputs.array(read).as_list::<i32>();
        self.alive.iter().map(|row| lists.value(*row))
    }

    /// Copies lists that hold floats without nulls, as they lie there; `false` for all other features.
    fn copy_floats(&self, into: &mut [f32]) -> bool {
        let [Piece::List { read, .. }] = self.features.pieces.as_slice() else { return false };
        let lists = self.inputs.array(*read).as_list::<i32>();
        let Some(items) = lists.values().as_primitive_opt::<Float32Type>().filter(|items| items.null_count() == 0) else { return false };
        let (items, offsets) = (items.values(), lists.value_offsets());
        for (into, row) in into.chunks_exact_mut(self.features.width).zip(self.alive) {
            let list = &items[offsets[*row] as usize..offsets[*row + 1] as usize];
            into.iter_mut().zip(list).for_each(|(into, item)| *into = *item);
        }
        true
    }
}

fn set_ones<T: Clone>(codes: &ArrayRef, places: &[u32], alive: &[usize], into: &mut [T], width: usize, one: &T) {
    let codes = codes.as_primitive::<Int32Type>().values();
    for (at, row) in alive.iter().enumerate() {
        // A code of -1 (no category) wraps to a position that no group has.
        if let Some(place) = places.get(codes[*row] as usize).filter(|place| **place != NOWHERE) {
            into[at * width + *place as usize] = one.clone();
        }
    }
}

fn number_column<T: Copy>(array: &ArrayRef, alive: &[usize], column: Places<'_, T>, null: T, convert: impl Fn(f64) -> T + Copy) {
    match array.data_type() {
        DataType::Float64 => copy::<Float64Type, T>(array, alive, column, null, convert),
        DataType::Float32 => copy::<Float32Type, T>(array, alive, column, null, |value| convert(f64::from(value))),
        DataType::UInt64 => copy::<UInt64Type, T>(array, alive, column, null, |value| convert(value as f64)),
        DataType::Boolean => boolean_column(array, alive, column, null, |value| convert(f64::from(u8::from(value)))),
        // As NumPy does beside other types, an integer goes through a double on its way to a smaller float.
        _ => integer_column(array, alive, column, null, |value| convert(value as f64)),
    }
}

fn integer_column<T: Copy>(array: &ArrayRef, alive: &[usize], column: Places<'_, T>, null: T, convert: impl Fn(i64) -> T + Copy) {
    match array.data_type() {
        DataType::Int64 => copy::<Int64Type, T>(array, alive, column, null, convert),
        DataType::Int32 => copy::<Int32Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::Int16 => copy::<Int16Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::Int8 => copy::<Int8Type, T>(array, alive, column, null, |value| convert(value.into())),
        // Its upper half comes out right again in the only input of integers that can hold it, `uint64`.
        DataType::UInt64 => copy::<UInt64Type, T>(array, alive, column, null, |value| convert(value as i64)),
        DataType::UInt32 => copy::<UInt32Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::UInt16 => copy::<UInt16Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::UInt8 => copy::<UInt8Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::Boolean => boolean_column(array, alive, column, null, |value| convert(value.into())),
        _ => unreachable!("`converts` admits no other type to a number"),
    }
}

fn boolean_column<T: Copy>(array: &ArrayRef, alive: &[usize], column: Places<'_, T>, null: T, convert: impl Fn(bool) -> T) {
    let array = array.as_boolean();
    for (place, row) in column.zip(alive) {
        *place = if array.is_null(*row) { null } else { convert(array.value(*row)) };
    }
}

fn text_column(array: &ArrayRef, alive: &[usize], column: Places<'_, String>) {
    for (place, row) in column.zip(alive) {
        place.push_str(super::features::text_at(array, *row));
    }
}

fn copy<A: ArrowPrimitiveType, T: Copy>(
    array: &ArrayRef,
    alive: &[usize],
    column: Places<'_, T>,
    null: T,
    convert: impl Fn(A::Native) -> T,
) {
    let array = array.as_primitive::<A>();
    let values = array.values();
    match array.nulls() {
        None => column.zip(alive).for_each(|(place, row)| *place = convert(values[*row])),
        Some(nulls) => {
            column.zip(alive).for_each(|(place, row)| *place = if nulls.is_null(*row) { null } else { convert(values[*row]) });
        }
    }
}

/// Gives each row's integer that is not null to `each`; nothing for other types.
pub(super) fn any_integer(array: &ArrayRef, each: impl FnMut(usize, i128)) {
    match array.data_type() {
        DataType::Int64 => walk::<Int64Type>(array, each),
        DataType::Int32 => walk::<Int32Type>(array, each),
        DataType::Int16 => walk::<Int16Type>(array, each),
        DataType::Int8 => walk::<Int8Type>(array, each),
        DataType::UInt64 => walk::<UInt64Type>(array, each),
        DataType::UInt32 => walk::<UInt32Type>(array, each),
        DataType::UInt16 => walk::<UInt16Type>(array, each),
        DataType::UInt8 => walk::<UInt8Type>(array, each),
        _ => {}
    }
}

fn walk<A: ArrowPrimitiveType>(array: &ArrayRef, mut each: impl FnMut(usize, i128))
where
    A::Native: Into<i128>,
{
    let array = array.as_primitive::<A>();
    for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
        each(row, array.value(row).into());
    }
}
