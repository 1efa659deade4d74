//! Events made up from a dataset schema: every type, nulls where they may be, instants near now.

use std::slice::IterMut;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{ArrowError, TimeUnit};

use super::random::Random;
use super::rules;
use crate::codec::column::Column;
use crate::dataset::{AvroField, AvroRecord, AvroType, DatasetSchema, XdmType};

/// The share of values that are null where they may be.
const NULL_SHARE: f64 = 0.1;
/// The different texts of a field that is no identifier: few enough to be categories.
const TEXTS: u64 = 12;
/// The most items of an array or a map, exclusive.
const ITEMS: u64 = 4;
const MS_PER_DAY: i64 = 86_400_000;
/// Instants lie in the minute before now.
const RECENT_MS: u64 = 60_000;

/// Makes rows up.
#[derive(Debug)]
pub(super) struct Inventor {
    root: Arc<AvroRecord>,
    /// What values must keep to.
    rules: Option<Arc<XdmType>>,
    columns: Vec<Column>,
    random: Random,
}

/// Which of a record's fields are null.
#[derive(Clone, Copy, PartialEq)]
enum Nulls {
    /// Now and then one that may be.
    Some,
    /// All.
    All,
    /// Not the first, or its first one: a union's record whose columns are all null would be none of the union's types.
    NotFirst,
}

/// What values are made of.
struct Muse<'a> {
    random: &'a mut Random,
    /// Milliseconds since 1970.
    now_ms: i64,
    /// The name of the field, which says what its texts may be.
    name: &'a str,
}

impl Inventor {
    pub(super) fn new(schema: &DatasetSchema, seed: u64) -> Self {
        let columns = schema.fields().iter().map(|field| Column::new(&field.data_type, field.nullable)).collect();
        let rules = schema.xdm().map(|xdm| Arc::clone(&xdm.root));
        Self { root: Arc::clone(schema.root()), rules, columns, random: Random::new(seed) }
    }

    /// The next `count` rows: one column for each of the dataset's fields.
    pub(super) fn rows(&mut self, count: usize, now_ms: i64) -> Result<Vec<ArrayRef>, ArrowError> {
        for _ in 0..count {
            record((&self.root, self.rules.as_deref()), &mut self.columns.iter_mut(), &mut self.random, now_ms, Nulls::Some);
        }
        self.columns.iter_mut().map(Column::finish).collect()
    }
}

/// One record, its fields flattened to columns.
fn record(
    (kind, rules): (&AvroRecord, Option<&XdmType>),
    columns: &mut IterMut<'_, Column>,
    random: &mut Random,
    now_ms: i64,
    nulls: Nulls,
) {
    let chosen = chosen(kind, random);
    for (index, field) in kind.fields.iter().enumerate() {
        let (kind, rules) = (rules::written(rules, index, &field.kind), rules::inner(rules, index));
        let (inner, null) = kind.split_null();
        let nulls = match (nulls, chosen) {
            (Nulls::All, _) => Nulls::All,
            (_, Some(chosen)) if chosen != index => Nulls::All,
            (_, Some(_)) => Nulls::NotFirst,
            (Nulls::NotFirst, None) if index == 0 => Nulls::NotFirst,
            _ => Nulls::Some,
        };
        if let AvroType::Record(inner) = inner {
            let is_null = nulls == Nulls::Some && null.is_some() && random.chance(NULL_SHARE);
            record((inner, rules), columns, random, now_ms, if is_null { Nulls::All } else { nulls });
            continue;
        }
        let Some(column) = columns.next() else { return };
        let mut muse = Muse { random, now_ms, name: &field.name };
        match nulls {
            Nulls::All => column.push_null(),
            Nulls::NotFirst => value(inner, rules, column, &mut muse),
            Nulls::Some => value(kind, rules, column, &mut muse),
        }
    }
}

/// The field that is not null of a union's record; none where a record is no union.
fn chosen(record: &AvroRecord, random: &mut Random) -> Option<usize> {
    record.is_union.then(|| usize::try_from(random.below(record.fields.len() as u64)).unwrap_or(0))
}

