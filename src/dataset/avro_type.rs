//! Avro types with every reference resolved: the tree that decoders and encoders are compiled from.

use std::collections::HashMap;
use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::schema::{Alias, FixedSchema, InnerDecimalSchema, Name, RecordSchema, UuidSchema};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use serde_json::{Value, json};

use super::schema::SchemaError;

/// How deep types may nest, and so how deep a decoder recurses.
pub(crate) const MAX_DEPTH: usize = 64;

/// How many types a schema may have once its references are resolved: a bound on schemas that double themselves by naming a record twice.
pub(super) const MAX_TYPES: usize = 20_000;

/// An Avro type without references.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AvroType {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    String,
    Bytes,
    Fixed(Arc<AvroFixed>),
    Enum(Arc<AvroEnum>),
    Date,
    TimeMillis,
    TimeMicros,
    /// An instant when `utc`, else wall-clock time of no zone.
    Timestamp {
        unit: TimeUnit,
        utc: bool,
    },
    Decimal {
        precision: u8,
        scale: i8,
        /// What each value stands in, or none when each carries its own length.
        fixed: Option<Arc<AvroFixed>>,
    },
    /// A UUID in 16 bytes; one in a string is a `String`.
    UuidFixed(Arc<AvroFixed>),
    Array(Box<AvroType>),
    Map(Box<AvroType>),
    /// A number of 32 bits without sign, little-endian: a part of a duration.
    UnsignedInt,
    Union(AvroUnion),
    Record(Arc<AvroRecord>),
}

/// What a named type is called.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AvroName {
    /// With its namespace.
    pub(crate) full: String,
    /// What else a writer may call it, each with its namespace.
    pub(crate) aliases: Vec<String>,
}

/// An Avro fixed.
#[derive(Debug, PartialEq)]
pub(crate) struct AvroFixed {
    pub(crate) name: AvroName,
    /// In bytes.
    pub(crate) size: usize,
}

/// An Avro enum.
#[derive(Debug, PartialEq)]
pub(crate) struct AvroEnum {
    pub(crate) name: AvroName,
    pub(crate) symbols: Vec<String>,
    pub(crate) default: Option<String>,
}

/// The branches of a union in their order, and what Avro calls each: the full name of a named type, else the type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AvroUnion {
    pub(crate) branches: Vec<AvroType>,
    pub(crate) names: Vec<String>,
}

/// An Avro record.
#[derive(Debug, PartialEq)]
pub(crate) struct AvroRecord {
    pub(crate) name: AvroName,
    /// Whether it is what columns make of a union of several types: one field for each, of which one is not null.
    pub(crate) is_union: bool,
    pub(crate) fields: Vec<AvroField>,
}

/// A field of an Avro record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AvroField {
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) doc: Option<String>,
    pub(crate) default: Option<Value>,
    pub(crate) kind: AvroType,
}

impl AvroType {
    /// Resolves a parsed schema.
    ///
    /// # Errors
    /// When a record contains itself, or nests too deep, or has a type that no decoder reads.
    pub(crate) fn resolve(schema: &Schema) -> Result<Self, SchemaError> {
        Resolver { named: HashMap::new(), types: 0 }.resolve(schema, "", 0)
    }

    /// Reads a writer's schema that names types of others, which come in an order in which each names only those before it.
    ///
    /// # Errors
    /// As [`AvroType::resolve`], and when a text is no schema.
    pub(crate) fn parse(text: &str, references: &[String]) -> Result<Self, SchemaError> {
        if references.is_empty() {
            return Self::resolve(&parse_writer(text)?);
        }
        // As the fields of one record, which know all names before them. Of a list of schemas apache-avro knows the outermost names alone,
        // and takes them in any order.
        let schemas = references.iter().map(String::as_str).chain([text]).enumerate();
        let fields = schemas.map(|(nth, text)| Ok(json!({"name": format!("schema{nth}"), "type": without_defaults(text)?})));
        let fields: Vec<Value> = fields.collect::<Result<_, _>>()?;
        let all = parse(&json!({"type": "record", "name": "CazSchemas", "fields": fields}))?;
        let mut resolver = Resolver { named: HashMap::new(), types: 0 };
        let mut last = Self::Null;
        if let Schema::Record(all) = &all {
            for field in &all.fields {
                last = resolver.resolve(&field.schema, "", 0)?;
            }
        }
        Ok(last)
    }

