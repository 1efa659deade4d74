//! Values written as their Avro type asks: unions named where they must be, and Avro's own forms by its rules.

use super::encode::{string, value, write_list, write_object};
use super::shape::{Rules, named_union};
use crate::codec::avro::{branch_of_number, decimal_bytes, long, uuid_bytes};
use crate::codec::view::{Cell, Refusal};
use crate::dataset::{AvroType, AvroUnion, Reason};

/// Writes a value of a type as it is written in the dataset schema.
pub(super) fn typed(kind: &AvroType, cell: &Cell<'_>, rules: Rules, into: &mut Vec<u8>) -> Result<(), Refusal> {
    match (kind, cell) {
        (AvroType::Union(union), cell) => typed_union(union, cell, rules, into),
        (AvroType::Array(item), Cell::List(items, range)) => {
            write_list(range.clone(), into, |row, into| typed(item, &items.cell(row), rules, into))
        }
        (AvroType::Map(entry), Cell::Map(keys, values, range)) => {
            write_object(range.clone().map(|row| (keys.value(row), row)), into, |row, into| typed(entry, &values.cell(row), rules, into))
        }
        (AvroType::Record(record), Cell::Struct(_, children, row)) => {
            let members = record.fields.iter().zip(*children).map(|(field, child)| (field.name.as_str(), (field, child)));
            // To an XDM schema null is a value, and mostly a wrong one.
            let members = members.filter(|(_, (_, child))| rules != Rules::Xdm || !matches!(child.cell(*row), Cell::Null));
            write_object(members, into, |(field, child), into| typed(&field.kind, &child.cell(*row), rules, into))
        }
        (kind, cell) if rules == Rules::Avro => single(kind, cell, into),
        (_, cell) => value(cell, into),
    }
}

fn typed_union(union: &AvroUnion, cell: &Cell<'_>, rules: Rules, into: &mut Vec<u8>) -> Result<(), Refusal> {
    let none = || Refusal::new(Reason::UnexpectedNull, "null, and the schema does not allow null here");
    let chosen = match cell {
        Cell::Null => None,
        Cell::Struct(_, children, row) if union.is_several() => {
            let mut there = union.members().zip(*children).map(|((index, kind, _), child)| (index, kind, child.cell(*row)));
            there.find(|(.., cell)| !matches!(cell, Cell::Null))
        }
        cell => Some(branch_of_number(union, cell)?),
    };
    let Some((index, kind, cell)) = chosen else {
        into.extend_from_slice(b"null");
        return if union.null().is_some() { Ok(()) } else { Err(none()) };
    };
    let tag = tag(union, index, rules);
    open(tag.as_deref(), into);
    typed(kind, &cell, rules, into)?;
    close(tag.as_deref(), into);
    Ok(())
}

/// The name that an object around a value must tell, if one must.
pub(super) fn tag(union: &AvroUnion, index: usize, rules: Rules) -> Option<String> {
    let is_object = |kind: &AvroType| matches!(kind, AvroType::Map(_) | AvroType::Record(_));
    match rules {
        Rules::Avro => union.names.get(index).cloned(),
        Rules::Plain | Rules::Xdm if union.members().filter(|(_, kind, _)| is_object(kind)).count() < 2 => None,
        Rules::Plain | Rules::Xdm => union.members().find(|(at, kind, _)| *at == index && is_object(kind)).map(|(.., name)| name),
    }
}

pub(super) fn open(tag: Option<&str>, into: &mut Vec<u8>) {
    if let Some(tag) = tag {
        into.push(b'{');
        string(into, tag);
        into.push(b':');
    }
}

pub(super) fn close(tag: Option<&str>, into: &mut Vec<u8>) {
    if tag.is_some() {
        into.push(b'}');
    }
}

/// A single value in the form of Avro's JSON: what has a logical type is written as the type beneath.
fn single(kind: &AvroType, cell: &Cell<'_>, into: &mut Vec<u8>) -> Result<(), Refusal> {
    let cell = match (kind, cell) {
        (AvroType::Decimal { fixed, .. }, Cell::Decimal(unscaled, _)) => {
            let bytes = decimal_bytes(*unscaled, fixed.as_ref().map(|fixed| fixed.size))?;
            return value(&Cell::Binary(&bytes), into);
        }
        (AvroType::UuidFixed(_), Cell::Text(text)) => return value(&Cell::Binary(&uuid_bytes(text)?), into),
        (_, Cell::Date(days)) => Cell::Int((*days).into()),
        (_, Cell::TimeMillis(millis)) => Cell::Int((*millis).into()),
        (_, Cell::TimeMicros(micros)) => Cell::Int(*micros),
        (_, Cell::Timestamp(instant, ..)) => Cell::Int(*instant),
        (_, Cell::Unsigned(number)) => Cell::Int(long(*number)?),
        (_, cell) => cell.clone(),
    };
    value(&cell, into)
}

/// Whether a union's values stand in columns of their own, or may have to be named.
pub(super) fn is_named(kind: &AvroType, rules: Rules) -> Option<&AvroUnion> {
    named_union(kind, rules).filter(|union| union.is_several() || union.members().any(|(_, kind, _)| matches!(kind, AvroType::Record(_))))
}
