//! `fillna`: nulls become a constant or a frozen statistic.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, StringArray, cast::AsArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::lanes;
use super::operation::{Call, Operation, Scope};
use super::scalar::Scalar;
use super::timestamp;
use crate::dataset::Statistic;
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&FillNa];

struct FillNa;

/// Keyword arguments of `fillna`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// What nulls become: a constant, `{frozen: median}`, or for each column one of these.
    value: Value,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Value {
    /// One for all columns.
    One(Fill),
    /// By column; columns that are not named keep their nulls.
    Columns(BTreeMap<String, Fill>),
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Fill {
    /// A statistic of the training data.
    Frozen(FrozenValue),
    /// A constant.
    Constant(Scalar),
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FrozenValue {
    /// Which statistic.
    frozen: Measure,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Measure {
    /// The middle of the sorted values.
    Median,
    /// The sum over the count.
    Mean,
    /// The most frequent value, the smallest of equals.
    Mode,
}

impl Operation for FillNa {
    fn name(&self) -> &'static str {
        "fillna"
    }

    fn summary(&self) -> &'static str {
        "Puts a constant, or in a node a statistic of the training data, in the place of nulls"
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
            Some(Kwargs { value: Value::One(fill) }) => call.each(|call, column| plan(call, column, &fill, "value")),
            Some(Kwargs { value: Value::Columns(fills) }) => {
                // Beside `cols` it is no mapping by column, but a statistic that there is not.
                if fills.keys().eq(["frozen"]) && (call.cols.is_some() || call.into.is_some()) {
                    call.wrong("value/frozen", "`frozen` is `median`, `mean` or `mode`", "write one of them, or a constant as `value`");
                    return call.fail();
                }
                if call.is_placed_twice("value") {
                    return call.fail();
                }
                for (name, fill) in fills {
                    let kwarg = format!("value/{}", name.replace('~', "~0").replace('/', "~1"));
                    let pointer = call.at(&kwarg);
                    let known = call.frame.get(&name).is_some();
                    let made = call.column(&name, &pointer).and_then(|column| plan(call, &column, &fill, &kwarg));
                    if known {
                        call.put(&name, made);
                    }
                }
            }
        }
    }
}

fn plan(call: &mut Call<'_, '_>, column: &Column, fill: &Fill, kwarg: &str) -> Option<Column> {
    // A float can be NaN whatever the schema says.
    if !column.nullable && !lanes::is_float(&column.data_type) {
        return Some(column.clone());
    }
    let fill = match fill {
        Fill::Constant(value) => value.clone(),
        Fill::Frozen(frozen) => frozen_value(call, column, frozen.frozen, kwarg)?,
    };
    if fill.is_null_in(&column.data_type) {
        call.wrong(kwarg, "null cannot fill nulls", "give a value of the column's type");
        return None;
    }
    with_value(call, column, &fill)
}

fn frozen_value(call: &mut Call<'_, '_>, column: &Column, measure: Measure, kwarg: &str) -> Option<Scalar> {
    let statistic = match measure {
        Measure::Median => Statistic::Median,
        Measure::Mean => Statistic::Mean,
        Measure::Mode => Statistic::Mode,
    };
    let fits = match measure {
        Measure::Mode => !matches!(column.data_type, DataType::Timestamp(_, _)),
        Measure::Median | Measure::Mean => lanes::is_float(&column.data_type),
    };
    if !fits {
        call.mismatch(column, format!("it has no {}", statistic.name()), "fill with a constant, or convert the column with `astype` first");
        return None;
    }
    let pointer = call.at(kwarg);
    call.frozen(column, &statistic, &pointer)
}

