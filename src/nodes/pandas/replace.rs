//! `replace`: some values become others, the rest stay.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::coder::Coder;
use super::operation::{Call, Operation, Scope};
use super::scalar::Scalar;
use super::text::text_array;
use super::{lanes, map::read_key};
use crate::nodes::{Column, Slot};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&Replace];

struct Replace;

/// Keyword arguments of `replace`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// What to replace: a value, a list of values, or a dict from value to replacement, whose keys are read in the column's type. Times
    /// are ISO 8601 texts.
    to_replace: Wanted,
    /// The replacement: one for all, or a list with one for each value. Not with a dict, which has its own. null makes nulls.
    #[serde(default, deserialize_with = "given")]
    value: Option<Replacements>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Wanted {
    /// One value.
    One(Scalar),
    /// Several.
    List(Vec<Scalar>),
    /// Each with its replacement.
    Dict(BTreeMap<String, Scalar>),
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Replacements {
    /// For all.
    One(Scalar),
    /// One each.
    List(Vec<Scalar>),
}

/// A replacement that is null is one all the same.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Replacements>, D::Error> {
    Replacements::deserialize(deserializer).map(Some)
}

impl Operation for Replace {
    fn name(&self) -> &'static str {
        "replace"
    }

    fn summary(&self) -> &'static str {
        "Replaces some values and keeps the rest"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<Kwargs>() else { return call.fail() };
        let count = match (&kwargs.to_replace, &kwargs.value) {
            (Wanted::List(wanted), Some(Replacements::List(values))) => Some((wanted.len(), values.len())),
            (Wanted::One(_), Some(Replacements::List(values))) => Some((1, values.len())),
            (Wanted::Dict(_), Some(_)) => {
                call.wrong("value", "a dict has its replacements in itself", "leave `value` out");
                return call.fail();
            }
            (Wanted::One(_) | Wanted::List(_), None) => {
                let reason = "without `value` pandas takes the value of the row before, which depends on the batch";
                call.wrong("to_replace", reason, "give `value`: null makes nulls");
                return call.fail();
            }
            _ => None,
        };
        if let Some((wanted, values)) = count.filter(|(wanted, values)| wanted != values) {
            call.wrong("value", format!("{values} replacements for {wanted} values"), "give one for each, or one for all");
            return call.fail();
        }
        call.each(|call, column| plan(call, column, &pairs(column, &kwargs)));
    }
}

/// Each value to replace with its replacement, in the column's type.
fn pairs(column: &Column, kwargs: &Kwargs) -> Vec<(Scalar, Scalar)> {
    let replacement = |index: usize| match &kwargs.value {
        None => Scalar::Null(()),
        Some(Replacements::One(value)) => value.clone(),
        Some(Replacements::List(values)) => values.get(index).cloned().unwrap_or(Scalar::Null(())),
    };
    let wanted = match &kwargs.to_replace {
        Wanted::Dict(dict) => {
            // A key that no value of the column can equal replaces nothing.
            let read = |(key, value): (&String, &Scalar)| Some((read_key(key, column)?, value.clone()));
            return dict.iter().filter_map(read).collect();
        }
        Wanted::One(value) => std::slice::from_ref(value),
        Wanted::List(values) => values,
    };
    wanted.iter().cloned().enumerate().map(|(index, value)| (value, replacement(index))).collect()
}

/// An infinity reads as text only where no number can be meant.
fn as_number(value: &Scalar, data_type: &DataType) -> Scalar {
    match value {
        Scalar::Text(_) if lanes::is_numeric(data_type) => value.number().map_or_else(|| value.clone(), Scalar::Float),
        _ => value.clone(),
    }
}

