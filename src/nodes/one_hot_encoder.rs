//! The OneHotEncoder node: a column of its own for each category, as scikit-learn's `OneHotEncoder` makes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pandas::{Call, Coder, Dtype, Scalar, as_held, is_float, is_numeric, rebuild, write_python_float32};
use super::{Column, Frame, Node, Planning, Slot};
use crate::dataset::{Phase, Reason, Rejection, Rows, Statistic};

/// Puts a group of 0/1 columns in the place of each feature, the groups behind the columns that stay.
pub(super) struct OneHotEncoder;

/// Parameters of OneHotEncoder, under scikit-learn's names.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The columns to encode, in the order of their groups: text, numbers or Booleans.
    #[schemars(length(min = 1))]
    features: Vec<String>,
    /// The categories of each feature, in the order of `features` or by name; null is one where nulls have a column of their own. What is
    /// not given is what `caz fit` froze. Numbers must ascend.
    #[serde(default)]
    categories: Option<Categories>,
    /// What becomes of an event with a value that is no category.
    #[serde(default)]
    handle_unknown: HandleUnknown,
    /// The categories that get no column: the first of each feature, the first of those with two, or one by name for each feature.
    #[serde(default)]
    drop: Option<Drop>,
    /// The type of the new columns, `bool` or a number's; `float64` without it.
    #[serde(default)]
    dtype: Option<Dtype>,
    /// Refused: which categories are infrequent follows from counts of the training data.
    #[serde(default)]
    min_frequency: Option<serde_json::Value>,
    /// Refused, as `min_frequency`.
    #[serde(default)]
    max_categories: Option<serde_json::Value>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Categories {
    /// `auto`: what `caz fit` froze.
    Auto(Auto),
    /// One list for each feature.
    Lists(Vec<Vec<Scalar>>),
    /// By feature; the others are frozen.
    Features(BTreeMap<String, Vec<Scalar>>),
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Auto {
    Auto,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum HandleUnknown {
    /// It is a dead letter.
    #[default]
    Error,
    /// All columns of the feature are 0.
    Ignore,
    /// Refused: see `min_frequency`.
    InfrequentIfExist,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Drop {
    /// By rule.
    Rule(DropRule),
    /// One category for each feature.
    Categories(Vec<Scalar>),
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum DropRule {
    /// The first category of each feature.
    First,
    /// The first category of each feature that has two.
    IfBinary,
}

impl Node for OneHotEncoder {
    fn type_name(&self) -> &'static str {
        "OneHotEncoder"
    }

    fn summary(&self) -> &'static str {
        "Makes a column of 0 and 1 for each category, as scikit-learn's OneHotEncoder"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn types(&self) -> &'static str {
        "Text, numbers, Booleans and categories are encoded; each category becomes a `float64` column, as scikit-learn's encoder makes them."
    }

    fn nulls(&self) -> &'static str {
        "Null is a category of its own where it is among the categories; else it is a value that is no category, and `handle_unknown` says what becomes of it."
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        let Some(params) = planning.params::<Params>() else { return planning.open_input() };
        let frame = planning.input().clone();
        let features: Vec<(String, String)> =
            params.features.iter().enumerate().map(|(at, name)| (name.clone(), format!("/params/features/{at}"))).collect();
        let mut call = Call::of_node(planning, frame, "OneHotEncoder", features.clone());
        check(&mut call, &params);
        let mut groups: Vec<Column> = Vec::new();
        for (at, (name, pointer)) in features.iter().enumerate() {
            match call.column(name, pointer).and_then(|column| encode(&mut call, &column, at, &params)) {
                Some(columns) => groups.extend(columns),
                None => call.frame.set_open(),
            }
        }
        let kept = call.frame.columns().iter().filter(|column| !params.features.iter().any(|name| **name == *column.name));
        let columns = kept.cloned().chain(groups).collect();
        rebuild(&mut call, columns, "features");
        call.frame
    }
}

/// Reports what is wrong whatever the features are.
fn check(call: &mut Call<'_, '_>, params: &Params) {
    const INFREQUENT: &str = "which categories are infrequent follows from the counts of the training data, which no graph holds";
    const GROUP: &str = "group rare categories before, with `map` and its `default`, and list the groups in `categories`";
    if params.handle_unknown == HandleUnknown::InfrequentIfExist {
        call.wrong("handle_unknown", format!("`infrequent_if_exist` is refused: {INFREQUENT}"), GROUP);
    }
    for (name, given) in [("min_frequency", &params.min_frequency), ("max_categories", &params.max_categories)] {
        if given.as_ref().is_some_and(|given| !given.is_null()) {
            call.wrong(name, format!("`{name}` is refused: {INFREQUENT}"), GROUP);
        }
    }
    if params.dtype.is_some_and(|dtype| !is_numeric(&dtype.data_type())) {
        call.wrong("dtype", "the new columns are numbers or Booleans", "leave `dtype` out, or give a number's type");
    }
    let features = params.features.len();
    if let Some(Categories::Lists(lists)) = &params.categories
        && lists.len() != features
    {
        call.wrong("categories", format!("{} lists for {features} features", lists.len()), "give one list for each feature");
    }
    if let Some(Categories::Features(lists)) = &params.categories {
        for name in lists.keys().filter(|name| !params.features.contains(name)) {
            let help = format!("features: {}", params.features.join(", "));
            call.wrong(&format!("categories/{name}"), format!("`{name}` is not among the features"), &help);
        }
    }
    if let Some(Drop::Categories(drop)) = &params.drop
        && drop.len() != features
    {
        call.wrong("drop", format!("{} categories for {features} features", drop.len()), "give one category for each feature");
    }
    for (at, name) in params.features.iter().enumerate() {
        if params.features[..at].contains(name) {
            call.wrong(&format!("features/{at}"), format!("feature `{name}` is there twice"), "name each feature once");
        }
    }
}

/// The columns of one feature; `None` when something is wrong with it, which is reported.
fn encode(call: &mut Call<'_, '_>, column: &Column, at: usize, params: &Params) -> Option<Vec<Column>> {
    let text = matches!(column.data_type, DataType::Utf8 | DataType::Dictionary(_, _));
    if !(text || is_numeric(&column.data_type)) {
        call.mismatch(column, "values of this type are no categories", "text, numbers and Booleans are; take parts of a time with `dt.*`");
        return None;
    }
    let (given, kwarg) = categories(call, column, at, params)?;
    let categories = held(call, column, given, &kwarg)?;
    let dropped = dropped(call, column, &categories, at, params)?;
    let (nulls, mut values): (Vec<_>, Vec<_>) = categories.iter().cloned().zip(0..).partition(|(category, _)| category.is_null());
    // What is no category is told apart until it is rejected.
    let ignored = params.handle_unknown == HandleUnknown::Ignore;
    let null = nulls.first().map_or(if ignored { NOT_LISTED } else { NULL }, |(_, code)| *code);
    values.extend([f64::INFINITY, f64::NEG_INFINITY].map(|infinity| (Scalar::Float(infinity), INFINITE)));
    let coder = Coder::new(column, &values, NOT_LISTED, null)?;
    let mut codes = call.codes(column, coder);
    if !ignored || is_float(&column.data_type) {
        codes = reject_below(call, codes, if ignored { NOT_LISTED } else { 0 }, column);
    }
    let data_type = params.dtype.map_or(DataType::Float64, Dtype::data_type);
    let named = |(category, code): (&Scalar, i32)| Column {
        name: format!("{}_{}", column.name, spell(category, column)).into(),
        origin: call.planning.id().into(),
        ..call.made_indicator(codes, code, data_type.clone())
    };
    Some(categories.iter().zip(0..).filter(|(_, code)| Some(*code) != dropped).map(named).collect())
}

/// The codes of what is no category: a value, a null that is to be rejected, and infinity, which scikit-learn takes in no case.
const NOT_LISTED: i32 = -1;
const NULL: i32 = -2;
const INFINITE: i32 = -3;

/// The categories of a feature with where they are given.
fn categories(call: &mut Call<'_, '_>, column: &Column, at: usize, params: &Params) -> Option<(Vec<Scalar>, String)> {
    let name = column.name.as_ref();
    match &params.categories {
        Some(Categories::Lists(lists)) => return Some((lists.get(at)?.clone(), format!("categories/{at}"))),
        Some(Categories::Features(lists)) if lists.contains_key(name) => {
            let kwarg = format!("categories/{}", name.replace('~', "~0").replace('/', "~1"));
            return Some((lists[name].clone(), kwarg));
        }
        _ => {}
    }
    // A Boolean has two values, whatever the data.
    if column.data_type == DataType::Boolean && !column.nullable {
        return Some((vec![Scalar::Bool(false), Scalar::Bool(true)], String::new()));
    }
    let pointer = format!("/params/features/{at}");
    Some((call.frozen_list(column, &Statistic::Categories, &pointer)?, format!("features/{at}")))
}

/// The categories as the column holds them; what scikit-learn refuses is reported: other types, duplicates, numbers that do not ascend.
fn held(call: &mut Call<'_, '_>, column: &Column, given: Vec<Scalar>, kwarg: &str) -> Option<Vec<Scalar>> {
    let of_number = is_float(&column.data_type) || column.data_type.is_integer();
    let categories: Vec<Scalar> = given.into_iter().map(|category| as_category(category, &column.data_type)).collect();
    call.keeps_digits(column, &categories)?;
    let fits = |category: &Scalar| match (category, &column.data_type) {
        // An integer column has no nulls.
        (category, data_type) if category.is_null() => !data_type.is_integer(),
        (Scalar::Text(_), data_type) => matches!(data_type, DataType::Utf8 | DataType::Dictionary(_, _)),
        (Scalar::Bool(_), data_type) => *data_type == DataType::Boolean,
        (Scalar::Int(_), data_type) => data_type.is_integer(),
        (Scalar::Float(value), data_type) => is_float(data_type) && value.is_finite(),
        (Scalar::Null(()), _) => false,
    };
    let mut right = true;
    for (index, category) in categories.iter().enumerate() {
        let problem = match category {
            category if !fits(category) => format!("{} is no value of column `{}` ({})", category.show(), column.name, column.dtype()),
            category if categories[..index].iter().any(|earlier| equal(earlier, category)) => {
                format!("category {} of column `{}` is there twice", category.show(), column.name)
            }
            category if of_number && index > 0 && !ascends(&categories[index - 1], category) => {
                format!("category {} of column `{}` does not follow in order: numbers must ascend, null last", category.show(), column.name)
            }
            _ => continue,
        };
        call.wrong(kwarg, problem, "give each category once, in the type of the column; numbers ascending");
        right = false;
    }
    if categories.is_empty() {
        call.wrong(kwarg, format!("column `{}` has no categories", column.name), "give at least one");
    }
    (right && !categories.is_empty()).then_some(categories)
}

/// A category in the column's type; `inf` and `nan` are numbers in a float column only.
fn as_category(category: Scalar, data_type: &DataType) -> Scalar {
    match (&category, category.number()) {
        (Scalar::Text(_), Some(number)) if is_float(data_type) => as_held(Scalar::Float(number), data_type),
        _ => as_held(category, data_type),
    }
}

fn equal(one: &Scalar, other: &Scalar) -> bool {
    one == other || (one.is_null() && other.is_null())
}

fn ascends(one: &Scalar, next: &Scalar) -> bool {
    match (one, next) {
        (Scalar::Int(one), Scalar::Int(next)) => one < next,
        (one, next) => !one.is_null() && (next.is_null() || one.number() < next.number()),
    }
}

/// The code of the category that gets no column, if one is dropped; the outer `None` when it is not there, which is reported.
fn dropped(call: &mut Call<'_, '_>, column: &Column, categories: &[Scalar], at: usize, params: &Params) -> Option<Option<i32>> {
    let position = match &params.drop {
        None => return Some(None),
        Some(Drop::Rule(DropRule::First)) => 0,
        Some(Drop::Rule(DropRule::IfBinary)) if categories.len() == 2 => 0,
        Some(Drop::Rule(DropRule::IfBinary)) => return Some(None),
        Some(Drop::Categories(drop)) => {
            let wanted = as_category(drop.get(at)?.clone(), &column.data_type);
            match categories.iter().position(|category| equal(category, &wanted)) {
                Some(position) => position,
                None => {
                    let known: Vec<String> = categories.iter().map(Scalar::show).collect();
                    let message = format!("{} is not among the categories of column `{}`", wanted.show(), column.name);
                    let help = format!("categories: {}", super::list(known.iter().map(String::as_str)));
                    call.wrong(&format!("drop/{at}"), message, &help);
                    return None;
                }
            }
        }
    };
    Some(i32::try_from(position).ok())
}

/// A category as scikit-learn spells it in the name of its column.
fn spell(category: &Scalar, column: &Column) -> String {
    match category {
        category if category.is_null() && !is_float(&column.data_type) => "None".into(),
        Scalar::Float(value) if column.data_type == DataType::Float32 && !value.is_nan() => {
            let mut text = String::new();
            write_python_float32(*value as f32, &mut text);
            text
        }
        category => category.python_str(),
    }
}

/// The same codes; rows with one below `least` go to the dead letters.
fn reject_below(call: &mut Call<'_, '_>, codes: Slot, least: i32, column: &Column) -> Slot {
    let field = column.name.to_string();
    call.rejecting_kernel(&[codes], move |inputs, rows| {
        let array = inputs.array(0);
        let found = array.as_primitive::<Int32Type>().values();
        if found.iter().any(|code| *code < least) {
            reject_rows(found, least, &field, rows);
        }
        Arc::clone(array)
    })
}

fn reject_rows(codes: &[i32], least: i32, field: &str, rows: &mut Rows) {
    for (row, code) in codes.iter().enumerate().filter(|(_, code)| **code < least) {
        let (reason, message) = match *code {
            NULL => (Reason::UnexpectedNull, "null is not among the encoder's categories"),
            INFINITE => (Reason::NotFinite, "infinity can be no category"),
            _ => (Reason::Conversion, "the value is not among the encoder's categories"),
        };
        rows.reject(row, Rejection::new(Phase::Graph, reason, message).field(field.to_owned()));
    }
}
