//! Arithmetic with a constant or another column: `add`, `sub`, `mul`, `div`, `floordiv`, `mod`, `pow`, and each turned round.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::lanes;
use super::operand::{Lane, Operand, Side};
use super::operation::{Call, Operation, Scope};
use super::scalar::Scalar;
use super::text::{each_text, text_array};
use crate::dataset::{Phase, Reason, Rejection};
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[
    &Arithmetic { name: "add", summary: "The sum; of texts, one after the other", op: Op::Add, turned: false },
    &Arithmetic { name: "sub", summary: "The difference", op: Op::Sub, turned: false },
    &Arithmetic { name: "mul", summary: "The product", op: Op::Mul, turned: false },
    &Arithmetic { name: "div", summary: "The quotient; 1/0 is infinity, 0/0 is null", op: Op::Div, turned: false },
    &Arithmetic { name: "truediv", summary: "The quotient; 1/0 is infinity, 0/0 is null", op: Op::Div, turned: false },
    &Arithmetic { name: "floordiv", summary: "The quotient rounded down: -7 by 2 is -4", op: Op::FloorDiv, turned: false },
    &Arithmetic { name: "mod", summary: "What floordiv leaves, with the divisor's sign", op: Op::Mod, turned: false },
    &Arithmetic { name: "pow", summary: "The power", op: Op::Pow, turned: false },
    &Arithmetic { name: "radd", summary: "The other plus the column", op: Op::Add, turned: true },
    &Arithmetic { name: "rsub", summary: "The other minus the column", op: Op::Sub, turned: true },
    &Arithmetic { name: "rmul", summary: "The other times the column", op: Op::Mul, turned: true },
    &Arithmetic { name: "rdiv", summary: "The other by the column", op: Op::Div, turned: true },
    &Arithmetic { name: "rtruediv", summary: "The other by the column", op: Op::Div, turned: true },
    &Arithmetic { name: "rfloordiv", summary: "The other by the column, rounded down", op: Op::FloorDiv, turned: true },
    &Arithmetic { name: "rmod", summary: "What rfloordiv leaves, with the column's sign", op: Op::Mod, turned: true },
    &Arithmetic { name: "rpow", summary: "The other to the power of the column", op: Op::Pow, turned: true },
];

/// What arithmetic does with two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nodes) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

struct Arithmetic {
    name: &'static str,
    summary: &'static str,
    op: Op,
    /// Whether the column stands on the right.
    turned: bool,
}

/// Keyword arguments of arithmetic.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// The other side: a constant, or `{column: name}`.
    other: Operand,
}

impl Operation for Arithmetic {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<Kwargs>() else { return call.fail() };
        let Some(side) = call.operand(&kwargs.other, "other") else { return call.fail() };
        call.each(|call, column| arithmetic(call, column, &side, (self.op, self.turned)));
    }
}

/// A column and the other side through `op`, the column on the right where `turned`; `None` when there is no arithmetic between them,
/// which is reported.
pub(in crate::nodes) fn arithmetic(call: &mut Call<'_, '_>, column: &Column, side: &Side, (op, turned): (Op, bool)) -> Option<Column> {
    if column.data_type == DataType::Utf8 && op == Op::Add {
        return plan_text(call, column, side, turned);
    }
    let booleans = |column: &Column| column.data_type == DataType::Boolean && column.nullable;
    let objects = booleans(column) || matches!(side, Side::Column(other) if booleans(other));
    // NumPy divides floats: whether an integer column's own type holds the constant is no matter.
    let divides_floats = op == Op::Div && column.data_type.is_integer() && matches!(side, Side::Constant(_));
    let own = if divides_floats { &DataType::Float64 } else { &column.data_type };
    let promoted = if objects { None } else { side.promote(own) };
    let Some(promoted) = promoted.filter(|promoted| *promoted != DataType::Boolean) else {
        let reason = format!("there is no arithmetic between it and {}", side.describe(call));
        call.mismatch(column, reason, "bring both to numbers with `astype`");
        return None;
    };
    // What a division by zero makes is no integer, and no `float32` in pandas: any divisor that may be zero widens.
    let divides = matches!(op, Op::FloorDiv | Op::Mod);
    let safe = !turned && matches!(side, Side::Constant(value) if value.number().is_some_and(|value| value != 0.0));
    if lanes::is_float(&promoted) || op == Op::Div {
        let computed = if lanes::is_float(&promoted) { promoted } else { DataType::Float64 };
        let written = if op == Op::FloorDiv && !safe { DataType::Float64 } else { computed.clone() };
        return Some(plan_floats(call, column, side, (op, turned), (computed, written)));
    }
    if divides && promoted == DataType::UInt64 {
        call.mismatch(column, "it cannot be divided in whole numbers", "convert it to int64 first");
        return None;
    }
    if divides && !safe {
        return Some(plan_divided(call, column, side, (op, turned)));
    }
    plan_ints(call, column, side, (op, turned), promoted)
}

