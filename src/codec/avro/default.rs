//! Encodes the defaults of a schema, which stand there as JSON.

use super::cursor::Cursor;
use super::read::{Action, Step, follow};
use super::{resolve, write};
use crate::codec::column::Column;
use crate::codec::scalar::Misfit;
use crate::codec::{CodecError, text};
use crate::dataset::{AvroField, AvroRecord, AvroType, SchemaError};

/// The default of a field, encoded, and the steps that read it into its columns.
#[derive(Debug)]
pub(crate) struct Default {
    bytes: Vec<u8>,
    steps: Vec<Step>,
}

impl Default {
    /// The default of a field with a column of its own, the `column`-th of those that `push` gets; none when the schema gives none.
    ///
    /// # Errors
    /// When it is not of the field's type.
    pub(crate) fn of_value(field: &AvroField, column: usize, path: &str) -> Result<Option<Self>, CodecError> {
        let Some(default) = &field.default else { return Ok(None) };
        let bytes = encode(&field.kind, default).ok_or_else(|| not_of_type(default, path))?;
        let read = resolve::value(&field.kind, &field.kind, path)?;
        Ok(Some(Self { bytes, steps: vec![Step { name: field.name.clone(), action: Action::Read(column, read) }] }))
    }

    /// Whether a default is of a type.
    pub(crate) fn fits(kind: &AvroType, default: &serde_json::Value) -> bool {
        encode(kind, default).is_some()
    }

    /// The default of a record whose first field is the `first`-th of the dataset.
    ///
    /// # Errors
    /// When it is not of the record's type.
    pub(crate) fn of_record(field: &AvroField, places: &[Option<usize>], first: usize, path: &str) -> Result<Option<Self>, CodecError> {
        let Some(default) = &field.default else { return Ok(None) };
        let bytes = encode(&field.kind, default).ok_or_else(|| not_of_type(default, path))?;
        let whole = AvroRecord::of(field);
        Ok(Some(Self { bytes, steps: resolve::steps(&whole, &whole, first, places, "")? }))
    }

    /// Pushes it.
    ///
    /// # Errors
    /// When a column can hold no more: its bytes were encoded from its type when the decoder was built.
    pub(crate) fn push(&self, columns: &mut [Column]) -> Result<(), Misfit> {
        follow(&self.steps, &mut Cursor::new(&self.bytes), columns)
            .map_err(|fault| (fault.reason(), "the default of a field that is not there cannot be taken".into()))
    }
}

fn not_of_type(default: &serde_json::Value, path: &str) -> CodecError {
    CodecError::Schema(SchemaError::BadDefault { path: path.to_owned(), default: default.to_string() })
}

/// The Avro encoding of a default; none when it is not of the type.
pub(super) fn encode(kind: &AvroType, default: &serde_json::Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    push(kind, default, &mut bytes)?;
    Some(bytes)
}

fn push(kind: &AvroType, default: &serde_json::Value, into: &mut Vec<u8>) -> Option<()> {
    match kind {
        AvroType::Null => default.as_null()?,
        AvroType::Boolean => into.push(u8::from(default.as_bool()?)),
        AvroType::Int | AvroType::Date | AvroType::TimeMillis => {
            write::long(into, i64::from(i32::try_from(default.as_i64()?).ok()?));
        }
        AvroType::Long | AvroType::TimeMicros | AvroType::Timestamp { .. } => write::long(into, default.as_i64()?),
        #[expect(clippy::cast_possible_truncation, reason = "a default of type float is the nearest float")]
        AvroType::Float => into.extend((default.as_f64()? as f32).to_le_bytes()),
        AvroType::Double => into.extend(default.as_f64()?.to_le_bytes()),
        AvroType::String => write::bytes(into, default.as_str()?.as_bytes()),
        AvroType::Bytes => write::bytes(into, &text::latin1(default.as_str()?)?),
        AvroType::Fixed(fixed) | AvroType::UuidFixed(fixed) => into.extend(sized(default, fixed.size)?),
        AvroType::Decimal { precision, fixed, .. } => {
            let bytes = match fixed {
                Some(fixed) => sized(default, fixed.size)?,
                None => text::latin1(default.as_str()?)?,
            };
            // They are the unscaled value, not its digits: "0.00" is 808333360.
            text::decimal_from_be(&bytes, *precision)?;
            if fixed.is_some() { into.extend(bytes) } else { write::bytes(into, &bytes) }
        }
        AvroType::Enum(symbols) => {
            let symbol = default.as_str()?;
            let index = symbols.symbols.iter().position(|known| known == symbol)?;
            write::long(into, i64::try_from(index).ok()?);
        }
        AvroType::Array(item) => {
            let items = default.as_array()?;
            write::count(into, items.len());
            items.iter().try_for_each(|value| push(item, value, into))?;
            write::count(into, if items.is_empty() { return Some(()) } else { 0 });
        }
        AvroType::Map(value) => {
            let entries = default.as_object()?;
            write::count(into, entries.len());
            for (key, entry) in entries {
                write::bytes(into, key.as_bytes());
                push(value, entry, into)?;
            }
            write::count(into, if entries.is_empty() { return Some(()) } else { 0 });
        }
        AvroType::UnsignedInt => into.extend(u32::try_from(default.as_u64()?).ok()?.to_le_bytes()),
        // A duration's default is text, as that of any fixed.
        AvroType::Record(record) if default.is_string() && !record.is_union => into.extend(sized(default, record.duration_bytes()?)?),
        // The first type that the value fits, all others null.
        AvroType::Record(record) if record.is_union => {
            let fits = record.fields.iter().position(|field| encode(field.kind.split_null().0, default).is_some())?;
            for (index, field) in record.fields.iter().enumerate() {
                write::count(into, usize::from(index == fits));
                if index == fits {
                    push(field.kind.split_null().0, default, into)?;
                }
            }
        }
        AvroType::Record(record) => {
            let values = default.as_object()?;
            for field in &record.fields {
                push(&field.kind, values.get(&field.name).or(field.default.as_ref())?, into)?;
            }
        }
        // The specification once asked for the first branch; any that fits is taken, as it asks since 1.12.
        AvroType::Union(union) => {
            let start = into.len();
            let fits = union.branches.iter().enumerate().find_map(|(index, branch)| {
                into.truncate(start);
                write::count(into, index);
                push(branch, default, into)
            });
            fits?;
        }
    }
    Some(())
}

/// The bytes of a default of so many.
fn sized(default: &serde_json::Value, size: usize) -> Option<Vec<u8>> {
    text::latin1(default.as_str()?).filter(|bytes| bytes.len() == size)
}
