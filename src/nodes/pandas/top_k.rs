//! `top_k`: the most frequent values of the training data keep their own name, the rest share one.

use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::coder::{Coder, as_held};
use super::lanes;
use super::operation::{Call, Operation, Scope};
use super::scalar::Scalar;
use crate::dataset::Statistic;
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&TopK];

struct TopK;

/// The most values that are frozen.
const MOST_VALUES: u32 = 10_000;

/// Keyword arguments of `top_k`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// How many values are kept; of equally frequent ones the smaller.
    k: u32,
    /// What every other value becomes, null included; of the column's type.
    others: Scalar,
}

impl Operation for TopK {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn summary(&self) -> &'static str {
        "Keeps the k most frequent values of the training data, as pandas' `s.where(s.isin(top), others)`"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(Kwargs { k, others }) = call.kwargs::<Kwargs>() else { return call.fail() };
        if !(1..=MOST_VALUES).contains(&k) {
            call.wrong("k", format!("{k} values; there can be 1 to {MOST_VALUES}"), "give a number in that range");
            return call.fail();
        }
        call.each(|call, column| plan(call, column, k, &others));
    }
}

fn plan(call: &mut Call<'_, '_>, column: &Column, k: u32, others: &Scalar) -> Option<Column> {
    let fits = match &column.data_type {
        DataType::Utf8 => matches!(others, Scalar::Text(_)),
        data_type if data_type.is_integer() => matches!(others, Scalar::Int(_)),
        DataType::Float64 => matches!(others, Scalar::Int(_) | Scalar::Float(_)),
        DataType::Dictionary(_, _) => {
            call.mismatch(column, "the categories would change with it", "group before the column becomes a category");
            return None;
        }
        _ => {
            call.mismatch(column, "its values are not grouped", "top_k takes text, integers and float64");
            return None;
        }
    };
    if !fits {
        let reason = format!("{} among its values gives Python objects in pandas", others.show());
        call.mismatch(column, reason, "give `others` a value of the column's type");
        return None;
    }
    if let Scalar::Int(value) = others {
        call.holds(column, *value)?;
    }
    let pointer = call.at("k");
    let mut results = call.frozen_values(column, &Statistic::Top(k), &pointer)?;
    let keys: Vec<(Scalar, i32)> = results.iter().cloned().zip(0..).collect();
    results.push(as_held(others.clone(), &column.data_type));
    let otherwise = i32::try_from(keys.len()).ok()?;
    let coder = Coder::new(column, &keys, otherwise, otherwise)?;
    let codes = call.codes(column, coder);
    Some(match &column.data_type {
        DataType::Utf8 => {
            let texts: Vec<String> = results.iter().map(Scalar::python_str).collect();
            call.made_codes(codes, texts.into(), false)
        }
        data_type if data_type.is_integer() => {
            let written = data_type.clone();
            let int = |value: &Scalar| if let Scalar::Int(value) = value { *value } else { 0 };
            let table = std::iter::once(0).chain(results.iter().map(int)).collect();
            let slot = call.gather(codes, table, move |values| lanes::int_array(values, &written));
            call.made(data_type.clone(), false, slot)
        }
        data_type => {
            let table = std::iter::once(f64::NAN).chain(results.iter().map(|value| value.number().unwrap_or(f64::NAN))).collect();
            let slot = call.gather(codes, table, |values| lanes::float_array(values, &DataType::Float64));
            call.made(data_type.clone(), false, slot)
        }
    })
}
