//! `get_dummies`: one Boolean column for each category.

use std::collections::BTreeMap;

use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::astype::Dtype;
use super::coder::Coder;
use super::columns::{is_object, rebuild};
use super::lanes::is_numeric;
use super::operation::{Call, Operation, Scope};
use super::scalar::{Scalar, python_float};
use crate::dataset::Statistic;
use crate::diagnostic::{Code, Diagnostic, join, nearest};
use crate::nodes::{Column, list};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&GetDummies];

struct GetDummies;

/// Keyword arguments of `get_dummies`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kwargs {
    /// The columns to encode, in the order of their groups; without it (and without `cols`) all text and category columns,
    /// and Booleans that can be null. Other objects, such as dates and lists, are then refused: they are not encoded.
    #[serde(default)]
    columns: Option<Vec<String>>,
    /// What stands before the category in a name: for all columns, one each, or by column; without it the column's name.
    #[serde(default)]
    prefix: Option<Names>,
    /// What stands between prefix and category.
    #[serde(default)]
    prefix_sep: Option<Names>,
    /// Whether nulls have a column of their own, `prefix_nan`. Beside it integers are spelled as floats, `prefix_1.0`, as in pandas.
    #[serde(default)]
    dummy_na: bool,
    /// Whether the first category gets no column.
    #[serde(default)]
    drop_first: bool,
    /// The type of the new columns; bool without it.
    #[serde(default)]
    dtype: Option<Dtype>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Names {
    /// For all columns.
    One(String),
    /// One for each column, in their order.
    List(Vec<String>),
    /// By column.
    Columns(BTreeMap<String, String>),
}

impl Names {
    fn of(names: Option<&Self>, index: usize, column: &str, otherwise: &str) -> String {
        let given = match names {
            None => None,
            Some(Self::One(name)) => Some(name),
            Some(Self::List(names)) => names.get(index),
            Some(Self::Columns(names)) => names.get(column),
        };
        given.map_or(otherwise, String::as_str).to_owned()
    }

    fn len(&self) -> Option<usize> {
        match self {
            Self::One(_) => None,
            Self::List(names) => Some(names.len()),
            Self::Columns(names) => Some(names.len()),
        }
    }
}

impl Operation for GetDummies {
    fn name(&self) -> &'static str {
        "get_dummies"
    }

    fn summary(&self) -> &'static str {
        "Replaces columns by one Boolean column for each of their categories"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(Kwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Frame
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<Kwargs>() else { return call.frame.set_open() };
        if kwargs.columns.is_some() && call.cols.is_some() {
            call.wrong("columns", "`columns` and `cols` exclude each other", "name the columns in one of them");
        }
        let subjects = subjects(call, &kwargs);
        for (kwarg, names) in [("prefix", &kwargs.prefix), ("prefix_sep", &kwargs.prefix_sep)] {
            if let Some(count) = names.as_ref().and_then(Names::len).filter(|count| *count != subjects.len()) {
                call.wrong(
                    kwarg,
                    format!("{count} names for {} columns to encode", subjects.len()),
                    "give one for each column, or one for all",
                );
            }
            if let Some(Names::Columns(names)) = names {
                report_strangers(call, kwarg, names, &subjects);
            }
        }
        if kwargs.dtype.is_some_and(|dtype| !is_numeric(&dtype.data_type())) {
            call.wrong("dtype", "dummies are numbers or Booleans", "leave `dtype` out, or give a number's type");
        }
        let mut groups: Vec<Column> = Vec::new();
        for (index, (name, pointer)) in subjects.iter().enumerate() {
            let prefix = Names::of(kwargs.prefix.as_ref(), index, name, name);
            let separator = Names::of(kwargs.prefix_sep.as_ref(), index, name, "_");
            let made = call.column(name, pointer).and_then(|column| encode(call, &column, &kwargs, pointer));
            match made {
                Some(dummies) => {
                    groups.extend(
                        dummies.into_iter().map(|(level, dummy)| Column { name: format!("{prefix}{separator}{level}").into(), ..dummy }),
                    );
                }
                None => call.frame.set_open(),
            }
        }
        let kept = call.frame.columns().iter().filter(|column| !subjects.iter().any(|(name, _)| *name == *column.name));
        let columns = kept.cloned().chain(groups).collect();
        rebuild(call, columns, "columns");
    }
}

