//! `where`, `mask` and `clip`: values kept or replaced by a condition.

use std::sync::Arc;

use arrow_array::BooleanArray;
use arrow_array::cast::AsArray;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::choose::choose;
use super::compare::{Relation, compare};
use super::lanes;
use super::operand::{Operand, Side};
use super::operation::{Call, Operation, Scope};
use super::scalar::Scalar;
use crate::nodes::{Column, Slot};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[
    &Choose { name: "where", summary: "Keeps values where a condition holds, replaces the others", kept_when: true },
    &Choose { name: "mask", summary: "Replaces values where a condition holds", kept_when: false },
    &Clip,
];

struct Choose {
    name: &'static str,
    summary: &'static str,
    kept_when: bool,
}

/// Keyword arguments of `where` and `mask`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChooseKwargs {
    /// The condition: `{column: flag}` for a Boolean column, or a comparison of each value with a constant or a column, such as `{gt: 0}`
    /// or `{le: {column: limit}}`.
    cond: Condition,
    /// What replaces a value: a constant, or `{column: name}`; null without it.
    #[serde(default)]
    other: Option<Operand>,
}

/// A condition.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Condition {
    /// A Boolean column.
    Column(String),
    /// Equal.
    Eq(Operand),
    /// Not equal.
    Ne(Operand),
    /// Less.
    Lt(Operand),
    /// Less or equal.
    Le(Operand),
    /// Greater.
    Gt(Operand),
    /// Greater or equal.
    Ge(Operand),
}

impl Operation for Choose {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(ChooseKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<ChooseKwargs>() else { return call.fail() };
        let other = match &kwargs.other {
            None => Some(Side::Constant(Scalar::Null(()))),
            Some(operand) => call.operand(operand, "other"),
        };
        let (Some(condition), Some(other)) = (Resolved::new(call, &kwargs.cond), other) else { return call.fail() };
        call.each(|call, column| {
            let holds = match &condition {
                Resolved::Flag(slot) => *slot,
                Resolved::Comparison(relation, kwarg, side) => compare(call, column, (kwarg, side), *relation)?,
            };
            let made = choose(call, column, (holds, self.kept_when), &other)?;
            let makes_null = matches!(&other, Side::Constant(value) if value.is_null_in(&column.data_type));
            Some(if makes_null { made.null_where("the condition says so, and `other` is null") } else { made })
        });
    }
}

/// A condition whose columns are found, once for all columns that it is asked of.
enum Resolved {
    /// A slot that says where it holds.
    Flag(Slot),
    /// How each value stands to the other side, which the keyword argument names.
    Comparison(Relation, String, Side),
}

impl Resolved {
    fn new(call: &mut Call<'_, '_>, condition: &Condition) -> Option<Self> {
        let (relation, operand, kwarg) = match condition {
            Condition::Column(name) => {
                let pointer = call.at("cond/column");
                let flag = call.column(name, &pointer)?;
                if flag.data_type != DataType::Boolean || flag.nullable {
                    call.mismatch(&flag, "a condition is a Boolean column without nulls", "make it with a comparison, or use `fillna`");
                    return None;
                }
                return Some(Self::Flag(call.array(&flag)));
            }
            Condition::Eq(operand) => (Relation::Eq, operand, "eq"),
            Condition::Ne(operand) => (Relation::Ne, operand, "ne"),
            Condition::Lt(operand) => (Relation::Lt, operand, "lt"),
            Condition::Le(operand) => (Relation::Le, operand, "le"),
            Condition::Gt(operand) => (Relation::Gt, operand, "gt"),
            Condition::Ge(operand) => (Relation::Ge, operand, "ge"),
        };
        let kwarg = format!("cond/{kwarg}");
        let side = call.operand(operand, &kwarg)?;
        Some(Self::Comparison(relation, kwarg, side))
    }
}

struct Clip;

/// Keyword arguments of `clip`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClipKwargs {
    /// The least value.
    #[serde(default)]
    lower: Option<Scalar>,
    /// The greatest value.
    #[serde(default)]
    upper: Option<Scalar>,
}

impl Operation for Clip {
    fn name(&self) -> &'static str {
        "clip"
    }

    fn summary(&self) -> &'static str {
        "Brings values beyond a bound to the bound"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(ClipKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Columns
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(ClipKwargs { lower, upper }) = call.kwargs() else { return call.fail() };
        let mut bounds = Vec::new();
        for (kwarg, bound) in [("lower", &lower), ("upper", &upper)] {
            // A bound of NaN is no bound, as in pandas.
            let bound = bound.as_ref().filter(|bound| !bound.is_null());
            let Some(value) = bound else {
                bounds.push(None);
                continue;
            };
            if value.number().is_none() {
                call.wrong(kwarg, format!("{} is no number", value.show()), "bounds are numbers");
                return call.fail();
            }
            bounds.push(value.number().filter(|value| !value.is_nan()).map(|_| value.clone()));
        }
        // Bounds in the wrong order are exchanged, as in pandas.
        if let [Some(low), Some(high)] = bounds.as_slice()
            && low.number() > high.number()
        {
            bounds.reverse();
        }
        call.each(|call, column| clip(call, column, bounds[0].as_ref(), bounds[1].as_ref()));
    }
}

fn clip(call: &mut Call<'_, '_>, column: &Column, lower: Option<&Scalar>, upper: Option<&Scalar>) -> Option<Column> {
    if !lanes::is_numeric(&column.data_type) || column.data_type == DataType::Boolean {
        call.mismatch(column, "it holds no numbers", "convert it with `astype` first");
        return None;
    }
    let mut clipped = column.clone();
    for (kwarg, bound, relation) in [("lower", lower, Relation::Ge), ("upper", upper, Relation::Le)] {
        let Some(bound) = bound else { continue };
        // pandas compares the values as they came with both bounds, and null with none.
        let null_stays = column.nullable;
        let holds = compare(call, column, (kwarg, &Side::Constant(bound.clone())), relation)?;
        let holds = if null_stays { or_null(call, column, holds) } else { holds };
        let nullable = clipped.nullable;
        clipped = Column { nullable, ..choose(call, &clipped, (holds, true), &Side::Constant(bound.clone()))? };
    }
    Some(clipped)
}

/// Where the condition holds or the value is null.
fn or_null(call: &mut Call<'_, '_>, column: &Column, condition: Slot) -> Slot {
    let slot = call.array(column);
    call.kernel(&[slot, condition], |inputs, _| {
        let holds = &lanes::null_mask(inputs.array(0)) | inputs.array(1).as_boolean().values();
        Arc::new(BooleanArray::new(holds, None))
    })
}
