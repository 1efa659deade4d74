//! Serde visitors that put what the parser finds into columns.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::check::{check, check_items, extraneous, missing};
use super::choice::Choose;
use super::fault::{Anchor, Context};
use super::shape::{Object, Others, Shape, Target, Value};
use super::skip::{Skip, descend};
use crate::codec::column::{Column, Full};
use crate::codec::scalar::{Found, Scalar};
use crate::dataset::Reason;

/// The event's object, or one in it whose members are columns of their own.
pub(super) struct Event<'a> {
    pub(super) object: &'a Object<Target>,
    pub(super) columns: &'a mut [Column],
    pub(super) context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for Event<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(Members { event: self, null: None })
    }
}

/// One of the event's objects, with the columns that are null when it is.
pub(super) struct Members<'a> {
    pub(super) event: Event<'a>,
    pub(super) null: Option<&'a [usize]>,
}

impl Members<'_> {
    /// What stands here is no object. Only a violation of rules lets the reader go on.
    fn refuse<E: Error>(self, found: Found<'_>, anchor: Anchor) -> Result<(), E> {
        let context = self.event.context;
        match &self.event.object.rules {
            Some(rules) => context.violate(check(rules, found), anchor),
            None => Err(context.refuse(Reason::WrongType, format!("expected an object, found {found}"), anchor)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Event { object, columns, context } = self.event;
        descend(context)?;
        let number = context.object();
        let mut expected = 0;
        while let Some(found) = map.next_key_seed(Key { object, expected })? {
            let index = match found {
                Name::Known(index) => index,
                Name::Other(name) => {
                    other(object, &name, &mut map, context)?;
                    continue;
                }
            };
            expected = index + 1;
            let named = &object.members[index];
            if context.see(named.id, number) {
                let error = context.refuse(Reason::DuplicateKey, "the member is there twice", Anchor::Text);
                context.within(&named.name);
                return Err(error);
            }
            context.enter(&named.name);
            let outcome = match &named.member {
                Target::Ignored => map.next_value_seed(Skip(context)),
                Target::Column(column, value) => {
                    // A report needs no column.
                    let column = at(columns, column.filter(|_| context.report.is_none()));
                    map.next_value_seed(Put { value, column, context })
                }
                Target::Choice(choice) => map.next_value_seed(Choose { choice, columns, context }),
                Target::Object { object, nullable, columns: beneath } => {
                    let event = Event { object, columns, context };
                    map.next_value_seed(Members { event, null: nullable.then_some(beneath) })
                }
            };
            if let Err(error) = outcome {
                context.within(&named.name);
                return Err(error);
            }
            context.leave();
        }
        require(object, number, context)?;
        if context.report.is_none() {
            fill(object, columns, number, context)?;
        }
        context.depth -= 1;
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if let Some(rules) = &self.event.object.rules {
            let violations = check(rules, Found::Null);
            if !violations.is_empty() {
                return self.event.context.violate(violations, Anchor::Word(4));
            }
        }
        match self.null {
            Some(beneath) => {
                beneath.iter().for_each(|column| self.event.columns[*column].push_null());
                Ok(())
            }
            None => Err(self.event.context.refuse(Reason::MissingField, "null, and an object must be here", Anchor::Word(4))),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.refuse(Found::Bool(value), word(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.refuse(Found::Integer(value), Anchor::Number)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.refuse(unsigned(value), Anchor::Number)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.refuse(Found::Float(value), Anchor::Number)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.refuse(Found::Text(value), Anchor::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, seq: A) -> Result<(), A::Error> {
        let event = &mut self.event;
        let again = Event { object: event.object, columns: &mut [], context: event.context };
        Members { event: again, null: None }.refuse(Found::Array, Anchor::Open)?;
        Skip(self.event.context).visit_seq(seq)
    }
}

/// The column that a value goes to; none where nobody asked for it.
#[inline]
pub(super) fn at(columns: &mut [Column], column: Option<usize>) -> Option<&mut Column> {
    column.and_then(|column| columns.get_mut(column))
}

/// A member that the object does not name.
fn other<'de, A: MapAccess<'de>, M>(object: &Object<M>, name: &str, map: &mut A, context: &mut Context) -> Result<(), A::Error> {
    let Some(rules) = &object.rules else { return map.next_value_seed(Skip(context)) };
    match &object.others {
        Others::Ignored => map.next_value_seed(Skip(context)),
        Others::Refused => {
            context.violate(vec![extraneous(rules, name)], Anchor::Text).inspect_err(|_| context.within(name))?;
            map.next_value_seed(Skip(context))
        }
        Others::Each(value) => {
            context.enter(name);
            map.next_value_seed(Put { value, column: None, context }).inspect_err(|_| context.within(name))?;
            context.leave();
            Ok(())
        }
    }
}

/// Holds an object against what it must have.
fn require<E: Error, M>(object: &Object<M>, number: u64, context: &mut Context) -> Result<(), E> {
    let Some(rules) = &object.rules else { return Ok(()) };
    for named in object.members.iter().filter(|named| named.required) {
        if !context.has(named.id, number) {
            context.violate(vec![missing(rules, &named.name)], Anchor::Close).inspect_err(|_| context.within(&named.name))?;
        }
    }
    Ok(())
}

/// Gives the columns of members that the object lacks their nulls and defaults.
fn fill<E: Error>(object: &Object<Target>, columns: &mut [Column], number: u64, context: &mut Context) -> Result<(), E> {
    for named in &object.members {
        if context.has(named.id, number) {
            continue;
        }
        match (&named.member, &named.default) {
            (Target::Ignored | Target::Column(None, _), _) => {}
            (Target::Column(Some(column), _), Some(default)) => default.push(std::slice::from_mut(&mut columns[*column])),
            (Target::Column(Some(column), value), None) if value.nullable => columns[*column].push_null(),
            (Target::Object { .. } | Target::Choice(_), Some(default)) => default.push(columns),
            (Target::Choice(choice), None) if choice.nullable || choice.columns.is_empty() => {
                choice.columns.iter().for_each(|column| columns[*column].push_null());
            }
            (Target::Object { nullable: true, columns: beneath, .. }, None) => {
                beneath.iter().for_each(|column| columns[*column].push_null());
            }
            (Target::Object { columns: beneath, .. }, None) if beneath.is_empty() => {}
            // An object that is missing is one without members: some of them may have defaults.
            (Target::Object { object, .. }, None) => {
                fill(object, columns, context.object(), context).inspect_err(|_| context.within(&named.name))?;
            }
            (Target::Column(..) | Target::Choice(_), None) => {
                let error = context.refuse(Reason::MissingField, "the event does not have it", Anchor::Close);
                context.within(&named.name);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// A member's name, looked up where it stands in the payload.
struct Key<'a, M> {
    object: &'a Object<M>,
    expected: usize,
}

/// The index of a member, or the name of one that the object does not have, where it matters.
enum Name {
    Known(usize),
    Other(String),
}

impl<'de, M> DeserializeSeed<'de> for Key<'_, M> {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<M> Visitor<'_> for Key<'_, M> {
    type Value = Name;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let kept = || if matches!(self.object.others, Others::Ignored) { String::new() } else { name.to_owned() };
        Ok(self.object.find(name, self.expected).map_or_else(|| Name::Other(kept()), Name::Known))
    }
}

/// Puts one value into a column, or only holds it against its rules.
pub(super) struct Put<'a> {
    pub(super) value: &'a Value,
    pub(super) column: Option<&'a mut Column>,
    pub(super) context: &'a mut Context,
}

/// The visits of scalars, for a visitor whose `scalar` puts one where it belongs.
macro_rules! scalar_visits {
    () => {
        fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
            self.scalar(Found::Bool(value), word(value))
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
            self.scalar(Found::Integer(value), Anchor::Number)
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
            self.scalar(unsigned(value), Anchor::Number)
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
            self.scalar(Found::Float(value), Anchor::Number)
        }

        fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
            self.scalar(Found::Text(value), Anchor::Text)
        }
    };
}

pub(super) use scalar_visits;

/// An integer without sign, which mostly fits 63 bits.
#[inline]
pub(super) fn unsigned(value: u64) -> Found<'static> {
    i64::try_from(value).map_or(Found::Unsigned(value), Found::Integer)
}

impl Put<'_> {
    fn scalar<E: Error>(self, found: Found<'_>, anchor: Anchor) -> Result<(), E> {
        if let Some(rules) = &self.value.rules {
            let violations = check(rules, found);
            if !violations.is_empty() {
                return self.context.violate(violations, anchor);
            }
        }
        let Some(column) = self.column else { return Ok(()) };
        let misfit = match &self.value.shape {
            Shape::Scalar(scalar) => match scalar.push(found, column) {
                Ok(()) => return Ok(()),
                Err(misfit) => misfit,
            },
            Shape::Choice(nested) => return nested.put(column, self.context, |choose| choose.scalar(found, anchor)),
            other => (Reason::WrongType, format!("expected {}, found {found}", other.expected()).into()),
        };
        Err(self.context.refuse(misfit.0, misfit.1, anchor))
    }

    /// Puts what an array or an object holds into the column's children.
    fn close<E: Error>(column: Option<&mut Column>, context: &mut Context) -> Result<(), E> {
        context.depth -= 1;
        let closed = column.map_or(Ok(()), Column::close);
        closed.map_err(|Full| context.refuse(Reason::OutOfRange, "the batch's column holds no more items", Anchor::Close))
    }

    /// An array or an object stands where none may. Only a violation of rules lets the reader go on.
    fn misplaced<E: Error>(value: &Value, found: Found<'_>, context: &mut Context) -> Result<(), E> {
        let (reason, message) = match (&value.rules, &value.shape) {
            (Some(rules), _) => return context.violate(check(rules, found), Anchor::Open),
            (None, Shape::Scalar(scalar)) => scalar.misfit(found),
            (None, other) => (Reason::WrongType, format!("expected {}, found {found}", other.expected()).into()),
        };
        Err(context.refuse(reason, message, Anchor::Open))
    }
}

impl Shape {
    fn expected(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "a value",
            Self::Array(_) => "an array",
            Self::Map(_) | Self::Object(_) => "an object",
            Self::Choice(_) => "one of a union's types",
        }
    }
}

