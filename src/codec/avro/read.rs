//! Reads values of the writer's type into columns of the reader's.

use super::cursor::Cursor;
use super::skip::Skip;
use crate::codec::column::{Column, Full};
use crate::codec::fault::{Fault, Outcome};
use crate::codec::text;
use crate::dataset::Reason;

/// How one value becomes a value of a column.
#[derive(Clone, Debug)]
pub(super) enum Read {
    Null,
    Boolean,
    Int,
    IntAsLong,
    IntAsFloat,
    IntAsDouble,
    Long,
    LongAsFloat,
    LongAsDouble,
    Float,
    FloatAsDouble,
    Double,
    String,
    Bytes,
    Fixed(usize),
    Uuid,
    /// The reader's symbol for each of the writer's; none where the reader has no such symbol.
    Enum(Vec<Option<String>>),
    Decimal {
        precision: u8,
        fixed: Option<usize>,
    },
    Array {
        item: Box<Read>,
        least: usize,
    },
    Map {
        value: Box<Read>,
        least: usize,
    },
    Record(Vec<Part>),
    UnsignedInt,
    /// One of several types, which are the fields of a struct: the others are null.
    Member {
        chosen: usize,
        name: String,
        read: Box<Read>,
    },
    /// A union of null, at index `null`, and one other.
    Optional {
        null: usize,
        some: Box<Read>,
    },
    /// Any other union: for each of its branches how to read it, or why it cannot be.
    Union(Vec<Result<Read, Reason>>),
}

/// A field of a record that is a value itself, inside an array or a map.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Skip(String, Skip),
    Field(String, usize, Read),
    /// A field that the writer does not have: its default, encoded.
    Default(usize, Vec<u8>, Read),
}

impl Read {
    pub(super) fn read(&self, cursor: &mut Cursor<'_>, column: &mut Column) -> Outcome<()> {
        // A union's branch is read in the next turn: a call would cost more than most values.
        let mut read = self;
        loop {
            let start = cursor.at();
            match read {
                Self::Null => column.push_null(),
                Self::Boolean => column.push_bool(cursor.boolean()?),
                Self::Int => column.push_i32(cursor.int()?),
                Self::IntAsLong => column.push_i64(i64::from(cursor.int()?)),
                Self::Long => column.push_i64(cursor.long()?),
                Self::Float => column.push_f32(cursor.float()?),
                Self::FloatAsDouble => column.push_f64(f64::from(cursor.float()?)),
                Self::Double => column.push_f64(cursor.double()?),
                Self::String => column.push_bytes(cursor.string()?).map_err(|full| too_full(full, start))?,
                Self::Optional { null, some } => {
                    if cursor.index(2, "a union")? == *null {
                        column.push_null();
                    } else {
                        read = some;
                        continue;
                    }
                }
                #[expect(clippy::cast_precision_loss, reason = "Avro's promotion of int to float rounds")]
                Self::IntAsFloat => column.push_f32(cursor.int()? as f32),
                Self::IntAsDouble => column.push_f64(f64::from(cursor.int()?)),
                #[expect(clippy::cast_precision_loss, reason = "Avro's promotion of long to float rounds")]
                Self::LongAsFloat => column.push_f32(cursor.long()? as f32),
                #[expect(clippy::cast_precision_loss, reason = "Avro's promotion of long to double rounds")]
                Self::LongAsDouble => column.push_f64(cursor.long()? as f64),
                Self::Bytes => column.push_bytes(cursor.bytes("a binary")?).map_err(|full| too_full(full, start))?,
                Self::Union(branches) => match &branches[cursor.index(branches.len(), "a union")?] {
                    Ok(branch) => {
                        read = branch;
                        continue;
                    }
                    Err(reason) => return Err(no_branch(*reason, start)),
                },
                Self::UnsignedInt => column.push_i64(cursor.unsigned_int()?.into()),
                Self::Fixed(size) => column.push_fixed(cursor.fixed(*size)?),
                Self::Uuid => return uuid(cursor, column),
                Self::Enum(symbols) => return symbol(symbols, cursor, column),
                Self::Decimal { precision, fixed } => return decimal(*precision, *fixed, cursor, column),
                Self::Array { item, least } => return array(item, *least, cursor, column),
                Self::Map { value, least } => return map(value, *least, cursor, column),
                Self::Record(parts) => return record(parts, cursor, column),
                Self::Member { chosen, name, read } => {
                    return field_of(*chosen, read, cursor, column).map_err(|fault| fault.within(name));
                }
            }
            return Ok(());
        }
    }
}

// What follows takes more than a push. Inlined, it would make every value's way longer.

#[inline(never)]
fn uuid(cursor: &mut Cursor<'_>, column: &mut Column) -> Outcome<()> {
    let (start, mut buffer) = (cursor.at(), [0; 36]);
    let bytes = cursor.fixed(16)?;
    column.push_bytes(text::uuid(bytes, &mut buffer)).map_err(|full| too_full(full, start))
}

#[inline(never)]
fn symbol(symbols: &[Option<String>], cursor: &mut Cursor<'_>, column: &mut Column) -> Outcome<()> {
    let start = cursor.at();
    match &symbols[cursor.index(symbols.len(), "an enum")?] {
        Some(symbol) => column.push_bytes(symbol.as_bytes()).map_err(|full| too_full(full, start)),
        None => Err(Fault::new(Reason::UnknownBranch, start, "a symbol that the dataset schema does not have")),
    }
}

