//! Schema resolution: compiles a writer's type and the dataset's into the steps that read the one as the other.

use arrow_schema::TimeUnit;

use super::default;
use super::read::{Action, Arm, Part, Read, Step};
use super::skip::{Skip, least_bytes, least_item_bytes};
use crate::codec::CodecError;
use crate::dataset::{AvroField, AvroName, AvroRecord, AvroType, Reason, short_name};

/// Which column each of the dataset's fields goes to; none for a field that nobody asked for.
pub(super) type Projection = [Option<usize>];

/// The steps that read the writer's record into the columns of the reader's, whose first field is the `first`-th of the dataset.
///
/// # Errors
/// When a projected field cannot be read from what the writer has.
pub(super) fn steps(
    writer: &AvroRecord,
    reader: &AvroRecord,
    first: usize,
    projection: &Projection,
    path: &str,
) -> Result<Vec<Step>, CodecError> {
    let places = places(writer, reader);
    let mut steps = Vec::with_capacity(writer.fields.len());
    for (field, place) in writer.fields.iter().zip(&places) {
        let path = join(path, &field.name);
        let action = match *place {
            Some(index) => {
                let leaf = first + leaves(&reader.fields[..index]);
                action(&field.kind, &reader.fields[index].kind, leaf, projection, &path)?
            }
            None => Action::Skip(Skip::compile(&field.kind, &path)?),
        };
        steps.push(Step { name: field.name.clone(), action });
    }
    let mut leaf = first;
    for (index, field) in reader.fields.iter().enumerate() {
        if !places.contains(&Some(index)) && !beneath(&field.kind, leaf, projection).is_empty() {
            let path = join(path, &field.name);
            let bytes = missing(field, &path)?;
            let whole = AvroRecord::of(field);
            let read = self::steps(&whole, &whole, leaf, projection, "")?;
            steps.push(Step { name: field.name.clone(), action: Action::Default(bytes, read) });
        }
        leaf += leaves(std::slice::from_ref(field));
    }
    Ok(steps)
}

fn action(writer: &AvroType, reader: &AvroType, leaf: usize, projection: &Projection, path: &str) -> Result<Action, CodecError> {
    let columns = beneath(reader, leaf, projection);
    if columns.is_empty() {
        return Ok(Action::Skip(Skip::compile(writer, path)?));
    }
    let (AvroType::Record(inner), null) = reader.split_null() else {
        return Ok(Action::Read(columns[0], value(writer, reader, path)?));
    };
    if *writer == AvroType::Null && null.is_some() {
        return Ok(Action::Nulls(columns));
    }
    let AvroType::Union(union) = writer else { return flattened(writer, &[], inner, leaf, projection, path) };
    let mut refused = None;
    let arm = |branch: &AvroType| match branch {
        AvroType::Null if null.is_some() => Arm::Take(Action::Nulls(columns.clone())),
        AvroType::Null => Arm::NoMatch(Reason::MissingField),
        branch => flattened(branch, &union.branches, inner, leaf, projection, path).map_or_else(
            |error| {
                refused.get_or_insert(error);
                Arm::NoMatch(Reason::WrongType)
            },
            Arm::Take,
        ),
    };
    let arms: Vec<Arm> = union.branches.iter().map(arm).collect();
    match refused {
        Some(error) if !arms.iter().any(|arm| matches!(arm, Arm::Take(action) if !matches!(action, Action::Nulls(_)))) => Err(error),
        _ => Ok(Action::Union(arms)),
    }
}

/// What to do with a value that is no union where the dataset has a record whose fields are columns; `branches` are those that the
/// writer has there.
fn flattened(
    writer: &AvroType,
    branches: &[AvroType],
    reader: &AvroRecord,
    leaf: usize,
    projection: &Projection,
    path: &str,
) -> Result<Action, CodecError> {
    match writer {
        AvroType::Record(record) if record.is_union == reader.is_union && !is_another(writer, branches, Some(&reader.name)) => {
            Ok(Action::Record(steps(record, reader, leaf, projection, path)?))
        }
        AvroType::Fixed(fixed) if reader.duration_bytes() == Some(fixed.size) && !is_another(writer, branches, Some(&reader.name)) => {
            Ok(Action::Record(steps(reader, reader, leaf, projection, path)?))
        }
        _ if reader.is_union => member(writer, branches, reader, leaf, projection, path),
        _ => Err(incompatible(path, format!("the writer has {} where the dataset has a record", name(writer)))),
    }
}