/// The column with `fill` for its nulls; a fill of another type would make it Python objects, which is refused.
pub(in crate::nodes) fn with_value(call: &mut Call<'_, '_>, column: &Column, fill: &Scalar) -> Option<Column> {
    if let Some((codes, values)) = call.as_codes(column) {
        return fill_codes(call, column, (codes, &values), fill);
    }
    match (&column.data_type, fill) {
        (data_type, fill) if lanes::is_float(data_type) && fill.number().is_some() => {
            let value = fill.number().unwrap_or(f64::NAN);
            let (slot, written) = (call.array(column), data_type.clone());
            let slot = call.kernel(&[slot], move |inputs, _| fill_floats(inputs.array(0), value, &written));
            Some(call.made(data_type.clone(), false, slot))
        }
        (DataType::Utf8, Scalar::Text(text)) => {
            let (slot, text) = (call.array(column), text.clone());
            let slot = call.kernel(&[slot], move |inputs, _| fill_text(inputs.array(0), &text));
            Some(call.made(DataType::Utf8, false, slot))
        }
        (DataType::Boolean, Scalar::Bool(value)) => {
            let (slot, value) = (call.array(column), *value);
            let slot = call.kernel(&[slot], move |inputs, _| fill_bools(inputs.array(0), value));
            Some(call.made(DataType::Boolean, false, slot))
        }
        (DataType::Timestamp(_, zone), Scalar::Text(text)) => {
            let time = match timestamp::parse_iso(text).map(|time| time.in_zone(zone.is_some())) {
                Ok(Ok(time)) => time,
                Ok(Err(problem)) | Err(problem) => {
                    call.mismatch(column, format!("cannot be filled with '{text}': {problem}"), "give an ISO 8601 time");
                    return None;
                }
            };
            let (slot, data_type) = (call.array(column), column.data_type.clone());
            let slot = call.kernel(&[slot], move |inputs, _| {
                let times = lanes::times(inputs.array(0));
                let filled = times.iter().map(|value| if *value == lanes::NAT { time } else { *value });
                lanes::time_array(filled.collect(), &data_type)
            });
            Some(call.made(column.data_type.clone(), false, slot))
        }
        _ => {
            let reason = format!("filling it with {} gives Python objects in pandas", fill.show());
            call.mismatch(column, reason, "fill with a value of the column's type, or convert the column with `astype` first");
            None
        }
    }
}

fn fill_codes(call: &mut Call<'_, '_>, column: &Column, codes: (crate::nodes::Slot, &Arc<[String]>), fill: &Scalar) -> Option<Column> {
    let (codes, values) = codes;
    let Scalar::Text(text) = fill else {
        let reason = format!("filling it with {} gives Python objects in pandas", fill.show());
        call.mismatch(column, reason, "fill with text");
        return None;
    };
    let known = values.iter().position(|value| value == text);
    if known.is_none() && column.categories.is_some() {
        call.mismatch(column, format!("'{text}' is not one of its categories"), "fill before the column becomes a category");
        return None;
    }
    let mut values = values.to_vec();
    let at = known.unwrap_or_else(|| {
        values.push(text.clone());
        values.len() - 1
    });
    let null = i32::try_from(at).unwrap_or(-1);
    let table = std::iter::once(null).chain((0..).take(values.len())).collect();
    let codes = call.translate(codes, table);
    Some(match &column.categories {
        Some(categories) => call.made_category(codes, Arc::clone(categories), false),
        None => call.made_codes(codes, values.into(), false),
    })
}

fn fill_floats(array: &ArrayRef, fill: f64, data_type: &DataType) -> ArrayRef {
    let values = lanes::floats(array).iter().map(|value| if value.is_nan() { fill } else { *value }).collect();
    lanes::float_array(values, data_type)
}

fn fill_bools(array: &ArrayRef, fill: bool) -> ArrayRef {
    let array = array.as_boolean();
    let Some(nulls) = array.nulls() else { return Arc::new(array.clone()) };
    let values = if fill { array.values() | &!nulls.inner() } else { array.values() & nulls.inner() };
    Arc::new(BooleanArray::new(values, None))
}

/// Runs of rows between nulls are copied whole.
fn fill_text(array: &ArrayRef, fill: &str) -> ArrayRef {
    let text = array.as_string::<i32>();
    let Some(nulls) = text.nulls().filter(|nulls| nulls.null_count() > 0) else { return Arc::clone(array) };
    let (bytes, ends) = (text.values().as_slice(), text.value_offsets());
    let used = (ends[text.len()] - ends[0]) as usize;
    let mut filled = Vec::with_capacity(used + nulls.null_count() * fill.len());
    let length = |row: usize| if nulls.is_null(row) { fill.len() } else { (ends[row + 1] - ends[row]) as usize };
    let offsets = OffsetBuffer::from_lengths((0..text.len()).map(length));
    let mut done = 0;
    for (from, to) in nulls.valid_slices() {
        (done..from).for_each(|_| filled.extend_from_slice(fill.as_bytes()));
        filled.extend_from_slice(&bytes[ends[from] as usize..ends[to] as usize]);
        done = to;
    }
    (done..text.len()).for_each(|_| filled.extend_from_slice(fill.as_bytes()));
    Arc::new(StringArray::new(offsets, filled.into(), None))
}
