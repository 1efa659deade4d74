//! `map`: values through a dict.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::coder::Coder;
use super::lanes;
use super::operation::{Call, Operation, Scope};
use super::scalar::Scalar;
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&Map];

struct Map;

/// Keyword arguments of `map`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// The dict: values to what they become. Keys are read in the column's type: on a number column `1` and `1.0` both match 1, on a text
    /// column `1` matches the text "1".
    arg: BTreeMap<String, Scalar>,
    /// What a value that is no key becomes, null included, as in a `defaultdict`; without it such a value becomes null.
    #[serde(default)]
    default: Option<Scalar>,
    /// What null becomes, as the key `None` in a dict: a key in YAML or JSON cannot be null.
    #[serde(default)]
    null: Option<Scalar>,
    /// `ignore` leaves nulls null whatever `default` and `null` say; null and 0 do not.
    #[serde(default)]
    na_action: Option<NaAction>,
}

/// What becomes of nulls.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(untagged)]
enum NaAction {
    /// Leaves them null.
    Ignore(IgnoreNull),
    /// No action: the number 0, which published graphs have, reads as null.
    None(Zero),
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum IgnoreNull {
    Ignore,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "u8")]
struct Zero;

impl TryFrom<u8> for Zero {
    type Error = &'static str;

    fn try_from(value: u8) -> Result<Self, Self::Error> {
        if value == 0 { Ok(Self) } else { Err("expected: null, 'ignore' or 0") }
    }
}

impl JsonSchema for Zero {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zero".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"const": 0})
    }
}

impl Operation for Map {
    fn name(&self) -> &'static str {
        "map"
    }

    fn summary(&self) -> &'static str {
        "Replaces each value by what a dict has for it"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<Kwargs>() else { return call.fail() };
        call.each(|call, column| plan(call, column, &kwargs));
    }
}

fn plan(call: &mut Call<'_, '_>, column: &Column, kwargs: &Kwargs) -> Option<Column> {
    // The possible results, and each key's position among them.
    let mut results: Vec<Scalar> = Vec::new();
    let mut position = |result: &Scalar| -> i32 {
        if result.is_null() {
            return -1;
        }
        // 0.0 and -0.0 are equal, and two results.
        let is_result = |existing: &Scalar| match (existing, result) {
            (Scalar::Float(one), Scalar::Float(other)) => one.to_bits() == other.to_bits(),
            _ => existing == result,
        };
        let at = results.iter().position(is_result).unwrap_or_else(|| {
            results.push(result.clone());
            results.len() - 1
        });
        i32::try_from(at).unwrap_or(-1)
    };
    let mut keys = Vec::with_capacity(kwargs.arg.len());
    let mut wrong = Vec::new();
    let mut null_result = kwargs.null.as_ref();
    for (key, result) in &kwargs.arg {
        match read_key(key, column) {
            Some(Scalar::Null(())) => null_result = null_result.or(Some(result)),
            Some(read) => keys.push((read, position(result))),
            None => wrong.push(key.clone()),
        }
    }
    for key in &wrong {
        let message = format!("key '{key}' equals no value of column `{}`, which is {}", column.name, column.dtype());
        call.wrong(&format!("arg/{}", key.replace('~', "~0").replace('/', "~1")), message, "keys are written in the column's type");
    }
    if !wrong.is_empty() {
        return None;
    }
    call.keeps_digits(column, keys.iter().map(|(key, _)| key))?;
    let otherwise = kwargs.default.as_ref().map_or(-1, &mut position);
    let null = match (kwargs.na_action, null_result) {
        (Some(NaAction::Ignore(_)), _) => -1,
        (_, Some(result)) => position(result),
        (_, None) => otherwise,
    };
    // A Boolean has two values: keys for both leave nothing to `otherwise`.
    let is_key = |wanted: bool| keys.iter().any(|(key, _)| *key == Scalar::Bool(wanted));
    let all_keys = is_key(true) && is_key(false);
    let nullable = (otherwise < 0 && !all_keys) || (column.nullable && null < 0) || keys.iter().any(|(_, code)| *code < 0);
    let Some(coder) = Coder::new(column, &keys, otherwise, null) else {
        call.mismatch(column, "values of this type have no dict key", "map takes text, numbers, Booleans and categories");
        return None;
    };
    let Some(kind) = Kind::of(&results) else {
        let shown: Vec<String> = results.iter().take(4).map(Scalar::show).collect();
        let message = format!("the results are of several types ({}), which pandas keeps as Python objects", shown.join(", "));
        call.wrong("arg", message, "give all results one type: text, numbers or Booleans");
        return None;
    };
    let codes = call.codes(column, coder);
    let made = kind.column(call, codes, &results, nullable);
    Some(if otherwise < 0 && !all_keys { made.null_where("the value is no key of `arg`") } else { made })
}