#[inline(never)]
fn decimal(precision: u8, fixed: Option<usize>, cursor: &mut Cursor<'_>, column: &mut Column) -> Outcome<()> {
    let start = cursor.at();
    let bytes = match fixed {
        Some(size) => cursor.fixed(size)?,
        None => cursor.bytes("a decimal")?,
    };
    if bytes.is_empty() {
        return Err(Fault::new(Reason::InvalidLength, start, "a decimal of no bytes"));
    }
    let out_of_range = || Fault::new(Reason::OutOfRange, start, format!("a decimal of more than {precision} digits"));
    column.push_i128(text::decimal_from_be(bytes, precision).ok_or_else(out_of_range)?);
    Ok(())
}

#[inline(never)]
fn array(item: &Read, least: usize, cursor: &mut Cursor<'_>, column: &mut Column) -> Outcome<()> {
    let start = cursor.at();
    while let Some(block) = cursor.block(least)? {
        for _ in 0..block.count {
            item.read(cursor, &mut column.children()[0])?;
        }
        cursor.end_block(&block)?;
    }
    column.close().map_err(|full| too_full(full, start))
}

#[inline(never)]
fn map(value: &Read, least: usize, cursor: &mut Cursor<'_>, column: &mut Column) -> Outcome<()> {
    let start = cursor.at();
    while let Some(block) = cursor.block(least)? {
        for _ in 0..block.count {
            let [keys, values] = column.children() else { return Ok(()) };
            keys.push_bytes(cursor.string()?).map_err(|full| too_full(full, start))?;
            value.read(cursor, values)?;
        }
        cursor.end_block(&block)?;
    }
    column.close().map_err(|full| too_full(full, start))
}

#[inline(never)]
fn record(parts: &[Part], cursor: &mut Cursor<'_>, column: &mut Column) -> Outcome<()> {
    let start = cursor.at();
    for part in parts {
        part.read(cursor, column.children())?;
    }
    column.close().map_err(|full| too_full(full, start))
}

/// A value of one type of several: it is the field `chosen` of a struct, whose others are null.
#[inline(never)]
fn field_of(chosen: usize, read: &Read, cursor: &mut Cursor<'_>, column: &mut Column) -> Outcome<()> {
    let start = cursor.at();
    for (index, child) in column.children().iter_mut().enumerate() {
        if index == chosen { read.read(cursor, child)? } else { child.push_null() }
    }
    column.close().map_err(|full| too_full(full, start))
}

impl Part {
    fn read(&self, cursor: &mut Cursor<'_>, columns: &mut [Column]) -> Outcome<()> {
        match self {
            Self::Skip(name, skip) => skip.skip(cursor).map_err(|fault| fault.within(name)),
            Self::Field(name, column, read) => read.read(cursor, &mut columns[*column]).map_err(|fault| fault.within(name)),
            Self::Default(column, bytes, read) => read.read(&mut Cursor::new(bytes), &mut columns[*column]),
        }
    }
}

/// What to do with the next field of an event's record.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) action: Action,
}

/// What to do with one field. The records of an event are not values but the way to their fields' columns.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Skip(Skip),
    Read(usize, Read),
    Record(Vec<Step>),
    Union(Vec<Arm>),
    /// One of several types that have columns of their own: those of the others, which are null, and what to do with it.
    Member(Vec<usize>, Box<Step>),
    /// Null: so are all columns beneath.
    Nulls(Vec<usize>),
    /// A field that the writer does not have: its default, encoded, and the steps that read it.
    Default(Vec<u8>, Vec<Step>),
}

/// What to do with one branch of a union whose columns are several.
#[derive(Clone, Debug)]
pub(super) enum Arm {
    Take(Action),
    NoMatch(Reason),
}

/// Takes the steps of one record.
pub(super) fn follow(steps: &[Step], cursor: &mut Cursor<'_>, columns: &mut [Column]) -> Outcome<()> {
    for step in steps {
        if let Err(fault) = step.action.take(cursor, columns) {
            return Err(fault.within(&step.name));
        }
    }
    Ok(())
}

impl Action {
    #[inline(always)]
    fn take(&self, cursor: &mut Cursor<'_>, columns: &mut [Column]) -> Outcome<()> {
        match self {
            Self::Read(column, read) => read.read(cursor, &mut columns[*column]),
            Self::Skip(skip) => skip.skip(cursor),
            Self::Record(steps) => follow(steps, cursor, columns),
            Self::Union(arms) => union(arms, cursor, columns),
            Self::Member(others, step) => {
                push_nulls(others, columns);
                follow(std::slice::from_ref(step), cursor, columns)
            }
            Self::Nulls(beneath) => {
                push_nulls(beneath, columns);
                Ok(())
            }
            Self::Default(bytes, steps) => follow(steps, &mut Cursor::new(bytes), columns),
        }
    }
}

#[inline(never)]
fn push_nulls(of: &[usize], columns: &mut [Column]) {
    of.iter().for_each(|column| columns[*column].push_null());
}

#[inline(never)]
fn union(arms: &[Arm], cursor: &mut Cursor<'_>, columns: &mut [Column]) -> Outcome<()> {
    let start = cursor.at();
    match &arms[cursor.index(arms.len(), "a union")?] {
        Arm::Take(action) => action.take(cursor, columns),
        Arm::NoMatch(reason) => Err(no_branch(*reason, start)),
    }
}

#[cold]
fn no_branch(reason: Reason, start: usize) -> Box<Fault> {
    match reason {
        Reason::MissingField => Fault::new(reason, start, "null, and the dataset schema does not allow null here"),
        _ => Fault::new(reason, start, "a branch of the writer's union that the dataset schema does not have"),
    }
}

#[cold]
fn too_full(_: Full, start: usize) -> Box<Fault> {
    Fault::new(Reason::OutOfRange, start, "the batch's column holds no more than 2 GiB")
}