fn value(kind: &AvroType, rules: Option<&XdmType>, column: &mut Column, muse: &mut Muse<'_>) {
    let (kind, null) = kind.split_null();
    if null.is_some() && muse.random.chance(NULL_SHARE) {
        column.push_null();
        return;
    }
    if let Some(rules) = rules
        && ruled(kind, rules, column, muse)
    {
        return;
    }
    // A batch is far below the 2 GiB at which a column is full, so no push fails.
    match kind {
        AvroType::Null => column.push_null(),
        AvroType::Boolean => column.push_bool(muse.random.chance(0.5)),
        AvroType::Int => column.push_i32(i32::try_from(muse.below(1_000)).unwrap_or(0)),
        AvroType::Long => column.push_i64(muse.below(100_000)),
        AvroType::Float => column.push_f32(muse.below(100_000) as f32 / 100.0),
        AvroType::Double => column.push_f64(muse.below(100_000) as f64 / 100.0),
        AvroType::String => {
            let text = muse.text();
            let _ = column.push_bytes(text.as_bytes());
        }
        AvroType::UuidFixed(_) => {
            let text = muse.uuid();
            let _ = column.push_bytes(text.as_bytes());
        }
        AvroType::Bytes => {
            let bytes = muse.random.bits().to_be_bytes();
            let _ = column.push_bytes(&bytes);
        }
        AvroType::Fixed(fixed) => {
            let bytes: Vec<u8> = (0..fixed.size).map(|_| muse.random.bits().to_be_bytes()[0]).collect();
            column.push_fixed(&bytes);
        }
        AvroType::Enum(symbols) => {
            let symbol = muse.random.below(symbols.symbols.len() as u64);
            let symbol = symbols.symbols.get(usize::try_from(symbol).unwrap_or(0)).map_or("", String::as_str);
            let _ = column.push_bytes(symbol.as_bytes());
        }
        AvroType::Date => column.push_i32(i32::try_from(muse.now_ms.div_euclid(MS_PER_DAY) - muse.below(365)).unwrap_or(0)),
        AvroType::TimeMillis => column.push_i32(i32::try_from(muse.below(MS_PER_DAY.unsigned_abs())).unwrap_or(0)),
        AvroType::TimeMicros => column.push_i64(muse.below(MS_PER_DAY.unsigned_abs() * 1_000)),
        AvroType::Timestamp { unit, .. } => {
            let instant_ms = muse.now_ms - muse.below(RECENT_MS);
            column.push_i64(match unit {
                TimeUnit::Second => instant_ms.div_euclid(1_000),
                TimeUnit::Millisecond => instant_ms,
                TimeUnit::Microsecond => instant_ms.saturating_mul(1_000),
                TimeUnit::Nanosecond => instant_ms.saturating_mul(1_000_000),
            });
        }
        AvroType::Decimal { precision, fixed, .. } => {
            // A fixed of n bytes holds less than its precision may promise.
            let bound = 10_u64.pow(u32::from(*precision).min(6));
            let bound = fixed.as_ref().map_or(bound, |fixed| bound.min(1 << (8 * fixed.size.min(4)).saturating_sub(1)));
            column.push_i128(i128::from(muse.below(bound)));
        }
        AvroType::Array(item) => {
            let count = rules::items(rules, muse.random.below(ITEMS));
            for _ in 0..count {
                if let [items] = column.children() {
                    value(item, rules::inner(rules, 0), items, muse);
                }
            }
            let _ = column.close();
        }
        AvroType::Map(entry) => {
            for number in 0..muse.random.below(ITEMS) {
                if let [keys, values] = column.children() {
                    let _ = keys.push_bytes(format!("key-{number}").as_bytes());
                    value(entry, rules::inner(rules, 0), values, muse);
                }
            }
            let _ = column.close();
        }
        AvroType::UnsignedInt => column.push_i64(muse.below(1_000)),
        // What columns see of a schema has no union but the one with null.
        AvroType::Union(_) => column.push_null(),
        AvroType::Record(inner) => {
            let chosen = chosen(inner, muse.random);
            for (index, (AvroField { name, kind, .. }, child)) in inner.fields.iter().zip(column.children()).enumerate() {
                let kind = match chosen {
                    Some(chosen) if chosen != index => &AvroType::Null,
                    Some(_) => kind.split_null().0,
                    None => rules::written(rules, index, kind),
                };
                value(kind, rules::inner(rules, index), child, &mut Muse { random: muse.random, now_ms: muse.now_ms, name });
            }
            let _ = column.close();
        }
    }
}

/// A single value that keeps to rules; `false` when nothing but its type matters.
fn ruled(kind: &AvroType, rules: &XdmType, column: &mut Column, muse: &mut Muse<'_>) -> bool {
    let listed = rules::listed(rules, muse.random);
    match kind {
        AvroType::String => {
            let text = match listed.and_then(serde_json::Value::as_str) {
                Some(text) => text.to_owned(),
                None => {
                    let idea = muse.text();
                    rules::text(rules, idea, muse.random.below(TEXTS))
                }
            };
            let _ = column.push_bytes(text.as_bytes());
        }
        #[expect(clippy::cast_possible_truncation, reason = "the rules' numbers have at most 53 bits")]
        AvroType::Long => column.push_i64(listed.and_then(serde_json::Value::as_i64).unwrap_or(rules::number(rules, muse.random) as i64)),
        AvroType::Double => column.push_f64(listed.and_then(serde_json::Value::as_f64).unwrap_or(rules::number(rules, muse.random))),
        AvroType::Boolean => column.push_bool(listed.and_then(serde_json::Value::as_bool).unwrap_or(muse.random.chance(0.5))),
        _ => return false,
    }
    true
}

impl Muse<'_> {
    /// A number below `bound`, the smaller the likelier, as amounts and counts are.
    fn below(&mut self, bound: u64) -> i64 {
        let number = self.random.below(bound).min(self.random.below(bound));
        i64::try_from(number).unwrap_or(i64::MAX)
    }

    /// Identifiers differ from event to event; other texts are categories.
    fn text(&mut self) -> String {
        let name = self.name.to_ascii_lowercase();
        match name.ends_with("id") || name == "key" {
            true => self.uuid(),
            false => {
                let number = self.below(TEXTS);
                format!("{}-{number}", self.name)
            }
        }
    }

    /// A UUID of version 4.
    fn uuid(&mut self) -> String {
        let (high, low) = (self.random.bits(), self.random.bits());
        let (time_low, time_mid, time_high) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
        let (clock, node) = ((low >> 48) & 0x3fff | 0x8000, low & 0xffff_ffff_ffff);
        format!("{time_low:08x}-{time_mid:04x}-4{time_high:03x}-{clock:04x}-{node:012x}")
    }
}
