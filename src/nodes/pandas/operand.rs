//! The other side of a binary operation: a constant or a column.

use std::borrow::Cow;

use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::operation::Call;
use super::scalar::Scalar;
use super::{lanes, numbers};
use crate::nodes::{Column, Inputs, Slot};

/// A constant, or `{column: name}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Operand {
    /// Another column.
    Column(ColumnName),
    /// A constant.
    Constant(Scalar),
}

/// Names a column.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnName {
    /// The column's name.
    pub(super) column: String,
}

/// An operand that was found.
#[derive(Clone, Debug)]
pub(in crate::nodes) enum Side {
    /// Another column.
    Column(Column),
    /// A constant.
    Constant(Scalar),
}

impl Call<'_, '_> {
    /// The column that an operand names, or its constant; `None` when the column is unknown, which is reported.
    pub(super) fn operand(&mut self, operand: &Operand, kwarg: &str) -> Option<Side> {
        match operand {
            Operand::Column(name) => {
                let pointer = self.at(&format!("{kwarg}/column"));
                self.column(&name.column, &pointer).map(Side::Column)
            }
            Operand::Constant(value) => Some(Side::Constant(value.clone())),
        }
    }
}

impl Side {
    /// The type of `column` together with this side, as NumPy promotes: a Python number is weak and takes the column's type where that
    /// holds its kind. `None` when there is none among numbers.
    pub(in crate::nodes) fn promote(&self, column: &DataType) -> Option<DataType> {
        match self {
            Self::Column(other) => promote(column, &other.data_type),
            Self::Constant(Scalar::Int(value)) => match column {
                DataType::Boolean => Some(DataType::Int64),
                other if other.is_integer() => {
                    let (least, greatest) = numbers::bounds(other);
                    (least..=greatest).contains(&i128::from(*value)).then(|| other.clone())
                }
                other => lanes::is_float(other).then(|| other.clone()),
            },
            Self::Constant(Scalar::Bool(_)) => (*column != DataType::Boolean && lanes::is_numeric(column)).then(|| column.clone()),
            Self::Constant(value) => {
                value.number()?;
                match column {
                    DataType::Float32 => Some(DataType::Float32),
                    other => lanes::is_numeric(other).then_some(DataType::Float64),
                }
            }
        }
    }

    /// What messages call it.
    pub(in crate::nodes) fn describe(&self, call: &Call<'_, '_>) -> String {
        match self {
            Self::Column(other) => call.describe(other),
            Self::Constant(value) => value.show(),
        }
    }

    /// The slots that reading this side needs behind the column's own.
    pub(in crate::nodes) fn reads(&self, call: &mut Call<'_, '_>, column: Slot) -> Vec<Slot> {
        match self {
            Self::Column(other) => vec![column, call.array(other)],
            Self::Constant(_) => vec![column],
        }
    }

    /// How a kernel reads this side as floats that meet those of a type: a constant takes that type, as NumPy's weak numbers do.
    pub(in crate::nodes) fn floats(&self, data_type: &DataType) -> Lane<f64> {
        match self {
            Self::Column(_) => Lane::Input,
            Self::Constant(value) => {
                let value = value.number().or_else(|| bool_number(value)).unwrap_or(f64::NAN);
                Lane::Constant(if *data_type == DataType::Float32 { f64::from(value as f32) } else { value })
            }
        }
    }

    /// How a kernel reads this side as integers.
    pub(in crate::nodes) fn ints(&self) -> Lane<i64> {
        match self {
            Self::Constant(Scalar::Int(value)) => Lane::Constant(*value),
            Self::Constant(Scalar::Bool(value)) => Lane::Constant(i64::from(*value)),
            _ => Lane::Input,
        }
    }
}

fn bool_number(value: &Scalar) -> Option<f64> {
    if let Scalar::Bool(value) = value { Some(f64::from(u8::from(*value))) } else { None }
}

/// Where the right side of a kernel's pairs comes from.
#[derive(Clone, Copy, Debug)]
pub(in crate::nodes) enum Lane<T> {
    /// The kernel's second input.
    Input,
    /// One value for all rows.
    Constant(T),
}

impl Lane<f64> {
    /// The values of one batch.
    pub(in crate::nodes) fn read<'a>(&self, inputs: &Inputs<'a>) -> Values<'a, f64> {
        match self {
            Self::Input => Values::Rows(lanes::floats(inputs.array(1))),
            Self::Constant(value) => Values::One(*value),
        }
    }
}

impl Lane<i64> {
    /// The values of one batch.
    pub(in crate::nodes) fn read<'a>(&self, inputs: &Inputs<'a>) -> Values<'a, i64> {
        match self {
            Self::Input => Values::Rows(lanes::ints(inputs.array(1))),
            Self::Constant(value) => Values::One(*value),
        }
    }
}

/// The right side's values of one batch.
pub(in crate::nodes) enum Values<'a, T: Clone> {
    /// One for each row.
    Rows(Cow<'a, [T]>),
    /// One for all rows.
    One(T),
}

impl<T: Copy> Values<'_, T> {
    /// Each row's pair through a function.
    pub(in crate::nodes) fn zip<R>(&self, left: &[T], pair: impl Fn(T, T) -> R) -> Vec<R> {
        match self {
            Self::Rows(right) => left.iter().zip(right.iter()).map(|(left, right)| pair(*left, *right)).collect(),
            Self::One(right) => left.iter().map(|left| pair(*left, *right)).collect(),
        }
    }

    /// The value of a row.
    pub(in crate::nodes) fn at(&self, row: usize) -> T {
        match self {
            Self::Rows(rows) => rows[row],
            Self::One(value) => *value,
        }
    }
}

/// NumPy's promotion of two numeric types.
fn promote(left: &DataType, right: &DataType) -> Option<DataType> {
    if !lanes::is_numeric(left) || !lanes::is_numeric(right) {
        return None;
    }
    if left == right {
        return Some(left.clone());
    }
    Some(match (left, right) {
        (DataType::Boolean, other) | (other, DataType::Boolean) => other.clone(),
        (float, other) | (other, float) if lanes::is_float(float) => match (float, other) {
            (DataType::Float32, DataType::Int8 | DataType::Int16 | DataType::UInt8 | DataType::UInt16) => DataType::Float32,
            _ => DataType::Float64,
        },
        (left, right) => {
            let ((least, greatest), (other_least, other_greatest)) = (numbers::bounds(left), numbers::bounds(right));
            let (least, greatest) = (least.min(other_least), greatest.max(other_greatest));
            let holds = |data_type: &&DataType| {
                let (from, to) = numbers::bounds(data_type);
                from <= least && greatest <= to
            };
            INTEGERS.iter().find(holds).cloned().unwrap_or(DataType::Float64)
        }
    })
}

/// Integer types from narrow to wide, unsigned before signed of the same width.
const INTEGERS: [DataType; 8] = [
    DataType::UInt8,
    DataType::Int8,
    DataType::UInt16,
    DataType::Int16,
    DataType::UInt32,
    DataType::Int32,
    DataType::UInt64,
    DataType::Int64,
];
