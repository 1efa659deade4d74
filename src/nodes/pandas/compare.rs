//! Comparison with a constant or another column, `between`, `isin`.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::coder::Coder;
use super::operand::{Operand, Side};
use super::operation::{Call, Operation, Scope};
use super::scalar::Scalar;
use super::{lanes, timestamp};
use crate::nodes::{Column, Slot};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[
    &Compare { name: "eq", summary: "Whether it is equal", relation: Relation::Eq },
    &Compare { name: "ne", summary: "Whether it is not equal; null is not equal to anything", relation: Relation::Ne },
    &Compare { name: "lt", summary: "Whether it is less", relation: Relation::Lt },
    &Compare { name: "le", summary: "Whether it is less or equal", relation: Relation::Le },
    &Compare { name: "gt", summary: "Whether it is greater", relation: Relation::Gt },
    &Compare { name: "ge", summary: "Whether it is greater or equal", relation: Relation::Ge },
    &Between,
    &IsIn,
];

/// How two values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nodes) enum Relation {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Relation {
    /// Whether an order fulfils it; `None` is a comparison with null.
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Eq => order == Some(Ordering::Equal),
            Self::Ne => order != Some(Ordering::Equal),
            Self::Lt => order == Some(Ordering::Less),
            Self::Le => order.is_some_and(Ordering::is_le),
            Self::Gt => order == Some(Ordering::Greater),
            Self::Ge => order.is_some_and(Ordering::is_ge),
        }
    }

    /// The relation of the other side to this one.
    pub(in crate::nodes) fn turned(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            same => same,
        }
    }

    fn is_order(self) -> bool {
        !matches!(self, Self::Eq | Self::Ne)
    }
}

struct Compare {
    name: &'static str,
    summary: &'static str,
    relation: Relation,
}

/// Keyword arguments of comparisons.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CompareKwargs {
    /// The other side: a constant, or `{column: name}`.
    other: Operand,
}

impl Operation for Compare {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(CompareKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<CompareKwargs>() else { return call.fail() };
        let Some(side) = call.operand(&kwargs.other, "other") else { return call.fail() };
        call.each(|call, column| {
            compare(call, column, ("other", &side), self.relation).map(|slot| call.made(DataType::Boolean, false, slot))
        });
    }
}

/// A slot that says in which rows a column stands in `relation` to the other side, which a keyword argument gives; `None` when they cannot
/// be compared, which is reported.
pub(in crate::nodes) fn compare(
    call: &mut Call<'_, '_>,
    column: &Column,
    (kwarg, side): (&str, &Side),
    relation: Relation,
) -> Option<Slot> {
    if let Side::Constant(value) = side
        && value.is_null()
    {
        call.mismatch(column, "nothing stands in a relation to null", "use `isna` or `notna`");
        return None;
    }
    let text = |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::Dictionary(_, _));
    match (&column.data_type, side) {
        (own, Side::Constant(Scalar::Text(other))) if text(own) => compare_text(call, column, other, relation),
        (DataType::Utf8, Side::Column(other)) if other.data_type == DataType::Utf8 => {
            if relation.is_order() && (column.nullable || other.nullable) {
                return no_order_with_null(call, column);
            }
            let reads = [call.array(column), call.array(other)];
            Some(call.kernel(&reads, move |inputs, _| {
                let (left, right) = (inputs.array(0).as_string::<i32>(), inputs.array(1).as_string::<i32>());
                let order = |row: usize| (left.is_valid(row) && right.is_valid(row)).then(|| left.value(row).cmp(right.value(row)));
                lanes::bool_array(left.len(), |row| relation.holds(order(row)))
            }))
        }
        (DataType::Timestamp(_, zone), Side::Constant(Scalar::Text(other))) => {
            let time = time_of(call, (kwarg, other), zone.is_some())?;
            let slot = call.array(column);
            Some(call.kernel(&[slot], move |inputs, _| {
                let times = lanes::times(inputs.array(0));
                lanes::bool_array(times.len(), |row| relation.holds((times[row] != lanes::NAT).then(|| times[row].cmp(&time))))
            }))
        }
        (DataType::Timestamp(_, zone), Side::Column(other)) if matches!(&other.data_type, DataType::Timestamp(_, its) if its.is_some() == zone.is_some()) =>
        {
            let reads = [call.array(column), call.array(other)];
            Some(call.kernel(&reads, move |inputs, _| {
                let (left, right) = (lanes::times(inputs.array(0)), lanes::times(inputs.array(1)));
                let order = |row: usize| (left[row] != lanes::NAT && right[row] != lanes::NAT).then(|| left[row].cmp(&right[row]));
                lanes::bool_array(left.len(), |row| relation.holds(order(row)))
            }))
        }
        _ => compare_numbers(call, column, side, relation),
    }
}

