//! One value or another by a condition: what `where`, `mask`, `clip` and the `if` of expressions share.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int32Array, StringArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType;

use super::lanes;
use super::operand::Side;
use super::operation::Call;
use super::scalar::Scalar;
use super::text::text_array;
use super::text_match::as_text;
use crate::nodes::{Column, Slot};

/// The column where the condition, a Boolean slot without nulls, is `kept_when`, and `other` elsewhere; `None` when no column holds both,
/// which is reported.
pub(in crate::nodes) fn choose(
    call: &mut Call<'_, '_>,
    column: &Column,
    (condition, kept_when): (Slot, bool),
    other: &Side,
) -> Option<Column> {
    match other {
        Side::Constant(value) => with_constant(call, column, (condition, kept_when), value),
        Side::Column(other) => with_column(call, column, (condition, kept_when), other),
    }
}

fn with_column(call: &mut Call<'_, '_>, column: &Column, (condition, kept_when): (Slot, bool), other: &Column) -> Option<Column> {
    let is_text = |column: &Column| column.data_type == DataType::Utf8 || column.categories.is_some();
    if is_text(column) && is_text(other) {
        return Some(with_text(call, column, (condition, kept_when), other));
    }
    let numbers = |column: &Column| lanes::is_numeric(&column.data_type) && column.data_type != DataType::Boolean;
    let chosen = match (&column.data_type, &other.data_type) {
        (DataType::Boolean, DataType::Boolean) | (DataType::Timestamp(_, _), DataType::Timestamp(_, _))
            if column.data_type == other.data_type =>
        {
            Some(column.data_type.clone())
        }
        _ if numbers(column) && numbers(other) => Side::Column(other.clone()).promote(&column.data_type),
        _ => None,
    };
    let Some(data_type) = chosen else {
        let reason = format!("with {} it gives Python objects in pandas", call.describe(other));
        call.mismatch(column, reason, "bring both to one type with `astype`");
        return None;
    };
    let reads = [call.array(column), call.array(other), condition];
    let written = data_type.clone();
    let slot = call.kernel(&reads, move |inputs, _| {
        let (one, other, holds) = (inputs.array(0), inputs.array(1), inputs.array(2).as_boolean().values());
        match &written {
            DataType::Boolean => {
                let pairs = one.as_boolean().iter().zip(other.as_boolean());
                let chosen = pairs.zip(holds).map(|((own, other), holds)| if holds == kept_when { own } else { other });
                Arc::new(chosen.collect::<BooleanArray>())
            }
            DataType::Timestamp(_, _) => lanes::time_array(picked(&lanes::times(one), &lanes::times(other), holds, kept_when), &written),
            float if lanes::is_float(float) => {
                lanes::float_array(picked(&lanes::floats(one), &lanes::floats(other), holds, kept_when), &written)
            }
            _ => lanes::int_array(picked(&lanes::ints(one), &lanes::ints(other), holds, kept_when), &written),
        }
    });
    Some(call.made(data_type, column.nullable || other.nullable, slot))
}

fn picked<T: Copy>(one: &[T], other: &[T], holds: &BooleanBuffer, kept_when: bool) -> Vec<T> {
    one.iter().zip(other).zip(holds).map(|((one, other), holds)| if holds == kept_when { *one } else { *other }).collect()
}

/// Text by codes where both are known at planning, else as it is.
fn with_text(call: &mut Call<'_, '_>, column: &Column, (condition, kept_when): (Slot, bool), other: &Column) -> Column {
    let nullable = column.nullable || other.nullable;
    if let (Some((codes, values)), Some((other_codes, other_values))) = (call.as_codes(column), call.as_codes(other)) {
        let behind = i32::try_from(values.len()).unwrap_or(i32::MAX);
        let both: Arc<[String]> = values.iter().chain(other_values.iter()).cloned().collect();
        let slot = call.kernel(&[codes, other_codes, condition], move |inputs, _| {
            let codes = |input: usize| inputs.array(input).as_primitive::<Int32Type>().values();
            let pairs = codes(0).iter().zip(codes(1)).zip(inputs.array(2).as_boolean().values());
            let other = |code: i32| if code < 0 { code } else { code + behind };
            let chosen = pairs.map(|((own, code), holds)| if holds == kept_when { *own } else { other(*code) });
            Arc::new(Int32Array::from_iter_values(chosen))
        });
        return call.made_codes(slot, both, nullable);
    }
    let reads = [as_text(call, column), as_text(call, other), condition];
    let slot = call.kernel(&reads, move |inputs, _| {
        let (one, other) = (inputs.array(0).as_string::<i32>(), inputs.array(1).as_string::<i32>());
        let holds = inputs.array(2).as_boolean().values();
        text_of(one.len(), |row| text_at(if holds.value(row) == kept_when { one } else { other }, row))
    });
    call.made(DataType::Utf8, nullable, slot)
}

fn text_at(text: &StringArray, row: usize) -> Option<&str> {
    text.is_valid(row).then(|| text.value(row))
}

