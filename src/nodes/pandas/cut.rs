//! `cut`: numbers to the intervals that hold them; what `qcut` shares with it.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array};
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::lanes;
use super::operation::{Call, Operation, Scope};
use super::scalar::{Scalar, python_float};
use crate::dataset::Statistic;
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&Cut];

struct Cut;

/// Keyword arguments of `cut`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// The edges, increasing; `inf` and `-inf` are allowed. Or how many intervals of equal width: their edges are frozen by `caz fit`.
    bins: Bins,
    /// A name for each interval, or false for their positions; without it a name such as `(20.0, 28.0]`.
    #[serde(default)]
    labels: Option<Labels>,
    /// Whether intervals hold their right edge, `(a, b]`; else their left one, `[a, b)`.
    #[serde(default = "yes")]
    right: bool,
    /// Whether the first interval holds its left edge too.
    #[serde(default)]
    include_lowest: bool,
    /// How many decimals of the edges stand in names.
    #[serde(default = "three")]
    #[schemars(range(min = -18, max = 300))]
    precision: i32,
    /// What becomes of edges that are equal.
    #[serde(default)]
    duplicates: Duplicates,
}

fn yes() -> bool {
    true
}

pub(super) fn three() -> i32 {
    3
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Bins {
    /// Edges.
    Edges(Vec<Scalar>),
    /// How many.
    Count(i64),
}

/// What becomes of equal edges.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Duplicates {
    /// They are a mistake.
    #[default]
    Raise,
    /// One of them is kept.
    Drop,
}

/// What stands for an interval.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Labels {
    /// Names.
    Names(Vec<String>),
    /// false: positions.
    Positions(bool),
}

impl Operation for Cut {
    fn name(&self) -> &'static str {
        "cut"
    }

    fn summary(&self) -> &'static str {
        "Sorts numbers into intervals"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<Kwargs>() else { return call.fail() };
        let Kwargs { bins, labels, right, include_lowest, precision, duplicates } = kwargs;
        let style = Style { kwarg: "bins", labels, right, include_lowest, precision, duplicates };
        match bins {
            Bins::Edges(scalars) => {
                let whole = scalars.iter().all(|scalar| matches!(scalar, Scalar::Int(_)));
                let Some(intervals) = intervals(call, &scalars, whole, &style) else { return call.fail() };
                call.each(|call, column| plan(call, column, &intervals, &style));
            }
            Bins::Count(count) => {
                let Some(count) = u32::try_from(count).ok().filter(|count| (1..=MOST_BINS).contains(count)) else {
                    let message = format!("{count} bins; there can be 1 to {MOST_BINS}");
                    call.wrong("bins", message, "give a number in that range, or the edges as a list");
                    return call.fail();
                };
                call.each(|call, column| {
                    if column.data_type == DataType::Float32 {
                        let reason = "NumPy computes the edges of a float32 column in its own precision";
                        call.mismatch(column, reason, "convert it with `astype` to float64 before");
                        return None;
                    }
                    plan_frozen(call, column, &Statistic::Bins { count, right }, &style)
                });
            }
        }
    }
}

/// The most intervals that are frozen.
pub(super) const MOST_BINS: u32 = 10_000;

/// How intervals are made of edges.
pub(super) struct Style {
    /// The keyword argument that gives the edges.
    pub(super) kwarg: &'static str,
    pub(super) labels: Option<Labels>,
    pub(super) right: bool,
    pub(super) include_lowest: bool,
    pub(super) precision: i32,
    pub(super) duplicates: Duplicates,
}

/// Intervals that were checked.
struct Intervals {
    edges: Edges,
    /// `None` where positions are asked for.
    names: Option<Arc<[String]>>,
}

/// Edges, increasing.
#[derive(Clone)]
enum Edges {
    /// Integers, which meet an integer column exactly.
    Whole(Vec<i64>),
    Floats(Vec<f64>),
}