fn plan(call: &mut Call<'_, '_>, column: &Column, pairs: &[(Scalar, Scalar)]) -> Option<Column> {
    if let DataType::Timestamp(_, zone) = &column.data_type {
        return plan_times(call, column, zone.is_some(), pairs);
    }
    let matching: Vec<(Scalar, Scalar)> = pairs
        .iter()
        .map(|(wanted, value)| (as_number(wanted, &column.data_type), as_number(value, &column.data_type)))
        .filter(|(wanted, _)| can_match(wanted, column))
        .collect();
    if matching.is_empty() {
        return Some(column.clone());
    }
    call.keeps_digits(column, matching.iter().flat_map(|(wanted, value)| [wanted, value]))?;
    // pandas looks for every key in the original values and replaces one after the other: the last of equal keys wins.
    let codes: Vec<(Scalar, i32)> = matching.iter().map(|(wanted, _)| wanted.clone()).zip(0..).collect();
    let null = codes.iter().rfind(|(wanted, _)| wanted.is_null()).map_or(-1, |(_, code)| *code);
    let values: Vec<Scalar> = matching.into_iter().map(|(_, value)| value).collect();
    let nulls_stay = column.nullable && null < 0;
    let nullable = nulls_stay || values.iter().any(Scalar::is_null);
    if let Some(odd) = values.iter().find(|value| !fits(value, &column.data_type)) {
        let reason = format!("{} among its values gives Python objects in pandas, or a type that depends on the batch", odd.show());
        call.mismatch(column, reason, "use `map`, which gives every value its result");
        return None;
    }
    let whole: Option<Vec<i64>> = values.iter().map(Scalar::whole).collect();
    whole.iter().flatten().try_for_each(|value| call.holds(column, *value))?;
    let coder = Coder::new(column, &codes, -1, null)?;
    if column.categories.is_some() {
        call.mismatch(column, "the categories would change with it", "replace before the column becomes a category");
        return None;
    }
    let makes_null = values.iter().any(Scalar::is_null);
    let made = if let Some((held, texts)) = call.as_codes(column) {
        replace_in_set(call, (held, &texts), &coder, &values, null, nullable)
    } else {
        let original = call.array(column);
        let found = call.codes(column, coder);
        with_replacements(call, column, (original, found), values, nullable)
    };
    Some(if makes_null { made.null_where("the replacement is null") } else { made })
}

fn plan_times(call: &mut Call<'_, '_>, column: &Column, has_zone: bool, pairs: &[(Scalar, Scalar)]) -> Option<Column> {
    // In nanoseconds; null is `NAT`.
    let mut becomes: BTreeMap<i64, i64> = BTreeMap::new();
    for (wanted, value) in pairs {
        // What is no time equals none; pandas passes over it.
        let Some(wanted) = wanted.time(has_zone).filter(|wanted| column.nullable || *wanted != lanes::NAT) else { continue };
        let Some(value) = value.time(has_zone) else {
            let reason = format!("{} among its values gives Python objects in pandas", value.show());
            let offset = if has_zone { "" } else { " without an offset" };
            call.mismatch(column, reason, &format!("replace times by null or an ISO 8601 time{offset}"));
            return None;
        };
        becomes.insert(wanted, value);
    }
    if becomes.is_empty() {
        return Some(column.clone());
    }
    let makes_null = becomes.values().any(|value| *value == lanes::NAT);
    let nulls_stay = column.nullable && !becomes.contains_key(&lanes::NAT);
    let (slot, written) = (call.array(column), column.data_type.clone());
    let slot = call.kernel(&[slot], move |inputs, _| {
        let times = lanes::times(inputs.array(0));
        lanes::time_array(times.iter().map(|own| becomes.get(own).copied().unwrap_or(*own)).collect(), &written)
    });
    let made = call.made(column.data_type.clone(), nulls_stay || makes_null, slot);
    Some(if makes_null { made.null_where("the replacement is null") } else { made })
}

fn can_match(wanted: &Scalar, column: &Column) -> bool {
    match (&column.data_type, wanted) {
        (_, wanted) if wanted.is_null() => column.nullable,
        (DataType::Utf8 | DataType::Dictionary(_, _), Scalar::Text(text)) => {
            column.categories.as_ref().is_none_or(|categories| categories.contains(text))
        }
        // Python's True is 1, but only beside nulls Booleans are Python objects: by themselves pandas keeps them and numbers apart.
        (DataType::Boolean, Scalar::Bool(_)) => true,
        (DataType::Boolean, wanted) => column.nullable && matches!(wanted.number(), Some(0.0 | 1.0)),
        // A decimal equals a number in Python.
        (data_type, wanted) if lanes::is_numeric(data_type) || matches!(data_type, DataType::Decimal128(_, _)) => {
            matches!(wanted, Scalar::Int(_) | Scalar::Float(_))
        }
        _ => false,
    }
}

/// Whether a column of this type holds the replacement, perhaps as float.
fn fits(value: &Scalar, data_type: &DataType) -> bool {
    match (data_type, value) {
        (DataType::Utf8 | DataType::Dictionary(_, _), value) => matches!(value, Scalar::Text(_) | Scalar::Null(())),
        (DataType::Boolean, value) => matches!(value, Scalar::Bool(_)),
        (data_type, value) if lanes::is_numeric(data_type) => matches!(value, Scalar::Int(_) | Scalar::Float(_) | Scalar::Null(())),
        _ => false,
    }
}

