//! The JSON encoder.

use std::ops::Range;

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field};
use serde_json::json;

use super::shape::{Rules, sole};
use super::typed::{close, is_named, open, tag, typed};
use crate::codec::view::{Cell, EncodedColumn, Refusal, View, check_columns, encode_rows};
use crate::codec::{CodecError, Encoded, Encoder, text, time};
use crate::dataset::{AvroRecord, AvroType, DatasetSchema, Reason, Rejection};

/// The metadata of a struct's field that is left out where it is null.
pub(crate) const OMITS_NULL: &str = "caz.omits_null";

/// Encodes rows as compact JSON objects, one per row.
///
/// Numbers are the shortest that read back the same. Instants are RFC 3339 text in UTC; times without zone have none. Bytes are text, a
/// character up to U+00FF for each; decimals are text. NaN is null where a column may be null; other NaN and infinities are refused, since
/// JSON has neither.
#[derive(Debug)]
pub struct JsonEncoder {
    columns: Vec<EncodedColumn>,
    members: Vec<Member>,
    /// What stands before each object.
    header: Vec<u8>,
    /// What stands behind it.
    trailer: Vec<u8>,
    /// Whether members that are null are left out.
    omits_null: bool,
}

#[derive(Debug)]
struct Member {
    /// What stands before the value: `{` or `,`, and the quoted name with its colon.
    head: Vec<u8>,
    value: Target,
}

#[derive(Debug)]
enum Target {
    /// By the column's own type.
    Column(usize),
    /// By its type in the dataset schema.
    Typed(usize, AvroType, Rules),
    Object {
        members: Vec<Member>,
        columns: Range<usize>,
        nullable: bool,
    },
    /// A union whose types have columns of their own.
    Union {
        arms: Vec<Arm>,
        nullable: bool,
    },
}

/// One of a union's types, with the name that must be told with it.
#[derive(Debug)]
struct Arm {
    tag: Option<String>,
    columns: Range<usize>,
    value: Target,
}

impl JsonEncoder {
    /// An encoder of the named columns, each with its type and whether it may hold null; each is one member, dots in names included.
    ///
    /// # Errors
    /// Names the first column of a type that is not carried.
    pub fn new(fields: &[(String, DataType, bool)]) -> Result<Self, CodecError> {
        let columns = check_columns(fields, "JSON")?;
        let member = |(index, column): (usize, &EncodedColumn)| Member { head: head(index, &column.name), value: Target::Column(index) };
        Ok(Self {
            members: columns.iter().enumerate().map(member).collect(),
            columns,
            header: Vec::new(),
            trailer: Vec::new(),
            omits_null: false,
        })
    }

    /// An encoder of a dataset's events: the columns are the dataset's fields, all of them in their order; records are objects.
    pub fn for_schema(schema: &DatasetSchema) -> Self {
        Self::by(Rules::Plain, schema)
    }

    /// The same by the given rules.
    pub fn by(rules: Rules, schema: &DatasetSchema) -> Self {
        let columns = schema.fields().iter().map(|field| EncodedColumn::field(&field.path)).collect();
        let members = Members { rules, taken: None, field: 0, column: 0 }.of(schema.written());
        Self { columns, members, header: Vec::new(), trailer: Vec::new(), omits_null: rules == Rules::Xdm }
    }

    /// An encoder of scores by Avro's rules; `schema` is what [`AvroEncoder::new`](crate::codec::avro::AvroEncoder::new) derives from their
    /// columns.
    pub fn of_scores(schema: &DatasetSchema) -> Self {
        let columns = schema.fields().iter().map(|field| EncodedColumn::score(&field.path, field.nullable)).collect();
        Self { columns, ..Self::by(Rules::Avro, schema) }
    }

    /// An encoder of those of a dataset's fields that are `taken`, in their order: each value by its column's own type, whatever the
    /// dataset's is, and null wherever the column has it.
    pub(crate) fn of_fields(schema: &DatasetSchema, taken: &[bool]) -> Self {
        let there = schema.fields().iter().zip(taken).filter(|(_, taken)| **taken);
        let columns = there.map(|(field, _)| EncodedColumn::field(&field.path)).collect();
        let members = Members { rules: Rules::Plain, taken: Some(taken), field: 0, column: 0 }.of(schema.written());
        Self { columns, members, header: Vec::new(), trailer: Vec::new(), omits_null: false }
    }

