//! What a dataset's fields are that a file has no column for.

use std::fmt;

use serde_json::Value;

use super::CodecError;
use super::avro::Default;
use crate::dataset::{AvroRecord, AvroType, DatasetField, DatasetSchema};
use crate::diagnostic::nearest;

/// A field that a file has no column for.
#[derive(Clone, Debug, PartialEq)]
pub struct AbsentField {
    /// The field; its default is that of the record or the union around it, where the file has nothing of that either.
    pub field: DatasetField,
    /// The column whose name is nearest to its own, of those that are no field's.
    pub near: Option<String>,
}

impl AbsentField {
    /// Whether no row can be read without it.
    pub fn is_required(&self) -> bool {
        !self.field.nullable && self.field.default.is_none()
    }

    /// What it is in every row, as Avro writes defaults.
    pub fn value(&self) -> Value {
        self.field.default.clone().unwrap_or_default()
    }
}

impl fmt::Display for AbsentField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field `{}`", self.field.path)?;
        self.near.as_ref().map_or(Ok(()), |near| write!(f, " (it has `{near}`)"))
    }
}

pub(super) fn listed(absent: &[AbsentField]) -> String {
    absent.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The projected fields that are not among a file's columns.
pub(super) fn absent(schema: &DatasetSchema, projection: &[usize], columns: &[&str]) -> Vec<AbsentField> {
    let mut defaults = Vec::with_capacity(schema.fields().len());
    Defaults { columns, into: &mut defaults }.of(schema.root(), None, "");
    let spare = || columns.iter().copied().filter(|column| schema.field(column).is_none());
    let fields = projection.iter().filter_map(|index| Some((schema.fields().get(*index)?, defaults.get(*index)?)));
    let absent = fields.filter(|(field, _)| !columns.contains(&field.path.as_str()));
    let absent = absent.map(|(field, default)| AbsentField {
        field: DatasetField { default: default.clone(), ..field.clone() },
        near: nearest(&field.path, spare()).map(str::to_owned),
    });
    absent.collect()
}

/// Refuses a file that lacks fields that must be there.
pub(super) fn refuse_absent(absent: &[AbsentField]) -> Result<(), CodecError> {
    let required: Vec<AbsentField> = absent.iter().filter(|absent| absent.is_required()).cloned().collect();
    if required.is_empty() { Ok(()) } else { Err(CodecError::Absent(required)) }
}

/// Finds what each of the dataset's fields is in a row without it.
struct Defaults<'a> {
    columns: &'a [&'a str],
    into: &'a mut Vec<Option<Value>>,
}

impl Defaults<'_> {
    /// Those of a record's fields; `whole` is the record itself, where a default stands for all of it.
    fn of(&mut self, record: &AvroRecord, whole: Option<&Value>, path: &str) {
        let fits = |default: &Value| record.fields.iter().position(|field| Default::fits(field.kind.split_null().0, default));
        let chosen = whole.filter(|_| record.is_union).and_then(fits);
        for (index, field) in record.fields.iter().enumerate() {
            let path = if path.is_empty() { field.name.clone() } else { format!("{path}.{}", field.name) };
            let (kind, null) = field.kind.split_null();
            let given = match whole {
                Some(whole) if record.is_union => Some(if chosen == Some(index) { whole } else { &Value::Null }),
                Some(Value::Null) => Some(&Value::Null),
                Some(whole) => whole.get(&field.name).or(field.default.as_ref()),
                None => field.default.as_ref(),
            };
            match kind {
                AvroType::Record(inner) => {
                    // Without a default an object that may be null is null, as in JSON; another is one without members.
                    let given = given.or(null.map(|_| &Value::Null)).filter(|_| whole.is_some() || !self.has_some_of(&path));
                    self.of(inner, given, &path);
                }
                _ => self.into.push(given.cloned()),
            }
        }
    }

    fn has_some_of(&self, path: &str) -> bool {
        self.columns.iter().any(|column| column.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }
}
