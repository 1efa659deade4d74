//! What JSON a dataset's events are: its objects and their members, compiled from the schema.

use std::collections::HashMap;
use std::sync::Arc;

use super::choice::{Branch, Choice, Kind, Nested as NestedChoice};
use crate::codec::CodecError;
use crate::codec::avro::Default;
use crate::codec::scalar::Scalar;
use crate::dataset::{AvroField, AvroRecord, AvroType, AvroUnion, XdmType};

/// A value of one column.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) shape: Shape,
    pub(super) nullable: bool,
    /// The rules that it must keep to.
    pub(super) rules: Option<Arc<XdmType>>,
}

#[derive(Debug)]
pub(super) enum Shape {
    Scalar(Scalar),
    Array(Box<Value>),
    Map(Box<Value>),
    /// An object that is a value itself, inside an array or a map.
    Object(Object<Value>),
    Choice(Box<NestedChoice>),
}

/// What becomes of a member of an event, or of an object in it that is no value but the way to its members' columns.
#[derive(Debug)]
pub(super) enum Target {
    /// Nobody asked for it, nor for anything in it.
    Ignored,
    /// Without a column it is only held against its rules.
    Column(Option<usize>, Value),
    Object {
        object: Object<Target>,
        nullable: bool,
        /// The columns of all members beneath.
        columns: Vec<usize>,
    },
    Choice(Choice),
}

/// The members of an object by name.
#[derive(Debug)]
pub(super) struct Object<M> {
    pub(super) members: Vec<Named<M>>,
    index: HashMap<String, usize>,
    /// The rules that it must keep to, and what other members than these may be.
    pub(super) rules: Option<Arc<XdmType>>,
    pub(super) others: Others,
}

/// What members may be that an object does not name.
#[derive(Debug)]
pub(super) enum Others {
    Ignored,
    Refused,
    Each(Box<Value>),
}

/// A member with its name, and what it is when an event lacks it.
#[derive(Debug)]
pub(super) struct Named<M> {
    pub(super) name: String,
    /// Its number among all members of the event.
    pub(super) id: usize,
    /// Whether an object without it breaks a rule.
    pub(super) required: bool,
    pub(super) default: Option<Default>,
    pub(super) member: M,
}

impl<M> Object<M> {
    pub(super) fn new(members: Vec<Named<M>>) -> Self {
        let index = members.iter().enumerate().map(|(index, member)| (member.name.clone(), index)).collect();
        Self { members, index, rules: None, others: Others::Ignored }
    }

    /// The same object with other names of members, by index.
    pub(super) fn aliased<'n>(mut self, aliases: impl IntoIterator<Item = (usize, &'n [String])>) -> Self {
        let aliases = aliases.into_iter().flat_map(|(index, names)| names.iter().map(move |name| (name.clone(), index)));
        self.index.extend(aliases);
        self
    }

    /// The same object with rules.
    pub(super) fn ruled(self, rules: &Arc<XdmType>, others: Others) -> Self {
        Self { rules: Some(Arc::clone(rules)), others, ..self }
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

/// By whose rules values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// As JSON is written everywhere: a value of a union stands for itself; instants and decimals may be text.
    Plain,
    /// As the Avro specification encodes JSON: a value of a union is in an object that names its type, `{"string": "x"}`; decimals are
    /// text with a character for each byte, instants are numbers.
    Avro,
    /// As [`Rules::Plain`], and every value must keep to the rules of the dataset's XDM schema, whether anybody asked for it or not.
    Xdm,
}

/// Compiles the dataset's root record.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    pub(super) rules: Rules,
    /// Whether the dataset schema is an XDM schema, by whatever rules events are read.
    pub(super) is_xdm: bool,
    /// The column of each of the dataset's fields; none for those that nobody asked for.
    pub(super) places: &'a [Option<usize>],
    /// The dataset's next field.
    pub(super) leaf: usize,
    /// The next member's number.
    pub(super) id: usize,
}

