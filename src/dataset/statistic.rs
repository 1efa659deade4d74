//! The statistics that a column can have, and their names in the statistics file.

use std::fmt;

/// A statistic of a column of the training data.
#[derive(Clone, Debug, PartialEq)]
pub enum Statistic {
    /// The middle of the sorted values.
    Median,
    /// The sum over the count.
    Mean,
    /// The most frequent value, the smallest of equals.
    Mode,
    /// The distinct values, sorted.
    Categories,
    /// The distinct values, in the order in which they first appear.
    Order,
    /// The edges of intervals of equal width over the range of the values, as `cut` widens them.
    Bins {
        /// How many intervals.
        count: u32,
        /// Whether they hold their right edge, which decides the side that is widened.
        right: bool,
    },
    /// The values at these probabilities, linear between neighbours.
    Quantiles(Probabilities),
    /// The most frequent values, the smaller of equals first.
    Top(u32),
    /// The format that all texts share as times.
    TimeFormat {
        /// Whether texts that are no time in any format are passed over, as they become null where errors are coerced.
        lenient: bool,
    },
}

/// Probabilities, as the number of equal parts or one by one.
#[derive(Clone, Debug, PartialEq)]
pub enum Probabilities {
    /// From 0 to 1 in so many equal steps.
    Steps(u32),
    /// These, each from 0 to 1.
    List(Vec<f64>),
}

impl Probabilities {
    /// Each probability.
    pub fn values(&self) -> Vec<f64> {
        match self {
            // As NumPy's `linspace` multiplies, its end set exactly.
            Self::Steps(steps) => {
                let step = 1.0 / f64::from(*steps);
                (0..*steps).map(|index| f64::from(index) * step).chain([1.0]).collect()
            }
            Self::List(values) => values.clone(),
        }
    }
}

impl Statistic {
    /// How messages name it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::Mean => "mean",
            Self::Mode => "mode",
            Self::Categories => "categories",
            Self::Order => "order of values",
            Self::Bins { .. } => "bin edges",
            Self::Quantiles(_) => "quantiles",
            Self::Top(_) => "most frequent values",
            Self::TimeFormat { .. } => "time format",
        }
    }
}

/// Its key in the statistics file. What it was asked with is a part of the key, so that a value is never taken for another question's.
impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Median => f.write_str("median"),
            Self::Mean => f.write_str("mean"),
            Self::Mode => f.write_str("mode"),
            Self::Categories => f.write_str("categories"),
            Self::Order => f.write_str("order"),
            Self::Bins { count, right: true } => write!(f, "bins={count}"),
            Self::Bins { count, right: false } => write!(f, "bins={count},left"),
            Self::Quantiles(Probabilities::Steps(steps)) => write!(f, "quantiles={steps}"),
            Self::Quantiles(Probabilities::List(values)) => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "quantiles=[{}]", values.join(","))
            }
            Self::Top(count) => write!(f, "top={count}"),
            Self::TimeFormat { .. } => f.write_str("format"),
        }
    }
}
