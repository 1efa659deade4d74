//! `where`, `mask` and `clip`: values kept or replaced by a condition.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{Relation, compare};
use super::operand::{Operand, Side};
use super::operation::{Call, Operation, Scope};
use super::scalar::Scalar;
use super::text::text_array;
use super::{lanes, numbers};
use crate::nodes::{Column, Slot};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[
    &Choose { name: "where", summary: "Keeps values where a condition holds, replaces the others", kept_when: true },
    &Choose { name: "mask", summary: "Replaces values where a condition holds", kept_when: false },
    &Clip,
];

struct Choose {
    name: &'static str,
    summary: &'static str,
    kept_when: bool,
}

/// Keyword arguments of `where` and `mask`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChooseKwargs {
    /// The condition: `{column: flag}` for a Boolean column, or a comparison of each value with a constant or a column, such as `{gt: 0}`
    /// or `{le: {column: limit}}`.
    cond: Condition,
    /// What replaces a value; null without it.
    #[serde(default)]
    other: Option<Scalar>,
}

/// A condition.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Condition {
    /// A Boolean column.
    Column(String),
    /// Equal.
    Eq(Operand),
    /// Not equal.
    Ne(Operand),
    /// Less.
    Lt(Operand),
    /// Less or equal.
    Le(Operand),
    /// Greater.
    Gt(Operand),
    /// Greater or equal.
    Ge(Operand),
}

impl Operation for Choose {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(ChooseKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<ChooseKwargs>() else { return call.fail() };
        let other = kwargs.other.unwrap_or(Scalar::Null(()));
        call.each(|call, column| {
            let condition = condition(call, column, &kwargs.cond)?;
            let made = choose(call, column, (condition, self.kept_when), &other)?;
            Some(if other.is_null() { made.null_where("the condition says so, and `other` is null") } else { made })
        });
    }
}

/// A slot that says where the condition holds.
fn condition(call: &mut Call<'_, '_>, column: &Column, condition: &Condition) -> Option<Slot> {
    let (relation, operand, kwarg) = match condition {
        Condition::Column(name) => {
            let pointer = call.at("cond/column");
            let flag = call.column(name, &pointer)?;
            if flag.data_type != DataType::Boolean || flag.nullable {
                call.mismatch(&flag, "a condition is a Boolean column without nulls", "make it with a comparison, or use `fillna`");
                return None;
            }
            return Some(call.array(&flag));
        }
        Condition::Eq(operand) => (Relation::Eq, operand, "eq"),
        Condition::Ne(operand) => (Relation::Ne, operand, "ne"),
        Condition::Lt(operand) => (Relation::Lt, operand, "lt"),
        Condition::Le(operand) => (Relation::Le, operand, "le"),
        Condition::Gt(operand) => (Relation::Gt, operand, "gt"),
        Condition::Ge(operand) => (Relation::Ge, operand, "ge"),
    };
    let side = call.operand(operand, &format!("cond/{kwarg}"))?;
    compare(call, column, &side, relation)
}

