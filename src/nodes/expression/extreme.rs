//! `min` and `max` of several values in a row.

use arrow_schema::DataType;

use super::tree::Argument;
use super::{Evaluation, passage};
use crate::diagnostic::Span;
use crate::nodes::Column;
use crate::nodes::pandas::{Call, Lane, Scalar, Side, lanes, time_of};

impl Evaluation<'_, '_> {
    /// The least or the greatest argument of each row. As with pandas' `min(axis=1)` null counts only where nothing else is there.
    pub(super) fn extreme(&mut self, name: &'static str, arguments: &[Argument], span: &Span) -> Option<Side> {
        if arguments.len() < 2 {
            self.wrong(format!("`{name}` takes two values or more, of one row"), span, "the least of a column would depend on the batch");
            return None;
        }
        let sides: Vec<Option<Side>> = arguments.iter().map(|argument| self.value(&argument.value)).collect();
        let sides = sides.into_iter().collect::<Option<Vec<Side>>>()?;
        let is_constant = sides.iter().all(|side| matches!(side, Side::Constant(_)));
        let mark = self.mark();
        // A column first: a constant takes its type from it.
        let first = sides.iter().position(|side| matches!(side, Side::Column(_))).unwrap_or(0);
        let first_span = &arguments[first].value.span;
        let mut column = self.as_column(sides[first].clone(), first_span)?;
        for (at, side) in sides.iter().enumerate().filter(|(at, _)| *at != first) {
            let passage = passage(span, &[first_span, &arguments[at].value.span]);
            column = self.operation(name, passage, &[&column], |call| of_two(call, &column, side, name == "max"))?;
        }
        self.settle(is_constant, mark, column, span)
    }
}

fn of_two(call: &mut Call<'_, '_>, column: &Column, side: &Side, greatest: bool) -> Option<Column> {
    match (&column.data_type, side) {
        (own, Side::Column(other)) if matches!(own, DataType::Timestamp(_, _)) && *own == other.data_type => {
            return Some(of_times(call, column, side, (Lane::Input, other.nullable), greatest));
        }
        (DataType::Timestamp(_, zone), Side::Constant(Scalar::Text(text))) => {
            let time = time_of(call, ("other", text), zone.is_some())?;
            return Some(of_times(call, column, side, (Lane::Constant(time), false), greatest));
        }
        _ => {}
    }
    let is_number =
        column.data_type != DataType::Boolean && matches!(side, Side::Column(_) | Side::Constant(Scalar::Int(_) | Scalar::Float(_)));
    let promoted = if is_number { side.promote(&column.data_type) } else { None };
    let Some(data_type) = promoted.filter(|data_type| *data_type != DataType::UInt64) else {
        let reason = format!("it has no order with {}", side.describe(call));
        call.mismatch(column, reason, "bring both to numbers with `astype`");
        return None;
    };
    let slot = call.array(column);
    let (reads, written) = (side.reads(call, slot), data_type.clone());
    if lanes::is_float(&data_type) {
        let lane = side.floats(&data_type);
        let slot = call.kernel(&reads, move |inputs, _| {
            let pick = |left: f64, right: f64| {
                // Of equal values, which two zeros are, NumPy takes the second.
                let first = if greatest { left > right } else { left < right };
                if first || right.is_nan() { left } else { right }
            };
            lanes::float_array(lane.read(inputs).zip(&lanes::floats(inputs.array(0)), pick), &written)
        });
        let nullable = match side {
            Side::Column(other) => column.nullable && other.nullable,
            Side::Constant(value) => column.nullable && value.is_null(),
        };
        return Some(call.made(data_type, nullable, slot));
    }
    let lane = side.ints();
    let slot = call.kernel(&reads, move |inputs, _| {
        let pick = |left: i64, right: i64| if greatest { left.max(right) } else { left.min(right) };
        lanes::int_array(lane.read(inputs).zip(&lanes::ints(inputs.array(0)), pick), &written)
    });
    Some(call.made(data_type, false, slot))
}

fn of_times(call: &mut Call<'_, '_>, column: &Column, side: &Side, (lane, is_nullable): (Lane<i64>, bool), greatest: bool) -> Column {
    let (slot, data_type) = (call.array(column), column.data_type.clone());
    let (reads, written) = (side.reads(call, slot), data_type.clone());
    let slot = call.kernel(&reads, move |inputs, _| {
        let pick = |left: i64, right: i64| match (left, right) {
            (lanes::NAT, other) | (other, lanes::NAT) => other,
            (left, right) if greatest => left.max(right),
            (left, right) => left.min(right),
        };
        lanes::time_array(lane.read(inputs).zip(&lanes::times(inputs.array(0)), pick), &written)
    });
    call.made(data_type, column.nullable && is_nullable, slot)
}
