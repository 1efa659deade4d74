//! One value or another: `if`, `where`, `coalesce`.

use super::operator::fits;
use super::tree::{Argument, Expression};
use super::{Evaluation, passage};
use crate::diagnostic::Span;
use crate::nodes::pandas::{Side, choose, fill, lanes, null_test};
use crate::nodes::{Column, Slot};

impl Evaluation<'_, '_> {
    /// `if condition then one else another`.
    pub(super) fn choice(&mut self, parts: &[Expression; 3], span: &Span) -> Option<Side> {
        let [condition, then, otherwise] = parts;
        let condition = self.truth(condition);
        let (one, other) = match condition {
            Some(condition) => {
                (self.guarded(condition, true, |this| this.value(then)), self.guarded(condition, false, |this| this.value(otherwise)))
            }
            // Both branches are looked at, whatever is wrong with the condition.
            None => (self.value(then), self.value(otherwise)),
        };
        let (condition, one, other) = (condition?, one?, other?);
        self.choose("if", (condition, true), (&one, &then.span), (&other, &otherwise.span), span)
    }

    /// `where(condition, one, another)`.
    pub(super) fn where_(&mut self, arguments: &[Argument], span: &Span) -> Option<Side> {
        let [condition, then, otherwise] = arguments else {
            self.wrong("`where` takes a condition and two values", span, "such as `where(age < 18, 'young', 'old')`");
            return None;
        };
        let parts = [condition.value.clone(), then.value.clone(), otherwise.value.clone()];
        self.choice(&parts, span)
    }

    /// `one` in the rows where the condition is `wanted`, `other` elsewhere.
    fn choose(
        &mut self,
        name: &'static str,
        (condition, wanted): (Slot, bool),
        (one, one_span): (&Side, &Span),
        (other, other_span): (&Side, &Span),
        span: &Span,
    ) -> Option<Side> {
        // The column stays where its own branch is taken; null takes its type from the other side.
        let turned = match (one, other) {
            (Side::Constant(_), Side::Column(_)) => true,
            (Side::Constant(one), Side::Constant(_)) => one.is_null(),
            _ => false,
        };
        let (kept, kept_span, replaced, replaced_span) =
            if turned { (other, other_span, one, one_span) } else { (one, one_span, other, other_span) };
        let column = self.as_column(kept.clone(), kept_span)?;
        let passage = passage(span, &[kept_span, replaced_span]);
        let made = self.operation(name, passage, &[&column], |call| {
            fits(call, &column, replaced).then(|| choose(call, &column, (condition, wanted != turned), replaced))?
        })?;
        Some(Side::Column(unnamed(made)))
    }

    /// The first argument that is not null.
    pub(super) fn coalesce(&mut self, arguments: &[Argument], span: &Span) -> Option<Side> {
        let Some((first, rest)) = arguments.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            self.wrong("`coalesce` takes two values or more", span, "such as `coalesce(nickname, name, 'unknown')`");
            return None;
        };
        let mut value = self.value(&first.value);
        let mut value_span = first.value.span.clone();
        for argument in rest {
            let other_span = &argument.value.span;
            let Some(column) = value.and_then(|value| self.as_column(value, &value_span)) else {
                // What follows is looked at, whatever is wrong with this.
                self.check(&argument.value);
                value = None;
                continue;
            };
            if !column.nullable && !lanes::is_float(&column.data_type) {
                self.check(&argument.value);
                value = Some(Side::Column(column));
                continue;
            }
            let present = null_test(&mut self.call, &column, false)?;
            let other = self.guarded(present, false, |this| this.value(&argument.value));
            let place = passage(span, &[&value_span, other_span]);
            value = match other {
                None => None,
                Some(Side::Constant(constant)) if constant.is_null() => Some(Side::Column(column)),
                Some(Side::Constant(constant)) => {
                    let made = self.operation("coalesce", place, &[&column], |call| {
                        fits(call, &column, &Side::Constant(constant.clone())).then(|| fill(call, &column, &constant))?
                    });
                    made.map(|made| Side::Column(unnamed(made)))
                }
                Some(Side::Column(other)) => {
                    let nullable = other.nullable;
                    let chosen = self.choose(
                        "coalesce",
                        (present, true),
                        (&Side::Column(column), &value_span),
                        (&Side::Column(other), other_span),
                        span,
                    );
                    chosen.map(|chosen| match chosen {
                        Side::Column(column) => Side::Column(Column { nullable, ..column }),
                        constant => constant,
                    })
                }
            };
            value_span.end = other_span.end;
        }
        value
    }
}

/// A column that has a name of its own no more.
fn unnamed(column: Column) -> Column {
    Column { name: "".into(), origin: column.origin.by(""), ..column }
}
