//! Walks over values that nobody asked for: finds where they end and builds nothing.

use super::cursor::Cursor;
use crate::codec::CodecError;
use crate::codec::fault::Outcome;
use crate::dataset::{AvroRecord, AvroType};

/// How to find the end of a value. What is skipped is not looked at beyond that: a skipped string need not be UTF-8.
#[derive(Clone, Debug)]
pub(super) enum Skip {
    Fixed(usize),
    Number,
    Bytes,
    Blocks { item: Box<Skip>, least: usize },
    Branches(Vec<Skip>),
    Record(Vec<(String, Skip)>),
}

impl Skip {
    /// # Errors
    /// When an array has items of no bytes, of which a payload of a few bytes could hold any number.
    pub(super) fn compile(kind: &AvroType, path: &str) -> Result<Self, CodecError> {
        Ok(match kind {
            AvroType::Null => Self::Fixed(0),
            AvroType::Boolean => Self::Fixed(1),
            AvroType::Float | AvroType::UnsignedInt => Self::Fixed(4),
            AvroType::Double => Self::Fixed(8),
            AvroType::Fixed(fixed) | AvroType::UuidFixed(fixed) | AvroType::Decimal { fixed: Some(fixed), .. } => Self::Fixed(fixed.size),
            AvroType::Int
            | AvroType::Long
            | AvroType::Date
            | AvroType::TimeMillis
            | AvroType::TimeMicros
            | AvroType::Timestamp { .. }
            | AvroType::Enum(_) => Self::Number,
            AvroType::String | AvroType::Bytes | AvroType::Decimal { fixed: None, .. } => Self::Bytes,
            AvroType::Array(item) => Self::Blocks { item: Box::new(Self::compile(item, path)?), least: least_item_bytes(item, path)? },
            AvroType::Map(value) => {
                let entry = vec![("key".to_owned(), Self::Bytes), ("value".to_owned(), Self::compile(value, path)?)];
                Self::Blocks { item: Box::new(Self::Record(entry)), least: 1 + least_bytes(value) }
            }
            AvroType::Union(union) => {
                Self::Branches(union.branches.iter().map(|branch| Self::compile(branch, path)).collect::<Result<_, _>>()?)
            }
            AvroType::Record(record) => Self::record(record, path)?,
        })
    }

    fn record(record: &AvroRecord, path: &str) -> Result<Self, CodecError> {
        let fields = record.fields.iter().map(|field| {
            let path = super::resolve::join(path, &field.name);
            Ok::<_, CodecError>((field.name.clone(), Self::compile(&field.kind, &path)?))
        });
        Ok(Self::Record(fields.collect::<Result<_, _>>()?))
    }

    pub(super) fn skip(&self, cursor: &mut Cursor<'_>) -> Outcome<()> {
        match self {
            Self::Fixed(size) => cursor.fixed(*size).map(|_| ()),
            Self::Number => cursor.long().map(|_| ()),
            Self::Bytes => cursor.bytes("a value").map(|_| ()),
            Self::Blocks { item, least } => {
                while let Some(block) = cursor.block(*least)? {
                    if cursor.skip_block(&block) {
                        continue;
                    }
                    for _ in 0..block.count {
                        item.skip(cursor)?;
                    }
                }
                Ok(())
            }
            Self::Branches(branches) => branches[cursor.index(branches.len(), "a union")?].skip(cursor),
            Self::Record(fields) => {
                for (name, field) in fields {
                    field.skip(cursor).map_err(|fault| fault.within(name))?;
                }
                Ok(())
            }
        }
    }
}

/// The fewest bytes that a value of this type takes.
pub(super) fn least_bytes(kind: &AvroType) -> usize {
    match kind {
        AvroType::Null => 0,
        AvroType::Float | AvroType::UnsignedInt => 4,
        AvroType::Double => 8,
        AvroType::Fixed(fixed) | AvroType::UuidFixed(fixed) | AvroType::Decimal { fixed: Some(fixed), .. } => fixed.size,
        AvroType::Record(record) => record.fields.iter().map(|field| least_bytes(&field.kind)).sum(),
        _ => 1,
    }
}

/// The fewest bytes that an array's item takes, which is not none.
pub(super) fn least_item_bytes(item: &AvroType, path: &str) -> Result<usize, CodecError> {
    match least_bytes(item) {
        0 => Err(CodecError::Incompatible { path: path.to_owned(), why: "an array of values that take no bytes".to_owned() }),
        least => Ok(least),
    }
}

/// Tells datums apart that follow one another without a length, as in the blocks of a file.
#[derive(Debug)]
pub(crate) struct Splitter(Skip);

impl Splitter {
    /// # Errors
    /// When the schema has a type that is not read.
    pub(crate) fn new(schema: &apache_avro::Schema) -> Result<Self, CodecError> {
        Ok(Self(Skip::compile(&AvroType::resolve(schema)?, "")?))
    }

    /// Where the first datum ends.
    ///
    /// # Errors
    /// The words for why it has no end.
    pub(crate) fn end(&self, bytes: &[u8]) -> Result<usize, String> {
        let mut cursor = Cursor::new(bytes);
        self.0.skip(&mut cursor).map_err(|fault| fault.rejection().message.into_owned())?;
        Ok(cursor.at())
    }
}
