//! Features from columns to tensors: which column goes where is settled at planning, running is one pass over each source.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
};
use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::DataType;

use crate::dataset::{Phase, Reason, Rejection, Rows};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Element, Port, Tensor, Values};
use crate::nodes::{Column, Inputs, Planning, Slot, Source};

/// Everything that fills a model's inputs.
#[derive(Clone, Debug, Default)]
pub(super) struct Gather {
    inputs: Vec<Features>,
}

/// What fills one input.
#[derive(Clone, Debug)]
pub(super) struct Features {
    element: Element,
    width: usize,
    pieces: Vec<Piece>,
}

/// One source of features.
#[derive(Clone, Debug)]
enum Piece {
    /// An array goes into one place of the row.
    Array { read: usize, at: usize, name: Arc<str>, nullable: bool },
    /// A code sets one place of the row to one: the whole group of dummies at once. `places[code]` is where, or `NOWHERE`.
    OneHot { read: usize, places: Vec<u32> },
}

/// A category whose dummy is not among the features.
const NOWHERE: u32 = u32::MAX;

impl Features {
    /// Fits columns to an input; `None` when a column's type cannot be its element, which is reported. Adds the slots that it reads to
    /// `reads`.
    pub(super) fn plan(planning: &mut Planning<'_>, port: &Port, columns: &[Column], reads: &mut Vec<Slot>) -> Option<Self> {
        let mut features = Self { element: port.element, width: columns.len(), pieces: Vec::new() };
        let mut fits = true;
        for (at, column) in columns.iter().enumerate() {
            match &column.source {
                _ if !converts(&column.data_type, port.element) => {
                    report_type(planning, port, column);
                    fits = false;
                }
                Source::Indicator { codes, code } if port.element != Element::Str => {
                    features.one_hot(position(reads, *codes), usize::try_from(*code).unwrap_or(usize::MAX), at);
                }
                _ => {
                    let slot = planning.array(column);
                    let (read, name) = (position(reads, slot), Arc::clone(&column.name));
                    features.pieces.push(Piece::Array { read, at, name, nullable: column.nullable });
                }
            }
        }
        fits.then_some(features)
    }

    fn one_hot(&mut self, of: usize, code: usize, at: usize) {
        let group = self.pieces.iter_mut().find_map(|piece| match piece {
            // A feature named twice needs a group of its own: one place per code.
            Piece::OneHot { read, places } if *read == of && places.get(code).is_none_or(|place| *place == NOWHERE) => Some(places),
            _ => None,
        });
        let places = match group {
            Some(places) => places,
            None => {
                self.pieces.push(Piece::OneHot { read: of, places: Vec::new() });
                match self.pieces.last_mut() {
                    Some(Piece::OneHot { places, .. }) => places,
                    _ => return,
                }
            }
        };
        if places.len() <= code {
            places.resize(code + 1, NOWHERE);
        }
        places[code] = u32::try_from(at).unwrap_or(NOWHERE);
    }
}

/// The position of a slot among the kernel's reads, where it is added if it is new.
fn position(reads: &mut Vec<Slot>, slot: Slot) -> usize {
    reads.iter().position(|read| *read == slot).unwrap_or_else(|| {
        reads.push(slot);
        reads.len() - 1
    })
}

