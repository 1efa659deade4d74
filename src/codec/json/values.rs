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
        let cell = self.0.cell(row);
        let special = match cell {
            Cell::Float(float) if !float.is_finite() => Some(f64::from(float)),
            Cell::Double(double) if !double.is_finite() => Some(double),
            _ => None,
        };
        match special {
            Some(float) if float.is_nan() => Value::Null,
            Some(float) => Value::String(if float > 0.0 { "inf" } else { "-inf" }.to_owned()),
            None => {
                let mut text = Vec::new();
                // Only a number that is not finite, inside a list, has no JSON.
                value(&cell, &mut text).ok().and_then(|()| serde_json::from_slice(&text).ok()).unwrap_or_default()
            }
        }
    }
}
