//! The fingerprint of a schema, by which single-object encoding names it.

use std::collections::HashSet;

use apache_avro::rabin::Rabin;
use serde_json::{Value, json};
use sha2::Digest;

use crate::codec::frame::SchemaKey;
use crate::dataset::{AvroField, AvroType};

/// The CRC-64-AVRO of a schema's parsing canonical form.
pub(super) fn fingerprint(schema: &AvroType) -> SchemaKey {
    let form = canonical(schema, &mut HashSet::new()).to_string();
    Rabin::digest(form.as_bytes()).first_chunk().map_or(0, |bytes| SchemaKey::from_le_bytes(*bytes))
}

/// The parsing canonical form: logical types, defaults, aliases and words are left out, and a named type is defined where it first stands.
fn canonical<'s>(kind: &'s AvroType, defined: &mut HashSet<&'s str>) -> Value {
    if let Some(name) = kind.name()
        && !defined.insert(&name.full)
    {
        return json!(name.full);
    }
    match kind {
        AvroType::Null => json!("null"),
        AvroType::Boolean => json!("boolean"),
        AvroType::Int | AvroType::Date | AvroType::TimeMillis | AvroType::UnsignedInt => json!("int"),
        AvroType::Long | AvroType::TimeMicros | AvroType::Timestamp { .. } => json!("long"),
        AvroType::Float => json!("float"),
        AvroType::Double => json!("double"),
        AvroType::String => json!("string"),
        AvroType::Bytes | AvroType::Decimal { fixed: None, .. } => json!("bytes"),
        AvroType::Fixed(fixed) | AvroType::UuidFixed(fixed) | AvroType::Decimal { fixed: Some(fixed), .. } => {
            json!({ "name": fixed.name.full, "type": "fixed", "size": fixed.size })
        }
        AvroType::Enum(symbols) => json!({ "name": symbols.name.full, "type": "enum", "symbols": symbols.symbols }),
        AvroType::Array(item) => json!({ "type": "array", "items": canonical(item, defined) }),
        AvroType::Map(value) => json!({ "type": "map", "values": canonical(value, defined) }),
        AvroType::Union(union) => union.branches.iter().map(|branch| canonical(branch, defined)).collect(),
        AvroType::Record(record) => {
            if let Some(size) = record.duration_bytes() {
                return json!({ "name": record.name.full, "type": "fixed", "size": size });
            }
            let field = |field: &'s AvroField| json!({ "name": field.name, "type": canonical(&field.kind, defined) });
            let fields: Vec<Value> = record.fields.iter().map(field).collect();
            json!({ "name": record.name.full, "type": "record", "fields": fields })
        }
    }
}
