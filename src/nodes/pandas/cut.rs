//! `cut`: numbers to the intervals that hold them.

use std::sync::Arc;

use arrow_array::Int32Array;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::lanes;
use super::operation::{Call, Operation, Scope};
use super::scalar::{Scalar, python_float};
use crate::diagnostic::{Code, Diagnostic};
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&Cut];

struct Cut;

/// Keyword arguments of `cut`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// The edges, increasing; `inf` and `-inf` are allowed. A count of bins would take its edges from the batch.
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
    precision: i32,
}

fn yes() -> bool {
    true
}

fn three() -> i32 {
    3
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Bins {
    /// Edges.
    Edges(Vec<Scalar>),
    /// How many; refused.
    Count(i64),
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Labels {
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
        let Some(Intervals { edges, names }) = check(call, &kwargs) else { return call.fail() };
        call.each(|call, column| plan(call, column, &kwargs, &edges, names.as_ref()));
    }
}

/// Intervals that were checked.
struct Intervals {
    edges: Vec<f64>,
    /// `None` where positions are asked for.
    names: Option<Arc<[String]>>,
}

/// Checks edges and labels; reports what is wrong with them.
fn check(call: &mut Call<'_, '_>, kwargs: &Kwargs) -> Option<Intervals> {
    let scalars = match &kwargs.bins {
        Bins::Edges(scalars) => scalars,
        Bins::Count(count) => {
            let message = format!(
                "node `{}`: `cut` into {count} bins would take their edges from the least and greatest value of the batch",
                call.planning.id()
            );
            let pointer = call.at("bins");
            call.report(Diagnostic::error(Code::NotFrozen, message).help("write the edges as a list"), &pointer);
            return None;
        }
    };
    let edges: Option<Vec<f64>> = scalars.iter().map(|scalar| scalar.number().filter(|edge| !edge.is_nan())).collect();
    let Some(edges) = edges.filter(|edges| edges.len() > 1 && edges.windows(2).all(|pair| pair[0] < pair[1])) else {
        call.wrong(
            "bins",
            "the edges must be two or more numbers, each greater than the one before",
            "sort them and leave out repeated ones",
        );
        return None;
    };
    let names: Option<Vec<String>> = match &kwargs.labels {
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
        None => {
            let whole = scalars.iter().all(|scalar| matches!(scalar, Scalar::Int(_)));
            Some(interval_names(&edges, whole, kwargs))
        }
    };
    Some(Intervals { edges, names: names.map(Into::into) })
}

fn plan(call: &mut Call<'_, '_>, column: &Column, kwargs: &Kwargs, edges: &[f64], names: Option<&Arc<[String]>>) -> Option<Column> {
    if !lanes::is_numeric(&column.data_type) || (column.data_type == DataType::Boolean && column.nullable) {
        call.mismatch(column, "it holds no numbers", "convert it with `astype` first");
        return None;
    }
    let covered = all_is_covered(column, kwargs, edges);
    let outside = column.nullable || !covered;
    let placed = |made: Column| if covered { made } else { made.null_where("the value is in no interval") };
    let slot = call.array(column);
    let bins = Binning { edges: edges.to_vec(), right: kwargs.right, include_lowest: kwargs.include_lowest };
    let Some(names) = names else {
        // Positions are int64; a null among them makes them float64.
        return Some(if outside {
            let slot = call.kernel(&[slot], move |inputs, _| {
                let position = |value: &f64| bins.position(*value).map_or(f64::NAN, f64::from);
                lanes::float_array(lanes::floats(inputs.array(0)).iter().map(position).collect(), &DataType::Float64)
            });
            placed(call.made(DataType::Float64, true, slot))
        } else {
            let slot = call.kernel(&[slot], move |inputs, _| {
                let position = |value: &f64| bins.position(*value).map_or(0, i64::from);
                lanes::int_array(lanes::floats(inputs.array(0)).iter().map(position).collect(), &DataType::Int64)
            });
            call.made(DataType::Int64, false, slot)
        });
    };
    let codes = call.kernel(&[slot], move |inputs, _| {
        let codes: Vec<i32> = lanes::floats(inputs.array(0)).iter().map(|value| bins.position(*value).unwrap_or(-1)).collect();
        Arc::new(Int32Array::new(codes.into(), None))
    });
    Some(placed(call.made_category(codes, Arc::clone(names), outside)))
}

/// Whether each number is in an interval: all are covered from -inf to inf but for the open end.
fn all_is_covered(column: &Column, kwargs: &Kwargs, edges: &[f64]) -> bool {
    let covers = edges.first() == Some(&f64::NEG_INFINITY) && edges.last() == Some(&f64::INFINITY);
    let closed = !lanes::is_float(&column.data_type) || (kwargs.right && kwargs.include_lowest);
    covers && closed
}

struct Binning {
    edges: Vec<f64>,
    right: bool,
    include_lowest: bool,
}

impl Binning {
    /// The interval that holds a value. NaN compares false with every edge and so comes before all.
    fn position(&self, value: f64) -> Option<i32> {
        if self.include_lowest && value == self.edges[0] {
            return Some(0);
        }
        // Counting beats a binary search on the few edges that people write, and needs no branch.
        let below = if self.right {
            self.edges.iter().map(|edge| i32::from(*edge < value)).sum::<i32>()
        } else {
            self.edges.iter().map(|edge| i32::from(*edge <= value)).sum::<i32>()
        };
        (below > 0 && (below as usize) < self.edges.len()).then(|| below - 1)
    }
}

/// The intervals' names as pandas writes them, edges rounded to `precision` decimals or as many more as keep them apart.
fn interval_names(edges: &[f64], whole: bool, kwargs: &Kwargs) -> Vec<String> {
    let rounded = |precision: i32| -> Vec<f64> { edges.iter().map(|edge| round_fraction(*edge, precision)).collect() };
    let apart = |edges: &[f64]| edges.windows(2).all(|pair| pair[0] != pair[1]);
    let precision = (kwargs.precision..20).find(|precision| apart(&rounded(*precision))).unwrap_or(kwargs.precision);
    let mut breaks = rounded(precision);
    let lower = kwargs.right && kwargs.include_lowest;
    if lower {
        breaks[0] -= 10f64.powi(-precision);
    }
    let spell = |edge: f64| if whole && !lower { format!("{edge}") } else { python_float(edge) };
    let (open, close) = if kwargs.right { ('(', ']') } else { ('[', ')') };
    breaks.windows(2).map(|pair| format!("{open}{}, {}{close}", spell(pair[0]), spell(pair[1]))).collect()
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
