//! The JSON encoder.

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use crate::codec::view::{Cell, Refusal, View, check_columns, encode_rows};
use crate::codec::{CodecError, Encoded, Encoder, text, time};
use crate::dataset::{AvroRecord, AvroType, DatasetSchema, Reason, Rejection};

/// Encodes rows as compact JSON objects, one per row.
///
/// Numbers are the shortest that read back the same. Instants are RFC 3339 text in UTC; times without zone have none. Bytes are text, a
/// character up to U+00FF for each; decimals are text. NaN and infinity are refused, since JSON has neither.
#[derive(Debug)]
pub struct JsonEncoder {
    names: Vec<String>,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    /// What stands before the value: `{` or `,`, and the quoted name with its colon.
    head: Vec<u8>,
    value: Target,
}

#[derive(Debug)]
enum Target {
    Column(usize),
    Object { members: Vec<Member>, columns: std::ops::Range<usize>, nullable: bool },
}

impl JsonEncoder {
    /// An encoder of the named columns, each with its type and whether it may hold null; each is one member, dots in names included.
    ///
    /// # Errors
    /// Names the first column of a type that is not carried.
    pub fn new(fields: &[(String, DataType, bool)]) -> Result<Self, CodecError> {
        check_columns(fields, "JSON")?;
        let names: Vec<String> = fields.iter().map(|(name, ..)| name.clone()).collect();
        let members = names.iter().enumerate().map(|(index, name)| Member { head: head(index, name), value: Target::Column(index) });
        Ok(Self { members: members.collect(), names })
    }

    /// An encoder of a dataset's events: the columns are the dataset's fields, all of them in their order; records are objects.
    pub fn for_schema(schema: &DatasetSchema) -> Self {
        let names = schema.fields().iter().map(|field| field.path.clone()).collect();
        Self { names, members: members(schema.root(), &mut 0) }
    }
}

fn members(record: &AvroRecord, column: &mut usize) -> Vec<Member> {
    let member = |(index, field): (usize, &crate::dataset::AvroField)| {
        let value = match field.kind.split_null() {
            (AvroType::Record(inner), null) => {
                let first = *column;
                let members = members(inner, column);
                Target::Object { members, columns: first..*column, nullable: null.is_some() }
            }
            _ => {
                *column += 1;
                Target::Column(*column - 1)
            }
        };
        Member { head: head(index, &field.name), value }
    };
    record.fields.iter().enumerate().map(member).collect()
}

fn head(index: usize, name: &str) -> Vec<u8> {
    let mut head = vec![if index == 0 { b'{' } else { b',' }];
    string(&mut head, name);
    head.push(b':');
    head
}

impl Encoder for JsonEncoder {
    fn encode(
        &mut self,
        columns: &[ArrayRef],
        rows: &mut dyn Iterator<Item = usize>,
        into: &mut Encoded,
        rejected: &mut Vec<(usize, Rejection)>,
    ) {
        let members = &self.members;
        encode_rows(columns, &self.names, rows, into, rejected, |views, row, bytes| object(members, views, row, bytes));
    }

    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn schema(&self) -> Option<&str> {
        None
    }
}

fn object(members: &[Member], views: &[View<'_>], row: usize, into: &mut Vec<u8>) -> Result<(), (usize, Refusal)> {
    if members.is_empty() {
        into.push(b'{');
    }
    for member in members {
        into.extend_from_slice(&member.head);
        match &member.value {
            Target::Column(column) => value(&views[*column].cell(row), into).map_err(|refusal| (*column, refusal))?,
            Target::Object { columns, nullable: true, .. }
                if views[columns.clone()].iter().all(|view| matches!(view.cell(row), Cell::Null)) =>
            {
                into.extend_from_slice(b"null");
            }
            Target::Object { members, .. } => object(members, views, row, into)?,
        }
    }
    into.push(b'}');
    Ok(())
}

pub(super) fn value(cell: &Cell<'_>, into: &mut Vec<u8>) -> Result<(), Refusal> {
    match cell {
        Cell::Text(value) => string(into, value),
        Cell::List(items, range) => {
            into.push(b'[');
            for row in range.clone() {
                if row > range.start {
                    into.push(b',');
                }
                value(&items.cell(row), into)?;
            }
            into.push(b']');
        }
        Cell::Map(keys, values, range) => {
            into.push(b'{');
            for row in range.clone() {
                if row > range.start {
                    into.push(b',');
                }
                string(into, keys.value(row));
                into.push(b':');
                value(&values.cell(row), into)?;
            }
            into.push(b'}');
        }
        Cell::Binary(bytes) => {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            string(into, &text);
        }
        Cell::Null => into.extend_from_slice(b"null"),
        Cell::Bool(_) | Cell::Int(_) | Cell::Unsigned(_) | Cell::Float(_) | Cell::Double(_) => plain(cell, into)?,
        quoted => {
            into.push(b'"');
            plain(quoted, into)?;
            into.push(b'"');
        }
    }
    Ok(())
}

/// Text as a JSON string.
fn string(into: &mut Vec<u8>, value: &str) {
    // Most strings have nothing to escape.
    if value.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        into.push(b'"');
        into.extend_from_slice(value.as_bytes());
        into.push(b'"');
    } else {
        // Writing text to memory does not fail.
        let written = serde_json::to_writer(into, value);
        debug_assert!(written.is_ok(), "{written:?}");
    }
}

/// Numbers, booleans and times without quotes, as JSON and CSV both write them.
pub(crate) fn plain(cell: &Cell<'_>, into: &mut Vec<u8>) -> Result<(), Refusal> {
    let mut buffer = itoa::Buffer::new();
    match cell {
        Cell::Bool(value) => into.extend_from_slice(if *value { b"true" } else { b"false" }),
        Cell::Int(value) => into.extend_from_slice(buffer.format(*value).as_bytes()),
        Cell::Unsigned(value) => into.extend_from_slice(buffer.format(*value).as_bytes()),
        Cell::Float(value) if value.is_finite() => float(into, value),
        Cell::Float(value) => return Err(Refusal::not_finite(f64::from(*value))),
        Cell::Double(value) if value.is_finite() => float(into, value),
        Cell::Double(value) => return Err(Refusal::not_finite(*value)),
        Cell::Date(days) => time::write_date(into, i64::from(*days)),
        Cell::TimeMillis(value) => time::write_time(into, i64::from(*value), arrow_schema::TimeUnit::Millisecond),
        Cell::TimeMicros(value) => time::write_time(into, *value, arrow_schema::TimeUnit::Microsecond),
        Cell::Timestamp(value, unit, utc) => time::write_instant(into, *value, *unit, *utc),
        Cell::Decimal(value, scale) => text::write_decimal(into, *value, *scale),
        _ => return Err(Refusal::new(Reason::WrongType, "no plain value")),
    }
    Ok(())
}

/// The shortest digits that read back the same, in the float's own width.
fn float(into: &mut Vec<u8>, value: &impl serde::Serialize) {
    let written = serde_json::to_writer(into, value);
    debug_assert!(written.is_ok(), "{written:?}");
}
