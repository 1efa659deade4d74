//! Unions: which of its types a JSON value is.
//!
//! Plain JSON does not say: a value is the first type that takes it, and where several types are objects, an object around it names the
//! type, `{"Click": {...}}`. By Avro's rules every value but null is in such an object, `{"string": "x"}`.

use std::fmt;

use arrow_schema::DataType;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::fault::{Anchor, Context};
use super::put::Put;
use super::shape::{Rules, Target, scalar};
use super::skip::{Skip, descend};
use super::visit::{Event, Members, at, scalar_visits, unsigned, word};
use crate::codec::CodecError;
use crate::codec::column::Column;
use crate::codec::scalar::{Found, Scalar};
use crate::dataset::{AvroType, Reason};

/// A union.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) branches: Vec<Branch>,
    pub(super) nullable: bool,
    /// The columns of all branches.
    pub(super) columns: Vec<usize>,
    /// Whether an object names the type of every value that is not null.
    pub(super) is_tagged: bool,
    /// Whether each type has columns of its own, beneath its name.
    pub(super) is_several: bool,
}

/// One of its types.
#[derive(Debug)]
pub(super) struct Branch {
    /// What Avro calls it, and what columns do.
    pub(super) tags: [String; 2],
    pub(super) kind: Kind,
    pub(super) target: Target,
    /// The columns of the others, which are null.
    pub(super) nulls: Vec<usize>,
}

/// What JSON a type is.
#[derive(Debug)]
pub(super) enum Kind {
    Scalar(Scalar, DataType),
    Array,
    Object,
}

impl Choice {
    /// What a value of it looks like, for messages.
    fn expected(&self) -> String {
        let names: Vec<&str> = self.branches.iter().map(|branch| branch.tags[0].as_str()).collect();
        let of = if self.is_tagged { "an object of one member, which is one of " } else { "one of " };
        format!("{of}{}", names.join(", "))
    }

    /// Notes that the fault is inside a value of a type.
    #[cold]
    fn within(&self, branch: &Branch, context: &mut Context) {
        if self.is_several {
            context.within(&branch.tags[1]);
        }
    }

    /// The only type that is an object, where its values need no name.
    fn untagged_object(&self) -> Option<&Branch> {
        let mut objects = self.branches.iter().filter(|branch| matches!(branch.kind, Kind::Object));
        let first = objects.next().filter(|_| !self.is_tagged);
        if objects.next().is_some() { None } else { first }
    }
}

/// Puts a value into the columns of its type, and null into those of the others.
pub(super) struct Choose<'a> {
    pub(super) choice: &'a Choice,
    pub(super) columns: &'a mut [Column],
    pub(super) context: &'a mut Context,
}

impl Choose<'_> {
    fn refuse<E: Error>(self, found: impl fmt::Display, anchor: Anchor) -> E {
        let message = format!("expected {}, found {found}", self.choice.expected());
        self.context.refuse(Reason::WrongType, message, anchor)
    }

    pub(super) fn scalar<E: Error>(self, found: Found<'_>, anchor: Anchor) -> Result<(), E> {
        if self.choice.is_tagged {
            return Err(self.refuse(found, anchor));
        }
        // An enum's default stands for a text that no other type takes.
        let is_default = |branch: &&Branch| matches!(&branch.kind, Kind::Scalar(scalar, _) if scalar.is_unknown_symbol(found));
        let choice = self.choice;
        let branches = || choice.branches.iter();
        for branch in branches().filter(|branch| !is_default(branch)).chain(branches().filter(is_default)) {
            let Kind::Scalar(scalar, data_type) = &branch.kind else { continue };
            let taken = match &branch.target {
                Target::Column(Some(column), _) => scalar.push(found, &mut self.columns[*column]),
                // Nobody asked for it, but whether it takes the value decides about the types behind it.
                _ => scalar.push(found, &mut Column::new(data_type, true)),
            };
            if taken.is_ok() {
                branch.nulls.iter().for_each(|column| self.columns[*column].push_null());
                return Ok(());
            }
        }
        Err(self.refuse(found, anchor))
    }
}

