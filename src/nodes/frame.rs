//! What planning knows of the columns between two nodes.

use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};

use super::Origin;
use crate::dataset::DatasetField;

/// A place that holds one array while a batch runs. Each slot is written once a batch, so columns are shared, never copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(u32);

impl Slot {
    /// The slot at a position of the plan's register file.
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Its position in the plan's register file.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a column's values are while a batch runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An array of the column's type.
    Slot(Slot),
    /// 1, or true, where the `Int32` codes hold `code`, and 0 elsewhere, in the column's type: a number or Boolean. A dummy column stays in this form until somebody needs it as an array: a model reads the
    /// codes directly, one write per row instead of one array per category.
    Indicator {
        /// The codes; negative where no category matches.
        codes: Slot,
        /// The category of this column.
        code: i32,
    },
    /// A column whose values are known before the first event: `Int32` codes, positions in `values`, -1 for null. Text (`Utf8`) and
    /// categories (`Dictionary`) stay in this form until somebody needs them as an array of their type, so that a lookup that one
    /// operation made serves the next one too.
    Codes {
        /// The codes; never null.
        codes: Slot,
        /// What each code stands for. Text may repeat; a category column has its categories here, in order.
        values: Arc<[String]>,
    },
    /// Planning its maker failed and was reported; whoever reads it fails silently.
    Poisoned,
}

/// One column.
///
/// Types are Arrow's, in the set that a pandas frame has: `Boolean`, integers, `Float32`, `Float64`, `Utf8` (pandas: object),
/// `Timestamp(Nanosecond, tz)` (`datetime64[ns]`), `Dictionary(Int32, Utf8)` (category). In floats null and NaN mean the same. What pandas
/// holds as other objects has the type that the event's field has, such as `Decimal128`, `Date32` or `List`.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name; unique in a frame.
    pub name: Arc<str>,
    /// Its Arrow type.
    pub data_type: DataType,
    /// Whether a row can be null (or NaN).
    pub nullable: bool,
    /// Of a category column: all categories in order, whether or not a row has them.
    pub categories: Option<Arc<[String]>>,
    /// Where its values are.
    pub source: Source,
    /// The node that made it, and the columns that it was made from.
    pub origin: Origin,
}

impl Column {
    /// The column of an event's field, decoded into the slot of its index.
    pub fn of_field(field: &DatasetField, index: usize) -> Self {
        Self {
            name: field.path.as_str().into(),
            data_type: field.data_type.clone(),
            nullable: field.nullable,
            categories: None,
            source: Source::Slot(Slot::new(index)),
            origin: Origin::field(field.nullable),
        }
    }

    /// A column that stands for one whose planning failed.
    pub fn poisoned(name: &str, origin: &str) -> Self {
        Self {
            name: name.into(),
            data_type: DataType::Null,
            nullable: true,
            categories: None,
            source: Source::Poisoned,
            origin: origin.into(),
        }
    }

    /// Says where its maker makes it null, such as "the text is no number"; of no account for a column that cannot be null.
    #[must_use]
    pub fn null_where(self, condition: &'static str) -> Self {
        Self { origin: self.origin.null_where(condition), ..self }
    }

    /// Says that its maker makes it null only of infinity, or of what spells NaN: nothing that a check would warn of.
    #[must_use]
    pub fn or_nan(self) -> Self {
        Self { origin: self.origin.or_nan(), ..self }
    }

    /// Where its array or its codes are; `None` when its planning failed.
    pub fn slot(&self) -> Option<Slot> {
        match self.source {
            Source::Slot(slot) | Source::Indicator { codes: slot, .. } | Source::Codes { codes: slot, .. } => Some(slot),
            Source::Poisoned => None,
        }
    }

    /// Its type as a pandas user knows it: `int64`, `object`, `datetime64[ns, UTC]`.
    pub fn dtype(&self) -> String {
        dtype(&self.data_type)
    }
}

/// A type as a pandas user knows it; what pandas has no type for as Arrow calls it, such as `decimal128(10, 2)`.
pub fn dtype(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "bool".into(),
        DataType::Utf8 => "object".into(),
        DataType::Dictionary(_, _) => "category".into(),
        DataType::Timestamp(TimeUnit::Nanosecond, None) => "datetime64[ns]".into(),
        DataType::Timestamp(TimeUnit::Nanosecond, Some(tz)) if tz.as_ref() == "+00:00" => "datetime64[ns, UTC]".into(),
        DataType::Timestamp(TimeUnit::Nanosecond, Some(tz)) => format!("datetime64[ns, UTC{tz}]"),
        other => {
            // Names of members, in quotes, stay as they are.
            let text = other.to_string();
            let parts = text.split('"').enumerate();
            let lower = |(at, part): (usize, &str)| if at % 2 == 0 { part.to_lowercase() } else { part.to_owned() };
            parts.map(lower).collect::<Vec<_>>().join("\"")
        }
    }
}

/// The columns between two nodes, in order, names unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    columns: Vec<Column>,
    /// A failed node may have made further columns whose names are not known.
    open: bool,
}

impl Frame {
    /// A frame without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that columns of unknown name may be missing here since planning their maker failed.
    pub fn set_open(&mut self) {
        self.open = true;
    }

    /// Whether a missing name may be the echo of a failure that was reported already.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of this name.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.as_ref() == name)
    }

    /// Puts a column in the place of the one with its name, else at the end, as assignment to a pandas frame does.
    pub fn set(&mut self, column: Column) {
        match self.columns.iter_mut().find(|existing| existing.name == column.name) {
            Some(existing) => *existing = column,
            None => self.columns.push(column),
        }
    }

    /// Takes a column out.
    pub fn remove(&mut self, name: &str) -> Option<Column> {
        let at = self.columns.iter().position(|column| column.name.as_ref() == name)?;
        Some(self.columns.remove(at))
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_ref())
    }
}

impl FromIterator<Column> for Frame {
    fn from_iter<I: IntoIterator<Item = Column>>(columns: I) -> Self {
        let mut frame = Self::new();
        columns.into_iter().for_each(|column| frame.set(column));
        frame
    }
}
