//! Conditions that keep rows, and what they tell of the rows that stay.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;

use super::Evaluation;
use super::parse::{self, joined};
use super::tree::{Access, Expression, Kind, Operator};
use crate::dataset::{Phase, Reason, Rejection, Rows};
use crate::nodes::pandas::{Relation, Scalar, Side};
use crate::nodes::{Column, Inputs, Kernel};

/// What becomes of a row that does not stay.
#[derive(Clone, Debug)]
pub(in crate::nodes) enum Leave {
    /// It is skipped: counted, not published.
    Skip(Arc<str>),
    /// It goes to the dead letters.
    Reject(Cow<'static, str>),
}

impl Evaluation<'_, '_> {
    /// Keeps the rows where the condition at `pointer` (relative to the node) holds. A column that the condition says is not null is not null
    /// in the frame from here on. Mistakes are reported.
    pub(in crate::nodes) fn keep(&mut self, text: &str, pointer: &str, leave: Leave) {
        self.call.pointer = pointer.to_owned();
        let Some(condition) = self.read(parse::parse(text)) else { return };
        let Some(holds) = self.truth(&condition) else { return };
        self.call.planning.step(Keep { leave }, &[holds], 0);
        let mut present = Vec::new();
        not_null(&condition, &mut present);
        for access in present {
            let is_whole = access.target.is_none() && self.call.frame.get(&joined(&access.path)).is_some();
            if let Some(Side::Column(column)) = is_whole.then(|| self.access(access, &(0..0))).flatten() {
                self.call.frame.set(Column { nullable: false, ..column });
            }
        }
    }
}

/// The columns that cannot be null where a condition holds.
fn not_null<'e>(condition: &'e Expression, found: &mut Vec<&'e Access>) {
    match &condition.kind {
        Kind::Chain(first, rest) if rest.iter().all(|(operator, _)| *operator == Operator::And) => {
            not_null(first, found);
            rest.iter().for_each(|(_, operand)| not_null(operand, found));
        }
        Kind::Chain(first, rest) => {
            let mut left = first.as_ref();
            for (operator, right) in rest {
                let sides: &[&Expression] = match (operator, &right.kind) {
                    (Operator::Compare(Relation::Eq) | Operator::In, Kind::List(items)) if items.iter().all(is_value) => &[left],
                    // A null in a list matches the rows that are null.
                    (Operator::Compare(_), Kind::List(_)) => &[],
                    (Operator::IsNot, _) => &[left],
                    (Operator::Compare(relation), _) if *relation != Relation::Ne => &[left, right],
                    _ => &[],
                };
                found.extend(sides.iter().filter_map(|side| plain(side)));
                left = right;
            }
        }
        Kind::Access(access) => match (&access.target, access.path.as_slice(), access.arguments.as_deref()) {
            (None, [function], Some([argument])) if matches!(function.name.as_str(), "notna" | "notnull") => {
                found.extend(plain(&argument.value));
            }
            _ => found.extend(plain(condition)),
        },
        _ => {}
    }
}

/// Whether an item of a list is a constant other than null.
fn is_value(item: &Expression) -> bool {
    matches!(&item.kind, Kind::Literal(value) if !value.is_null() && !matches!(value, Scalar::Text(text) if text == "nan"))
}

/// The access of a name that is not called.
fn plain(expression: &Expression) -> Option<&Access> {
    match &expression.kind {
        Kind::Access(access) if access.target.is_none() && access.arguments.is_none() => Some(access),
        _ => None,
    }
}

/// Takes rows out where a condition does not hold.
struct Keep {
    leave: Leave,
}

impl Kernel for Keep {
    fn run(&mut self, inputs: &Inputs<'_>, rows: &mut Rows, _: &mut Vec<ArrayRef>) {
        let holds = inputs.array(0).as_boolean().values();
        if holds.count_set_bits() == holds.len() {
            return;
        }
        for row in (0..holds.len()).filter(|row| !holds.value(*row)) {
            match &self.leave {
                Leave::Skip(reason) => rows.skip(row, Arc::clone(reason)),
                Leave::Reject(reason) => rows.reject(row, Rejection::new(Phase::Graph, Reason::Condition, reason.clone())),
            }
        }
    }

    fn can_reject(&self) -> bool {
        true
    }
}