impl Edges {
    fn floats(&self) -> Vec<f64> {
        match self {
            Self::Whole(edges) => edges.iter().map(|edge| *edge as f64).collect(),
            Self::Floats(edges) => edges.clone(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Whole(edges) => edges.len(),
            Self::Floats(edges) => edges.len(),
        }
    }
}

/// The intervals of a column whose edges are frozen.
pub(super) fn plan_frozen(call: &mut Call<'_, '_>, column: &Column, statistic: &Statistic, style: &Style) -> Option<Column> {
    if !holds_numbers(call, column) {
        return None;
    }
    let pointer = call.at(style.kwarg);
    let edges = call.frozen_list(column, statistic, &pointer)?;
    let intervals = intervals(call, &edges, false, style)?;
    plan(call, column, &intervals, style)
}

/// Checks edges and labels; reports what is wrong with them.
fn intervals(call: &mut Call<'_, '_>, scalars: &[Scalar], whole: bool, style: &Style) -> Option<Intervals> {
    let int = |scalar: &Scalar| if let Scalar::Int(edge) = scalar { Some(*edge) } else { None };
    let edges = match scalars.iter().map(int).collect() {
        Some(edges) if whole => Edges::Whole(in_order(call, Some(edges), style, i64::to_string)?),
        _ => {
            let edges = scalars.iter().map(|scalar| scalar.number().filter(|edge| !edge.is_nan())).collect();
            Edges::Floats(in_order(call, edges, style, |edge| python_float(*edge))?)
        }
    };
    let names: Option<Vec<String>> = match &style.labels {
        Some(Labels::Positions(false)) => None,
        Some(Labels::Positions(true)) => {
            call.wrong("labels", "true is no list of names", "leave `labels` out for interval names, or write false for positions");
            return None;
        }
        Some(Labels::Names(names)) => {
            if names.len() + 1 != edges.len() {
                let message = format!("{} labels for {} intervals", names.len(), edges.len() - 1);
                call.wrong("labels", message, "labels are one fewer than edges");
                return None;
            }
            if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
                call.wrong("labels", format!("label '{}' stands twice", twice.1), "labels are unique");
                return None;
            }
            Some(names.clone())
        }
        None => Some(interval_names(&edges, style)),
    };
    Some(Intervals { edges, names: names.map(Into::into) })
}

/// Edges without equal ones; reports those that are out of order.
fn in_order<T: PartialOrd>(call: &mut Call<'_, '_>, edges: Option<Vec<T>>, style: &Style, show: impl Fn(&T) -> String) -> Option<Vec<T>> {
    let Some(mut edges) = edges.filter(|edges| edges.len() > 1 && edges.windows(2).all(|pair| pair[0] <= pair[1])) else {
        call.wrong(style.kwarg, "the edges must be two or more numbers, each greater than the one before", "sort them");
        return None;
    };
    // A single interval may be a point, as in pandas.
    if edges.len() > 2 && style.duplicates == Duplicates::Drop {
        edges.dedup();
    } else if edges.len() > 2 && edges.windows(2).any(|pair| pair[0] == pair[1]) {
        let shown: Vec<String> = edges.iter().take(12).map(show).collect();
        let message = format!("some of the edges are equal: {}", shown.join(", "));
        call.wrong(style.kwarg, message, "`duplicates: drop` keeps one of them");
        return None;
    }
    Some(edges)
}

fn holds_numbers(call: &mut Call<'_, '_>, column: &Column) -> bool {
    let numbers = lanes::is_numeric(&column.data_type) && !(column.data_type == DataType::Boolean && column.nullable);
    if !numbers {
        call.mismatch(column, "it holds no numbers", "convert it with `astype` first");
    }
    numbers
}

