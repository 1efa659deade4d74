//! The Avro encoder.

use std::collections::HashSet;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use serde_json::json;

use super::write;
use crate::codec::view::{Cell, EncodedColumn, Refusal, View, check_columns, encode_rows};
use crate::codec::{CodecError, Encoded, Encoder};
use crate::dataset::{AvroRecord, AvroType, AvroUnion, DatasetSchema, Reason, Rejection, short_name};

/// Encodes rows as unframed Avro datums.
#[derive(Debug)]
pub struct AvroEncoder {
    columns: Vec<EncodedColumn>,
    members: Vec<Member>,
    schema: String,
    /// What stands before each datum.
    header: Vec<u8>,
}

/// A field of the datum's record.
#[derive(Debug)]
enum Member {
    Column(usize, AvroType),
    /// A record within the record: its members, the columns beneath, and the index of null where it may be null.
    Record {
        members: Vec<Member>,
        columns: std::ops::Range<usize>,
        null: Option<usize>,
    },
    /// A union of several types with columns of their own, and the index of null.
    Union {
        arms: Vec<Arm>,
        null: Option<usize>,
    },
}

/// A branch of a union that is not null.
#[derive(Debug)]
struct Arm {
    index: usize,
    columns: std::ops::Range<usize>,
    member: Member,
}

impl AvroEncoder {
    /// An encoder of the named columns, each with its type and whether it may hold null; `schema` tells the Avro schema derived from
    /// them. `record` is the record's name, with or without a namespace.
    ///
    /// # Errors
    /// Names the first column that Avro cannot carry, by its type or by its name.
    pub fn new(record: &str, fields: &[(String, DataType, bool)]) -> Result<Self, CodecError> {
        let columns = check_columns(fields, "Avro")?;
        let bad_name = |column: &str| CodecError::BadName {
            column: column.to_owned(),
            why: "an Avro name has letters, digits and `_`, and begins with no digit; make a column of another name in the graph, \
                  and name it in `output.columns`",
        };
        if !record.split('.').all(is_name) {
            return Err(bad_name(record));
        }
        let mut taken = HashSet::from([short_name(record).to_owned()]);
        let derived = fields.iter().map(|(column, data_type, nullable)| {
            if !is_name(column) {
                return Err(bad_name(column));
            }
            if let Some(member) = bad_member(data_type) {
                return Err(CodecError::BadName {
                    column: format!("{column}.{member}"),
                    why: "an Avro name has letters, digits and `_`, and begins with no digit; leave the column out, or write JSON",
                });
            }
            let kind = derive(data_type, column, &mut taken);
            Ok(match (nullable, *data_type == DataType::Null) {
                (true, false) => json!({ "name": column, "type": ["null", kind], "default": null }),
                _ => json!({ "name": column, "type": kind }),
            })
        });
        let fields_json = derived.collect::<Result<Vec<_>, CodecError>>()?;
        let schema = json!({ "type": "record", "name": record, "fields": fields_json }).to_string();
        let dataset = DatasetSchema::parse_avro(&schema)?;
        let members = dataset.root().fields.iter().enumerate().map(|(index, field)| Member::Column(index, field.kind.clone())).collect();
        Ok(Self { columns, members, schema, header: Vec::new() })
    }

    /// An encoder of a dataset's events: the columns are the dataset's fields, all of them in their order and types. A record that may
    /// be null is null where all its fields are.
    pub fn for_schema(schema: &DatasetSchema) -> Self {
        let columns = schema.fields().iter().map(|field| EncodedColumn::field(&field.path)).collect();
        Self { columns, members: members(schema.written(), &mut 0), schema: schema.text().to_owned(), header: Vec::new() }
    }

    /// The same encoder with `header` before each datum.
    #[must_use]
    pub fn with_header(self, header: Vec<u8>) -> Self {
        Self { header, ..self }
    }
}

fn members(record: &AvroRecord, column: &mut usize) -> Vec<Member> {
    record.fields.iter().map(|field| member(&field.kind, column)).collect()
}

