//! What columns make of unions.
//!
//! - A type beside null is that type, nullable.
//! - Several numbers are the widest: `long` for int and long, `double` when one of several is a float or a double.
//! - Any other union of several types is a record with a field for each of them, named as the branch, of which one is not null: the
//!   string of a field `v` is at `v.string`, a field `x` of its record branch `Click` at `v.Click.x`. These are the paths that Avro's
//!   JSON encoding has too.

use std::sync::Arc;

use super::avro_type::{AvroField, AvroName, AvroRecord, AvroType, AvroUnion};

impl AvroRecord {
    /// The record as columns see it.
    pub(super) fn as_columns(&self) -> Arc<Self> {
        let field = |field: &AvroField| AvroField { kind: field.kind.as_columns(), ..field.clone() };
        Arc::new(Self { name: self.name.clone(), is_union: self.is_union, fields: self.fields.iter().map(field).collect() })
    }
}

impl AvroType {
    /// The type as columns see it.
    pub(crate) fn as_columns(&self) -> Self {
        match self {
            Self::Array(item) => Self::Array(Box::new(item.as_columns())),
            Self::Map(value) => Self::Map(Box::new(value.as_columns())),
            Self::Record(record) => Self::Record(record.as_columns()),
            Self::Union(union) => union.as_columns(),
            other => other.clone(),
        }
    }

    /// The type or null.
    fn optional(self) -> Self {
        match self {
            Self::Null => Self::Null,
            kind => Self::Union(AvroUnion { branches: vec![Self::Null, kind], names: Vec::new() }),
        }
    }
}

impl AvroUnion {
    /// The branches that are not null, each with its index and its field's name: the short name where no other branch has it.
    pub(crate) fn members(&self) -> impl Iterator<Item = (usize, &AvroType, String)> {
        let several = self.branches.iter().zip(&self.names).enumerate().filter(|(_, (kind, _))| **kind != AvroType::Null);
        several.map(|(index, (kind, name))| {
            let same = self.names.iter().filter(|other| short(other) == short(name)).count();
            let name = if same > 1 { name.replace('.', "_") } else { short(name).to_owned() };
            (index, kind, name)
        })
    }

    /// The index of null.
    pub(crate) fn null(&self) -> Option<usize> {
        self.branches.iter().position(|branch| *branch == AvroType::Null)
    }

    /// Whether columns make a record of it.
    pub(crate) fn is_several(&self) -> bool {
        self.members().count() > 1 && self.widest().is_none()
    }

    fn as_columns(&self) -> AvroType {
        let mut members = self.members();
        let kind = match (members.next(), self.widest()) {
            (None, _) => return AvroType::Null,
            (Some((_, only, _)), _) if members.next().is_none() => only.as_columns(),
            (_, Some(number)) => number,
            _ => self.record(),
        };
        if self.null().is_some() { kind.optional() } else { kind }
    }

    /// The number that all branches are promoted to; none when one is no number.
    fn widest(&self) -> Option<AvroType> {
        self.members()
            .map(|(_, kind, _)| kind.clone())
            .reduce(|one, other| match (one, other) {
                (AvroType::Int, AvroType::Long) | (AvroType::Long, AvroType::Int) => AvroType::Long,
                // A float does not hold every int.
                (
                    AvroType::Int | AvroType::Long | AvroType::Float | AvroType::Double,
                    AvroType::Int | AvroType::Long | AvroType::Float | AvroType::Double,
                ) => AvroType::Double,
                _ => AvroType::Null,
            })
            .filter(|kind| matches!(kind, AvroType::Long | AvroType::Double))
    }

    fn record(&self) -> AvroType {
        let field = |(_, kind, name): (usize, &AvroType, String)| AvroField {
            name,
            aliases: Vec::new(),
            doc: None,
            default: None,
            kind: kind.as_columns().optional(),
        };
        AvroType::Record(Arc::new(AvroRecord { name: AvroName::default(), is_union: true, fields: self.members().map(field).collect() }))
    }
}

/// The name without its namespace.
pub(crate) fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