    /// The type beside null in a union of two, and the index of null; a type that is no such union is itself, without null.
    pub(crate) fn split_null(&self) -> (&Self, Option<usize>) {
        match self {
            Self::Union(union) => match union.branches.as_slice() {
                [Self::Null, value] => (value, Some(0)),
                [value, Self::Null] => (value, Some(1)),
                _ => (self, None),
            },
            _ => (self, None),
        }
    }

    /// What it is called; none for a type without a name.
    pub(crate) fn name(&self) -> Option<&AvroName> {
        Some(match self {
            Self::Record(record) => &record.name,
            Self::Enum(symbols) => &symbols.name,
            Self::Fixed(fixed) | Self::UuidFixed(fixed) | Self::Decimal { fixed: Some(fixed), .. } => &fixed.name,
            _ => return None,
        })
        .filter(|name| !name.full.is_empty())
    }

    /// The Arrow type in which values are delivered, and whether they may be null.
    ///
    /// # Errors
    /// The words for a type that has no column.
    pub(crate) fn arrow(&self) -> Result<(DataType, bool), String> {
        let (kind, null) = self.split_null();
        let data_type = match kind {
            Self::Null => return Ok((DataType::Null, true)),
            Self::Boolean => DataType::Boolean,
            Self::Int => DataType::Int32,
            Self::Long | Self::UnsignedInt => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::String | Self::Enum(_) | Self::UuidFixed(_) => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Fixed(fixed) if fixed.size == 0 => return Err("fixed of no bytes".to_owned()),
            Self::Fixed(fixed) => {
                DataType::FixedSizeBinary(i32::try_from(fixed.size).map_err(|_| format!("fixed of {} bytes", fixed.size))?)
            }
            Self::Date => DataType::Date32,
            Self::TimeMillis => DataType::Time32(TimeUnit::Millisecond),
            Self::TimeMicros => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp { unit, utc } => DataType::Timestamp(*unit, utc.then(|| "UTC".into())),
            Self::Decimal { precision, scale, .. } => DataType::Decimal128(*precision, *scale),
            Self::Array(item) => {
                let (data_type, nullable) = item.arrow()?;
                DataType::List(Arc::new(Field::new("item", data_type, nullable)))
            }
            Self::Map(value) => {
                let (data_type, nullable) = value.arrow()?;
                let entry = Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", data_type, nullable)]);
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false)
            }
            Self::Record(record) => {
                let fields = record.fields.iter().map(|field| {
                    let (data_type, nullable) = field.kind.arrow().map_err(|what| format!("{what} in `{}`", field.name))?;
                    Ok::<_, String>(Field::new(&field.name, data_type, nullable))
                });
                DataType::Struct(fields.collect::<Result<_, _>>()?)
            }
            // What columns see of a schema has no other unions left.
            Self::Union(union) => return Err(format!("a union of {} branches", union.branches.len())),
        };
        Ok((data_type, null.is_some()))
    }
}

/// Parses a writer's schema, defaults left out: they play no part in reading what it wrote, and the parser refuses some that the
/// specification allows, such as a uuid's `""`.
///
/// # Errors
/// When the text is no schema.
pub(crate) fn parse_writer(text: &str) -> Result<Schema, SchemaError> {
    parse(&without_defaults(text)?)
}

fn parse(schema: &Value) -> Result<Schema, SchemaError> {
    Schema::parse(schema).map_err(|error| SchemaError::Invalid { message: error.to_string() })
}

fn without_defaults(text: &str) -> Result<Value, SchemaError> {
    let mut schema = serde_json::from_str(text).map_err(|error| SchemaError::Invalid { message: error.to_string() })?;
    drop_defaults(&mut schema);
    Ok(schema)
}

/// Takes the defaults of all fields out of a schema; that of an enum says how its symbols are read, and stays.
fn drop_defaults(schema: &mut Value) {
    match schema {
        Value::Array(branches) => branches.iter_mut().for_each(drop_defaults),
        Value::Object(parts) => {
            for inner in ["type", "items", "values"] {
                parts.get_mut(inner).into_iter().for_each(drop_defaults);
            }
            for field in parts.get_mut("fields").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(field) = field.as_object_mut() {
                    field.remove("default");
                }
                drop_defaults(field);
            }
        }
        _ => {}
    }
}

