//! Serde visitors that put what the parser finds into columns.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::choice::Choose;
use super::fault::{Anchor, Context};
use super::shape::{Member, Object, Shape, Target, Value};
use super::skip::{Skip, descend};
use crate::codec::column::{Column, Full};
use crate::codec::scalar::{Misfit, Scalar};
use crate::dataset::Reason;

/// The event's object, or one in it whose members are columns of their own.
pub(super) struct Event<'a> {
    pub(super) object: &'a Object<Member>,
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
    fn refuse<E: Error>(self, found: impl fmt::Display, anchor: Anchor) -> Result<(), E> {
        Err(self.event.context.refuse(Reason::WrongType, format!("expected an object, found {found}"), anchor))
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
        let mut expected = 0;
        while let Some(found) = map.next_key_seed(Key { object, expected })? {
            let Some(index) = found else {
                map.next_value_seed(Skip(context))?;
                continue;
            };
            expected = index + 1;
            let named = &object.members[index];
            if context.see(named.member.id) {
                let error = context.refuse(Reason::DuplicateKey, "the member is there twice", Anchor::Text);
                context.within(&named.name);
                return Err(error);
            }
            let outcome = match &named.member.target {
                Target::Ignored => map.next_value_seed(Skip(context)),
                Target::Column(column, value) => map.next_value_seed(Put { value, column: &mut columns[*column], context }),
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
        }
        fill(object, columns, context)?;
        context.depth -= 1;
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.null {
            Some(beneath) => {
                beneath.iter().for_each(|column| self.event.columns[*column].push_null());
                Ok(())
            }
            None => Err(self.event.context.refuse(Reason::MissingField, "null, and an object must be here", Anchor::Word(4))),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.refuse(value, word(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.refuse(value, Anchor::Number)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.refuse(value, Anchor::Number)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.refuse(value, Anchor::Number)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.refuse("a string", Anchor::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.refuse("an array", Anchor::Open)
    }
}

/// Gives the columns of members that the object lacks their nulls and defaults.
fn fill<E: Error>(object: &Object<Member>, columns: &mut [Column], context: &mut Context) -> Result<(), E> {
    for named in &object.members {
        if context.has(named.member.id) {
            continue;
        }
        match (&named.member.target, &named.default) {
            (Target::Ignored, _) => {}
            (Target::Column(column, _), Some(default)) => default.push(std::slice::from_mut(&mut columns[*column])),
            (Target::Column(column, value), None) if value.nullable => columns[*column].push_null(),
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
                fill(object, columns, context).inspect_err(|_| context.within(&named.name))?;
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

impl<'de, M> DeserializeSeed<'de> for Key<'_, M> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<M> Visitor<'_> for Key<'_, M> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.object.find(name, self.expected))
    }
}

/// Puts one value into a column.
pub(super) struct Put<'a> {
    pub(super) value: &'a Value,
    pub(super) column: &'a mut Column,
    pub(super) context: &'a mut Context,
}

/// The visits of scalars, for a visitor whose `scalar` puts one where it belongs.
macro_rules! scalar_visits {
    () => {
        fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
            self.scalar(value, word(value), |scalar, column| scalar.push_bool(value, column))
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
            self.scalar(value, Anchor::Number, |scalar, column| scalar.push_integer(value, column))
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
            self.scalar(value, Anchor::Number, |scalar, column| scalar.push_unsigned(value, column))
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
            self.scalar(value, Anchor::Number, |scalar, column| scalar.push_float(value, column))
        }

        fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
            self.scalar("a string", Anchor::Text, |scalar, column| scalar.push_string(value, column))
        }
    };
}

pub(super) use scalar_visits;

impl<'a> Put<'a> {
    fn scalar<E: Error>(
        self,
        found: impl fmt::Display,
        anchor: Anchor,
        push: impl Fn(&Scalar, &mut Column) -> Result<(), Misfit>,
    ) -> Result<(), E> {
        let misfit = match &self.value.shape {
            Shape::Scalar(scalar) => match push(scalar, self.column) {
                Ok(()) => return Ok(()),
                Err(misfit) => misfit,
            },
            Shape::Choice(nested) => {
                return nested.put(self.column, self.context, |choose| choose.scalar(found, anchor, push));
            }
            other => (Reason::WrongType, format!("expected {}, found {found}", other.expected()).into()),
        };
        Err(self.context.refuse(misfit.0, misfit.1, anchor))
    }

    /// Puts what an array or an object holds into the column's children.
    fn close<E: Error>(column: &mut Column, context: &mut Context) -> Result<(), E> {
        context.depth -= 1;
        column.close().map_err(|Full| context.refuse(Reason::OutOfRange, "the batch's column holds no more items", Anchor::Close))
    }

    fn misplaced<E: Error>(self, found: &'static str) -> E {
        let (reason, message) = match &self.value.shape {
            Shape::Scalar(scalar) => scalar.misfit(found),
            other => (Reason::WrongType, format!("expected {}, found {found}", other.expected()).into()),
        };
        self.context.refuse(reason, message, Anchor::Open)
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
        if self.value.nullable {
            self.column.push_null();
            return Ok(());
        }
        Err(self.context.refuse(Reason::MissingField, "null, and the dataset schema does not allow null here", Anchor::Word(4)))
    }

    scalar_visits!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if let Shape::Choice(nested) = &self.value.shape {
            return nested.put(self.column, self.context, |choose| choose.visit_seq(seq));
        }
        let Shape::Array(item) = &self.value.shape else { return Err(self.misplaced("an array")) };
        descend(self.context)?;
        while seq.next_element_seed(Put { value: item, column: &mut self.column.children()[0], context: self.context })?.is_some() {}
        Self::close(self.column, self.context)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match &self.value.shape {
            Shape::Map(entry) => {
                descend(self.context)?;
                while map.next_key_seed(Put { value: &MAP_KEY, column: &mut self.column.children()[0], context: self.context })?.is_some() {
                    map.next_value_seed(Put { value: entry, column: &mut self.column.children()[1], context: self.context })?;
                }
            }
            Shape::Choice(nested) => return nested.put(self.column, self.context, |choose| choose.visit_map(map)),
            Shape::Object(object) => {
                descend(self.context)?;
                nested(object, &mut map, self.column, self.context)?;
            }
            _ => return Err(self.misplaced("an object")),
        }
        Self::close(self.column, self.context)
    }
}

static MAP_KEY: Value = Value { shape: Shape::Scalar(Scalar::String), nullable: false };

/// Puts the members of an object inside an array or a map into the columns of a struct. Which members were there is told by the
/// columns' lengths, since the object is there many times in one event.
fn nested<'de, A: MapAccess<'de>>(object: &Object<Value>, map: &mut A, column: &mut Column, context: &mut Context) -> Result<(), A::Error> {
    let row = column.len();
    let mut expected = 0;
    while let Some(found) = map.next_key_seed(Key { object, expected })? {
        let Some(index) = found else {
            map.next_value_seed(Skip(context))?;
            continue;
        };
        expected = index + 1;
        let named = &object.members[index];
        let child = &mut column.children()[index];
        let outcome = if child.len() > row {
            Err(context.refuse(Reason::DuplicateKey, "the member is there twice", Anchor::Text))
        } else {
            map.next_value_seed(Put { value: &named.member, column: child, context })
        };
        outcome.inspect_err(|_| context.within(&named.name))?;
    }
    for (named, child) in object.members.iter().zip(column.children()).filter(|(_, child)| child.len() == row) {
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