    /// The same encoder with `header` before each object.
    #[must_use]
    pub fn with_header(self, header: Vec<u8>) -> Self {
        Self { header, ..self }
    }

    /// The same encoder with an envelope of Adobe's streaming ingestion around each object.
    #[must_use]
    pub fn enveloped(self, schema: &DatasetSchema) -> Self {
        let id = schema.xdm().and_then(|xdm| xdm.id.as_deref()).unwrap_or_default();
        let schema_ref = json!({"id": id, "contentType": "application/vnd.adobe.xed-full+json;version=1"});
        let header = json!({"schemaRef": schema_ref, "imsOrgId": "", "datasetId": "", "source": {"name": "caz simulate"}});
        let header = format!(r#"{{"header":{header},"body":{{"xdmMeta":{{"schemaRef":{schema_ref}}},"xdmEntity":"#);
        Self { header: header.into_bytes(), trailer: b"}}".to_vec(), ..self }
    }
}

/// Makes the members of a dataset's records.
struct Members<'t> {
    rules: Rules,
    /// Which of the dataset's fields are there, each by its column's own type; none for all of them by the dataset's.
    taken: Option<&'t [bool]>,
    /// The dataset's next field.
    field: usize,
    /// The next column.
    column: usize,
}

impl Members<'_> {
    fn of(&mut self, record: &AvroRecord) -> Vec<Member> {
        let mut members = Vec::new();
        for field in &record.fields {
            if let Some(value) = self.target(&field.kind) {
                members.push(Member { head: head(members.len(), &field.name), value });
            }
        }
        members
    }

    /// None for what has no field that is taken.
    fn target(&mut self, kind: &AvroType) -> Option<Target> {
        let first = self.column;
        if let Some(union) = is_named(kind, self.rules) {
            let arms = union.members().filter_map(|(index, kind, _)| {
                let first = self.column;
                let value = self.target(kind)?;
                Some(Arm { tag: tag(union, index, self.rules), columns: first..self.column, value })
            });
            let arms: Vec<Arm> = arms.collect();
            let nullable = union.null().is_some() || self.taken.is_some();
            return (self.taken.is_none() || !arms.is_empty()).then_some(Target::Union { arms, nullable });
        }
        if let AvroType::Record(inner) = sole(kind) {
            let (members, nullable) = (self.of(inner), kind.split_null().1.is_some());
            let is_there = self.taken.is_none() || !members.is_empty();
            return is_there.then_some(Target::Object { members, columns: first..self.column, nullable });
        }
        let is_taken = self.taken.is_none_or(|taken| taken.get(self.field) == Some(&true));
        self.field += 1;
        if !is_taken {
            return None;
        }
        self.column += 1;
        Some(match self.taken {
            None => Target::Typed(first, kind.clone(), self.rules),
            Some(_) => Target::Column(first),
        })
    }
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
        arrays: &[ArrayRef],
        rows: &mut dyn Iterator<Item = usize>,
        into: &mut Encoded,
        rejected: &mut Vec<(usize, Rejection)>,
    ) {
        let Self { members, header, trailer, .. } = &*self;
        let write = if self.omits_null { sparse } else { object };
        encode_rows(arrays, &self.columns, rows, into, rejected, |views, row, bytes| {
            bytes.extend_from_slice(header);
            write(members, views, row, bytes)?;
            bytes.extend_from_slice(trailer);
            Ok(())
        });
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
        member_value(&member.value, views, row, into)?;
    }
    into.push(b'}');
    Ok(())
}

