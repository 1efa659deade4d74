//! `round`: rounding as NumPy does it.

use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::operation::{Call, Operation, Scope};
use super::{lanes, numbers};
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&Round];

struct Round;

/// Keyword arguments of `round`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// How many decimals stay; a negative number rounds to tens, hundreds and so on.
    #[serde(default)]
    #[schemars(range(min = -18, max = 300))]
    decimals: i32,
}

impl Operation for Round {
    fn name(&self) -> &'static str {
        "round"
    }

    fn summary(&self) -> &'static str {
        "Rounds to some decimals, halves to the even neighbour"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(Kwargs { decimals }) = call.kwargs() else { return call.fail() };
        let whole_frame = call.cols.is_none();
        call.each(|call, column| plan(call, column, decimals, whole_frame));
    }
}

fn plan(call: &mut Call<'_, '_>, column: &Column, decimals: i32, whole_frame: bool) -> Option<Column> {
    let slot = match &column.data_type {
        DataType::Float64 => {
            let slot = call.array(column);
            call.kernel(&[slot], move |inputs, _| {
                let values = lanes::floats(inputs.array(0));
                lanes::float_array(values.iter().map(|value| around(*value, decimals)).collect(), &DataType::Float64)
            })
        }
        DataType::Float32 => {
            let slot = call.array(column);
            call.kernel(&[slot], move |inputs, _| {
                let values = lanes::floats(inputs.array(0));
                lanes::float_array(values.iter().map(|value| f64::from(around32(*value as f32, decimals))).collect(), &DataType::Float32)
            })
        }
        data_type if data_type.is_integer() && decimals >= 0 => return Some(column.clone()),
        data_type if data_type.is_integer() => {
            let (slot, written) = (call.array(column), data_type.clone());
            call.kernel(&[slot], move |inputs, _| {
                let rounded = lanes::floats(inputs.array(0)).iter().map(|value| to_int(around(*value, decimals), &written)).collect();
                lanes::int_array(rounded, &written)
            })
        }
        // A frame's method passes over columns that hold no numbers.
        _ if whole_frame => return Some(column.clone()),
        _ => {
            call.mismatch(column, "it cannot be rounded", "convert it to float64 or int64 with `astype` first");
            return None;
        }
    };
    Some(call.made(column.data_type.clone(), column.nullable, slot))
}

/// `numpy.around`: scaled by a power of ten, rounded half to even, scaled back.
pub(super) fn around(value: f64, decimals: i32) -> f64 {
    let power = power_of_ten(decimals.unsigned_abs());
    match decimals {
        0 => value.round_ties_even(),
        1.. => (value * power).round_ties_even() / power,
        _ => (value / power).round_ties_even() * power,
    }
}

/// As [`around`], every step in the narrow type.
fn around32(value: f32, decimals: i32) -> f32 {
    let power = power_of_ten(decimals.unsigned_abs()) as f32;
    match decimals {
        0 => value.round_ties_even(),
        1.. => (value * power).round_ties_even() / power,
        _ => (value / power).round_ties_even() * power,
    }
}

/// NumPy rounds integers as floats. Of what is then beyond the type, processors make the least integer; types of fewer than 32 bits wrap.
fn to_int(rounded: f64, data_type: &DataType) -> i64 {
    let converted = if data_type.primitive_width() < Some(4) { &DataType::Int32 } else { data_type };
    let ((least, greatest), rounded) = (numbers::bounds(converted), rounded as i128);
    (if (least..=greatest).contains(&rounded) { rounded } else { least }) as i64
}

/// Ten to a power, by NumPy's repeated products.
fn power_of_ten(exponent: u32) -> f64 {
    const EXACT: u32 = 9;
    (EXACT..exponent).fold(10f64.powi(exponent.min(EXACT).cast_signed()), |power, _| power * 10.0)
}
