//! The Processor node: rows kept by a condition.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expression::{Evaluation, Leave};
use super::{Frame, Node, Planning};

/// Keeps the rows where a condition holds.
pub(super) struct Processor;

/// Parameters of Processor.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The condition of the rows that stay, an expression such as `age >= 18 and country in ['at', 'de']`. Where it is null, it does not hold.
    #[serde(rename = "where")]
    condition: String,
    /// What becomes of the other rows.
    #[serde(default)]
    otherwise: Otherwise,
    /// Why the other rows leave. It is the message of their dead letters, whose reason is `condition`, and what `caz explain` says of those
    /// that are skipped.
    reason: String,
}

/// What becomes of a row that does not stay.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Otherwise {
    /// It is counted, and not scored.
    #[default]
    Skip,
    /// It goes to the dead letters.
    Reject,
}

impl Node for Processor {
    fn type_name(&self) -> &'static str {
        "Processor"
    }

    fn summary(&self) -> &'static str {
        "Keeps the rows where a condition holds; the others are skipped or rejected, with a declared reason"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn types(&self) -> &'static str {
        "The condition is a Boolean expression of [the language](../expressions.md); columns pass as they are."
    }

    fn nulls(&self) -> &'static str {
        "A comparison with null does not hold but for `!=`; where the condition is null, it does not hold either. Such an event leaves as `otherwise` says."
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        let frame = planning.input().clone();
        let Some(Params { condition, otherwise, reason }) = planning.params() else { return frame };
        let leave = match otherwise {
            Otherwise::Skip => Leave::Skip(reason.into()),
            Otherwise::Reject => Leave::Reject(reason.into()),
        };
        let mut evaluation = Evaluation::new(planning, frame);
        evaluation.keep(&condition, "/params/where", leave);
        evaluation.into_frame()
    }
}
