//! Operators: arithmetic, comparison, membership, logic.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray};
use arrow_schema::DataType;

use super::tree::{Expression, Kind, Operand, Operator, Prefix};
use super::{Evaluation, passage};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::nodes::pandas::{Call, Op, Relation, Scalar, Side, arithmetic, compare, is_in, lanes, null_test};
use crate::nodes::{Column, Slot};

/// A value with where it stands.
type Placed<'s> = (&'s Side, &'s Span);

/// Why a chain of comparisons has no sum in it.
const ONE_RANK: &str = "the parser puts operators of one rank into a chain";

impl<'p, 'a> Evaluation<'p, 'a> {
    pub(super) fn prefix(&mut self, prefix: Prefix, operand: &Expression, span: &Span) -> Option<Side> {
        let value = self.value(operand)?;
        let is_constant = matches!(value, Side::Constant(_));
        let mark = self.mark();
        let column = self.as_column(value, &operand.span)?;
        let made = self.operation(prefix.sign(), passage(span, &[&operand.span]), &[&column], |call| match prefix {
            Prefix::Not | Prefix::Invert => invert(call, &column),
            Prefix::Minus | Prefix::Plus if !lanes::is_numeric(&column.data_type) || column.data_type == DataType::Boolean => {
                call.mismatch(&column, "a sign stands before numbers only", "bring it to numbers with `astype`");
                None
            }
            // -1 is no value of these: what wraps is the difference from 0.
            Prefix::Minus if column.data_type.is_unsigned_integer() => {
                arithmetic(call, &column, &Side::Constant(Scalar::Int(0)), (Op::Sub, true))
            }
            Prefix::Minus => arithmetic(call, &column, &Side::Constant(Scalar::Int(-1)), (Op::Mul, false)),
            Prefix::Plus => Some(column.clone()),
        })?;
        self.settle(is_constant, mark, made, span)
    }

    /// The result of an operation; of constants a constant.
    pub(super) fn settle(&mut self, is_constant: bool, mark: usize, made: Column, span: &Span) -> Option<Side> {
        if !is_constant {
            return Some(Side::Column(made));
        }
        match self.fold(mark, &made) {
            None => Some(Side::Column(made)),
            Some(Ok(value)) => Some(Side::Constant(value)),
            Some(Err(rejection)) => {
                self.wrong(rejection.message, span, "the constants here give no value");
                None
            }
        }
    }

    /// Operands with operators of one rank between them.
    pub(super) fn chain(&mut self, first: &Expression, rest: &[(Operator, Expression)]) -> Option<Side> {
        match rest.first()?.0 {
            Operator::And | Operator::Or => self.logic(first, rest),
            Operator::Arithmetic(_) => self.arithmetic(first, rest),
            _ => self.comparisons(first, rest),
        }
    }

    fn arithmetic(&mut self, first: &Expression, rest: &[(Operator, Expression)]) -> Option<Side> {
        let mut left = self.value(first);
        let (mut text, mut span) = (Operand(first).to_string(), first.span.clone());
        for (operator, operand) in rest {
            let Operator::Arithmetic(op) = *operator else { unreachable!("{ONE_RANK}") };
            // Both sides are looked at, whatever is wrong with one.
            let right = self.value(operand);
            text = format!("{text} {} {}", operator.sign(), Operand(operand));
            left = match (self.made(&text), left, right) {
                (Some(made), _, _) => Some(made),
                (None, Some(left), Some(right)) => {
                    let made = self.calculate(op, operator.sign(), (&left, &span), (&right, &operand.span));
                    made.map(|made| self.remember(text.clone(), made))
                }
                _ => None,
            };
            span.end = operand.span.end;
        }
        left
    }

    fn calculate(&mut self, op: Op, sign: &'static str, (left, left_span): Placed<'_>, (right, right_span): Placed<'_>) -> Option<Side> {
        let whole = left_span.start..right_span.end;
        let is_constant = matches!((left, right), (Side::Constant(_), Side::Constant(_)));
        let mark = self.mark();
        // A constant on the left stands on the other side of the column.
        let (column, column_span, side, side_span, turned) = match (left, right) {
            (Side::Constant(_), Side::Column(column)) => (column.clone(), right_span, left, left_span, true),
            _ => (self.as_column(left.clone(), left_span)?, left_span, right, right_span, false),
        };
        let operands = self.operands(&column, side);
        let made = self.operation(sign, passage(&whole, &[column_span, side_span]), &operands.iter().collect::<Vec<_>>(), |call| {
            fits(call, &column, side).then(|| arithmetic(call, &column, side, (op, turned)))?
        })?;
        self.settle(is_constant, mark, made, &whole)
    }

