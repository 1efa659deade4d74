//! Features from columns to tensors: which column goes where, and whether its type may, is settled at planning.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::types::{Float32Type, Float64Type, Int32Type};
use arrow_array::{Array, ArrayRef, ListArray, cast::AsArray};
use arrow_schema::{DataType, Field};

use super::Nulls;
use super::fill::{any_integer, fill};
use crate::dataset::{Phase, Reason, Rejection, Rows};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Element, Model, Port, Tensor};
use crate::nodes::pandas::lanes::floats;
use crate::nodes::{Column, Feature, Inputs, Planning, Slot, Source};

/// Everything that fills a model's inputs.
#[derive(Clone, Debug, Default)]
pub(super) struct Gather {
    inputs: Vec<Features>,
}

/// What fills one input.
#[derive(Clone, Debug)]
pub(super) struct Features {
    element: Element,
    /// The features' names, in order.
    names: Vec<Arc<str>>,
    pub(super) width: usize,
    pub(super) pieces: Vec<Piece>,
    /// Whether all columns are integers of a common type: pandas then keeps a row's values as integers, and a float input gets each rounded
    /// once. Beside other types they become doubles first.
    pub(super) integers: bool,
}

/// One source of features.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// An array goes into one place of the row.
    Array {
        /// Which of the kernel's inputs it is.
        read: usize,
        /// Its place in the row.
        at: usize,
        /// The column's name.
        name: Arc<str>,
        /// The integers that the input can hold, where the column can have others.
        bounds: Option<(i128, i128)>,
    },
    /// A code sets one place of the row to one: the whole group of dummies at once. `places[code]` is where, or `NOWHERE`.
    OneHot { read: usize, places: Vec<u32> },
    /// A list is the whole row: it must have as many items as the input has features.
    List { read: usize, name: Arc<str> },
}

/// A category whose dummy is not among the features.
pub(super) const NOWHERE: u32 = u32::MAX;

impl Features {
    /// Fits columns to an input; `None` when a column's type cannot be its element, which is reported. Adds the slots that it reads to
    /// `reads`.
    pub(super) fn plan(
        planning: &mut Planning<'_>,
        port: &Port,
        columns: &[Column],
        pointer: &str,
        nulls: Nulls,
        reads: &mut Vec<Slot>,
    ) -> Option<Self> {
        if let [column] = columns
            && let Some(item) = list_item(column)
        {
            return Self::plan_list(planning, port, column, item, pointer, reads);
        }
        let is_integer = |column: &Column| column.data_type.is_integer() && !column.nullable;
        let is_any = |wanted: fn(&DataType) -> bool| columns.iter().any(|column| wanted(&column.data_type));
        // The common type of `uint64` and a signed one is a double in NumPy.
        let integers =
            columns.iter().all(is_integer) && !(is_any(|data_type| *data_type == DataType::UInt64) && is_any(DataType::is_signed_integer));
        let names = columns.iter().map(|column| Arc::clone(&column.name)).collect();
        let mut features = Self { element: port.element, names, width: columns.len(), pieces: Vec::new(), integers };
        let mut fits = true;
        for (at, column) in columns.iter().enumerate() {
            let pieces = &mut features.pieces;
            match &column.source {
                _ if !converts(&column.data_type, port.element) => {
                    report_type(planning, port, column, pointer);
                    fits = false;
                }
                _ if column.nullable && nulls == Nulls::Nan && !has_null(port.element) => {
                    report_null(planning, port, column, pointer);
                    fits = false;
                }
                Source::Indicator { codes, code } if port.element != Element::Str => {
                    one_hot(pieces, position(reads, *codes), usize::try_from(*code).unwrap_or(usize::MAX), at);
                }
                _ => {
                    let slot = planning.array(column);
                    let (read, name) = (position(reads, slot), Arc::clone(&column.name));
                    let bounds = bounds(port.element).filter(|bounds| !within(&column.data_type, *bounds));
                    pieces.push(Piece::Array { read, at, name, bounds });
                }
            }
        }
        fits.then_some(features)
    }