impl AvroRecord {
    /// The bytes of the fixed that it stands for, when it is a duration.
    pub(crate) fn duration_bytes(&self) -> Option<usize> {
        self.fields.first().filter(|field| field.kind == AvroType::UnsignedInt).map(|_| 4 * self.fields.len())
    }

    /// A record of one field.
    pub(crate) fn of(field: &AvroField) -> Self {
        Self { name: AvroName::default(), is_union: false, fields: vec![field.clone()] }
    }
}

struct Resolver {
    /// By full name; none while the type is being resolved, which only a type inside itself can see.
    named: HashMap<String, Option<AvroType>>,
    types: usize,
}

impl Resolver {
    fn resolve(&mut self, schema: &Schema, path: &str, depth: usize) -> Result<AvroType, SchemaError> {
        self.types += 1;
        if depth > MAX_DEPTH || self.types > MAX_TYPES {
            return Err(SchemaError::TooLarge { path: path.to_owned() });
        }
        let unsupported = |what: String| SchemaError::Unsupported { path: path.to_owned(), what };
        Ok(match schema {
            Schema::Null => AvroType::Null,
            Schema::Boolean => AvroType::Boolean,
            Schema::Int => AvroType::Int,
            Schema::Long => AvroType::Long,
            Schema::Float => AvroType::Float,
            Schema::Double => AvroType::Double,
            Schema::Bytes => AvroType::Bytes,
            Schema::String => AvroType::String,
            Schema::Date => AvroType::Date,
            Schema::TimeMillis => AvroType::TimeMillis,
            Schema::TimeMicros => AvroType::TimeMicros,
            Schema::TimestampMillis => AvroType::Timestamp { unit: TimeUnit::Millisecond, utc: true },
            Schema::TimestampMicros => AvroType::Timestamp { unit: TimeUnit::Microsecond, utc: true },
            Schema::TimestampNanos => AvroType::Timestamp { unit: TimeUnit::Nanosecond, utc: true },
            Schema::LocalTimestampMillis => AvroType::Timestamp { unit: TimeUnit::Millisecond, utc: false },
            Schema::LocalTimestampMicros => AvroType::Timestamp { unit: TimeUnit::Microsecond, utc: false },
            Schema::LocalTimestampNanos => AvroType::Timestamp { unit: TimeUnit::Nanosecond, utc: false },
            Schema::BigDecimal => return Err(unsupported("logical type `big-decimal`".into())),
            Schema::Duration(fixed) => {
                let part = |name: &str| AvroField {
                    name: name.to_owned(),
                    aliases: Vec::new(),
                    doc: None,
                    default: None,
                    kind: AvroType::UnsignedInt,
                };
                let fields = ["months", "days", "millis"].map(part).into();
                let record = AvroRecord { name: names(&fixed.name, fixed.aliases.as_ref()), is_union: false, fields };
                self.define(&fixed.name, AvroType::Record(Arc::new(record)))
            }
            Schema::Fixed(fixed) => self.define(&fixed.name, AvroType::Fixed(sized(fixed))),
            Schema::Enum(symbols) => {
                let name = names(&symbols.name, symbols.aliases.as_ref());
                let definition = AvroEnum { name, symbols: symbols.symbols.clone(), default: symbols.default.clone() };
                self.define(&symbols.name, AvroType::Enum(Arc::new(definition)))
            }
            Schema::Uuid(UuidSchema::String) => AvroType::String,
            Schema::Uuid(UuidSchema::Fixed(fixed)) if fixed.size == 16 => self.define(&fixed.name, AvroType::UuidFixed(sized(fixed))),
            Schema::Uuid(_) => return Err(unsupported("logical type `uuid` on anything but string and fixed(16)".into())),
            Schema::Decimal(decimal) => {
                let digits = u8::try_from(decimal.precision).ok().filter(|digits| (1..=38).contains(digits));
                let precision = digits.ok_or_else(|| unsupported(format!("a decimal of {} digits (38 at most)", decimal.precision)))?;
                // Avro keeps the scale within the precision, so it fits.
                let scale = i8::try_from(decimal.scale).map_err(|_| unsupported(format!("a decimal of scale {}", decimal.scale)))?;
                match &decimal.inner {
                    InnerDecimalSchema::Bytes => AvroType::Decimal { precision, scale, fixed: None },
                    InnerDecimalSchema::Fixed(fixed) => {
                        self.define(&fixed.name, AvroType::Decimal { precision, scale, fixed: Some(sized(fixed)) })
                    }
                }
            }
            Schema::Array(array) => AvroType::Array(Box::new(self.resolve(&array.items, path, depth + 1)?)),
            Schema::Map(map) => AvroType::Map(Box::new(self.resolve(&map.types, path, depth + 1)?)),
            Schema::Union(union) => {
                let branches = union.variants().iter().map(|branch| self.resolve(branch, path, depth + 1)).collect::<Result<_, _>>()?;
                AvroType::Union(AvroUnion { branches, names: union.variants().iter().map(branch_name).collect() })
            }
            Schema::Record(record) => self.record(record, path, depth)?,
            Schema::Ref { name } => match self.named.get(&name.fullname(None)) {
                Some(Some(kind)) => {
                    self.types += kind.count();
                    kind.clone()
                }
                Some(None) => return Err(unsupported(format!("record `{name}` inside itself"))),
                None => return Err(SchemaError::Invalid { message: format!("type `{name}` is not defined") }),
            },
        })
    }

