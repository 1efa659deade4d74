//! `factorize`: values to their numbers in a frozen order.

use std::collections::HashSet;

use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::coder::Coder;
use super::lanes;
use super::operation::{Call, Operation, Scope};
use super::scalar::Scalar;
use crate::dataset::Statistic;
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&Factorize];

struct Factorize;

/// Keyword arguments of `factorize`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// Whether values are numbered in sorted order; else in the order in which the training data first has them.
    #[serde(default)]
    sort: bool,
}

impl Operation for Factorize {
    fn name(&self) -> &'static str {
        "factorize"
    }

    fn summary(&self) -> &'static str {
        "Numbers the values of the training data; null and a value that it does not have are -1"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(Kwargs { sort }) = call.kwargs::<Kwargs>() else { return call.fail() };
        let statistic = if sort { Statistic::Categories } else { Statistic::Order };
        call.each(|call, column| plan(call, column, &statistic));
    }
}

fn plan(call: &mut Call<'_, '_>, column: &Column, statistic: &Statistic) -> Option<Column> {
    let known = |data_type: &DataType| lanes::is_numeric(data_type) || matches!(data_type, DataType::Utf8 | DataType::Dictionary(_, _));
    if !known(&column.data_type) {
        call.mismatch(column, "values of this type are not numbered", "factorize takes text, numbers, Booleans and categories");
        return None;
    }
    let pointer = call.column_pointer(&column.name);
    let mut values = call.frozen_values(column, statistic, &pointer)?;
    // Categories have an order of their own, which is not that of their texts.
    if let (Statistic::Categories, Some(order)) = (statistic, &column.categories) {
        let present: HashSet<String> = values.iter().map(Scalar::python_str).collect();
        values = order.iter().filter(|category| present.contains(*category)).cloned().map(Scalar::Text).collect();
    }
    let keys: Vec<(Scalar, i32)> = values.into_iter().zip(0..).collect();
    let coder = Coder::new(column, &keys, -1, -1)?;
    let codes = call.codes(column, coder);
    let table = std::iter::once(-1).chain((0..).take(keys.len())).collect();
    let slot = call.gather(codes, table, |values: Vec<i64>| lanes::int_array(values, &DataType::Int64));
    Some(call.made(DataType::Int64, false, slot))
}