/// The column with `other` where the condition says so.
fn choose(call: &mut Call<'_, '_>, column: &Column, (condition, kept_when): (Slot, bool), other: &Scalar) -> Option<Column> {
    let nullable = column.nullable || other.is_null();
    if let Some((codes, values)) = call.as_codes(column) {
        return choose_codes(call, column, (codes, &values), (condition, kept_when), other);
    }
    let reads = [call.array(column), condition];
    let kept = move |condition: &ArrayRef, row: usize| condition.as_boolean().value(row) == kept_when;
    let whole = |value: &Scalar| match value {
        Scalar::Int(value) => Some(*value),
        Scalar::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(*value as i64),
        _ => None,
    };
    match &column.data_type {
        data_type if data_type.is_integer() && whole(other).is_some() => {
            let (value, written) = (whole(other)?, data_type.clone());
            let (least, greatest) = numbers::bounds(data_type);
            if !(least..=greatest).contains(&i128::from(value)) {
                call.mismatch(column, format!("{value} does not fit into it"), "convert it to int64 with `astype` first");
                return None;
            }
            let slot = call.kernel(&reads, move |inputs, _| {
                let values = lanes::ints(inputs.array(0));
                let chosen = values.iter().enumerate().map(|(row, own)| if kept(inputs.array(1), row) { *own } else { value });
                lanes::int_array(chosen.collect(), &written)
            });
            Some(call.made(data_type.clone(), false, slot))
        }
        data_type if lanes::is_numeric(data_type) && *data_type != DataType::Boolean && (other.is_null() || other.number().is_some()) => {
            let (value, written) =
                (other.number().unwrap_or(f64::NAN), if lanes::is_float(data_type) { data_type.clone() } else { DataType::Float64 });
            let made = written.clone();
            let slot = call.kernel(&reads, move |inputs, _| {
                let values = lanes::floats(inputs.array(0));
                let chosen = values.iter().enumerate().map(|(row, own)| if kept(inputs.array(1), row) { *own } else { value });
                lanes::float_array(chosen.collect(), &written)
            });
            Some(call.made(made, nullable, slot))
        }
        DataType::Boolean if matches!(other, Scalar::Bool(_) | Scalar::Null(())) => {
            let value = matches!(other, Scalar::Bool(true)).then_some(true).or((!other.is_null()).then_some(false));
            let slot = call.kernel(&reads, move |inputs, _| {
                let flags = inputs.array(0).as_boolean();
                let own = |row: usize| flags.is_valid(row).then(|| flags.value(row));
                let chosen = (0..flags.len()).map(|row| if kept(inputs.array(1), row) { own(row) } else { value });
                Arc::new(chosen.collect::<BooleanArray>()) as ArrayRef
            });
            Some(call.made(DataType::Boolean, nullable, slot))
        }
        DataType::Utf8 if matches!(other, Scalar::Text(_) | Scalar::Null(())) => {
            let value = if let Scalar::Text(text) = other { Some(text.clone()) } else { None };
            let slot =
                call.kernel(&reads, move |inputs, _| choose_text(inputs.array(0), value.as_deref(), |row| kept(inputs.array(1), row)));
            Some(call.made(DataType::Utf8, nullable, slot))
        }
        DataType::Timestamp(_, _) if other.is_null() => {
            let written = column.data_type.clone();
            let slot = call.kernel(&reads, move |inputs, _| {
                let times = lanes::times(inputs.array(0));
                let chosen = times.iter().enumerate().map(|(row, own)| if kept(inputs.array(1), row) { *own } else { lanes::NAT });
                lanes::time_array(chosen.collect(), &written)
            });
            Some(call.made(column.data_type.clone(), true, slot))
        }
        _ => {
            call.mismatch(
                column,
                format!("with {} it gives Python objects in pandas", other.show()),
                "replace by a value of the column's type",
            );
            None
        }
    }
}

fn choose_codes(
    call: &mut Call<'_, '_>,
    column: &Column,
    (codes, values): (Slot, &Arc<[String]>),
    (condition, kept_when): (Slot, bool),
    other: &Scalar,
) -> Option<Column> {
    let mut made = values.to_vec();
    let code = match other {
        other if other.is_null() => -1,
        Scalar::Text(text) => {
            let known = made.iter().position(|value| value == text);
            if known.is_none() && column.categories.is_some() {
                call.mismatch(column, format!("'{text}' is not one of its categories"), "replace before the column becomes a category");
                return None;
            }
            let at = known.unwrap_or_else(|| {
                made.push(text.clone());
                made.len() - 1
            });
            i32::try_from(at).unwrap_or(-1)
        }
        _ => {
            call.mismatch(column, format!("with {} it gives Python objects in pandas", other.show()), "replace by text");
            return None;
        }
    };
    let slot = call.kernel(&[codes, condition], move |inputs, _| {
        let (codes, condition) = (inputs.array(0).as_primitive::<Int32Type>().values(), inputs.array(1).as_boolean());
        let chosen = codes.iter().enumerate().map(|(row, own)| if condition.value(row) == kept_when { *own } else { code });
        Arc::new(Int32Array::from_iter_values(chosen))
    });
    let nullable = column.nullable || code < 0;
    Some(match &column.categories {
        Some(categories) => call.made_category(slot, Arc::clone(categories), nullable),
        None => call.made_codes(slot, made.into(), nullable),
    })
}