impl<'de> DeserializeSeed<'de> for Choose<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Choose<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of one of the union's types")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.choice.nullable {
            self.choice.columns.iter().for_each(|column| self.columns[*column].push_null());
            return Ok(());
        }
        Err(self.context.refuse(Reason::MissingField, "null, and the dataset schema does not allow null here", Anchor::Word(4)))
    }

    scalar_visits!();

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        let array = self.choice.branches.iter().find(|branch| matches!(branch.kind, Kind::Array));
        let Some(branch) = array.filter(|_| !self.choice.is_tagged) else { return Err(self.refuse("an array", Anchor::Open)) };
        let Self { choice, columns, context } = self;
        branch.nulls.iter().for_each(|column| columns[*column].push_null());
        let outcome = match &branch.target {
            Target::Column(column, value) => Put { value, column: at(columns, *column), context: &mut *context }.visit_seq(seq),
            _ => Skip(&mut *context).visit_seq(seq),
        };
        outcome.inspect_err(|_| choice.within(branch, context))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { choice, columns, context } = self;
        if let Some(branch) = choice.untagged_object() {
            branch.nulls.iter().for_each(|column| columns[*column].push_null());
            let outcome = match &branch.target {
                Target::Column(column, value) => Put { value, column: at(columns, *column), context: &mut *context }.visit_map(map),
                Target::Object { object, .. } => {
                    Members { event: Event { object, columns, context: &mut *context }, null: None }.visit_map(map)
                }
                _ => Skip(&mut *context).visit_map(map),
            };
            return outcome.inspect_err(|_| choice.within(branch, context));
        }
        descend(context)?;
        let branch = match map.next_key_seed(Tag(choice))? {
            Some(Some(branch)) => branch,
            Some(None) => return Err(Choose { choice, columns, context }.refuse("another member", Anchor::Text)),
            None => return Err(Choose { choice, columns, context }.refuse("an empty object", Anchor::Close)),
        };
        branch.nulls.iter().for_each(|column| columns[*column].push_null());
        let outcome = match &branch.target {
            Target::Column(column, value) => map.next_value_seed(Put { value, column: at(columns, *column), context }),
            Target::Object { object, .. } => map.next_value_seed(Members { event: Event { object, columns, context }, null: None }),
            _ => map.next_value_seed(Skip(context)),
        };
        outcome.inspect_err(|_| choice.within(branch, context))?;
        if map.next_key_seed(Tag(choice))?.is_some() {
            return Err(Choose { choice, columns, context }.refuse("a second member", Anchor::Text));
        }
        context.depth -= 1;
        Ok(())
    }
}

/// The name of a type.
struct Tag<'a>(&'a Choice);

impl<'a, 'de> DeserializeSeed<'de> for Tag<'a> {
    type Value = Option<&'a Branch>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Tag<'a> {
    type Value = Option<&'a Branch>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of one of the union's types")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.branches.iter().find(|branch| branch.tags.iter().any(|tag| tag == name)))
    }
}

/// A union inside an array or a map: its types are the fields of a struct, or all of them the one column.
#[derive(Debug)]
pub(super) struct Nested(pub(super) Choice);

impl Nested {
    /// Lets `choose` choose among the columns of the types, and makes what it chose a value.
    pub(super) fn put<E: Error>(
        &self,
        column: &mut Column,
        context: &mut Context,
        choose: impl FnOnce(Choose<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self(choice) = self;
        let columns = if choice.is_several { column.children() } else { std::slice::from_mut(column) };
        choose(Choose { choice, columns, context })?;
        // A struct has no offsets that could overflow.
        if choice.is_several && column.close().is_err() {
            return Err(context.refuse(Reason::OutOfRange, "the batch's column holds no more items", Anchor::Close));
        }
        Ok(())
    }
}

impl Kind {
    /// What JSON a type is, as columns see it.
    pub(super) fn of(rules: Rules, kind: &AvroType) -> Result<Self, CodecError> {
        Ok(match kind {
            AvroType::Array(_) => Self::Array,
            AvroType::Map(_) | AvroType::Record(_) => Self::Object,
            kind => Self::Scalar(scalar(rules, kind, "")?, kind.arrow().map_or(DataType::Null, |(data_type, _)| data_type)),
        })
    }
}