    /// The columns among two operands.
    fn operands(&self, column: &Column, side: &Side) -> Vec<Column> {
        let other = if let Side::Column(other) = side { Some(other.clone()) } else { None };
        std::iter::once(column.clone()).chain(other).collect()
    }

    /// Every pair of neighbours must stand in its relation. What stands between two operators belongs to two pairs, and is looked at once:
    /// else its mistakes would be told twice, and those of nested chains over and over.
    fn comparisons(&mut self, first: &Expression, rest: &[(Operator, Expression)]) -> Option<Side> {
        let (mut left, mut value) = (&first.span, self.value(first));
        let mut pairs = Some(Vec::with_capacity(rest.len()));
        for (at, (operator, right)) in rest.iter().enumerate() {
            let is_compared = match operator {
                Operator::Compare(Relation::Eq | Relation::Ne) => !matches!(right.kind, Kind::List(_)),
                operator => matches!(operator, Operator::Compare(_)),
            };
            let other = if is_compared || at + 1 < rest.len() { self.value(right) } else { None };
            let pair = self.comparison((value, left), *operator, (other.clone(), right));
            pairs = pairs.zip(pair).map(|(pairs, pair)| pairs.into_iter().chain([(pair, right.span.clone())]).collect());
            (left, value) = (&right.span, other);
        }
        let mut pairs = pairs?.into_iter();
        let (mut all, span) = pairs.next()?;
        for (pair, pair_span) in pairs {
            let (one, other) = (self.flags(all, &span)?, self.flags(pair, &pair_span)?);
            let both = self.both(one, other, true);
            all = Side::Column(self.call.made(DataType::Boolean, false, both));
        }
        Some(all)
    }

    /// One pair; `other` is the right side's value, where it is to have one.
    fn comparison(
        &mut self,
        (value, left): (Option<Side>, &Span),
        operator: Operator,
        (other, right): (Option<Side>, &Expression),
    ) -> Option<Side> {
        let whole = left.start..right.span.end;
        match (operator, &right.kind) {
            (Operator::In | Operator::NotIn | Operator::Compare(Relation::Eq | Relation::Ne), Kind::List(items)) => {
                let wanted = matches!(operator, Operator::In | Operator::Compare(Relation::Eq));
                let items = self.constants(items);
                self.membership(operator.sign(), (&value?, left), &items?, wanted, &whole)
            }
            (Operator::In | Operator::NotIn, _) => {
                self.wrong(format!("`{}` takes a list of constants", operator.sign()), &right.span, "such as `city in ['Graz', 'Linz']`");
                None
            }
            (Operator::Is | Operator::IsNot, Kind::Literal(Scalar::Null(()))) => {
                let mark = self.mark();
                let is_constant = matches!(value, Some(Side::Constant(_)));
                if matches!(value, Some(Side::Constant(Scalar::Null(())))) {
                    return Some(Side::Constant(Scalar::Bool(operator == Operator::Is)));
                }
                let column = self.as_column(value?, left)?;
                let slot = null_test(&mut self.call, &column, operator == Operator::Is)?;
                let made = self.call.made(DataType::Boolean, false, slot);
                self.settle(is_constant, mark, made, &whole)
            }
            (Operator::Is | Operator::IsNot, _) => {
                self.wrong(format!("`{}` asks for null only", operator.sign()), &right.span, "values are compared with `==` and `!=`");
                None
            }
            (Operator::Compare(relation), _) => self.relate((relation, operator.sign()), (&value?, left), (&other?, &right.span), &whole),
            (Operator::And | Operator::Or | Operator::Arithmetic(_), _) => unreachable!("{ONE_RANK}"),
        }
    }