/// A text array of what each row answers.
fn text_of<'t>(rows: usize, at: impl Fn(usize) -> Option<&'t str>) -> ArrayRef {
    let (mut out, mut ends) = (String::new(), Vec::with_capacity(rows + 1));
    ends.push(0);
    for row in 0..rows {
        out.push_str(at(row).unwrap_or(""));
        ends.push(out.len() as i32);
    }
    let nulls = NullBuffer::new(BooleanBuffer::collect_bool(rows, |row| at(row).is_some()));
    text_array(out, ends, (nulls.null_count() > 0).then_some(nulls))
}

fn with_constant(call: &mut Call<'_, '_>, column: &Column, (condition, kept_when): (Slot, bool), other: &Scalar) -> Option<Column> {
    let nullable = column.nullable || other.is_null_in(&column.data_type);
    if let Some((codes, values)) = call.as_codes(column) {
        return choose_codes(call, column, (codes, &values), (condition, kept_when), other);
    }
    call.keeps_digits(column, [other])?;
    let reads = [call.array(column), condition];
    match &column.data_type {
        data_type if data_type.is_integer() && other.whole().is_some() => {
            let (value, written) = (other.whole()?, data_type.clone());
            call.holds(column, value)?;
            let slot = call.kernel(&reads, move |inputs, _| {
                let (values, holds) = (lanes::ints(inputs.array(0)), inputs.array(1).as_boolean().values());
                let chosen = values.iter().zip(holds).map(|(own, holds)| if holds == kept_when { *own } else { value });
                lanes::int_array(chosen.collect(), &written)
            });
            Some(call.made(data_type.clone(), false, slot))
        }
        data_type if lanes::is_numeric(data_type) && *data_type != DataType::Boolean && (other.is_null() || other.number().is_some()) => {
            let (value, written) =
                (other.number().unwrap_or(f64::NAN), if lanes::is_float(data_type) { data_type.clone() } else { DataType::Float64 });
            let made = written.clone();
            let slot = call.kernel(&reads, move |inputs, _| {
                let (values, holds) = (lanes::floats(inputs.array(0)), inputs.array(1).as_boolean().values());
                let chosen = values.iter().zip(holds).map(|(own, holds)| if holds == kept_when { *own } else { value });
                lanes::float_array(chosen.collect(), &written)
            });
            Some(call.made(made, nullable, slot))
        }
        DataType::Boolean if matches!(other, Scalar::Bool(_) | Scalar::Null(())) => {
            let value = matches!(other, Scalar::Bool(true)).then_some(true).or((!other.is_null()).then_some(false));
            let slot = call.kernel(&reads, move |inputs, _| {
                let (flags, holds) = (inputs.array(0).as_boolean(), inputs.array(1).as_boolean().values());
                let chosen = flags.iter().zip(holds).map(|(own, holds)| if holds == kept_when { own } else { value });
                Arc::new(chosen.collect::<BooleanArray>()) as ArrayRef
            });
            Some(call.made(DataType::Boolean, nullable, slot))
        }
        DataType::Utf8 if matches!(other, Scalar::Text(_) | Scalar::Null(())) => {
            let value = if let Scalar::Text(text) = other { Some(text.clone()) } else { None };
            let slot = call.kernel(&reads, move |inputs, _| {
                let (text, holds) = (inputs.array(0).as_string::<i32>(), inputs.array(1).as_boolean().values());
                text_of(text.len(), |row| if holds.value(row) == kept_when { text_at(text, row) } else { value.as_deref() })
            });
            Some(call.made(DataType::Utf8, nullable, slot))
        }
        DataType::Timestamp(_, zone) if other.time(zone.is_some()).is_some() => {
            let (time, written) = (other.time(zone.is_some())?, column.data_type.clone());
            let slot = call.kernel(&reads, move |inputs, _| {
                let (times, holds) = (lanes::times(inputs.array(0)), inputs.array(1).as_boolean().values());
                let chosen = times.iter().zip(holds).map(|(own, holds)| if holds == kept_when { *own } else { time });
                lanes::time_array(chosen.collect(), &written)
            });
            Some(call.made(column.data_type.clone(), column.nullable || time == lanes::NAT, slot))
        }
        _ => {
            let help = match &column.data_type {
                DataType::Timestamp(_, Some(_)) => "replace by an ISO 8601 time, such as 2024-01-31T12:00:00Z",
                DataType::Timestamp(_, None) => "replace by an ISO 8601 time without an offset, such as 2024-01-31T12:00:00",
                _ => "replace by a value of the column's type",
            };
            call.mismatch(column, format!("with {} it gives Python objects in pandas", other.show()), help);
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
        let (codes, holds) = (inputs.array(0).as_primitive::<Int32Type>().values(), inputs.array(1).as_boolean().values());
        let chosen = codes.iter().zip(holds).map(|(own, holds)| if holds == kept_when { *own } else { code });
        Arc::new(Int32Array::from_iter_values(chosen))
    });
    let nullable = column.nullable || code < 0;
    Some(match &column.categories {
        Some(categories) => call.made_category(slot, Arc::clone(categories), nullable),
        None => call.made_codes(slot, made.into(), nullable),
    })
}