fn converts(data_type: &DataType, element: Element) -> bool {
    match element {
        Element::Str => matches!(data_type, DataType::Utf8 | DataType::Dictionary(_, _)),
        Element::Bool => matches!(data_type, DataType::Boolean),
        Element::F32 | Element::F64 => data_type.is_integer() || is_float(data_type) || *data_type == DataType::Boolean,
        Element::I64 | Element::I32 => data_type.is_integer() || *data_type == DataType::Boolean,
    }
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

fn report_type(planning: &mut Planning<'_>, port: &Port, column: &Column) {
    let message = format!(
        "column `{}` ({}, made by `{}`) cannot be a feature of input `{}`, which takes {}",
        column.name,
        column.dtype(),
        column.origin,
        port.name,
        port.element.name()
    );
    let mend = match (&column.data_type, port.element) {
        (DataType::Utf8 | DataType::Dictionary(_, _), _) => "make numbers of it first, with `get_dummies` or `map`",
        (DataType::Timestamp(_, _), _) => "take parts of it first, such as `dt.hour`",
        (_, Element::Str) => "make strings of it first, with `astype` and `dtype: str`",
        _ => "convert it first, with `astype`",
    };
    planning.report(Diagnostic::error(Code::TypeMismatch, message).help(mend), "/params/features");
}

impl Gather {
    /// Adds what fills the next input.
    pub(super) fn push(&mut self, features: Features) {
        self.inputs.push(features);
    }

    /// Empty tensors for all inputs.
    pub(super) fn tensors(&self) -> Vec<Tensor> {
        self.inputs.iter().map(|input| Tensor::new(input.element, input.width)).collect()
    }

    /// Sends every row with a null or NaN among its features to the dead letters.
    pub(super) fn reject_nulls(&self, inputs: &Inputs<'_>, rows: &mut Rows) {
        for piece in self.inputs.iter().flat_map(|input| &input.pieces) {
            let Piece::Array { read, name, nullable: true, .. } = piece else { continue };
            let array = inputs.array(*read);
            let is_nan: Box<dyn Fn(usize) -> bool> = match array.data_type() {
                DataType::Float32 => Box::new(|row| array.as_primitive::<Float32Type>().value(row).is_nan()),
                DataType::Float64 => Box::new(|row| array.as_primitive::<Float64Type>().value(row).is_nan()),
                _ => Box::new(|_| false),
            };
            for row in (0..rows.len()).filter(|row| array.is_null(*row) || is_nan(*row)) {
                let message = "the feature is null; the model takes numbers only";
                rows.reject(row, Rejection::new(Phase::Inference, Reason::UnexpectedNull, message).field(name.to_string()));
            }
        }
    }

    /// Makes each tensor the features of the rows `alive`, in this order.
    pub(super) fn fill(&self, inputs: &Inputs<'_>, alive: &[usize], tensors: &mut [Tensor]) {
        for (features, tensor) in self.inputs.iter().zip(tensors) {
            tensor.reset(alive.len());
            match &mut tensor.values {
                Values::F32(into) => features.fill_numbers(inputs, alive, into, f32::NAN, 1.0, |value| value as f32),
                Values::F64(into) => features.fill_numbers(inputs, alive, into, f64::NAN, 1.0, |value| value),
                Values::I64(into) => features.fill_integers(inputs, alive, into, |value| value),
                Values::I32(into) => features.fill_integers(inputs, alive, into, |value| value as i32),
                Values::Bool(into) => features.fill_bools(inputs, alive, into),
                Values::Str(into) => features.fill_strings(inputs, alive, into),
            }
        }
    }
}

impl Features {
    fn fill_numbers<T: Copy>(
        &self,
        inputs: &Inputs<'_>,
        alive: &[usize],
        into: &mut [T],
        null: T,
        one: T,
        convert: impl Fn(f64) -> T + Copy,
    ) {
        let width = self.width;
        for piece in &self.pieces {
            match piece {
                Piece::OneHot { read, places } => set_ones(inputs.array(*read), places, alive, into, width, one),
                Piece::Array { read, at, .. } => {
                    let column = into.iter_mut().skip(*at).step_by(width);
                    number_column(inputs.array(*read), alive, column, null, convert);
                }
            }
        }
    }

    fn fill_integers<T: Copy + From<bool>>(&self, inputs: &Inputs<'_>, alive: &[usize], into: &mut [T], convert: impl Fn(i64) -> T + Copy) {
        let width = self.width;
        for piece in &self.pieces {
            match piece {
                Piece::OneHot { read, places } => set_ones(inputs.array(*read), places, alive, into, width, T::from(true)),
                Piece::Array { read, at, .. } => {
                    let column = into.iter_mut().skip(*at).step_by(width);
                    integer_column(inputs.array(*read), alive, column, convert);
                }
            }
        }
    }

    fn fill_bools(&self, inputs: &Inputs<'_>, alive: &[usize], into: &mut [bool]) {
        for piece in &self.pieces {
            match piece {
                Piece::OneHot { read, places } => set_ones(inputs.array(*read), places, alive, into, self.width, true),
                Piece::Array { read, at, .. } => {
                    let array = inputs.array(*read).as_boolean();
                    for (place, row) in into.iter_mut().skip(*at).step_by(self.width).zip(alive) {
                        *place = array.is_valid(*row) && array.value(*row);
                    }
                }
            }
        }
    }

    fn fill_strings(&self, inputs: &Inputs<'_>, alive: &[usize], into: &mut [String]) {
        for piece in &self.pieces {
            let Piece::Array { read, at, .. } = piece else { continue };
            let array = inputs.array(*read);
            for (place, row) in into.iter_mut().skip(*at).step_by(self.width).zip(alive) {
                place.push_str(text_at(array, *row));
            }
        }
    }
}

/// The string of a row; empty where it is null.
fn text_at(array: &ArrayRef, row: usize) -> &str {
    if let Some(dictionary) = array.as_any_dictionary_opt() {
        let values = dictionary.values().as_string::<i32>();
        return if array.is_null(row) { "" } else { values.value(dictionary.normalized_keys()[row]) };
    }
    let strings = array.as_string::<i32>();
    if strings.is_null(row) { "" } else { strings.value(row) }
}

fn set_ones<T: Copy>(codes: &ArrayRef, places: &[u32], alive: &[usize], into: &mut [T], width: usize, one: T) {
    let codes = codes.as_primitive::<Int32Type>().values();
    for (at, row) in alive.iter().enumerate() {
        // A code of -1 (no category) wraps to a position that no group has.
        if let Some(place) = places.get(codes[*row] as usize).filter(|place| **place != NOWHERE) {
            into[at * width + *place as usize] = one;
        }
    }
}

fn number_column<'t, T: Copy + 't>(
    array: &ArrayRef,
    alive: &[usize],
    column: impl Iterator<Item = &'t mut T>,
    null: T,
    convert: impl Fn(f64) -> T + Copy,
) {
    match array.data_type() {
        DataType::Float64 => copy::<Float64Type, T>(array, alive, column, null, convert),
        DataType::Float32 => copy::<Float32Type, T>(array, alive, column, null, |value| convert(f64::from(value))),
        // As NumPy does, a 64-bit integer goes through a double on its way to a 32-bit float.
        DataType::Int64 => copy::<Int64Type, T>(array, alive, column, null, |value| convert(value as f64)),
        DataType::Int32 => copy::<Int32Type, T>(array, alive, column, null, |value| convert(f64::from(value))),
        DataType::Int16 => copy::<Int16Type, T>(array, alive, column, null, |value| convert(f64::from(value))),
        DataType::Int8 => copy::<Int8Type, T>(array, alive, column, null, |value| convert(f64::from(value))),
        DataType::UInt32 => copy::<UInt32Type, T>(array, alive, column, null, |value| convert(f64::from(value))),
        DataType::UInt16 => copy::<UInt16Type, T>(array, alive, column, null, |value| convert(f64::from(value))),
        DataType::UInt8 => copy::<UInt8Type, T>(array, alive, column, null, |value| convert(f64::from(value))),
        DataType::Boolean => {
            let array = array.as_boolean();
            for (place, row) in column.zip(alive) {
                *place = if array.is_null(*row) { null } else { convert(f64::from(u8::from(array.value(*row)))) };
            }
        }
        _ => unreachable!("`converts` admits no other type to a float input"),
    }
}

fn integer_column<'t, T: Copy + From<bool> + 't>(
    array: &ArrayRef,
    alive: &[usize],
    column: impl Iterator<Item = &'t mut T>,
    convert: impl Fn(i64) -> T + Copy,
) {
    let null = T::from(false);
    match array.data_type() {
        DataType::Int64 => copy::<Int64Type, T>(array, alive, column, null, convert),
        DataType::Int32 => copy::<Int32Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::Int16 => copy::<Int16Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::Int8 => copy::<Int8Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::UInt32 => copy::<UInt32Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::UInt16 => copy::<UInt16Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::UInt8 => copy::<UInt8Type, T>(array, alive, column, null, |value| convert(value.into())),
        DataType::Boolean => {
            let array = array.as_boolean();
            for (place, row) in column.zip(alive) {
                *place = T::from(array.is_valid(*row) && array.value(*row));
            }
        }
        _ => unreachable!("`converts` admits no other type to an integer input"),
    }
}

fn copy<'t, A: ArrowPrimitiveType, T: Copy + 't>(
    array: &ArrayRef,
    alive: &[usize],
    column: impl Iterator<Item = &'t mut T>,
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