fn choose_text(array: &ArrayRef, other: Option<&str>, kept: impl Fn(usize) -> bool) -> ArrayRef {
    let text = array.as_string::<i32>();
    let mut out = String::with_capacity(text.values().len());
    let mut ends = Vec::with_capacity(text.len() + 1);
    ends.push(0);
    let chosen = |row: usize| if kept(row) { text.is_valid(row).then(|| text.value(row)) } else { other };
    for row in 0..text.len() {
        out.push_str(chosen(row).unwrap_or(""));
        ends.push(out.len() as i32);
    }
    let nulls = NullBuffer::new(BooleanBuffer::collect_bool(text.len(), |row| chosen(row).is_some()));
    text_array(out, ends, (nulls.null_count() > 0).then_some(nulls))
}

struct Clip;

/// Keyword arguments of `clip`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClipKwargs {
    /// The least value.
    #[serde(default)]
    lower: Option<Scalar>,
    /// The greatest value.
    #[serde(default)]
    upper: Option<Scalar>,
}

impl Operation for Clip {
    fn name(&self) -> &'static str {
        "clip"
    }

    fn summary(&self) -> &'static str {
        "Brings values beyond a bound to the bound"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(ClipKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(ClipKwargs { lower, upper }) = call.kwargs() else { return call.fail() };
        let mut bounds = Vec::new();
        for (kwarg, bound) in [("lower", &lower), ("upper", &upper)] {
            // A bound of NaN is no bound, as in pandas.
            let bound = bound.as_ref().filter(|bound| !bound.is_null());
            let Some(value) = bound else {
                bounds.push(None);
                continue;
            };
            if value.number().is_none() {
                call.wrong(kwarg, format!("{} is no number", value.show()), "bounds are numbers");
                return call.fail();
            }
            bounds.push(value.number().filter(|value| !value.is_nan()).map(|_| value.clone()));
        }
        // Bounds in the wrong order are exchanged, as in pandas.
        if let [Some(low), Some(high)] = bounds.as_slice()
            && low.number() > high.number()
        {
            bounds.reverse();
        }
        call.each(|call, column| clip(call, column, bounds[0].as_ref(), bounds[1].as_ref()));
    }
}

fn clip(call: &mut Call<'_, '_>, column: &Column, lower: Option<&Scalar>, upper: Option<&Scalar>) -> Option<Column> {
    if !lanes::is_numeric(&column.data_type) || column.data_type == DataType::Boolean {
        call.mismatch(column, "it holds no numbers", "convert it with `astype` first");
        return None;
    }
    let mut clipped = column.clone();
    for (bound, relation) in [(lower, Relation::Ge), (upper, Relation::Le)] {
        let Some(bound) = bound else { continue };
        // pandas compares the values as they came with both bounds, and null with none.
        let null_stays = column.nullable;
        let holds = compare(call, column, &Side::Constant(bound.clone()), relation)?;
        let holds = if null_stays { or_null(call, column, holds) } else { holds };
        let nullable = clipped.nullable;
        clipped = Column { nullable, ..choose(call, &clipped, (holds, true), bound)? };
    }
    Some(clipped)
}

/// Where the condition holds or the value is null.
fn or_null(call: &mut Call<'_, '_>, column: &Column, condition: Slot) -> Slot {
    let slot = call.array(column);
    call.kernel(&[slot, condition], |inputs, _| {
        let holds = &lanes::null_mask(inputs.array(0)) | inputs.array(1).as_boolean().values();
        Arc::new(BooleanArray::new(holds, None))
    })
}