fn replace_in_set(
    call: &mut Call<'_, '_>,
    held: (Slot, &Arc<[String]>),
    coder: &Coder,
    values: &[Scalar],
    null: i32,
    nullable: bool,
) -> Column {
    let (codes, texts) = held;
    let mut made: Vec<String> = texts.to_vec();
    let mut code_of = |value: &Scalar| match value {
        Scalar::Text(text) => {
            let at = made.iter().position(|known| known == text).unwrap_or_else(|| {
                made.push(text.clone());
                made.len() - 1
            });
            i32::try_from(at).unwrap_or(-1)
        }
        _ => -1,
    };
    let mut table = vec![usize::try_from(null).ok().map_or(-1, |null| code_of(&values[null]))];
    for (text, own) in texts.iter().zip(0..) {
        table.push(usize::try_from(coder.of_text(text)).ok().map_or(own, |found| code_of(&values[found])));
    }
    let codes = call.translate(codes, table);
    call.made_codes(codes, made.into(), nullable)
}

fn with_replacements(call: &mut Call<'_, '_>, column: &Column, slots: (Slot, Slot), values: Vec<Scalar>, nullable: bool) -> Column {
    let reads = [slots.0, slots.1];
    match &column.data_type {
        DataType::Utf8 => {
            let values: Vec<Option<String>> =
                values.into_iter().map(|value| if let Scalar::Text(text) = value { Some(text) } else { None }).collect();
            let slot = call.kernel(&reads, move |inputs, _| replace_text(inputs.array(0), inputs.array(1), &values));
            call.made(DataType::Utf8, nullable, slot)
        }
        DataType::Boolean => {
            let values: Vec<bool> = values.iter().map(|value| *value == Scalar::Bool(true)).collect();
            let slot = call.kernel(&reads, move |inputs, _| {
                let (array, codes) = (inputs.array(0).as_boolean(), inputs.array(1).as_primitive::<Int32Type>().values());
                let replaced = array.iter().zip(codes).map(|(own, code)| usize::try_from(*code).map_or(own, |code| Some(values[code])));
                Arc::new(replaced.collect::<BooleanArray>()) as ArrayRef
            });
            call.made(DataType::Boolean, nullable, slot)
        }
        data_type if !lanes::is_float(data_type) && values.iter().all(|value| value.whole().is_some()) => {
            let (values, written): (Vec<i64>, _) = (values.iter().filter_map(Scalar::whole).collect(), data_type.clone());
            let slot = call.kernel(&reads, move |inputs, _| {
                let (array, codes) = (lanes::ints(inputs.array(0)), inputs.array(1).as_primitive::<Int32Type>().values());
                let replaced = array.iter().zip(codes).map(|(own, code)| usize::try_from(*code).map_or(*own, |code| values[code]));
                lanes::int_array(replaced.collect(), &written)
            });
            call.made(data_type.clone(), false, slot)
        }
        data_type => {
            let values: Vec<f64> = values.iter().map(|value| value.number().unwrap_or(f64::NAN)).collect();
            let written = if lanes::is_float(data_type) { data_type.clone() } else { DataType::Float64 };
            let made = written.clone();
            let slot = call.kernel(&reads, move |inputs, _| {
                let (array, codes) = (lanes::floats(inputs.array(0)), inputs.array(1).as_primitive::<Int32Type>().values());
                let replaced = array.iter().zip(codes).map(|(own, code)| usize::try_from(*code).map_or(*own, |code| values[code]));
                lanes::float_array(replaced.collect(), &written)
            });
            call.made(made, nullable, slot)
        }
    }
}

fn replace_text(array: &ArrayRef, codes: &ArrayRef, values: &[Option<String>]) -> ArrayRef {
    let (text, codes) = (array.as_string::<i32>(), codes.as_primitive::<Int32Type>().values());
    let mut out = String::with_capacity(text.values().len());
    let mut ends = Vec::with_capacity(text.len() + 1);
    ends.push(0);
    let replaced = |row: usize| match usize::try_from(codes[row]) {
        Ok(code) => values[code].as_deref(),
        Err(_) => text.is_valid(row).then(|| text.value(row)),
    };
    for row in 0..text.len() {
        out.push_str(replaced(row).unwrap_or(""));
        ends.push(out.len() as i32);
    }
    let valid = BooleanBuffer::collect_bool(text.len(), |row| replaced(row).is_some());
    let nulls = NullBuffer::new(valid);
    text_array(out, ends, (nulls.null_count() > 0).then_some(nulls))
}
