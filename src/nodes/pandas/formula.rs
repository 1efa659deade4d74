//! `assign`, `eval` and `query`: operations that take expressions.

use schemars::JsonSchema;
use serde::Deserialize;

use super::columns::refuse_cols;
use super::operation::{Call, Operation, Scope};
use crate::diagnostic::join;
use crate::nodes::expression::{Evaluation, Formulas, Leave};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&Assign, &Eval, &Query];

/// Plans expressions over the call's frame, which they may change.
fn evaluate(call: &mut Call<'_, '_>, plan: impl FnOnce(&mut Evaluation<'_, '_>)) {
    let frame = std::mem::take(&mut call.frame);
    let mut evaluation = Evaluation::new(call.planning, frame);
    plan(&mut evaluation);
    call.frame = evaluation.into_frame();
}

struct Assign;

impl Operation for Assign {
    fn name(&self) -> &'static str {
        "assign"
    }

    fn summary(&self) -> &'static str {
        "Columns by expressions; a later one sees those before it"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Formulas)
    }

    fn scope(&self) -> Scope {
        Scope::Frame
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(Formulas(formulas)) = call.kwargs() else { return call.frame.set_open() };
        refuse_cols(call);
        let pointer = format!("{}/kwargs", call.pointer);
        evaluate(call, |evaluation| {
            for (name, formula) in &formulas {
                let made = evaluation.column(formula, &join(&pointer, name));
                evaluation.put(name, made);
            }
        });
    }
}

struct Eval;

/// Keyword arguments of `eval`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EvalKwargs {
    /// Assignments, one a line: `per_km = price / km`. A later one sees those before it.
    expr: String,
    /// Accepted; the columns always join the frame.
    #[serde(default)]
    #[expect(dead_code, reason = "published graphs have it")]
    inplace: Option<bool>,
}

impl Operation for Eval {
    fn name(&self) -> &'static str {
        "eval"
    }

    fn summary(&self) -> &'static str {
        "Columns by assignments in a text, one a line"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(EvalKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Frame
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(EvalKwargs { expr, .. }) = call.kwargs() else { return call.frame.set_open() };
        refuse_cols(call);
        let pointer = call.at("expr");
        evaluate(call, |evaluation| evaluation.assign(&expr, &pointer));
    }
}

struct Query;

/// Keyword arguments of `query`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct QueryKwargs {
    /// The condition of the rows that stay, an expression such as `age >= 18 and country in ['at', 'de']`.
    expr: String,
    /// Why the other rows leave; without it the node and the condition.
    #[serde(default)]
    reason: Option<String>,
    /// Accepted; the other rows always leave.
    #[serde(default)]
    #[expect(dead_code, reason = "published graphs have it")]
    inplace: Option<bool>,
}

impl Operation for Query {
    fn name(&self) -> &'static str {
        "query"
    }

    fn summary(&self) -> &'static str {
        "Skips the rows where a condition does not hold: they are counted, and not scored"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(QueryKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Frame
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(QueryKwargs { expr, reason, .. }) = call.kwargs() else { return };
        refuse_cols(call);
        let reason = reason.unwrap_or_else(|| format!("node {}: query {}", call.planning.id(), expr.trim()));
        let pointer = call.at("expr");
        evaluate(call, |evaluation| evaluation.keep(&expr, &pointer, Leave::Skip(reason.into())));
    }
}