/// What to do with a value that is one of the types of the dataset's union: the columns of the others are null.
fn member(
    writer: &AvroType,
    branches: &[AvroType],
    union: &AvroRecord,
    leaf: usize,
    projection: &Projection,
    path: &str,
) -> Result<Action, CodecError> {
    let chosen = chosen(writer, branches, union, path)?;
    let first = |index: usize| leaf + leaves(&union.fields[..index]);
    let others = union.fields.iter().enumerate().filter(|(index, _)| *index != chosen);
    let nulls = others.flat_map(|(index, field)| beneath(&field.kind, first(index), projection)).collect();
    let field = &union.fields[chosen];
    let action = action(writer, &field.kind, first(chosen), projection, &join(path, &field.name))?;
    Ok(Action::Member(nulls, Box::new(Step { name: field.name.clone(), action })))
}

/// Which of a union's types a writer's value is: the one of its name, or the same one, or else the first that it can be read as.
fn chosen(writer: &AvroType, branches: &[AvroType], union: &AvroRecord, path: &str) -> Result<usize, CodecError> {
    let find = |fits: &dyn Fn(&AvroType) -> bool| union.fields.iter().position(|field| fits(field.kind.split_null().0));
    let is_named = |how: Likeness, reader: &AvroType| likeness(writer.name(), reader.name()) == how;
    let is_same = |reader: &AvroType| match (writer, reader) {
        (AvroType::Array(_), AvroType::Array(_)) | (AvroType::Map(_), AvroType::Map(_)) => true,
        _ => writer == reader,
    };
    let none = || incompatible(path, format!("the writer's {} is no branch of the dataset's union", name(writer)));
    let fits = |reader: &AvroType| among(writer, branches, reader, path).is_ok();
    find(&|reader| is_named(Likeness::Full, reader))
        .or_else(|| find(&|reader| is_named(Likeness::Alias, reader)))
        .or_else(|| find(&|reader| is_named(Likeness::Short, reader) && fits(reader)))
        .or_else(|| find(&is_same))
        .or_else(|| find(&fits))
        .ok_or_else(none)
}

/// How far a writer's type has the name of the reader's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    None,
    /// But for the namespace.
    Short,
    /// It is an alias of the reader's.
    Alias,
    Full,
}

fn likeness(theirs: Option<&AvroName>, ours: Option<&AvroName>) -> Likeness {
    match (theirs, ours) {
        (Some(theirs), Some(ours)) if theirs.full == ours.full => Likeness::Full,
        (Some(theirs), Some(ours)) if ours.aliases.contains(&theirs.full) => Likeness::Alias,
        (Some(theirs), Some(ours)) if short_name(&theirs.full) == short_name(&ours.full) => Likeness::Short,
        _ => Likeness::None,
    }
}

/// Whether a branch of the writer's union is not the reader's type, however alike they are, since another branch has its name.
fn is_another(writer: &AvroType, branches: &[AvroType], ours: Option<&AvroName>) -> bool {
    let mine = likeness(writer.name(), ours);
    writer.name().is_some() && mine < Likeness::Alias && branches.iter().any(|other| likeness(other.name(), ours) > mine)
}

/// How to read a value of the writer's type as one of the reader's.
pub(super) fn value(writer: &AvroType, reader: &AvroType, path: &str) -> Result<Read, CodecError> {
    match writer {
        AvroType::Union(writer) => union(&writer.branches, reader, path),
        writer => among(writer, &[], reader, path),
    }
}