fn plan_text(call: &mut Call<'_, '_>, column: &Column, side: &Side, turned: bool) -> Option<Column> {
    match side {
        Side::Constant(Scalar::Text(text)) => {
            let text = text.clone();
            each_text(call, column, move |own, out| {
                let (first, second) = if turned { (text.as_str(), own) } else { (own, text.as_str()) };
                out.push_str(first);
                out.push_str(second);
            })
        }
        Side::Column(other) if other.data_type == DataType::Utf8 => {
            let reads = [call.array(column), call.array(other)];
            let slot =
                call.kernel(&reads, move |inputs, _| join_text(inputs.array(usize::from(turned)), inputs.array(usize::from(!turned))));
            Some(call.made(DataType::Utf8, column.nullable || other.nullable, slot))
        }
        _ => {
            call.mismatch(column, "text is added to text only", "convert the other side with `astype` to str");
            None
        }
    }
}

fn join_text(first: &ArrayRef, second: &ArrayRef) -> ArrayRef {
    let (first, second) = (first.as_string::<i32>(), second.as_string::<i32>());
    let nulls = NullBuffer::union(first.nulls(), second.nulls());
    let mut out = String::with_capacity(first.values().len() + second.values().len());
    let mut ends = Vec::with_capacity(first.len() + 1);
    ends.push(0);
    for row in 0..first.len() {
        if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
            out.push_str(first.value(row));
            out.push_str(second.value(row));
        }
        ends.push(out.len() as i32);
    }
    text_array(out, ends, nulls)
}

/// Floats, computed in one type and written in another.
fn plan_floats(
    call: &mut Call<'_, '_>,
    column: &Column,
    side: &Side,
    (op, turned): (Op, bool),
    (computed, written): (DataType, DataType),
) -> Column {
    let slot = call.array(column);
    let (reads, lane) = (side.reads(call, slot), side.floats(&computed));
    let data_type = written.clone();
    let slot = call.kernel(&reads, move |inputs, _| {
        let (left, right) = (lanes::floats(inputs.array(0)), lane.read(inputs));
        let by = |pair: fn(f64, f64) -> f64| match turned {
            false => right.zip(&left, pair),
            true => right.zip(&left, |left, right| pair(right, left)),
        };
        let narrow = computed == DataType::Float32;
        let values = match op {
            Op::Add => by(|left, right| left + right),
            Op::Sub => by(|left, right| left - right),
            Op::Mul => by(|left, right| left * right),
            Op::Div => by(|left, right| left / right),
            // Where two roundings show, a float32 column is computed in float32.
            Op::FloorDiv if narrow => by(|left, right| f64::from(floor_divide_f32(left as f32, right as f32))),
            Op::FloorDiv => by(floor_divide),
            Op::Mod if narrow => by(|left, right| f64::from(remainder_f32(left as f32, right as f32))),
            Op::Mod => by(remainder),
            Op::Pow => match (&lane, turned) {
                // NumPy's short cuts for constant exponents.
                (Lane::Constant(2.0), false) => by(|left, _| left * left),
                (Lane::Constant(0.5), false) => by(|left, _| left.sqrt()),
                (Lane::Constant(-1.0), false) => by(|left, _| 1.0 / left),
                _ if narrow => by(|left, right| f64::from((left as f32).powf(right as f32))),
                _ => by(f64::powf),
            },
        };
        lanes::float_array(values, &written)
    });
    let made = call.made(data_type, true, slot);
    let by_what_is_never_0 = !turned && matches!(side, Side::Constant(value) if value.number().is_some_and(|value| value != 0.0));
    match op {
        Op::Pow => made.null_where("a negative number has no such power"),
        Op::Div | Op::FloorDiv | Op::Mod if !by_what_is_never_0 => made.null_where("the divisor is 0"),
        _ => made.or_nan(),
    }
}

