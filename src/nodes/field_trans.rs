//! The FieldTrans node: columns computed by expressions.

use schemars::JsonSchema;
use serde::Deserialize;

use super::expression::{Evaluation, Formulas};
use super::{Frame, Node, Planning};
use crate::diagnostic::join;

/// Computes columns from the columns that reach it.
pub(super) struct FieldTrans;

/// Parameters of FieldTrans.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// By the name of each column that it makes, the expression. All of them see the columns as they reach the node; a result takes the
    /// place of a column of its name.
    fields: Formulas,
}

impl Node for FieldTrans {
    fn type_name(&self) -> &'static str {
        "FieldTrans"
    }

    fn summary(&self) -> &'static str {
        "Computes columns by expressions"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn types(&self) -> &'static str {
        "Each expression is typed when the graph is planned: numbers, Booleans, text and times, as [the language](../expressions.md) has them."
    }

    fn nulls(&self) -> &'static str {
        "Null passes through operators and functions unless the language says otherwise; `coalesce` gives it a value."
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        let Some(Params { fields: Formulas(fields) }) = planning.params() else { return planning.open_input() };
        let frame = planning.input().clone();
        let mut evaluation = Evaluation::new(planning, frame);
        let columns: Vec<_> =
            fields.iter().map(|(name, formula)| (name, evaluation.column(formula, &join("/params/fields", name)))).collect();
        for (name, column) in columns {
            evaluation.put(name, column);
        }
        evaluation.into_frame()
    }
}