    fn relate(
        &mut self,
        (relation, sign): (Relation, &'static str),
        (left, left_span): Placed<'_>,
        (right, right_span): Placed<'_>,
        whole: &Span,
    ) -> Option<Side> {
        let is_constant = matches!((left, right), (Side::Constant(_), Side::Constant(_)));
        let mark = self.mark();
        let (column, column_span, side, side_span, relation) = match (left, right) {
            (Side::Constant(_), Side::Column(column)) => (column.clone(), right_span, left, left_span, relation.turned()),
            _ => (self.as_column(left.clone(), left_span)?, left_span, right, right_span, relation),
        };
        let operands = self.operands(&column, side);
        let passage = passage(whole, &[column_span, side_span]);
        let slot = self.operation(sign, passage, &operands.iter().collect::<Vec<_>>(), |call| {
            fits(call, &column, side).then(|| compare(call, &column, ("other", side), relation))?
        })?;
        let made = self.call.made(DataType::Boolean, false, slot);
        self.settle(is_constant, mark, made, whole)
    }

    fn membership(
        &mut self,
        sign: &'static str,
        (left, left_span): Placed<'_>,
        items: &[Scalar],
        wanted: bool,
        whole: &Span,
    ) -> Option<Side> {
        let (is_constant, mark) = (matches!(left, Side::Constant(_)), self.mark());
        let column = self.as_column(left.clone(), left_span)?;
        let mut made = self.operation(sign, passage(whole, &[left_span]), &[&column], |call| {
            let is_in = is_in(call, &column, items)?;
            if wanted { Some(is_in) } else { invert(call, &is_in) }
        })?;
        made.name = "".into();
        self.settle(is_constant, mark, made, whole)
    }

    /// The constants of a list; reports those that are none.
    pub(super) fn constants(&mut self, items: &[Expression]) -> Option<Vec<Scalar>> {
        let mut constants = Some(Vec::with_capacity(items.len()));
        for item in items {
            let constant = match self.value(item) {
                Some(Side::Constant(value)) => Some(value),
                Some(Side::Column(_)) => {
                    self.wrong("a list holds constants only", &item.span, "compare with a column by `==`, and join conditions with `or`");
                    None
                }
                None => None,
            };
            constants = constants.zip(constant).map(|(mut constants, constant)| {
                constants.push(constant);
                constants
            });
        }
        constants
    }

    fn logic(&mut self, first: &Expression, rest: &[(Operator, Expression)]) -> Option<Side> {
        let mut all = self.truth(first);
        for (operator, operand) in rest {
            let is_and = *operator == Operator::And;
            // The right side counts where the left does not decide.
            let right = match all {
                Some(left) => self.guarded(left, is_and, |this| this.truth(operand)),
                None => self.truth(operand),
            };
            all = all.zip(right).map(|(left, right)| self.both(left, right, is_and));
        }
        let slot = all?;
        Some(Side::Column(self.call.made(DataType::Boolean, false, slot)))
    }

    /// Where an expression is true, as a slot without nulls; reports one that is no condition.
    pub(super) fn truth(&mut self, expression: &Expression) -> Option<Slot> {
        let value = self.value(expression)?;
        self.flags(value, &expression.span)
    }

    pub(super) fn flags(&mut self, value: Side, span: &Span) -> Option<Slot> {
        let column = self.as_column(value, span)?;
        if column.data_type != DataType::Boolean {
            let message = format!("node `{}`: {} is no condition", self.call.planning.id(), self.call.describe(&column));
            let help = "a condition is a comparison, a Boolean column, or made of them with `and`, `or` and `not`";
            self.report(Diagnostic::error(Code::TypeMismatch, message).help(help), span.clone());
            return None;
        }
        let slot = self.call.array(&column);
        if !column.nullable {
            return Some(slot);
        }
        Some(self.call.kernel(&[slot], |inputs, _| {
            let flags = inputs.array(0).as_boolean();
            let holds = flags.nulls().map_or_else(|| flags.values().clone(), |valid| flags.values() & valid.inner());
            Arc::new(BooleanArray::new(holds, None))
        }))
    }

    /// Where both hold, or one of them.
    fn both(&mut self, left: Slot, right: Slot, is_and: bool) -> Slot {
        self.call.kernel(&[left, right], move |inputs, _| {
            let (left, right) = (inputs.array(0).as_boolean().values(), inputs.array(1).as_boolean().values());
            Arc::new(BooleanArray::new(if is_and { left & right } else { left | right }, None))
        })
    }
}

/// A Boolean column turned round.
fn invert(call: &mut Call<'_, '_>, column: &Column) -> Option<Column> {
    if column.data_type != DataType::Boolean {
        let help =
            if column.data_type.is_integer() { "bits are not computed with; compare with 0 for a condition" } else { "compare it first" };
        call.mismatch(column, "it is no condition", help);
        return None;
    }
    if column.nullable {
        let message = format!("node `{}`: `{}` on {}, which can be null", call.planning.id(), call.name, call.describe(column));
        let pointer = call.column_pointer(&column.name);
        call.report(Diagnostic::error(Code::NullReaches, message).help("use `fillna` before, as `not fillna(flag, false)`"), &pointer);
        return None;
    }
    let slot = call.array(column);
    let slot = call.kernel(&[slot], |inputs, _| Arc::new(BooleanArray::new(!inputs.array(0).as_boolean().values(), None)));
    Some(call.made(DataType::Boolean, false, slot))
}

/// Whether a constant is of the column's kind; reports one that is not: a text is no number, even where YAML spells numbers so.
pub(super) fn fits(call: &mut Call<'_, '_>, column: &Column, side: &Side) -> bool {
    let Side::Constant(value @ Scalar::Text(_)) = side else { return true };
    let is_number = lanes::is_numeric(&column.data_type);
    if is_number {
        call.mismatch(column, format!("it holds numbers, and {} is text", value.show()), "numbers are written without quotes");
    }
    !is_number
}