/// How to read a value that is no union as one of the reader's type; `branches` are those that the writer has there.
fn among(writer: &AvroType, branches: &[AvroType], reader: &AvroType, path: &str) -> Result<Read, CodecError> {
    let (reader, null) = reader.split_null();
    let mismatch = || incompatible(path, format!("the writer's {} cannot be read as the dataset's {}", name(writer), name(reader)));
    if is_another(writer, branches, reader.name()) {
        return Err(mismatch());
    }
    // A logical type marks what a number counts: numbers of the same size that count different things do not stand for each other.
    if is_logical(writer) && is_logical(reader) && name(writer) != name(reader) {
        return Err(mismatch());
    }
    Ok(match (writer, reader) {
        (AvroType::Null, AvroType::Null) => Read::Null,
        (AvroType::Null, _) if null.is_some() => Read::Null,
        (AvroType::Boolean, AvroType::Boolean) => Read::Boolean,
        (AvroType::Float, AvroType::Float) => Read::Float,
        (AvroType::Float, AvroType::Double) => Read::FloatAsDouble,
        (AvroType::Double, AvroType::Double) => Read::Double,
        (AvroType::String | AvroType::Bytes, AvroType::String) => Read::String,
        (AvroType::String | AvroType::Bytes, AvroType::Bytes) => Read::Bytes,
        (AvroType::Fixed(theirs) | AvroType::UuidFixed(theirs), AvroType::UuidFixed(ours)) if theirs.size == ours.size => Read::Uuid,
        // Of a logical type that only one side has, the type beneath counts.
        (AvroType::Fixed(theirs) | AvroType::UuidFixed(theirs) | AvroType::Decimal { fixed: Some(theirs), .. }, AvroType::Fixed(ours))
            if theirs.size == ours.size =>
        {
            Read::Fixed(ours.size)
        }
        (AvroType::Record(theirs), AvroType::Fixed(ours)) if theirs.duration_bytes() == Some(ours.size) => Read::Fixed(ours.size),
        (AvroType::Fixed(theirs), AvroType::Record(ours)) if ours.duration_bytes() == Some(theirs.size) => {
            Read::Record(parts(ours, ours, path)?)
        }
        (AvroType::Fixed(theirs), AvroType::Decimal { precision, fixed: Some(ours), .. }) if theirs.size == ours.size => {
            Read::Decimal { precision: *precision, fixed: Some(ours.size) }
        }
        (AvroType::Bytes, AvroType::Decimal { precision, fixed: None, .. }) => Read::Decimal { precision: *precision, fixed: None },
        (AvroType::Decimal { fixed: None, .. }, AvroType::Bytes) => Read::Bytes,
        (AvroType::Enum(theirs), AvroType::Enum(ours)) => {
            let known = |symbol: &String| ours.symbols.contains(symbol).then(|| symbol.clone()).or_else(|| ours.default.clone());
            Read::Enum(theirs.symbols.iter().map(known).collect())
        }
        (
            AvroType::Decimal { precision: theirs, scale: their_scale, fixed },
            AvroType::Decimal { precision: ours, scale: our_scale, .. },
        ) if theirs <= ours && their_scale == our_scale => {
            Read::Decimal { precision: *ours, fixed: fixed.as_ref().map(|fixed| fixed.size) }
        }
        (AvroType::Array(theirs), AvroType::Array(ours)) => {
            Read::Array { item: Box::new(value(theirs, ours, path)?), least: least_item_bytes(theirs, path)? }
        }
        (AvroType::Map(theirs), AvroType::Map(ours)) => {
            Read::Map { value: Box::new(value(theirs, ours, path)?), least: 1 + least_bytes(theirs) }
        }
        (AvroType::Record(theirs), AvroType::Record(ours)) if theirs.is_union == ours.is_union => Read::Record(parts(theirs, ours, path)?),
        (_, AvroType::Record(ours)) if ours.is_union => {
            let chosen = chosen(writer, branches, ours, path)?;
            let field = &ours.fields[chosen];
            Read::Member { chosen, name: field.name.clone(), read: Box::new(among(writer, branches, &field.kind, path)?) }
        }
        (AvroType::UnsignedInt, AvroType::UnsignedInt) => Read::UnsignedInt,
        (writer, reader) if is_int(writer) => match reader {
            AvroType::Float => Read::IntAsFloat,
            AvroType::Double => Read::IntAsDouble,
            _ if is_int(reader) => Read::Int,
            _ if is_long(reader) => Read::IntAsLong,
            _ => return Err(mismatch()),
        },
        (writer, reader) if is_long(writer) => match reader {
            AvroType::Float => Read::LongAsFloat,
            AvroType::Double => Read::LongAsDouble,
            _ if is_long(reader) => Read::Long,
            _ => return Err(mismatch()),
        },
        _ => return Err(mismatch()),
    })
}

fn union(branches: &[AvroType], reader: &AvroType, path: &str) -> Result<Read, CodecError> {
    let mut reads = Vec::with_capacity(branches.len());
    let mut reason = None;
    for branch in branches {
        reads.push(match among(branch, branches, reader, path) {
            Ok(read) => Ok(read),
            Err(error) => {
                reason = reason.or(Some(error));
                Err(if *branch == AvroType::Null { Reason::MissingField } else { Reason::WrongType })
            }
        });
    }
    match (reason, reads.as_mut_slice()) {
        (Some(error), reads) if reads.iter().all(Result::is_err) => Err(error),
        (None, [Ok(Read::Null), Ok(some)]) => Ok(Read::Optional { null: 0, some: Box::new(some.clone()) }),
        (None, [Ok(some), Ok(Read::Null)]) => Ok(Read::Optional { null: 1, some: Box::new(some.clone()) }),
        _ => Ok(Read::Union(reads)),
    }
}