    fn record(&mut self, record: &RecordSchema, path: &str, depth: usize) -> Result<AvroType, SchemaError> {
        let name = record.name.fullname(None);
        self.named.insert(name.clone(), None);
        let fields = record.fields.iter().map(|field| {
            let path = if path.is_empty() { field.name.clone() } else { format!("{path}.{}", field.name) };
            Ok(AvroField {
                name: field.name.clone(),
                aliases: field.aliases.clone(),
                doc: field.doc.clone(),
                default: field.default.clone(),
                kind: self.resolve(&field.schema, &path, depth + 1)?,
            })
        });
        let fields = fields.collect::<Result<_, SchemaError>>()?;
        let names = names(&record.name, record.aliases.as_ref());
        let kind = AvroType::Record(Arc::new(AvroRecord { name: names, is_union: false, fields }));
        self.named.insert(name, Some(kind.clone()));
        Ok(kind)
    }

    fn define(&mut self, name: &Name, kind: AvroType) -> AvroType {
        self.named.insert(name.fullname(None), Some(kind.clone()));
        kind
    }
}

fn names(name: &Name, aliases: Option<&Vec<Alias>>) -> AvroName {
    let aliases = aliases.into_iter().flatten().map(|alias| alias.fullname(None)).collect();
    AvroName { full: name.fullname(None), aliases }
}

fn sized(fixed: &FixedSchema) -> Arc<AvroFixed> {
    Arc::new(AvroFixed { name: names(&fixed.name, fixed.aliases.as_ref()), size: fixed.size })
}

/// What Avro's JSON encoding calls a branch of a union.
fn branch_name(schema: &Schema) -> String {
    if let Some(name) = schema.name() {
        return name.fullname(None);
    }
    let name = match schema {
        Schema::Null => "null",
        Schema::Boolean => "boolean",
        Schema::Int | Schema::Date | Schema::TimeMillis => "int",
        Schema::Float => "float",
        Schema::Double => "double",
        Schema::Bytes | Schema::Decimal(_) | Schema::BigDecimal => "bytes",
        Schema::String | Schema::Uuid(_) => "string",
        Schema::Array(_) => "array",
        Schema::Map(_) => "map",
        // Also every instant and time of microseconds and less; what has a name of its own was told above.
        _ => "long",
    };
    name.to_owned()
}

impl AvroType {
    fn count(&self) -> usize {
        match self {
            Self::Array(item) | Self::Map(item) => 1 + item.count(),
            Self::Union(union) => union.branches.iter().map(Self::count).sum::<usize>() + 1,
            Self::Record(record) => record.fields.iter().map(|field| field.kind.count()).sum::<usize>() + 1,
            _ => 1,
        }
    }
}