fn member(kind: &AvroType, column: &mut usize) -> Member {
    let first = *column;
    match kind.split_null() {
        (AvroType::Record(inner), null) => {
            let members = members(inner, column);
            Member::Record { members, columns: first..*column, null }
        }
        (AvroType::Union(union), None) if union.is_several() => {
            let arms = union.members().map(|(index, kind, _)| {
                let first = *column;
                let member = member(kind, column);
                Arm { index, columns: first..*column, member }
            });
            Member::Union { arms: arms.collect(), null: union.null() }
        }
        _ => {
            *column += 1;
            Member::Column(first, kind.clone())
        }
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A member of the records in a column whose name is none in Avro.
fn bad_member(data_type: &DataType) -> Option<&str> {
    match data_type {
        DataType::List(field) | DataType::Map(field, _) => bad_member(field.data_type()),
        DataType::Struct(fields) => fields.iter().find_map(|field| match is_name(field.name()) {
            true => bad_member(field.data_type()),
            false => Some(field.name().as_str()),
        }),
        _ => None,
    }
}

/// The Avro type of a column that `check_columns` has passed; `column` makes the names of named types, which are `taken` once each.
fn derive(data_type: &DataType, column: &str, taken: &mut HashSet<String>) -> serde_json::Value {
    use arrow_schema::TimeUnit::{Microsecond, Nanosecond};
    let name = |kind: &str, taken: &mut HashSet<String>| {
        let mut names = std::iter::once(format!("{column}_{kind}")).chain((2..).map(|number| format!("{column}_{kind}_{number}")));
        names.find(|name| taken.insert(name.clone())).unwrap_or_default()
    };
    let optional = |field: &arrow_schema::Field, taken: &mut HashSet<String>| {
        let kind = derive(field.data_type(), column, taken);
        if field.is_nullable() { json!(["null", kind]) } else { kind }
    };
    match data_type {
        DataType::Null => json!("null"),
        DataType::Boolean => json!("boolean"),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => json!("int"),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => json!("long"),
        DataType::Float32 => json!("float"),
        DataType::Float64 => json!("double"),
        DataType::Binary => json!("bytes"),
        DataType::FixedSizeBinary(size) => json!({ "type": "fixed", "name": name("fixed", taken), "size": size }),
        DataType::Date32 => json!({ "type": "int", "logicalType": "date" }),
        DataType::Time32(_) => json!({ "type": "int", "logicalType": "time-millis" }),
        DataType::Time64(_) => json!({ "type": "long", "logicalType": "time-micros" }),
        DataType::Timestamp(unit, zone) => {
            let local = if zone.is_some() { "" } else { "local-" };
            let unit = match unit {
                Microsecond => "micros",
                Nanosecond => "nanos",
                // Avro has no seconds.
                _ => "millis",
            };
            json!({ "type": "long", "logicalType": format!("{local}timestamp-{unit}") })
        }
        DataType::Decimal128(precision, scale) => {
            json!({ "type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale })
        }
        DataType::List(item) => json!({ "type": "array", "items": optional(item, taken) }),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => json!({ "type": "map", "values": optional(&pair[1], taken) }),
            _ => json!("null"),
        },
        DataType::Struct(fields) => {
            let record = name("record", taken);
            let fields: Vec<_> = fields
                .iter()
                .map(|field| {
                    let kind = derive(field.data_type(), &format!("{column}_{}", field.name()), taken);
                    match field.is_nullable() && *field.data_type() != DataType::Null {
                        true => json!({ "name": field.name(), "type": ["null", kind], "default": null }),
                        false => json!({ "name": field.name(), "type": kind }),
                    }
                })
                .collect();
            json!({ "type": "record", "name": record, "fields": fields })
        }
        _ => json!("string"),
    }
}

impl Encoder for AvroEncoder {
    fn encode(
        &mut self,
        arrays: &[ArrayRef],
        rows: &mut dyn Iterator<Item = usize>,
        into: &mut Encoded,
        rejected: &mut Vec<(usize, Rejection)>,
    ) {
        let (members, header) = (&self.members, &self.header);
        encode_rows(arrays, &self.columns, rows, into, rejected, |views, row, bytes| {
            bytes.extend_from_slice(header);
            record(members, views, row, bytes)
        });
    }

    fn content_type(&self) -> &'static str {
        "avro/binary"
    }

    fn schema(&self) -> Option<&str> {
        Some(&self.schema)
    }
}

fn record(members: &[Member], views: &[View<'_>], row: usize, into: &mut Vec<u8>) -> Result<(), (usize, Refusal)> {
    members.iter().try_for_each(|member| write_member(member, views, row, into))
}

fn write_member(member: &Member, views: &[View<'_>], row: usize, into: &mut Vec<u8>) -> Result<(), (usize, Refusal)> {
    let is_null = |columns: &std::ops::Range<usize>| views[columns.clone()].iter().all(|view| matches!(view.cell(row), Cell::Null));
    match member {
        Member::Column(column, kind) => value(kind, &views[*column].cell(row), into).map_err(|refusal| (*column, refusal)),
        Member::Record { columns, null: Some(null), .. } if is_null(columns) => {
            write::count(into, *null);
            Ok(())
        }
        Member::Record { members, null, .. } => {
            if let Some(null) = null {
                write::count(into, 1 - null);
            }
            record(members, views, row, into)
        }
        Member::Union { arms, null } => match (arms.iter().find(|arm| !is_null(&arm.columns)), null) {
            (Some(arm), _) => {
                write::count(into, arm.index);
                write_member(&arm.member, views, row, into)
            }
            (None, Some(null)) => {
                write::count(into, *null);
                Ok(())
            }
            (None, None) => Err((arms.first().map_or(0, |arm| arm.columns.start), no_branch())),
        },
    }
}

fn no_branch() -> Refusal {
    Refusal::new(Reason::UnexpectedNull, "all branches of the union are null, and the output schema does not allow null here")
}

fn value(kind: &AvroType, cell: &Cell<'_>, into: &mut Vec<u8>) -> Result<(), Refusal> {
    let (kind, null) = kind.split_null();
    match (null, cell) {
        (Some(null), Cell::Null) => {
            write::count(into, null);
            return Ok(());
        }
        (Some(null), _) => write::count(into, 1 - null),
        (None, _) => {}
    }
    match (kind, cell) {
        (AvroType::Null, Cell::Null) => {}
        (AvroType::Union(union), cell) => return branch(union, cell, into),
        (_, Cell::Null) => return Err(Refusal::new(Reason::UnexpectedNull, "null, and the output schema does not allow null here")),
        (AvroType::Boolean, Cell::Bool(value)) => into.push(u8::from(*value)),
        (AvroType::Int, Cell::Int(value)) => {
            let fits = i32::try_from(*value).map_err(|_| Refusal::new(Reason::OutOfRange, format!("{value} does not fit an int")))?;
            write::long(into, fits.into());
        }
        (AvroType::Long, Cell::Int(value)) => write::long(into, *value),
        (AvroType::Long, Cell::Unsigned(value)) => write::long(into, long(*value)?),
        (AvroType::Float, Cell::Float(value)) => into.extend_from_slice(&value.to_le_bytes()),
        (AvroType::Double, Cell::Double(value)) => into.extend_from_slice(&value.to_le_bytes()),
        (AvroType::String, Cell::Text(value)) => write::bytes(into, value.as_bytes()),
        (AvroType::Bytes, Cell::Binary(value)) => write::bytes(into, value),
        (AvroType::Fixed(fixed), Cell::Binary(value)) if value.len() == fixed.size => into.extend_from_slice(value),
        (AvroType::Date, Cell::Date(value)) | (AvroType::TimeMillis, Cell::TimeMillis(value)) => write::long(into, (*value).into()),
        (AvroType::TimeMicros, Cell::TimeMicros(value)) => write::long(into, *value),
        (AvroType::Timestamp { unit, .. }, Cell::Timestamp(value, theirs, _)) => {
            let factor = crate::codec::time::per_second(*unit) / crate::codec::time::per_second(*theirs);
            let scaled = value.checked_mul(factor).filter(|_| factor > 0);
            write::long(into, scaled.ok_or_else(|| Refusal::new(Reason::OutOfRange, format!("the timestamp {value} does not fit")))?);
        }
        (AvroType::Decimal { fixed: None, .. }, Cell::Decimal(value, _)) => write::bytes(into, &decimal_bytes(*value, None)?),
        (AvroType::Decimal { fixed: Some(fixed), .. }, Cell::Decimal(value, _)) => into.extend(decimal_bytes(*value, Some(fixed.size))?),
        (AvroType::Enum(symbols), Cell::Text(value)) => {
            let index = symbols.symbols.iter().position(|symbol| symbol == value);
            let unknown = || Refusal::new(Reason::UnknownBranch, format!("{value:?} is no symbol of the enum"));
            write::count(into, index.ok_or_else(unknown)?);
        }
        (AvroType::UuidFixed(_), Cell::Text(value)) => into.extend(uuid_bytes(value)?),
        (AvroType::Array(item), Cell::List(items, range)) => {
            if !range.is_empty() {
                write::count(into, range.len());
                range.clone().try_for_each(|row| value(item, &items.cell(row), into))?;
            }
            write::count(into, 0);
        }
        (AvroType::Map(entry), Cell::Map(keys, values, range)) => {
            if !range.is_empty() {
                write::count(into, range.len());
                for row in range.clone() {
                    write::bytes(into, keys.value(row).as_bytes());
                    value(entry, &values.cell(row), into)?;
                }
            }
            write::count(into, 0);
        }
        (AvroType::UnsignedInt, Cell::Int(value)) => {
            let fits = u32::try_from(*value).map_err(|_| Refusal::new(Reason::OutOfRange, format!("{value} does not fit 32 bits")))?;
            into.extend_from_slice(&fits.to_le_bytes());
        }
        (AvroType::Record(record), Cell::Struct(_, children, row)) if record.fields.len() == children.len() => {
            for (field, child) in record.fields.iter().zip(*children) {
                value(&field.kind, &child.cell(*row), into)?;
            }
        }
        _ => return Err(Refusal::new(Reason::WrongType, "the column is not of the output schema's type")),
    }
    Ok(())
}

/// A value of a union that is more than a type beside null.
fn branch(union: &AvroUnion, cell: &Cell<'_>, into: &mut Vec<u8>) -> Result<(), Refusal> {
    let (index, kind, cell) = match cell {
        Cell::Null => {
            write::count(into, union.null().ok_or_else(no_branch)?);
            return Ok(());
        }
        Cell::Struct(_, children, row) if union.is_several() => {
            let mut there = union.members().zip(*children).map(|((index, kind, _), child)| (index, kind, child.cell(*row)));
            match (there.find(|(.., cell)| !matches!(cell, Cell::Null)), union.null()) {
                (Some(found), _) => found,
                (None, Some(null)) => {
                    write::count(into, null);
                    return Ok(());
                }
                (None, None) => return Err(no_branch()),
            }
        }
        cell => branch_of_number(union, cell)?,
    };
    write::count(into, index);
    value(kind, &cell, into)
}

/// The branch of a union that is one column: its only type, or of several numbers the widest that says the value exactly.
pub(crate) fn branch_of_number<'u, 'v>(union: &'u AvroUnion, cell: &Cell<'v>) -> Result<(usize, &'u AvroType, Cell<'v>), Refusal> {
    let fits = union.members().filter_map(|(index, kind, _)| Some((index, kind, narrowed(cell, kind)?)));
    let widest = fits.max_by_key(|(_, kind, _)| width(kind));
    widest.ok_or_else(|| Refusal::new(Reason::OutOfRange, "the number fits no branch of the union"))
}

/// A number as another type, when it has it exactly; any other value is itself.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "whether a cast is exact is what is found out")]
fn narrowed<'v>(cell: &Cell<'v>, kind: &AvroType) -> Option<Cell<'v>> {
    Some(match (cell, kind) {
        (Cell::Double(value), AvroType::Float) => {
            let narrow = *value as f32;
            Cell::Float((value.is_nan() || f64::from(narrow) == *value).then_some(narrow)?)
        }
        (Cell::Double(value), AvroType::Int | AvroType::Long) => {
            let integer = *value as i64;
            Cell::Int((integer as f64 == *value && integer != i64::MAX).then_some(integer)?)
        }
        (cell, _) => cell.clone(),
    })
}

fn width(kind: &AvroType) -> usize {
    [AvroType::Int, AvroType::Long, AvroType::Float, AvroType::Double].iter().position(|known| known == kind).unwrap_or(0)
}

/// A number without sign as a long.
pub(crate) fn long(value: u64) -> Result<i64, Refusal> {
    i64::try_from(value).map_err(|_| Refusal::new(Reason::OutOfRange, format!("{value} does not fit a long")))
}

/// The 16 bytes of a UUID.
pub(crate) fn uuid_bytes(text: &str) -> Result<[u8; 16], Refusal> {
    let malformed = || Refusal::new(Reason::WrongType, format!("{text:?} is no UUID"));
    crate::codec::text::parse_uuid(text).ok_or_else(malformed)
}

/// The shortest two's complement, or as many bytes as the fixed has.
pub(crate) fn decimal_bytes(value: i128, fixed: Option<usize>) -> Result<Vec<u8>, Refusal> {
    let bytes = value.to_be_bytes();
    let sign = if value < 0 { 0xff } else { 0 };
    let redundant = bytes.windows(2).take_while(|pair| pair[0] == sign && (pair[1] & 0x80 == sign & 0x80)).count();
    let shortest = &bytes[redundant..];
    let padding = fixed.unwrap_or(shortest.len()).checked_sub(shortest.len());
    let too_long = || Refusal::new(Reason::OutOfRange, format!("the decimal does not fit {} bytes", fixed.unwrap_or(0)));
    Ok(std::iter::repeat_n(sign, padding.ok_or_else(too_long)?).chain(shortest.iter().copied()).collect())
}
