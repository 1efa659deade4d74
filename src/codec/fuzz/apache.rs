//! Whether columns hold what apache-avro reads.

use std::borrow::Cow;

use apache_avro::types::Value;

use crate::codec::view::Cell;

/// The value of a field by dotted path; null where a record around it is.
pub(crate) fn at_path<'v>(value: &'v Value, path: &str) -> Cow<'v, Value> {
    let step = |value: &'v Value, name: &str| match value {
        Value::Union(_, inner) => match inner.as_ref() {
            Value::Record(fields) => &fields.iter().find(|(field, _)| field == name).unwrap().1,
            branch if branch_name(branch) == name => branch,
            _ => &Value::Null,
        },
        Value::Record(fields) => &fields.iter().find(|(field, _)| field == name).unwrap().1,
        _ => &Value::Null,
    };
    match path.rsplit_once('.') {
        // A duration is three columns.
        Some((path, part @ ("months" | "days" | "millis"))) => Cow::Owned(match at_path(value, path).as_ref() {
            Value::Union(_, inner) => duration_part(inner, part),
            value => duration_part(value, part),
        }),
        _ => Cow::Borrowed(path.split('.').fold(value, step)),
    }
}

fn duration_part(value: &Value, part: &str) -> Value {
    let Value::Duration(duration) = value else { return Value::Null };
    let [months, days, millis] = [u32::from(duration.months()), u32::from(duration.days()), u32::from(duration.millis())];
    let part = match part {
        "months" => months,
        "days" => days,
        _ => millis,
    };
    Value::Long(part.into())
}

/// What a union's branch of this value is called, as far as the random schemas have it.
fn branch_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Boolean(_) => "boolean",
        Value::Long(_) => "long",
        Value::Double(_) => "double",
        Value::Array(_) => "array",
        Value::Map(_) => "map",
        _ => "",
    }
}

/// Whether a cell is a value, floats by their bits.
pub(crate) fn is_value(cell: &Cell<'_>, value: &Value) -> bool {
    match (cell, value) {
        (Cell::Struct(fields, children, row), Value::Union(_, value)) if fields.iter().any(|field| field.name() == branch_name(value)) => {
            fields.iter().zip(*children).all(|(field, child)| match field.name() == branch_name(value) {
                true => is_value(&child.cell(*row), value),
                false => matches!(child.cell(*row), Cell::Null),
            })
        }
        (Cell::Struct(_, children, row), Value::Record(fields)) => {
            children.len() == fields.len() && children.iter().zip(fields).all(|(child, (_, value))| is_value(&child.cell(*row), value))
        }
        (Cell::Struct(fields, children, row), value @ Value::Duration(_)) => {
            fields.iter().zip(*children).all(|(field, child)| is_value(&child.cell(*row), &duration_part(value, field.name())))
        }
        (cell, Value::Union(_, value)) => is_value(cell, value),
        (Cell::Null, Value::Null) => true,
        (Cell::Bool(ours), Value::Boolean(theirs)) => ours == theirs,
        (Cell::Int(ours), Value::Int(theirs)) => *ours == i64::from(*theirs),
        (Cell::Int(ours), Value::Long(theirs)) => ours == theirs,
        (Cell::Float(ours), Value::Float(theirs)) => ours.to_bits() == theirs.to_bits(),
        (Cell::Double(ours), Value::Double(theirs)) => ours.to_bits() == theirs.to_bits(),
        (Cell::Text(ours), Value::String(theirs) | Value::Enum(_, theirs)) => ours == theirs,
        (Cell::Binary(ours), Value::Bytes(theirs) | Value::Fixed(_, theirs)) => ours == theirs,
        (Cell::Date(ours), Value::Date(theirs)) | (Cell::TimeMillis(ours), Value::TimeMillis(theirs)) => ours == theirs,
        (Cell::TimeMicros(ours), Value::TimeMicros(theirs)) => ours == theirs,
        (
            Cell::Timestamp(ours, _, true),
            Value::TimestampMillis(theirs) | Value::TimestampMicros(theirs) | Value::TimestampNanos(theirs),
        )
        | (
            Cell::Timestamp(ours, _, false),
            Value::LocalTimestampMillis(theirs) | Value::LocalTimestampMicros(theirs) | Value::LocalTimestampNanos(theirs),
        ) => ours == theirs,
        (Cell::Decimal(ours, 2), Value::Decimal(theirs)) => {
            let theirs = <Vec<u8>>::try_from(theirs.clone()).unwrap();
            crate::codec::text::decimal_from_be(&theirs, 38) == Some(*ours)
        }
        (Cell::List(items, range), Value::Array(theirs)) => {
            range.len() == theirs.len() && range.clone().zip(theirs).all(|(row, value)| is_value(&items.cell(row), value))
        }
        (Cell::Map(keys, values, range), Value::Map(theirs)) => {
            let same = |row: usize| theirs.get(keys.value(row)).is_some_and(|value| is_value(&values.cell(row), value));
            range.len() == theirs.len() && range.clone().all(same)
        }
        _ => false,
    }
}
