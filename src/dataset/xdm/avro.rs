//! XDM types as the types that columns are made of.

use std::sync::Arc;

use arrow_schema::TimeUnit;

use super::types::{TextFormat, XdmKind, XdmObject, XdmType};
use crate::dataset::{AvroField, AvroName, AvroRecord, AvroType, AvroUnion};

impl XdmObject {
    /// The record that has its members as fields.
    pub(crate) fn record(&self, name: &str) -> AvroRecord {
        let fields = self.members.iter().map(|member| {
            let kind = member.kind.avro(&member.name);
            AvroField {
                name: member.name.clone(),
                aliases: member.aliases.clone(),
                doc: member.doc.clone(),
                default: None,
                kind: if member.required && !member.kind.nullable { kind } else { optional(kind) },
            }
        });
        let name = AvroName { full: name.to_owned(), aliases: Vec::new() };
        AvroRecord { name, is_union: false, fields: fields.collect() }
    }
}

impl XdmType {
    /// The type without its null; `name` is its field's.
    fn avro(&self, name: &str) -> AvroType {
        let inner = |kind: &XdmType| if kind.nullable { optional(kind.avro(name)) } else { kind.avro(name) };
        match &self.kind {
            XdmKind::Text(rules) => match rules.format {
                Some(TextFormat::Date) => AvroType::Date,
                // Nine digits of a second are kept; instants beyond the years 1677 to 2262 do not fit.
                Some(TextFormat::DateTime) => AvroType::Timestamp { unit: TimeUnit::Nanosecond, utc: true },
                _ => AvroType::String,
            },
            XdmKind::Number { integral: true, .. } => AvroType::Long,
            XdmKind::Number { .. } => AvroType::Double,
            XdmKind::Boolean => AvroType::Boolean,
            XdmKind::Array { item, .. } => AvroType::Array(Box::new(inner(item))),
            XdmKind::Map(value) => AvroType::Map(Box::new(inner(value))),
            XdmKind::Object(object) => AvroType::Record(Arc::new(object.record(name))),
        }
    }
}

fn optional(kind: AvroType) -> AvroType {
    AvroType::Union(AvroUnion { branches: vec![AvroType::Null, kind], names: vec!["null".to_owned(), "value".to_owned()] })
}
