//! Serde visitors of one column's values, whatever they hold.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::check::{check, check_items};
use super::fault::{Anchor, Context};
use super::shape::{Object, Shape, Value};
use super::skip::{Skip, descend};
use super::visit::{Key, Name, other, require, scalar_visits, unsigned, word};
use crate::codec::column::{Column, Full};
use crate::codec::scalar::{Found, Scalar};
use crate::dataset::Reason;

/// Puts one value into a column, or only holds it against its rules.
pub(super) struct Put<'a> {
    pub(super) value: &'a Value,
    pub(super) column: Option<&'a mut Column>,
    pub(super) context: &'a mut Context,
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

/// Puts an array's items, one behind the other. Floats are a model's input by the hundred: those that are only to be kept take the short way,
/// behind a single pointer.
struct Items<'a> {
    value: &'a Value,
    column: Option<&'a mut Column>,
    context: &'a mut Context,
}

impl Items<'_> {
    fn put(&mut self) -> Put<'_> {
        Put { value: self.value, column: self.column.as_deref_mut(), context: self.context }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Items<'_> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Items<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an item of the field's type")
    }

    #[inline]
    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        if let (None, Shape::Scalar(scalar), Some(column)) = (&self.value.rules, &self.value.shape, &mut self.column)
            && scalar.keeps_float(value, column)
        {
            return Ok(());
        }
        self.put().visit_f64(value)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put().visit_unit()
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put().visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put().visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        let Some(values) = self.context.floats.marked(value) else { return self.put().visit_u64(value) };
        let kept = match (&self.value.rules, &self.value.shape, &mut self.column) {
            (None, Shape::Scalar(scalar), Some(column)) => scalar.push_floats(values, column),
            _ => false,
        };
        // Read again as it came, the event tells which number does not fit.
        if kept { Ok(()) } else { Err(E::custom("")) }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.put().visit_str(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.put().visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.put().visit_map(map)
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
        let mut items = Items { value: item, column: column.as_deref_mut().and_then(|column| column.children().first_mut()), context };
        let mut count = 0;
        loop {
            items.context.enter_item(count);
            let more = seq.next_element_seed(&mut items)?;
            items.context.leave();
            if more.is_none() {
                break;
            }
            count += 1;
        }
        if let Some(rules) = &value.rules {
            let violations = check_items(rules, count);
            if !violations.is_empty() {
                items.context.violate(violations, Anchor::CloseArray)?;
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
            default.push(std::slice::from_mut(child)).map_err(|(reason, message)| {
                context.within(&named.name);
                context.refuse::<A::Error>(reason, message, Anchor::Close)
            })?;
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