/// An object without the members that are null.
fn sparse(members: &[Member], views: &[View<'_>], row: usize, into: &mut Vec<u8>) -> Result<(), (usize, Refusal)> {
    into.push(b'{');
    let start = into.len();
    for member in members {
        let is_null = match &member.value {
            Target::Object { columns, nullable: true, .. } => is_null(&views[columns.clone()], row),
            Target::Column(column) | Target::Typed(column, ..) => is_null(&views[*column..=*column], row),
            _ => false,
        };
        if is_null {
            continue;
        }
        // Behind the head's brace or comma.
        into.extend_from_slice(if into.len() > start { b"," } else { b"" });
        into.extend_from_slice(&member.head[1..]);
        match &member.value {
            Target::Object { members, .. } => sparse(members, views, row, into)?,
            other => member_value(other, views, row, into)?,
        }
    }
    into.push(b'}');
    Ok(())
}

fn is_null(views: &[View<'_>], row: usize) -> bool {
    views.iter().all(|view| matches!(view.cell(row), Cell::Null))
}

fn member_value(target: &Target, views: &[View<'_>], row: usize, into: &mut Vec<u8>) -> Result<(), (usize, Refusal)> {
    let is_null = |columns: &Range<usize>| is_null(&views[columns.clone()], row);
    match target {
        Target::Column(column) => value(&views[*column].cell(row), into).map_err(|refusal| (*column, refusal)),
        Target::Typed(column, kind, rules) => typed(kind, &views[*column].cell(row), *rules, into).map_err(|refusal| (*column, refusal)),
        Target::Object { columns, nullable: true, .. } if is_null(columns) => {
            into.extend_from_slice(b"null");
            Ok(())
        }
        Target::Object { members, .. } => object(members, views, row, into),
        Target::Union { arms, nullable } => match arms.iter().find(|arm| !is_null(&arm.columns)) {
            Some(arm) => {
                open(arm.tag.as_deref(), into);
                member_value(&arm.value, views, row, into)?;
                close(arm.tag.as_deref(), into);
                Ok(())
            }
            None if *nullable => {
                into.extend_from_slice(b"null");
                Ok(())
            }
            None => {
                let refusal =
                    Refusal::new(Reason::UnexpectedNull, "all types of the union are null, and the schema does not allow null here");
                Err((arms.first().map_or(0, |arm| arm.columns.start), refusal))
            }
        },
    }
}

pub(super) fn value(cell: &Cell<'_>, into: &mut Vec<u8>) -> Result<(), Refusal> {
    match cell {
        Cell::Text(value) => string(into, value),
        Cell::List(items, range) => write_list(range.clone(), into, |row, into| value(&items.cell(row), into))?,
        Cell::Map(keys, values, range) => {
            write_object(range.clone().map(|row| (keys.value(row), row)), into, |row, into| value(&values.cell(row), into))?;
        }
        Cell::Struct(fields, children, row) => {
            let is_omitted =
                |field: &Field, child: &View<'_>| field.metadata().contains_key(OMITS_NULL) && matches!(child.cell(*row), Cell::Null);
            let members = fields.iter().zip(*children).filter(|(field, child)| !is_omitted(field, child));
            let members = members.map(|(field, child)| (field.name().as_str(), child));
            write_object(members, into, |child, into| value(&child.cell(*row), into))?;
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

/// `[`, an item for each row, `]`.
pub(super) fn write_list<E>(
    rows: Range<usize>,
    into: &mut Vec<u8>,
    mut item: impl FnMut(usize, &mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    into.push(b'[');
    for row in rows.clone() {
        if row > rows.start {
            into.push(b',');
        }
        item(row, into)?;
    }
    into.push(b']');
    Ok(())
}

/// `{`, a name and a value for each member, `}`.
pub(super) fn write_object<'n, T, E>(
    members: impl Iterator<Item = (&'n str, T)>,
    into: &mut Vec<u8>,
    mut value: impl FnMut(T, &mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    into.push(b'{');
    for (index, (name, member)) in members.enumerate() {
        if index > 0 {
            into.push(b',');
        }
        string(into, name);
        into.push(b':');
        value(member, into)?;
    }
    into.push(b'}');
    Ok(())
}

/// Text as a JSON string.
pub(super) fn string(into: &mut Vec<u8>, value: &str) {
    // Most strings have nothing to escape.
    if is_verbatim(value.as_bytes()) {
        into.push(b'"');
        into.extend_from_slice(value.as_bytes());
        into.push(b'"');
    } else {
        // Writing text to memory does not fail.
        let written = serde_json::to_writer(into, value);
        debug_assert!(written.is_ok(), "{written:?}");
    }
}

/// Whether a JSON string holds these bytes as they are: sixteen at a time, without a branch for each.
fn is_verbatim(bytes: &[u8]) -> bool {
    let escaped = |byte: &u8| (*byte < b' ') | (*byte == b'"') | (*byte == b'\\');
    let some_escaped = |chunk: &[u8; 16]| chunk.iter().fold(false, |seen, byte| seen | escaped(byte));
    match bytes.last_chunk() {
        // The last chunk looks at some bytes again.
        Some(last) => !some_escaped(last) && !bytes.as_chunks().0.iter().any(some_escaped),
        None => !bytes.iter().any(escaped),
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
