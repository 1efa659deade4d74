//! Single values of a column as JSON, for people and for comparisons; the encoders are for volume.

use arrow_array::Array;
use serde_json::Value;

use super::encode::value;
use crate::codec::view::{Cell, View};

/// A column whose values are looked at one by one.
#[derive(Debug)]
pub struct JsonValues<'a>(View<'a>);

impl<'a> JsonValues<'a> {
    /// None for a type that no encoder carries.
    pub fn new(array: &'a dyn Array) -> Option<Self> {
        View::new(array).map(Self)
    }

    /// The value of a row: numbers as the shortest digits that read back the same, infinities as the strings `inf` and `-inf`, NaN as
    /// null, which mean the same in a frame; times as RFC 3339 text with all digits of their unit.
    pub fn get(&self, row: usize) -> Value {
        of_cell(&self.0.cell(row))
    }
}

fn of_cell(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Float(float) if !float.is_finite() => not_finite(f64::from(*float)),
        Cell::Double(float) if !float.is_finite() => not_finite(*float),
        Cell::List(items, rows) => rows.clone().map(|row| of_cell(&items.cell(row))).collect(),
        Cell::Map(keys, values, rows) => rows.clone().map(|row| (keys.value(row).to_owned(), of_cell(&values.cell(row)))).collect(),
        Cell::Struct(fields, children, row) => {
            fields.iter().zip(*children).map(|(field, child)| (field.name().clone(), of_cell(&child.cell(*row)))).collect()
        }
        cell => {
            let mut text = Vec::new();
            // Only numbers that are not finite have no JSON.
            value(cell, &mut text).ok().and_then(|()| serde_json::from_slice(&text).ok()).unwrap_or_default()
        }
    }
}

fn not_finite(float: f64) -> Value {
    match float.is_nan() {
        true => Value::Null,
        false => Value::String(if float > 0.0 { "inf" } else { "-inf" }.to_owned()),
    }
}