/// A key as the column's type reads it; `null`, `nan` and `None` are null where text cannot be meant.
pub(super) fn read_key(key: &str, column: &Column) -> Option<Scalar> {
    match &column.data_type {
        DataType::Utf8 | DataType::Dictionary(_, _) => Some(Scalar::Text(key.to_owned())),
        _ if matches!(key, "null" | "nan" | "None" | "NaN" | "~") => Some(Scalar::Null(())),
        DataType::Timestamp(_, _) => Some(Scalar::Text(key.to_owned())),
        DataType::Boolean => match key {
            "true" | "True" => Some(Scalar::Bool(true)),
            "false" | "False" => Some(Scalar::Bool(false)),
            // Beside nulls Booleans are Python objects, of which True equals 1; by themselves they are apart from numbers.
            number if column.nullable => match number.parse::<f64>() {
                Ok(1.0) => Some(Scalar::Bool(true)),
                Ok(0.0) => Some(Scalar::Bool(false)),
                _ => None,
            },
            _ => None,
        },
        _ => match key.parse::<i64>() {
            Ok(value) => Some(Scalar::Int(value)),
            Err(_) => key.parse::<f64>().ok().map(Scalar::Float),
        },
    }
}

/// The type of a set of results.
pub(super) enum Kind {
    /// Text.
    Text,
    /// Whole numbers.
    Int,
    /// Numbers.
    Float,
    /// Booleans.
    Bool,
}

impl Kind {
    /// The one type that holds all of these as pandas infers it; `None` when it would be Python objects. No result at all is all null:
    /// `float64` there.
    pub(super) fn of(results: &[Scalar]) -> Option<Self> {
        match results {
            [] => Some(Self::Float),
            all if all.iter().all(|result| matches!(result, Scalar::Bool(_))) => Some(Self::Bool),
            all if all.iter().all(|result| matches!(result, Scalar::Int(_))) => Some(Self::Int),
            // Infinities are text that stands for numbers.
            all if all.iter().all(|result| result.number().is_some_and(|number| !number.is_nan())) => Some(Self::Float),
            all if all.iter().all(|result| matches!(result, Scalar::Text(_))) => Some(Self::Text),
            _ => None,
        }
    }

    /// The column of `results` at `codes`; -1 is null. Whole numbers with nulls are `float64`.
    pub(super) fn column(self, call: &mut Call<'_, '_>, codes: crate::nodes::Slot, results: &[Scalar], nullable: bool) -> Column {
        let numbers = || std::iter::once(f64::NAN).chain(results.iter().map(|result| result.number().unwrap_or(f64::NAN))).collect();
        match self {
            Self::Text => {
                let texts = results.iter().map(Scalar::python_str).collect::<Vec<_>>();
                call.made_codes(codes, texts.into(), nullable)
            }
            Self::Int if !nullable => {
                let int = |result: &Scalar| if let Scalar::Int(value) = result { *value } else { 0 };
                let table: Vec<i64> = std::iter::once(0).chain(results.iter().map(int)).collect();
                let slot = call.gather(codes, table, |values| lanes::int_array(values, &DataType::Int64));
                call.made(DataType::Int64, false, slot)
            }
            Self::Int | Self::Float => {
                let slot = call.gather(codes, numbers(), |values| lanes::float_array(values, &DataType::Float64));
                call.made(DataType::Float64, nullable, slot)
            }
            Self::Bool => {
                let table = std::iter::once(None).chain(results.iter().map(|result| Some(*result == Scalar::Bool(true)))).collect();
                let slot = call.gather(codes, table, |values: Vec<Option<bool>>| Arc::new(BooleanArray::from(values)) as ArrayRef);
                call.made(DataType::Boolean, nullable, slot)
            }
        }
    }
}
