//! The Split node: training and test rows, which a scorer does not part.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Frame, Node, Planning};
use crate::diagnostic::{Code, Diagnostic};

/// Parts rows for training; in a scorer every row passes.
pub(super) struct Split;

/// Parameters of Split: as those of scikit-learn's `train_test_split`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The rows to train with: a share between 0 and 1, or a whole number of rows.
    #[serde(default)]
    train_size: Option<f64>,
    /// The rows to test with: a share between 0 and 1, or a whole number of rows.
    #[serde(default)]
    test_size: Option<f64>,
}

impl Node for Split {
    fn type_name(&self) -> &'static str {
        "Split"
    }

    fn summary(&self) -> &'static str {
        "Parts rows into training and test; in a scorer every row passes"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn types(&self) -> &'static str {
        "Columns pass as they are. `caz fit` parts no rows either: statistics behind a Split are those of the whole dataset, so give it the \
         rows that the model was trained with."
    }

    fn nulls(&self) -> &'static str {
        "Nulls pass as they are."
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        if let Some(params) = planning.params::<Params>() {
            let sizes = [("train_size", params.train_size), ("test_size", params.test_size)];
            let mut right = true;
            for (name, size) in sizes {
                right &= size.is_none_or(|size| is_size(planning, name, size));
            }
            if right {
                check_sum(planning, &params);
            }
            let message = format!("node `{}` parts no rows in a scorer: every event passes", planning.id());
            let help =
                "it may stay: the graph then is the one that the model was trained with; give `caz fit` the rows that it was trained with";
            planning.report(Diagnostic::note(Code::Idle, message).help(help), "/type");
        }
        planning.input().clone()
    }
}

/// Whether a size is a share or a count; reports when it is neither.
fn is_size(planning: &mut Planning<'_>, name: &str, size: f64) -> bool {
    let (is_share, is_count) = (size > 0.0 && size < 1.0, size >= 1.0 && size.fract() == 0.0);
    if !(is_share || is_count) {
        let message = format!("node `{}`: `{name}` is {size}", planning.id());
        let help = "give a share between 0 and 1, both excluded, or a whole number of rows from 1";
        planning.report(Diagnostic::error(Code::WrongValue, message).help(help), &format!("/params/{name}"));
    }
    is_share || is_count
}

/// Two shares are of one whole.
fn check_sum(planning: &mut Planning<'_>, params: &Params) {
    let (Some(train), Some(test)) = (params.train_size, params.test_size) else { return };
    // 0.7 + 0.3 may be a little more than 1 in binary.
    if train < 1.0 && test < 1.0 && train + test > 1.0 + 1e-9 {
        let message = format!("node `{}`: `train_size` {train} and `test_size` {test} are more than all rows", planning.id());
        planning.report(Diagnostic::error(Code::WrongValue, message).help("shares must add up to 1 at most"), "/params/test_size");
    }
}