impl Compiler<'_> {
    /// The members of a record as it is written, put into the fields that columns make of it.
    pub(super) fn object(&mut self, written: &AvroRecord, record: &AvroRecord, path: &str) -> Result<Object<Target>, CodecError> {
        let members = written.fields.iter().zip(&record.fields).map(|(written, field)| {
            let path = if path.is_empty() { field.name.clone() } else { format!("{path}.{}", field.name) };
            let id = self.next_id();
            let first = self.leaf;
            let target = self.target(&written.kind, &field.kind, &path)?;
            let default = match self.columns(first).first() {
                None => None,
                Some(_) if matches!(field.kind.split_null().0, AvroType::Record(_)) => {
                    Default::of_record(field, self.places, first, &path)?
                }
                Some(column) => Default::of_value(field, *column, &path)?,
            };
            Ok(Named { name: field.name.clone(), id, required: false, default, member: target })
        });
        let object = Object::new(members.collect::<Result<_, CodecError>>()?);
        // Avro's aliases are names in writers' schemas, XDM's are names in events.
        let aliases = written.fields.iter().map(|field| field.aliases.as_slice()).enumerate();
        Ok(if self.is_xdm { object.aliased(aliases) } else { object })
    }

    pub(super) fn next_id(&mut self) -> usize {
        self.id += 1;
        self.id - 1
    }

    /// The columns of the fields from the `first` on up to here.
    pub(super) fn columns(&self, first: usize) -> Vec<usize> {
        self.places[first..self.leaf].iter().flatten().copied().collect()
    }

    fn target(&mut self, written: &AvroType, kind: &AvroType, path: &str) -> Result<Target, CodecError> {
        let first = self.leaf;
        let (inner, null) = kind.split_null();
        let target = if let Some(union) = named_union(written, self.rules) {
            self.choice(union, kind, path)?
        } else if let (AvroType::Record(written), AvroType::Record(record)) = (sole(written), inner) {
            let object = self.object(written, record, path)?;
            Target::Object { object, nullable: null.is_some(), columns: self.columns(first) }
        } else {
            self.leaf += 1;
            match self.places[first] {
                column @ Some(_) => Target::Column(column, self.value(written, kind, path)?),
                None => Target::Ignored,
            }
        };
        Ok(if self.columns(first).is_empty() { Target::Ignored } else { target })
    }

    fn choice(&mut self, union: &AvroUnion, kind: &AvroType, path: &str) -> Result<Target, CodecError> {
        let first = self.leaf;
        let mut branches = Vec::new();
        for (tags, written, kind) in types(union, kind) {
            // The types of a union that is one column share it.
            let start = if union.is_several() { self.leaf } else { first };
            self.leaf = start;
            let target = self.target(written, kind, path)?;
            branches.push((Branch { tags, kind: Kind::of(self.rules, kind)?, target, nulls: Vec::new() }, self.columns(start)));
        }
        let columns = self.columns(first);
        let branches = branches.into_iter().map(|(branch, own)| {
            let nulls = columns.iter().copied().filter(|column| !own.contains(column)).collect();
            Branch { nulls, ..branch }
        });
        let is_tagged = self.rules == Rules::Avro;
        let (nullable, is_several) = (union.null().is_some(), union.is_several());
        Ok(Target::Choice(Choice { branches: branches.collect(), nullable, columns, is_tagged, is_several }))
    }
}

/// The union whose values may have to say which of its types they are; one of null alone has none to say.
pub(super) fn named_union(written: &AvroType, rules: Rules) -> Option<&AvroUnion> {
    match written {
        AvroType::Union(union) if (rules == Rules::Avro && union.members().next().is_some()) || union.is_several() => Some(union),
        _ => None,
    }
}