/// Integers divided by what may be zero, in floats: 7//0 is infinity, 0//0 and 7%0 are null.
fn plan_divided(call: &mut Call<'_, '_>, column: &Column, side: &Side, (op, turned): (Op, bool)) -> Column {
    let slot = call.array(column);
    let (reads, lane) = (side.reads(call, slot), side.ints());
    let slot = call.kernel(&reads, move |inputs, _| {
        let (left, right) = (lanes::ints(inputs.array(0)), lane.read(inputs));
        let divided = |left: i64, right: i64| {
            let (left, right) = if turned { (right, left) } else { (left, right) };
            match (right, op) {
                (0, Op::Mod) => f64::NAN,
                (0, _) => left as f64 / 0.0,
                (_, Op::Mod) => modulo(left, right) as f64,
                _ => floor_div(left, right) as f64,
            }
        };
        lanes::float_array(right.zip(&left, divided), &DataType::Float64)
    });
    call.made(DataType::Float64, true, slot).null_where("the divisor is 0")
}

fn plan_ints(call: &mut Call<'_, '_>, column: &Column, side: &Side, (op, turned): (Op, bool), written: DataType) -> Option<Column> {
    let negative_exponent = !turned && matches!(side, Side::Constant(Scalar::Int(value)) if *value < 0);
    if op == Op::Pow && negative_exponent {
        call.wrong("other", "integers have no negative powers", "convert the column to float with `astype` first");
        return None;
    }
    let slot = call.array(column);
    let (reads, lane) = (side.reads(call, slot), side.ints());
    let field = column.name.to_string();
    let data_type = written.clone();
    let unsigned = written == DataType::UInt64;
    let run = move |inputs: &crate::nodes::Inputs<'_>, rows: &mut crate::dataset::Rows| {
        let (left, right) = (lanes::ints(inputs.array(0)), lane.read(inputs));
        let by = |pair: fn(i64, i64) -> i64| match turned {
            false => right.zip(&left, pair),
            true => right.zip(&left, |left, right| pair(right, left)),
        };
        let values = match op {
            Op::Add => by(i64::wrapping_add),
            Op::Sub => by(i64::wrapping_sub),
            Op::Mul => by(i64::wrapping_mul),
            Op::FloorDiv => by(floor_div),
            Op::Mod => by(modulo),
            Op::Pow | Op::Div => {
                for row in 0..left.len() {
                    let exponent = if turned { left[row] } else { right.at(row) };
                    if exponent < 0 && !unsigned {
                        let message = "pow: integers have no negative powers";
                        rows.reject(row, Rejection::new(Phase::Graph, Reason::Conversion, message).field(field.clone()));
                    }
                }
                by(power)
            }
        };
        lanes::int_array(values, &written)
    };
    let may_reject = op == Op::Pow && !unsigned && (turned || matches!(side, Side::Column(_)));
    let slot = if may_reject { call.rejecting_kernel(&reads, run) } else { call.kernel(&reads, run) };
    Some(call.made(data_type, false, slot))
}

/// Rounded down; the least integer by -1 wraps, as in NumPy. The divisor is not zero.
fn floor_div(left: i64, right: i64) -> i64 {
    let quotient = left.wrapping_div(right);
    if left.wrapping_rem(right) != 0 && (left < 0) != (right < 0) { quotient - 1 } else { quotient }
}

/// With the divisor's sign. The divisor is not zero.
fn modulo(left: i64, right: i64) -> i64 {
    let rest = left.wrapping_rem(right);
    if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest }
}

/// Wraps, as in NumPy. The exponent is that of the lane's `u64`.
fn power(base: i64, exponent: i64) -> i64 {
    let (mut base, mut left, mut product) = (base, exponent.cast_unsigned(), 1_i64);
    while left > 0 {
        if left & 1 == 1 {
            product = product.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        left >>= 1;
    }
    product
}

/// NumPy's `floor_divide` and `remainder`, in both widths.
macro_rules! float_division {
    ($float:ty, $floor_divide:ident, $remainder:ident, $divmod:ident) => {
        fn $divmod(left: $float, right: $float) -> ($float, $float) {
            let mut rest = left % right;
            let mut quotient = (left - rest) / right;
            if rest == 0.0 {
                rest = (0.0 as $float).copysign(right);
            } else if (right < 0.0) != (rest < 0.0) {
                rest += right;
                quotient -= 1.0;
            }
            if quotient == 0.0 {
                return ((0.0 as $float).copysign(left / right), rest);
            }
            let floor = quotient.floor();
            (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, rest)
        }

        fn $floor_divide(left: $float, right: $float) -> $float {
            if right == 0.0 { left / right } else { $divmod(left, right).0 }
        }

        fn $remainder(left: $float, right: $float) -> $float {
            if right == 0.0 { <$float>::NAN } else { $divmod(left, right).1 }
        }
    };
}

float_division!(f64, floor_divide, remainder, divmod);
float_division!(f32, floor_divide_f32, remainder_f32, divmod_f32);
