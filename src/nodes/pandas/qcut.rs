//! `qcut`: numbers to intervals that hold equally many of the training data.

use schemars::JsonSchema;
use serde::Deserialize;

use super::cut::{Duplicates, Labels, MOST_BINS, Style, plan_frozen, three};
use super::operation::{Call, Operation, Scope};
use crate::dataset::{Probabilities, Statistic};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&QCut];

struct QCut;

/// Keyword arguments of `qcut`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// How many intervals, or the probabilities of their edges, increasing from 0 to 1. The edges are frozen by `caz fit`.
    q: Quantiles,
    /// A name for each interval, or false for their positions; without it a name such as `(20.0, 28.0]`.
    #[serde(default)]
    labels: Option<Labels>,
    /// How many decimals of the edges stand in names.
    #[serde(default = "three")]
    #[schemars(range(min = -18, max = 300))]
    precision: i32,
    /// What becomes of edges that are equal, as frequent values make them.
    #[serde(default)]
    duplicates: Duplicates,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Quantiles {
    /// How many.
    Count(i64),
    /// Probabilities.
    List(Vec<f64>),
}

impl Operation for QCut {
    fn name(&self) -> &'static str {
        "qcut"
    }

    fn summary(&self) -> &'static str {
        "Sorts numbers into intervals between quantiles of the training data"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(Kwargs { q, labels, precision, duplicates }) = call.kwargs::<Kwargs>() else { return call.fail() };
        let Some(probabilities) = probabilities(q) else {
            let message = format!("neither a number from 1 to {MOST_BINS} nor increasing probabilities from 0 to 1");
            call.wrong("q", message, "write 4 for quartiles, or a list such as [0, 0.1, 0.5, 0.9, 1]");
            return call.fail();
        };
        let statistic = Statistic::Quantiles(probabilities);
        let style = Style { kwarg: "q", labels, right: true, include_lowest: true, precision, duplicates };
        call.each(|call, column| plan_frozen(call, column, &statistic, &style));
    }
}

fn probabilities(q: Quantiles) -> Option<Probabilities> {
    match q {
        Quantiles::Count(count) => u32::try_from(count).ok().filter(|count| (1..=MOST_BINS).contains(count)).map(Probabilities::Steps),
        Quantiles::List(values) => {
            let increasing = values.windows(2).all(|pair| pair[0] < pair[1]);
            let within = values.iter().all(|value| (0.0..=1.0).contains(value));
            (values.len() > 1 && values.len() <= MOST_BINS as usize && increasing && within).then_some(Probabilities::List(values))
        }
    }
}