/// The type beside null, or the type itself.
pub(super) fn sole(written: &AvroType) -> &AvroType {
    match written {
        AvroType::Union(union) if !union.is_several() => union.members().next().map_or(written, |(_, kind, _)| kind),
        _ => written,
    }
}

/// The types of a union with their names, as they are written and as columns see them.
fn types<'a>(union: &'a AvroUnion, kind: &'a AvroType) -> impl Iterator<Item = ([String; 2], &'a AvroType, &'a AvroType)> {
    let inner = kind.split_null().0;
    union.members().enumerate().map(move |(number, (index, written, name))| {
        let kind = match inner {
            AvroType::Record(record) if record.is_union => record.fields.get(number).map_or(inner, |field| field.kind.split_null().0),
            _ => inner,
        };
        ([union.names[index].clone(), name], written, kind)
    })
}

pub(super) fn scalar(rules: Rules, kind: &AvroType, path: &str) -> Result<Scalar, CodecError> {
    let why = || CodecError::Incompatible { path: path.to_owned(), why: "no type of single values".to_owned() };
    match (rules, kind) {
        (Rules::Avro, AvroType::Decimal { precision, fixed, .. }) => {
            Ok(Scalar::DecimalBytes { precision: *precision, size: fixed.as_ref().map(|fixed| fixed.size) })
        }
        (Rules::Avro, AvroType::UuidFixed(_)) => Ok(Scalar::UuidBytes),
        _ => Scalar::of(kind).ok_or_else(why),
    }
}

impl Compiler<'_> {
    fn value(&mut self, written: &AvroType, kind: &AvroType, path: &str) -> Result<Value, CodecError> {
        let (inner, null) = kind.split_null();
        let shape = if let Some(union) = named_union(written, self.rules) {
            Shape::Choice(Box::new(self.nested_choice(union, kind, path)?))
        } else {
            match (sole(written), inner) {
                (AvroType::Array(written), AvroType::Array(item)) => Shape::Array(Box::new(self.value(written, item, path)?)),
                (AvroType::Map(written), AvroType::Map(entry)) => Shape::Map(Box::new(self.value(written, entry, path)?)),
                (AvroType::Record(written), AvroType::Record(record)) => {
                    let fields = written.fields.iter().zip(&record.fields).map(|(written, field)| self.nested(written, field, path));
                    Shape::Object(Object::new(fields.collect::<Result<_, _>>()?))
                }
                (_, kind) => Shape::Scalar(scalar(self.rules, kind, path)?),
            }
        };
        Ok(Value { nullable: null.is_some() || *inner == AvroType::Null, shape, rules: None })
    }

    fn nested(&mut self, written: &AvroField, field: &AvroField, path: &str) -> Result<Named<Value>, CodecError> {
        let path = format!("{path}.{}", field.name);
        let member = self.value(&written.kind, &field.kind, &path)?;
        let default = Default::of_value(field, 0, &path)?;
        Ok(Named { name: field.name.clone(), id: self.next_id(), required: false, default, member })
    }

    /// A union inside an array or a map: its types are the fields of a struct, or all of them the one column.
    fn nested_choice(&mut self, union: &AvroUnion, kind: &AvroType, path: &str) -> Result<NestedChoice, CodecError> {
        let is_several = union.is_several();
        let count = if is_several { union.members().count() } else { 1 };
        let branches = types(union, kind).enumerate().map(|(number, (tags, written, kind))| {
            let column = if is_several { number } else { 0 };
            let target = Target::Column(Some(column), self.value(written, kind, path)?);
            Ok(Branch { tags, kind: Kind::of(self.rules, kind)?, target, nulls: (0..count).filter(|other| *other != column).collect() })
        });
        let branches = branches.collect::<Result<_, CodecError>>()?;
        let (nullable, is_tagged) = (union.null().is_some(), self.rules == Rules::Avro);
        Ok(NestedChoice(Choice { branches, nullable, columns: (0..count).collect(), is_tagged, is_several }))
    }
}