/// The text that a keyword argument gives as nanoseconds of a column of times, with a zone or without; `None` when it is no such time,
/// which is reported.
pub(in crate::nodes) fn time_of(call: &mut Call<'_, '_>, (kwarg, text): (&str, &str), has_zone: bool) -> Option<i64> {
    let time = timestamp::parse_iso(text).and_then(|time| time.in_zone(has_zone)).ok();
    if time.is_none() {
        call.wrong(kwarg, format!("'{text}' is no ISO 8601 time that the column could hold"), "such as 2024-01-31T12:00:00Z");
    }
    time
}

fn compare_text(call: &mut Call<'_, '_>, column: &Column, other: &str, relation: Relation) -> Option<Slot> {
    if relation.is_order() && column.categories.is_some() {
        call.mismatch(column, "categories are not compared by order", "compare with `eq`, `ne` or `isin`, or the numbers before `cut`");
        return None;
    }
    if relation.is_order() && column.nullable {
        return no_order_with_null(call, column);
    }
    if let Some((codes, values)) = call.as_codes(column) {
        let table = std::iter::once(relation.holds(None)).chain(values.iter().map(|value| relation.holds(Some(value.as_str().cmp(other)))));
        let table: Vec<bool> = table.collect();
        return Some(call.kernel(&[codes], move |inputs, _| {
            let codes = inputs.array(0).as_primitive::<Int32Type>().values();
            lanes::bool_array(codes.len(), |row| table[(codes[row] + 1) as usize])
        }));
    }
    let (slot, other) = (call.array(column), other.to_owned());
    Some(call.kernel(&[slot], move |inputs, _| {
        let text = inputs.array(0).as_string::<i32>();
        // Bytes of UTF-8 are ordered as its code points are.
        lanes::bool_array(text.len(), |row| relation.holds(text.is_valid(row).then(|| text.value(row).cmp(&other))))
    }))
}

fn no_order_with_null(call: &mut Call<'_, '_>, column: &Column) -> Option<Slot> {
    call.null_reaches(column, "pandas cannot order text and null", "use `fillna` before");
    None
}

fn compare_numbers(call: &mut Call<'_, '_>, column: &Column, side: &Side, relation: Relation) -> Option<Slot> {
    let whole = |data_type: &DataType| data_type.is_integer() || *data_type == DataType::Boolean;
    let (comparable, in_integers) = match side {
        Side::Constant(Scalar::Int(_) | Scalar::Bool(_)) => (true, true),
        Side::Constant(value) => (value.number().is_some(), false),
        Side::Column(other) => (lanes::is_numeric(&other.data_type), whole(&other.data_type) && !other.nullable),
    };
    if !comparable || !lanes::is_numeric(&column.data_type) {
        let reason = format!("it cannot be compared with {}", side.describe(call));
        call.mismatch(column, reason, "bring both sides to one type with `astype`");
        return None;
    }
    if let Side::Constant(value) = side {
        call.keeps_digits(column, [value])?;
    }
    let slot = call.array(column);
    let reads = side.reads(call, slot);
    if in_integers && whole(&column.data_type) && !column.nullable {
        let lane = side.ints();
        let unsigned = [column.data_type == DataType::UInt64, matches!(side, Side::Column(other) if other.data_type == DataType::UInt64)];
        if unsigned.contains(&true) {
            // The lane wraps `u64`, which has its own place in the order again when it is widened.
            let wide = |value: i64, unsigned| if unsigned { value.cast_unsigned().into() } else { i128::from(value) };
            return Some(call.kernel(&reads, move |inputs, _| {
                let (left, right) = (lanes::ints(inputs.array(0)), lane.read(inputs));
                let order = |row: usize| wide(left[row], unsigned[0]).cmp(&wide(right.at(row), unsigned[1]));
                lanes::bool_array(left.len(), |row| relation.holds(Some(order(row))))
            }));
        }
        return Some(call.kernel(&reads, move |inputs, _| {
            let (left, right) = (lanes::ints(inputs.array(0)), lane.read(inputs));
            lanes::bool_array(left.len(), |row| relation.holds(Some(left[row].cmp(&right.at(row)))))
        }));
    }
    let lane = side.floats(&column.data_type);
    Some(call.kernel(&reads, move |inputs, _| {
        let (left, right) = (lanes::floats(inputs.array(0)), lane.read(inputs));
        lanes::bool_array(left.len(), |row| relation.holds(left[row].partial_cmp(&right.at(row))))
    }))
}

