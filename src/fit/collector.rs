//! One statistic of one column while the dataset passes by.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use serde_json::Value;

use super::mean::Mean;
use super::numbers::{Kind, number, place};
use super::tally::{Key, Seen, Tally};
use super::time_format::{FormatFault, FormatFinder};
use crate::dataset::{Rows, Statistic};
use crate::nodes::{Wanted, lanes};

/// The most distinct values that are frozen as categories: each may become a column.
pub const MAX_CATEGORIES: usize = 10_000;

/// Why a statistic cannot be frozen.
#[derive(Debug, thiserror::Error)]
pub enum StatisticFault {
    /// No row has a value.
    #[error("every row is null")]
    NoValues,
    /// It is not a number.
    #[error("it is not a number: the column holds infinity in both directions")]
    NotANumber,
    /// Edges would be infinite.
    #[error("the column holds infinity, which has no edges")]
    Infinite,
    /// Too many distinct values.
    #[error("the column has more than {MAX_CATEGORIES} distinct values")]
    TooManyCategories,
    /// Times without a common format.
    #[error(transparent)]
    Format(#[from] FormatFault),
    /// A type that has no such statistic.
    #[error("a column of type {0} has no such statistic")]
    Type(String),
    /// The temporary file.
    #[error("the temporary file (TMPDIR names its folder): {0}")]
    Io(#[from] io::Error),
}

/// Collects a statistic.
#[derive(Debug)]
pub(super) struct Collector {
    statistic: Statistic,
    store: Store,
    /// How many rows have reached it.
    rows: u64,
}

#[derive(Debug)]
enum Store {
    Numbers(Kind, Tally<u64>),
    Texts(Tally<Box<str>>),
    Mean(Mean),
    Format(FormatFinder),
}

impl Collector {
    /// A collector that keeps about `memory_bytes` in memory and the rest in a temporary file.
    pub(super) fn new(wanted: &Wanted, memory_bytes: usize) -> Result<Self, StatisticFault> {
        let kind = Kind::of(&wanted.data_type);
        let is_text = matches!(wanted.data_type, DataType::Utf8 | DataType::Dictionary(_, _));
        let store = match (&wanted.statistic, kind) {
            (Statistic::Mean, Some(kind)) if kind.is_float() => Store::Mean(Mean::new(kind == Kind::Single, memory_bytes)),
            (Statistic::TimeFormat { lenient }, _) if is_text => Store::Format(FormatFinder::new(*lenient)),
            (Statistic::Mean | Statistic::TimeFormat { .. }, _) => return Err(StatisticFault::Type(wanted.data_type.to_string())),
            (_, Some(kind)) => Store::Numbers(kind, Tally::new(memory_bytes)),
            (Statistic::Mode | Statistic::Categories | Statistic::Order | Statistic::Top(_), None) if is_text => {
                Store::Texts(Tally::new(memory_bytes))
            }
            _ => return Err(StatisticFault::Type(wanted.data_type.to_string())),
        };
        Ok(Self { statistic: wanted.statistic.clone(), store, rows: 0 })
    }

    /// Sees the rows of a batch that are alive; `places` are their rows in the dataset.
    pub(super) fn add(&mut self, array: &ArrayRef, rows: &Rows, places: &[u64]) -> Result<(), StatisticFault> {
        let first = self.rows;
        self.rows += rows.alive() as u64;
        let alive = (first..).zip(rows.iter_alive());
        match &mut self.store {
            Store::Numbers(kind, tally) if kind.is_float() => {
                let values = lanes::floats(array);
                for (at, row) in alive.filter(|(_, row)| !values[*row].is_nan()) {
                    let key = Kind::float_key(values[row]);
                    tally.add(&key, at, || key)?;
                }
            }
            Store::Numbers(kind, tally) => {
                let values = lanes::ints(array);
                for (at, row) in alive.filter(|(_, row)| array.is_valid(*row)) {
                    let key = kind.int_key(values[row]);
                    tally.add(&key, at, || key)?;
                }
            }
            Store::Mean(mean) => {
                let values = lanes::floats(array);
                alive.map(|(_, row)| values[row]).try_for_each(|value| mean.add(value))?;
            }
            Store::Texts(tally) => {
                let text = texts(array);
                for (at, row) in alive {
                    if let Some(text) = text(row) {
                        tally.add(text, at, || text.into())?;
                    }
                }
            }
            Store::Format(finder) => {
                let text = texts(array);
                for (_, row) in alive {
                    if let Some(text) = text(row) {
                        finder.add(places[row], text)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What is frozen.
    pub(super) fn finish(self) -> Result<Value, StatisticFault> {
        match self.store {
            Store::Mean(mean) => real(mean.finish()?.ok_or(StatisticFault::NoValues)?),
            Store::Format(finder) => Ok(finder.finish()?.ok_or(StatisticFault::NoValues)?.into()),
            Store::Texts(tally) => distinct(&self.statistic, tally, |text| Value::from(&*text)),
            Store::Numbers(kind, tally) => match &self.statistic {
                Statistic::Median | Statistic::Bins { .. } | Statistic::Quantiles(_) => ordered(&self.statistic, kind, tally),
                statistic => distinct(statistic, tally, |key| kind.value(key)),
            },
        }
    }
}

/// The text of a row, of an array of texts or categories.
fn texts<'a>(array: &'a ArrayRef) -> Box<dyn Fn(usize) -> Option<&'a str> + 'a> {
    if let Some(texts) = array.as_string_opt::<i32>() {
        return Box::new(move |row| texts.is_valid(row).then(|| texts.value(row)));
    }
    let categories = array.as_dictionary::<Int32Type>();
    let values = categories.values().as_string::<i32>();
    Box::new(move |row| categories.key(row).map(|key| values.value(key)))
}

fn real(value: f64) -> Result<Value, StatisticFault> {
    if value.is_nan() { Err(StatisticFault::NotANumber) } else { Ok(number(value)) }
}

/// Statistics of numbers by their places in sorted order.
fn ordered(statistic: &Statistic, kind: Kind, tally: Tally<u64>) -> Result<Value, StatisticFault> {
    let rows = tally.rows();
    let last = rows.checked_sub(1).ok_or(StatisticFault::NoValues)?;
    let probabilities = if let Statistic::Quantiles(probabilities) = statistic { probabilities.values() } else { Vec::new() };
    let between: Vec<(u64, u64, f64)> = probabilities.into_iter().map(|probability| place(probability, rows)).collect();
    let mut wanted: Vec<u64> =
        [0, last / 2, rows / 2, last].into_iter().chain(between.iter().flat_map(|(low, high, _)| [*low, *high])).collect();
    wanted.sort_unstable();
    let (mut found, mut passed, mut next) = (BTreeMap::new(), 0, wanted.into_iter().peekable());
    for entry in tally.finish()? {
        let (key, seen) = entry?;
        passed += seen.count;
        while let Some(at) = next.next_if(|at| *at < passed) {
            found.insert(at, key);
        }
    }
    // Every place is there: the counts add up to the rows.
    let at = |place: u64| found.get(&place).copied().unwrap_or_default();
    let edges = match statistic {
        Statistic::Bins { count, right } => kind.bin_edges(at(0), at(last), *count, *right),
        Statistic::Quantiles(_) => between.iter().map(|(low, high, weight)| kind.between(at(*low), at(*high), *weight)).collect(),
        _ => return real(kind.median(at(last / 2), at(rows / 2), rows % 2 == 1)),
    };
    if !(kind.double(at(0)).is_finite() && kind.double(at(last)).is_finite()) {
        return Err(StatisticFault::Infinite);
    }
    Ok(edges.into_iter().map(number).collect())
}

/// Statistics of distinct values and their counts.
fn distinct<K: Key>(statistic: &Statistic, tally: Tally<K>, value: impl Fn(K) -> Value) -> Result<Value, StatisticFault> {
    if tally.rows() == 0 {
        return Err(StatisticFault::NoValues);
    }
    let sorted = tally.finish()?;
    let most = match statistic {
        Statistic::Mode => 1,
        Statistic::Top(count) => *count as usize,
        _ => {
            let mut entries: Vec<(K, Seen)> = sorted.take(MAX_CATEGORIES + 1).collect::<io::Result<_>>()?;
            if entries.len() > MAX_CATEGORIES {
                return Err(StatisticFault::TooManyCategories);
            }
            if *statistic == Statistic::Order {
                entries.sort_by_key(|(_, seen)| seen.first);
            }
            return Ok(entries.into_iter().map(|(key, _)| value(key)).collect());
        }
    };
    // The most frequent, of equals the smaller; the least of them on top.
    let mut top: BinaryHeap<Reverse<(u64, Reverse<K>)>> = BinaryHeap::new();
    for entry in sorted {
        let (key, seen) = entry?;
        if top.len() < most {
            top.push(Reverse((seen.count, Reverse(key))));
        } else if top.peek().is_some_and(|Reverse((count, _))| *count < seen.count) {
            top.pop();
            top.push(Reverse((seen.count, Reverse(key))));
        }
    }
    let mut values = top.into_sorted_vec().into_iter().map(|Reverse((_, Reverse(key)))| value(key));
    match statistic {
        Statistic::Mode => values.next().ok_or(StatisticFault::NoValues),
        _ => Ok(values.collect()),
    }
}
