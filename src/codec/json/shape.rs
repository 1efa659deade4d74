//! What JSON a dataset's events are: its objects and their members, compiled from the schema.

use std::collections::HashMap;

use crate::codec::CodecError;
use crate::codec::avro::Default;
use crate::codec::scalar::Scalar;
use crate::dataset::{AvroField, AvroRecord, AvroType};

/// A value of one column.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) shape: Shape,
    pub(super) nullable: bool,
}

#[derive(Debug)]
pub(super) enum Shape {
    Scalar(Scalar),
    Array(Box<Value>),
    Map(Box<Value>),
    /// An object that is a value itself, inside an array or a map.
    Object(Object<Value>),
}

/// A member of an event, or of an object in it that is no value but the way to its members' columns.
#[derive(Debug)]
pub(super) struct Member {
    /// Its number among all members of the event.
    pub(super) id: usize,
    pub(super) target: Target,
}

#[derive(Debug)]
pub(super) enum Target {
    /// Nobody asked for it.
    Ignored,
    Column(usize, Value),
    Object {
        object: Object<Member>,
        nullable: bool,
        /// The columns of all members beneath.
        columns: Vec<usize>,
    },
}

/// The members of an object by name.
#[derive(Debug)]
pub(super) struct Object<M> {
    pub(super) members: Vec<Named<M>>,
    index: HashMap<String, usize>,
}

/// A member with its name, and what it is when an event lacks it.
#[derive(Debug)]
pub(super) struct Named<M> {
    pub(super) name: String,
    pub(super) default: Option<Default>,
    pub(super) member: M,
}

impl<M> Object<M> {
    fn new(members: Vec<Named<M>>) -> Self {
        let index = members.iter().enumerate().map(|(index, member)| (member.name.clone(), index)).collect();
        Self { members, index }
    }

    /// The member of a name. Events tend to have their members in the schema's order, so the `expected` one is tried first.
    #[inline]
    pub(super) fn find(&self, name: &str, expected: usize) -> Option<usize> {
        match self.members.get(expected) {
            Some(member) if member.name == name => Some(expected),
            _ => self.index.get(name).copied(),
        }
    }
}

/// Compiles the dataset's root record.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    /// The column of each of the dataset's fields; none for those that nobody asked for.
    pub(super) places: &'a [Option<usize>],
    /// The dataset's next field.
    pub(super) leaf: usize,
    /// The next member's number.
    pub(super) id: usize,
}

impl Compiler<'_> {
    pub(super) fn object(&mut self, record: &AvroRecord, path: &str) -> Result<Object<Member>, CodecError> {
        let members = record.fields.iter().map(|field| {
            let path = if path.is_empty() { field.name.clone() } else { format!("{path}.{}", field.name) };
            let id = self.id;
            self.id += 1;
            let first = self.leaf;
            let (kind, null) = field.kind.split_null();
            let (target, default) = if let AvroType::Record(inner) = kind {
                let object = self.object(inner, &path)?;
                let columns: Vec<usize> = self.places[first..self.leaf].iter().flatten().copied().collect();
                let default = if columns.is_empty() { None } else { Default::of_record(field, self.places, first, &path)? };
                (Target::Object { object, nullable: null.is_some(), columns }, default)
            } else {
                self.leaf += 1;
                match self.places[first] {
                    Some(column) => (Target::Column(column, value(&field.kind, &path)?), Default::of_value(field, &path)?),
                    None => (Target::Ignored, None),
                }
            };
            Ok(Named { name: field.name.clone(), default, member: Member { id, target } })
        });
        Ok(Object::new(members.collect::<Result<_, CodecError>>()?))
    }
}

fn value(kind: &AvroType, path: &str) -> Result<Value, CodecError> {
    let (kind, null) = kind.split_null();
    let shape = match kind {
        AvroType::Array(item) => Shape::Array(Box::new(value(item, path)?)),
        AvroType::Map(entry) => Shape::Map(Box::new(value(entry, path)?)),
        AvroType::Record(record) => {
            Shape::Object(Object::new(record.fields.iter().map(|field| nested(field, path)).collect::<Result<_, _>>()?))
        }
        kind => {
            let why = || CodecError::Incompatible { path: path.to_owned(), why: "a union of several branches".to_owned() };
            Shape::Scalar(Scalar::of(kind).ok_or_else(why)?)
        }
    };
    Ok(Value { nullable: null.is_some() || *kind == AvroType::Null, shape })
}

fn nested(field: &AvroField, path: &str) -> Result<Named<Value>, CodecError> {
    let path = format!("{path}.{}", field.name);
    Ok(Named { name: field.name.clone(), default: Default::of_value(field, &path)?, member: value(&field.kind, &path)? })
}