impl<'de> DeserializeSeed<'de> for Put<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Put<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of the field's type")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if let Some(rules) = &self.value.rules {
            let violations = check(rules, Found::Null);
            if !violations.is_empty() {
                return self.context.violate(violations, Anchor::Word(4));
            }
        }
        if self.value.nullable {
            self.column.into_iter().for_each(Column::push_null);
            return Ok(());
        }
        Err(self.context.refuse(Reason::MissingField, "null, and the dataset schema does not allow null here", Anchor::Word(4)))
    }

    scalar_visits!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Put { value, mut column, context } = self;
        let item = match (&value.shape, &mut column) {
            (Shape::Array(item), _) => item,
            (Shape::Choice(nested), Some(column)) => return nested.put(column, context, |choose| choose.visit_seq(seq)),
            _ => {
                Self::misplaced(value, Found::Array, context)?;
                return Skip(context).visit_seq(seq);
            }
        };
        descend(context)?;
        let mut count = 0;
        loop {
            context.enter_item(count);
            let child = column.as_deref_mut().and_then(|column| column.children().first_mut());
            let more = seq.next_element_seed(Put { value: item, column: child, context })?;
            context.leave();
            if more.is_none() {
                break;
            }
            count += 1;
        }
        if let Some(rules) = &value.rules {
            let violations = check_items(rules, count);
            if !violations.is_empty() {
                context.violate(violations, Anchor::CloseArray)?;
            }
        }
        Self::close(column, context)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Put { value, mut column, context } = self;
        match (&value.shape, &mut column) {
            (Shape::Map(entry), column) => {
                descend(context)?;
                loop {
                    let mut children = column.as_deref_mut().map(Column::children).unwrap_or_default().iter_mut();
                    let (keys, values) = (children.next(), children.next());
                    if map.next_key_seed(EntryKey { column: keys, context })?.is_none() {
                        break;
                    }
                    map.next_value_seed(Put { value: entry, column: values, context })?;
                    context.leave();
                }
            }
            (Shape::Choice(nested), Some(column)) => return nested.put(column, context, |choose| choose.visit_map(map)),
            (Shape::Object(object), column) => {
                descend(context)?;
                nested(object, &mut map, column.as_deref_mut(), context)?;
            }
            _ => {
                Self::misplaced(value, Found::Object, context)?;
                return Skip(context).visit_map(map);
            }
        }
        Self::close(column, context)
    }
}