/// Reports each name of a mapping by column that is none of the columns to encode.
fn report_strangers(call: &mut Call<'_, '_>, kwarg: &str, names: &BTreeMap<String, String>, subjects: &[(String, String)]) {
    let encoded = || subjects.iter().map(|(name, _)| name.as_str());
    for name in names.keys().filter(|name| encoded().all(|encoded| encoded != name.as_str())) {
        let message = format!("node `{}`: `{}`: `{name}` is none of the columns to encode", call.planning.id(), call.name);
        let diagnostic = Diagnostic::error(Code::WrongValue, message).help(format!("columns to encode: {}", list(encoded())));
        let diagnostic = match nearest(name, encoded()) {
            Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
            None => diagnostic,
        };
        let pointer = join(&call.at(kwarg), name);
        call.report(diagnostic, &pointer);
    }
}

/// The columns to encode, with where each is asked for.
fn subjects(call: &Call<'_, '_>, kwargs: &Kwargs) -> Vec<(String, String)> {
    match (&kwargs.columns, &call.cols) {
        (Some(columns), _) => {
            let pointer = |index| call.at(&format!("columns/{index}"));
            columns.iter().enumerate().map(|(index, name)| (name.clone(), pointer(index))).collect()
        }
        (None, Some(cols)) => cols.clone(),
        (None, None) => {
            let is_subject = |column: &&Column| is_object(column) || matches!(column.data_type, DataType::Dictionary(_, _));
            call.frame.columns().iter().filter(is_subject).map(|column| (column.name.to_string(), call.pointer.clone())).collect()
        }
    }
}

/// The dummies of one column with the category that each stands for, as names spell it.
fn encode(call: &mut Call<'_, '_>, column: &Column, kwargs: &Kwargs, pointer: &str) -> Option<Vec<(String, Column)>> {
    let levels: Vec<Scalar> = match (&column.categories, &column.data_type) {
        (Some(categories), _) => categories.iter().cloned().map(Scalar::Text).collect(),
        (None, DataType::Timestamp(_, _)) => {
            call.mismatch(column, "times are no categories", "take the parts that you need with `dt.*`");
            return None;
        }
        (None, other) if !(is_numeric(other) || matches!(other, DataType::Utf8 | DataType::Dictionary(_, _))) => {
            let reason = "values of this type are no categories";
            if kwargs.columns.is_some() || call.cols.is_some() {
                call.mismatch(column, reason, "get_dummies takes text, numbers, Booleans and categories");
            } else {
                let at = format!("node `{}`: `{}` on {}", call.planning.id(), call.name, call.describe(column));
                let message = format!("{at}: {reason}, and without `columns` all objects are encoded");
                call.report(Diagnostic::error(Code::TypeMismatch, message).help("name the columns to encode in `columns`"), pointer);
            }
            return None;
        }
        // A Boolean has two values, whatever the data.
        (None, DataType::Boolean) if call.planning.frozen(&column.name, &Statistic::Categories).is_none() => {
            vec![Scalar::Bool(false), Scalar::Bool(true)]
        }
        (None, _) => call.frozen_values(column, &Statistic::Categories, pointer)?,
    };
    let count = i32::try_from(levels.len()).ok()?;
    let keys: Vec<(Scalar, i32)> = levels.iter().cloned().zip(0..).collect();
    let null = if kwargs.dummy_na { count } else { -1 };
    let coder = Coder::new(column, &keys, -1, null)?;
    let codes = call.codes(column, coder);
    // The null among the levels makes floats of integers.
    let spell = |level: &Scalar| match level {
        Scalar::Int(value) if kwargs.dummy_na => python_float(*value as f64),
        level => level.python_str(),
    };
    let mut names: Vec<String> = levels.iter().map(spell).collect();
    if kwargs.dummy_na {
        names.push("nan".into());
    }
    let first = usize::from(kwargs.drop_first);
    let data_type = kwargs.dtype.map_or(DataType::Boolean, Dtype::data_type);
    Some(names.into_iter().zip(0..).skip(first).map(|(name, code)| (name, call.made_indicator(codes, code, data_type.clone()))).collect())
}