fn plan(call: &mut Call<'_, '_>, column: &Column, intervals: &Intervals, style: &Style) -> Option<Column> {
    if !holds_numbers(call, column) {
        return None;
    }
    let Intervals { edges, names } = intervals;
    let covered = all_is_covered(column, style, &edges.floats());
    let outside = column.nullable || !covered;
    let placed = |made: Column| if covered { made } else { made.null_where("the value is in no interval") };
    let slot = call.array(column);
    // `u64` beyond `i64` meets integers as floats, in pandas too.
    let exact = !lanes::is_float(&column.data_type) && column.data_type != DataType::UInt64 && !column.nullable;
    let edges = if exact { edges.clone() } else { Edges::Floats(edges.floats()) };
    let bins = Binning { edges, right: style.right, include_lowest: style.include_lowest };
    let Some(names) = names else {
        // Positions are int64; a null among them makes them float64.
        return Some(if outside {
            let slot = call.kernel(&[slot], move |inputs, _| {
                let position = |code: &i32| if *code < 0 { f64::NAN } else { f64::from(*code) };
                lanes::float_array(bins.codes(inputs.array(0)).iter().map(position).collect(), &DataType::Float64)
            });
            placed(call.made(DataType::Float64, true, slot))
        } else {
            let slot = call.kernel(&[slot], move |inputs, _| {
                lanes::int_array(bins.codes(inputs.array(0)).into_iter().map(i64::from).collect(), &DataType::Int64)
            });
            call.made(DataType::Int64, false, slot)
        });
    };
    let codes = call.kernel(&[slot], move |inputs, _| Arc::new(Int32Array::new(bins.codes(inputs.array(0)).into(), None)));
    Some(placed(call.made_category(codes, Arc::clone(names), outside)))
}

/// Whether each number is in an interval: all are covered from -inf to inf but for the open end.
fn all_is_covered(column: &Column, style: &Style, edges: &[f64]) -> bool {
    let covers = edges.first() == Some(&f64::NEG_INFINITY) && edges.last() == Some(&f64::INFINITY);
    let closed = !lanes::is_float(&column.data_type) || (style.right && style.include_lowest);
    covers && closed
}

struct Binning {
    edges: Edges,
    right: bool,
    include_lowest: bool,
}

impl Binning {
    /// The interval that holds each value of an array, -1 where none does.
    fn codes(&self, array: &ArrayRef) -> Vec<i32> {
        match &self.edges {
            Edges::Whole(edges) => lanes::ints(array).iter().map(|value| self.code(edges, *value)).collect(),
            Edges::Floats(edges) => lanes::floats(array).iter().map(|value| self.code(edges, *value)).collect(),
        }
    }

    /// NaN compares false with every edge and so comes before all. A single edge, as `duplicates: drop` leaves it of equal ones, bounds no
    /// interval.
    fn code<T: PartialOrd + Copy>(&self, edges: &[T], value: T) -> i32 {
        if self.include_lowest && edges.len() > 1 && value == edges[0] {
            return 0;
        }
        // Counting beats a binary search on the few edges that people write, and needs no branch.
        let below = if self.right {
            edges.iter().map(|edge| i32::from(*edge < value)).sum::<i32>()
        } else {
            edges.iter().map(|edge| i32::from(*edge <= value)).sum::<i32>()
        };
        if (below as usize) < edges.len() { below - 1 } else { -1 }
    }
}

/// The intervals' names as pandas writes them, edges rounded to `precision` decimals or as many more as keep them apart.
fn interval_names(edges: &Edges, style: &Style) -> Vec<String> {
    let floats = edges.floats();
    let rounded = |precision: i32| -> Vec<f64> { floats.iter().map(|edge| round_fraction(*edge, precision)).collect() };
    let apart = |edges: &[f64]| edges.windows(2).all(|pair| pair[0] != pair[1]);
    let precision = (style.precision..20).find(|precision| apart(&rounded(*precision))).unwrap_or(style.precision);
    let mut breaks = rounded(precision);
    let lower = style.right && style.include_lowest;
    if lower {
        breaks[0] -= 10f64.powi(-precision);
    }
    let spelled: Vec<String> = match edges {
        Edges::Whole(edges) if !lower && style.precision >= 0 => edges.iter().map(i64::to_string).collect(),
        Edges::Whole(_) if !lower => breaks.iter().map(f64::to_string).collect(),
        _ => breaks.iter().map(|edge| python_float(*edge)).collect(),
    };
    let (open, close) = if style.right { ('(', ']') } else { ('[', ')') };
    spelled.windows(2).map(|pair| format!("{open}{}, {}{close}", pair[0], pair[1])).collect()
}

/// pandas' `_round_frac`.
fn round_fraction(value: f64, precision: i32) -> f64 {
    if !value.is_finite() || value == 0.0 {
        return value;
    }
    let digits = match value.trunc() == 0.0 {
        true => -(value.fract().abs().log10().floor() as i32) - 1 + precision,
        false => precision,
    };
    super::round::around(value, digits)
}