/// The key of a map's entry.
struct EntryKey<'a> {
    column: Option<&'a mut Column>,
    context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for EntryKey<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for EntryKey<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        self.context.enter(key);
        let Some(column) = self.column else { return Ok(()) };
        Scalar::String.push(Found::Text(key), column).map_err(|misfit| self.context.refuse(misfit.0, misfit.1, Anchor::Text))
    }
}

/// Puts the members of an object inside an array or a map into the columns of a struct.
fn nested<'de, A: MapAccess<'de>>(
    object: &Object<Value>,
    map: &mut A,
    mut column: Option<&mut Column>,
    context: &mut Context,
) -> Result<(), A::Error> {
    let number = context.object();
    let mut expected = 0;
    while let Some(found) = map.next_key_seed(Key { object, expected })? {
        let index = match found {
            Name::Known(index) => index,
            Name::Other(name) => {
                other(object, &name, map, context)?;
                continue;
            }
        };
        expected = index + 1;
        let named = &object.members[index];
        context.enter(&named.name);
        let outcome = if context.see(named.id, number) {
            Err(context.refuse(Reason::DuplicateKey, "the member is there twice", Anchor::Text))
        } else {
            let column = column.as_deref_mut().and_then(|column| column.children().get_mut(index));
            map.next_value_seed(Put { value: &named.member, column, context })
        };
        outcome.inspect_err(|_| context.within(&named.name))?;
        context.leave();
    }
    require(object, number, context)?;
    let Some(column) = column else { return Ok(()) };
    for (named, child) in object.members.iter().zip(column.children()) {
        if context.has(named.id, number) {
            continue;
        }
        if let Some(default) = &named.default {
            default.push(std::slice::from_mut(child));
        } else if named.member.nullable {
            child.push_null();
        } else {
            let error = context.refuse(Reason::MissingField, "the object does not have it", Anchor::Close);
            context.within(&named.name);
            return Err(error);
        }
    }
    Ok(())
}

pub(super) fn word(value: bool) -> Anchor {
    Anchor::Word(if value { 4 } else { 5 })
}