    /// The items of one list are all features of the input, whose width the model must tell.
    fn plan_list(
        planning: &mut Planning<'_>,
        port: &Port,
        column: &Column,
        item: &Field,
        pointer: &str,
        reads: &mut Vec<Slot>,
    ) -> Option<Self> {
        let floats = matches!(port.element, Element::F16 | Element::F32 | Element::F64);
        if !floats || !converts(item.data_type(), port.element) {
            report_type(planning, port, column, pointer);
            return None;
        }
        let width = port.width()?;
        let integers = item.data_type().is_signed_integer() && !item.is_nullable();
        let names = (0..width).map(|at| format!("{}[{at}]", column.name).into()).collect();
        let slot = planning.array(column);
        let pieces = vec![Piece::List { read: position(reads, slot), name: Arc::clone(&column.name) }];
        Some(Self { element: port.element, names, width, pieces, integers })
    }
}

/// What a column's lists hold; `None` for other columns.
pub(super) fn list_item(column: &Column) -> Option<&Field> {
    match &column.data_type {
        DataType::List(item) => Some(item),
        _ => None,
    }
}

fn one_hot(pieces: &mut Vec<Piece>, of: usize, code: usize, at: usize) {
    let group = pieces.iter_mut().find_map(|piece| match piece {
        // A feature named twice needs a group of its own: one place per code.
        Piece::OneHot { read, places } if *read == of && places.get(code).is_none_or(|place| *place == NOWHERE) => Some(places),
        _ => None,
    });
    let places = match group {
        Some(places) => places,
        None => {
            pieces.push(Piece::OneHot { read: of, places: Vec::new() });
            match pieces.last_mut() {
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

/// The position of a slot among the kernel's reads, where it is added if it is new.
fn position(reads: &mut Vec<Slot>, slot: Slot) -> usize {
    reads.iter().position(|read| *read == slot).unwrap_or_else(|| {
        reads.push(slot);
        reads.len() - 1
    })
}

/// Whether a column's values may go into an input: numbers and booleans into floats, rounded as NumPy's `astype` does; integers and
/// booleans into integers, where a value that does not fit is a dead letter; booleans into booleans; text into strings.
fn converts(data_type: &DataType, element: Element) -> bool {
    match element {
        Element::Str => matches!(data_type, DataType::Utf8 | DataType::Dictionary(_, _)),
        Element::Bool => matches!(data_type, DataType::Boolean),
        Element::F16 | Element::F32 | Element::F64 => {
            data_type.is_integer() || matches!(data_type, DataType::Float32 | DataType::Float64 | DataType::Boolean)
        }
        _ => data_type.is_integer() || *data_type == DataType::Boolean,
    }
}

/// Whether a null has a value of its own in an input.
fn has_null(element: Element) -> bool {
    matches!(element, Element::F16 | Element::F32 | Element::F64 | Element::Str)
}

/// Least and greatest value of an integer element.
fn bounds(element: Element) -> Option<(i128, i128)> {
    Some(match element {
        Element::I8 => (i8::MIN.into(), i8::MAX.into()),
        Element::I16 => (i16::MIN.into(), i16::MAX.into()),
        Element::I32 => (i32::MIN.into(), i32::MAX.into()),
        Element::I64 => (i64::MIN.into(), i64::MAX.into()),
        Element::U8 => (0, u8::MAX.into()),
        Element::U16 => (0, u16::MAX.into()),
        Element::U32 => (0, u32::MAX.into()),
        Element::U64 => (0, u64::MAX.into()),
        Element::F16 | Element::F32 | Element::F64 | Element::Bool | Element::Str => return None,
    })
}

/// Whether every value of an integer column lies within bounds.
fn within(data_type: &DataType, (least, greatest): (i128, i128)) -> bool {
    let element = match data_type {
        DataType::Int8 => Element::I8,
        DataType::Int16 => Element::I16,
        DataType::Int32 => Element::I32,
        DataType::Int64 => Element::I64,
        DataType::UInt8 => Element::U8,
        DataType::UInt16 => Element::U16,
        DataType::UInt32 => Element::U32,
        DataType::UInt64 => Element::U64,
        _ => return true,
    };
    bounds(element).is_some_and(|(from, to)| least <= from && to <= greatest)
}

fn report_type(planning: &mut Planning<'_>, port: &Port, column: &Column, pointer: &str) {
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
        (DataType::Date32, _) => "make times of it first, with `to_datetime`, and take parts of them, such as `dt.year`",
        (DataType::List(_), _) => "a list must hold numbers and fill an input of floats alone",
        (_, Element::Str) => "make strings of it first, with `astype` and `dtype: str`",
        _ => "convert it first, with `astype`",
    };
    planning.report(Diagnostic::error(Code::ModelSignature, message).help(mend), pointer);
}

fn report_null(planning: &mut Planning<'_>, port: &Port, column: &Column, pointer: &str) {
    let message =
        format!("column `{}` can be null, and input `{}` takes {}, which has no NaN", column.name, port.name, port.element.name());
    let mend = "fill it first, with `fillna`, or leave `nulls` at `reject`";
    let mut diagnostic = Diagnostic::error(Code::NullReaches, message);
    if let Some(path) = column.null_path() {
        diagnostic = diagnostic.because(format!("the null's way: {path} -> `{}`", planning.id()));
    }
    planning.report(diagnostic.help(mend), pointer);
}

impl Gather {
    /// Adds what fills the next input.
    pub(super) fn push(&mut self, features: Features) {
        self.inputs.push(features);
    }

    /// Every feature of `model`, in its order.
    pub(super) fn features(&self, model: &Model) -> Vec<Feature> {
        let id: Arc<str> = model.id.as_str().into();
        let of_input = |(port, features): (&Port, &Features)| {
            let (model, input, element) = (Arc::clone(&id), Arc::from(port.name.as_str()), features.element);
            let feature =
                move |name: &Arc<str>| Feature { model: Arc::clone(&model), input: Arc::clone(&input), name: Arc::clone(name), element };
            features.names.iter().map(feature).collect::<Vec<_>>()
        };
        model.signature.inputs.iter().zip(&self.inputs).flat_map(of_input).collect()
    }

    /// Empty tensors for all inputs.
    pub(super) fn tensors(&self) -> Vec<Tensor> {
        self.inputs.iter().map(|input| Tensor::new(input.element, input.width)).collect()
    }

    /// Sends every row whose list does not fill its input to the dead letters; a list that is null among them, whatever `nulls` says.
    pub(super) fn reject_lengths(&self, inputs: &Inputs<'_>, rows: &mut Rows) {
        for (features, piece) in self.pieces() {
            let Piece::List { read, name } = piece else { continue };
            let lists = inputs.array(*read).as_list::<i32>();
            for row in 0..rows.len() {
                let (reason, message) = match lists.value_length(row) {
                    _ if lists.is_null(row) => (Reason::UnexpectedNull, "the list is null; the model takes its items".to_owned()),
                    length if usize::try_from(length) == Ok(features.width) => continue,
                    length => (Reason::InvalidLength, format!("expected: {} items, found: {length}", features.width)),
                };
                rows.reject(row, Rejection::new(Phase::Inference, reason, message).field(name.to_string()));
            }
        }
    }

    fn pieces(&self) -> impl Iterator<Item = (&Features, &Piece)> {
        self.inputs.iter().flat_map(|features| features.pieces.iter().map(move |piece| (features, piece)))
    }

    /// Sends every row with a feature that is null, or no finite number in its input's type, to the dead letters.
    pub(super) fn reject_non_finite(&self, inputs: &Inputs<'_>, rows: &mut Rows) {
        for (features, piece) in self.pieces() {
            match piece {
                Piece::Array { read, name, .. } => {
                    for (row, value) in doubtful(inputs.array(*read), features.element).iter().enumerate() {
                        if let Some(rejection) = non_finite(*value, features.element) {
                            rows.reject(row, rejection.field(name.to_string()));
                        }
                    }
                }
                Piece::List { read, name } => reject_items(inputs.array(*read).as_list::<i32>(), features.element, name, rows),
                Piece::OneHot { .. } => {}
            }
        }
    }

    /// Sends every row with an integer that its input cannot hold to the dead letters.
    pub(super) fn reject_out_of_range(&self, inputs: &Inputs<'_>, rows: &mut Rows) {
        for (features, piece) in self.pieces() {
            let Piece::Array { read, name, bounds: Some((least, greatest)), .. } = piece else { continue };
            any_integer(inputs.array(*read), |row, value| {
                if !(*least..=*greatest).contains(&value) {
                    let kind = features.element.name();
                    let message = format!("the model takes {kind}; expected: {least} to {greatest}, found: {value}");
                    rows.reject(row, Rejection::new(Phase::Inference, Reason::OutOfRange, message).field(name.to_string()));
                }
            });
        }
    }

    /// Makes each tensor the features of the rows `alive`, in this order.
    pub(super) fn fill(&self, inputs: &Inputs<'_>, alive: &[usize], tensors: &mut [Tensor]) {
        for (features, tensor) in self.inputs.iter().zip(tensors) {
            tensor.reset(alive.len());
            fill(features, inputs, alive, &mut tensor.values);
        }
    }
}

/// Sends every row with such an item in its list to the dead letters.
fn reject_items(lists: &ListArray, element: Element, name: &str, rows: &mut Rows) {
    let items = doubtful(lists.values(), element);
    if items.is_empty() {
        return;
    }
    for (row, range) in lists.value_offsets().windows(2).enumerate() {
        let (start, end) = (range[0] as usize, range[1] as usize);
        let found = items[start..end].iter().enumerate().find_map(|(at, item)| Some((at, non_finite(*item, element)?)));
        if let Some((at, rejection)) = found {
            rows.reject(row, rejection.field(format!("{name}[{at}]")));
        }
    }
}

/// An array's numbers, NaN for null, where one of them is not finite in an input of this type; else none. Of text only its nulls count.
fn doubtful(array: &ArrayRef, element: Element) -> Cow<'_, [f64]> {
    match element {
        _ if array.null_count() == 0 && all_finite(array, element) => Cow::Borrowed(&[]),
        Element::Str => Cow::Owned((0..array.len()).map(|at| if array.is_null(at) { f64::NAN } else { 0.0 }).collect()),
        _ => floats(array),
    }
}

/// Whether an array without nulls holds only finite numbers in an input of this type; of floats without a branch for each.
fn all_finite(array: &ArrayRef, element: Element) -> bool {
    match (array.data_type(), element) {
        (_, Element::F16) => floats(array).iter().fold(true, |all, value| all & is_finite(*value, element)),
        (DataType::Float32, _) => array.as_primitive::<Float32Type>().values().iter().fold(true, |all, value| all & value.is_finite()),
        (DataType::Float64, Element::F32) => {
            array.as_primitive::<Float64Type>().values().iter().fold(true, |all, value| all & (*value as f32).is_finite())
        }
        (DataType::Float64, _) => array.as_primitive::<Float64Type>().values().iter().fold(true, |all, value| all & value.is_finite()),
        // Integers and Booleans are finite in all other types, and text is no number.
        _ => true,
    }
}

/// Whether a number is finite in an input of this type; a half is rounded to infinity from 65,520 on.
fn is_finite(value: f64, element: Element) -> bool {
    match element {
        Element::F16 => value.abs() < 65_520.0,
        Element::F32 => (value as f32).is_finite(),
        _ => value.is_finite(),
    }
}

/// Why a model cannot be given a number in an input of this type; `None` for a finite one.
fn non_finite(value: f64, element: Element) -> Option<Rejection> {
    let (reason, message) = match value.is_nan() {
        _ if is_finite(value, element) => return None,
        true => (Reason::UnexpectedNull, "the feature is null; the model takes numbers only".to_owned()),
        false => (Reason::NotFinite, format!("the model takes {}; expected: a finite number, found: {value:e}", element.name())),
    };
    Some(Rejection::new(Phase::Inference, reason, message))
}

/// The string of a row; empty where it is null.
pub(super) fn text_at(array: &ArrayRef, row: usize) -> &str {
    if let Some(categories) = array.as_dictionary_opt::<Int32Type>() {
        let values = categories.values().as_string::<i32>();
        return categories.key(row).map_or("", |key| values.value(key));
    }
    let strings = array.as_string::<i32>();
    if strings.is_null(row) { "" } else { strings.value(row) }
}