fn parts(writer: &AvroRecord, reader: &AvroRecord, path: &str) -> Result<Vec<Part>, CodecError> {
    let places = places(writer, reader);
    let mut parts = Vec::with_capacity(writer.fields.len());
    for (field, place) in writer.fields.iter().zip(&places) {
        let path = join(path, &field.name);
        parts.push(match *place {
            Some(index) => Part::Field(field.name.clone(), index, value(&field.kind, &reader.fields[index].kind, &path)?),
            None => Part::Skip(field.name.clone(), Skip::compile(&field.kind, &path)?),
        });
    }
    for (index, field) in reader.fields.iter().enumerate().filter(|(index, _)| !places.contains(&Some(*index))) {
        let path = join(path, &field.name);
        parts.push(Part::Default(index, missing(field, &path)?, value(&field.kind, &field.kind, &path)?));
    }
    Ok(parts)
}

/// The encoded default of a field that the writer does not have.
fn missing(field: &AvroField, path: &str) -> Result<Vec<u8>, CodecError> {
    let no_default = || incompatible(path, "the writer does not have it, and the dataset schema gives no default");
    let default = field.default.as_ref().ok_or_else(no_default)?;
    default::encode(&field.kind, default).ok_or_else(|| incompatible(path, format!("the default {default} is not of the field's type")))
}

/// Which of the reader's fields each of the writer's is. A field of the reader's is the writer's of its name, or else of the first of its
/// aliases: in one record no name or alias stands twice.
fn places(writer: &AvroRecord, reader: &AvroRecord) -> Vec<Option<usize>> {
    let mut places = vec![None; writer.fields.len()];
    for (index, ours) in reader.fields.iter().enumerate() {
        let by_name = |name: &String| writer.fields.iter().position(|theirs| theirs.name == *name);
        if let Some(at) = std::iter::once(&ours.name).chain(&ours.aliases).find_map(by_name) {
            places[at] = Some(index);
        }
    }
    places
}

/// How many of the dataset's fields these are once records are flattened.
fn leaves(fields: &[AvroField]) -> usize {
    let count = |field: &AvroField| match field.kind.split_null().0 {
        AvroType::Record(record) => leaves(&record.fields),
        _ => 1,
    };
    fields.iter().map(count).sum()
}

/// The columns of a field, and of all fields beneath it when it is a record.
fn beneath(kind: &AvroType, leaf: usize, projection: &Projection) -> Vec<usize> {
    let count = match kind.split_null().0 {
        AvroType::Record(record) => leaves(&record.fields),
        _ => 1,
    };
    projection[leaf..leaf + count].iter().flatten().copied().collect()
}

/// The dotted path of a field beneath another.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn incompatible(path: &str, why: impl Into<String>) -> CodecError {
    CodecError::Incompatible { path: path.to_owned(), why: why.into() }
}

fn is_int(kind: &AvroType) -> bool {
    matches!(kind, AvroType::Int | AvroType::Date | AvroType::TimeMillis)
}

fn is_long(kind: &AvroType) -> bool {
    matches!(kind, AvroType::Long | AvroType::TimeMicros | AvroType::Timestamp { .. })
}

fn is_logical(kind: &AvroType) -> bool {
    matches!(kind, AvroType::Date | AvroType::TimeMillis | AvroType::TimeMicros | AvroType::Timestamp { .. })
}

fn name(kind: &AvroType) -> String {
    match kind {
        AvroType::Timestamp { unit, utc } => {
            let unit = match unit {
                TimeUnit::Second => "seconds",
                TimeUnit::Millisecond => "milliseconds",
                TimeUnit::Microsecond => "microseconds",
                TimeUnit::Nanosecond => "nanoseconds",
            };
            format!("{} in {unit}", if *utc { "timestamp" } else { "local timestamp" })
        }
        AvroType::Decimal { precision, scale, .. } => format!("decimal({precision}, {scale})"),
        AvroType::Fixed(fixed) => format!("fixed({})", fixed.size),
        AvroType::Record(_) => "record".to_owned(),
        AvroType::Array(_) => "array".to_owned(),
        AvroType::Map(_) => "map".to_owned(),
        AvroType::Enum(_) => "enum".to_owned(),
        AvroType::Union(_) => "union".to_owned(),
        AvroType::TimeMillis => "time in milliseconds".to_owned(),
        AvroType::TimeMicros => "time in microseconds".to_owned(),
        AvroType::UuidFixed(_) => "uuid".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}