struct Between;

/// Keyword arguments of `between`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BetweenKwargs {
    /// The lower bound: a constant, or `{column: name}`.
    left: Operand,
    /// The upper bound: a constant, or `{column: name}`.
    right: Operand,
    /// Which bounds belong to the range.
    #[serde(default)]
    inclusive: Inclusive,
}

/// Which bounds belong to a range.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Inclusive {
    /// Both.
    #[default]
    Both,
    /// None.
    Neither,
    /// The lower one.
    Left,
    /// The upper one.
    Right,
}

impl Operation for Between {
    fn name(&self) -> &'static str {
        "between"
    }

    fn summary(&self) -> &'static str {
        "Whether it lies between two bounds; null does not"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(BetweenKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<BetweenKwargs>() else { return call.fail() };
        let (left, right) = (call.operand(&kwargs.left, "left"), call.operand(&kwargs.right, "right"));
        let (Some(left), Some(right)) = (left, right) else { return call.fail() };
        let (low, high) = match kwargs.inclusive {
            Inclusive::Both => (Relation::Ge, Relation::Le),
            Inclusive::Neither => (Relation::Gt, Relation::Lt),
            Inclusive::Left => (Relation::Ge, Relation::Lt),
            Inclusive::Right => (Relation::Gt, Relation::Le),
        };
        call.each(|call, column| {
            let above = compare(call, column, ("left", &left), low)?;
            let below = compare(call, column, ("right", &right), high)?;
            let slot = call.kernel(&[above, below], |inputs, _| {
                let (above, below) = (inputs.array(0).as_boolean(), inputs.array(1).as_boolean());
                let both = above.values() & below.values();
                std::sync::Arc::new(arrow_array::BooleanArray::new(both, None)) as ArrayRef
            });
            Some(call.made(DataType::Boolean, false, slot))
        });
    }
}

struct IsIn;

/// Keyword arguments of `isin`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IsInKwargs {
    /// The values; null among them stands for nulls.
    values: Vec<Scalar>,
}

impl Operation for IsIn {
    fn name(&self) -> &'static str {
        "isin"
    }

    fn summary(&self) -> &'static str {
        "Whether it is one of some values; text \"1\" is not the number 1"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(IsInKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(IsInKwargs { values }) = call.kwargs() else { return call.fail() };
        call.each(|call, column| is_in(call, column, &values));
    }
}

/// Whether the column is one of some constants; `None` when its type is not looked up, which is reported.
pub(in crate::nodes) fn is_in(call: &mut Call<'_, '_>, column: &Column, values: &[Scalar]) -> Option<Column> {
    call.keeps_digits(column, values)?;
    let in_floats = lanes::is_float(&column.data_type);
    // pandas looks signed integers up as floats among floats, all else exactly.
    let turns = column.data_type.is_signed_integer()
        && values.iter().all(|value| value.number().is_some())
        && !values.iter().all(|value| matches!(value, Scalar::Int(_)));
    let exact = |value: &&Scalar| !in_floats || !matches!(value, Scalar::Int(value) if *value as f64 as i128 != i128::from(*value));
    let keys: Vec<(Scalar, i32)> = values.iter().filter(exact).map(|value| (value.clone(), 1)).collect();
    let in_text = column.data_type == DataType::Utf8 || column.categories.is_some();
    let null = i32::from(values.iter().any(|value| value.is_null() || (!in_text && value.number().is_some_and(f64::is_nan))));
    let looked_up = if turns { &Column { data_type: DataType::Float64, ..column.clone() } } else { column };
    let Some(coder) = Coder::new(looked_up, &keys, 0, null) else {
        call.mismatch(column, "values of this type are not looked up", "compare times with `eq` or `between`");
        return None;
    };
    let codes = call.codes(column, coder);
    let slot = call.kernel(&[codes], |inputs, _| {
        let codes = inputs.array(0).as_primitive::<Int32Type>().values();
        lanes::bool_array(codes.len(), |row| codes[row] == 1)
    });
    Some(call.made(DataType::Boolean, false, slot))
}
