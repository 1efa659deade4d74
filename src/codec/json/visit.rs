//! Serde visitors of an event's objects: the way to the members that are columns.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::check::{check, extraneous, missing};
use super::choice::Choose;
use super::fault::{Anchor, Context};
use super::put::Put;
use super::shape::{Object, Others, Target};
use super::skip::{Skip, descend};
use crate::codec::column::Column;
use crate::codec::scalar::Found;
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
pub(super) fn other<'de, A: MapAccess<'de>, M>(object: &Object<M>, name: &str, map: &mut A, context: &mut Context) -> Result<(), A::Error> {
    let Some(rules) = &object.rules else { return map.next_value_seed(Skip(context)) };
    match &object.others {
        Others::Ignored => map.next_value_seed(Skip(context)),
        Others::Refused => {
            context.violate(vec![extraneous(rules, name)], Anchor::Text).inspect_err(|_| context.within_event(name))?;
            map.next_value_seed(Skip(context))
        }
        Others::Each(value) => {
            context.enter(name);
            map.next_value_seed(Put { value, column: None, context }).inspect_err(|_| context.within_event(name))?;
            context.leave();
            Ok(())
        }
    }
}

/// Holds an object against what it must have.
pub(super) fn require<E: Error, M>(object: &Object<M>, number: u64, context: &mut Context) -> Result<(), E> {
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
            (_, Some(default)) => default.push(columns).map_err(|(reason, message)| {
                context.within(&named.name);
                context.refuse::<E>(reason, message, Anchor::Close)
            })?,
            (Target::Column(Some(column), value), None) if value.nullable => columns[*column].push_null(),
            (Target::Choice(choice), None) if choice.nullable => {
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
pub(super) struct Key<'a, M> {
    pub(super) object: &'a Object<M>,
    pub(super) expected: usize,
}

/// The index of a member, or the name of one that the object does not have, where it matters.
pub(super) enum Name {
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

pub(super) fn word(value: bool) -> Anchor {
    Anchor::Word(if value { 4 } else { 5 })
}
