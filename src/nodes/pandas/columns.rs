//! Operations on the frame's columns as such: `drop`, `rename`, `reindex`, `select_dtypes`. They move names, never values.

use std::collections::BTreeMap;

use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lanes;
use super::operation::{Call, Operation, Scope};
use super::scalar::Scalar;
use crate::diagnostic::{Code, Diagnostic};
use crate::nodes::{Column, Frame, Source};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&Drop, &Rename, &Reindex, &SelectDtypes];

/// One name or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Names {
    /// One.
    One(String),
    /// Several.
    List(Vec<String>),
}

impl Names {
    /// The names with where each stands.
    fn with_pointers(self, pointer: &str) -> Vec<(String, String)> {
        match self {
            Self::One(name) => vec![(name, pointer.to_owned())],
            Self::List(names) => names.into_iter().enumerate().map(|(index, name)| (name, format!("{pointer}/{index}"))).collect(),
        }
    }
}

/// What becomes of a name that no column has.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Missing {
    /// It is a mistake.
    #[default]
    Raise,
    /// Nothing.
    Ignore,
}

struct Drop;

/// Keyword arguments of `drop`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DropKwargs {
    /// The columns to drop; without it those in `cols`.
    #[serde(default)]
    columns: Option<Names>,
    /// The columns to drop, with `axis: 1`.
    #[serde(default)]
    labels: Option<Names>,
    /// 1: columns.
    #[serde(default)]
    axis: Option<Axis>,
    /// What becomes of a name that no column has.
    #[serde(default)]
    errors: Missing,
}

/// The axis of columns.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Axis {
    /// 1.
    Number(i64),
    /// `columns`.
    Name(AxisName),
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum AxisName {
    Columns,
    Index,
}

impl Operation for Drop {
    fn name(&self) -> &'static str {
        "drop"
    }

    fn summary(&self) -> &'static str {
        "Takes columns out of the frame"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(DropKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Frame
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<DropKwargs>() else { return };
        if matches!(kwargs.axis, Some(Axis::Number(0) | Axis::Name(AxisName::Index))) || (kwargs.labels.is_some() && kwargs.axis.is_none())
        {
            return call.wrong(
                "axis",
                "rows have no labels in a stream",
                "name columns in `columns`, or skip rows with `dropna` or a Processor",
            );
        }
        let named = [kwargs.columns.is_some(), kwargs.labels.is_some(), call.cols.is_some()];
        if named.iter().filter(|named| **named).count() > 1 {
            return call.wrong("columns", "`columns`, `labels` and `cols` exclude each other", "name the columns in one of them");
        }
        let given = match (kwargs.columns, kwargs.labels) {
            (Some(columns), _) => Some(columns.with_pointers(&call.at("columns"))),
            (None, Some(labels)) => Some(labels.with_pointers(&call.at("labels"))),
            (None, None) => call.cols.clone(),
        };
        let Some(names) = given else {
            return call.wrong("columns", "it names no column to drop", "name them in `columns` or in `cols`");
        };
        for (name, pointer) in names {
            let gone = call.frame.remove(&name);
            if gone.is_none() && kwargs.errors == Missing::Raise {
                // Reports the name with the nearest one.
                let _ = call.column(&name, &pointer);
            }
        }
    }
}

struct Rename;

/// Keyword arguments of `rename`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RenameKwargs {
    /// Old name to new name. A name that no column has is passed over, as in pandas.
    columns: BTreeMap<String, String>,
    /// `raise` makes a name that no column has a mistake.
    #[serde(default = "ignore")]
    errors: Missing,
}

fn ignore() -> Missing {
    Missing::Ignore
}

impl Operation for Rename {
    fn name(&self) -> &'static str {
        "rename"
    }

    fn summary(&self) -> &'static str {
        "Gives columns other names"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(RenameKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Frame
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<RenameKwargs>() else { return call.frame.set_open() };
        refuse_cols(call);
        for name in kwargs.columns.keys().filter(|_| kwargs.errors == Missing::Raise) {
            let pointer = call.at("columns");
            let _ = call.column(name, &pointer);
        }
        let renamed: Vec<Column> = call
            .frame
            .columns()
            .iter()
            .map(|column| match kwargs.columns.get(column.name.as_ref()) {
                Some(name) => Column { name: name.as_str().into(), ..column.clone() },
                None => column.clone(),
            })
            .collect();
        rebuild(call, renamed, "columns");
    }
}

struct Reindex;

/// Keyword arguments of `reindex`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReindexKwargs {
    /// The columns of the result, in order. One that is not there is made, full of `fill_value`.
    columns: Vec<String>,
    /// What a new column holds; NaN without it.
    #[serde(default)]
    fill_value: Option<Scalar>,
}

impl Operation for Reindex {
    fn name(&self) -> &'static str {
        "reindex"
    }

    fn summary(&self) -> &'static str {
        "Brings the columns into a given order and makes those that are missing"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(ReindexKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Frame
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<ReindexKwargs>() else { return call.frame.set_open() };
        refuse_cols(call);
        let fill = kwargs.fill_value.unwrap_or(Scalar::Null(()));
        let mut columns = Vec::with_capacity(kwargs.columns.len());
        for name in &kwargs.columns {
            columns.push(match call.frame.get(name) {
                Some(column) => column.clone(),
                None => Column { name: name.as_str().into(), ..constant(call, &fill) },
            });
        }
        rebuild(call, columns, "columns");
    }
}

/// A column with one value in every row.
fn constant(call: &mut Call<'_, '_>, value: &Scalar) -> Column {
    match value {
        Scalar::Text(text) if value.number().is_none() => {
            let slot = call.kernel(&[], |_, rows| std::sync::Arc::new(arrow_array::Int32Array::from(vec![0; rows.len()])));
            call.made_codes(slot, [text.clone()].into(), false)
        }
        Scalar::Bool(value) => {
            let value = *value;
            let slot = call.kernel(&[], move |_, rows| lanes::bool_array(rows.len(), |_| value));
            call.made(DataType::Boolean, false, slot)
        }
        Scalar::Int(value) => {
            let value = *value;
            let slot = call.kernel(&[], move |_, rows| lanes::int_array(vec![value; rows.len()], &DataType::Int64));
            call.made(DataType::Int64, false, slot)
        }
        other => {
            let value = other.number().unwrap_or(f64::NAN);
            let slot = call.kernel(&[], move |_, rows| lanes::float_array(vec![value; rows.len()], &DataType::Float64));
            call.made(DataType::Float64, value.is_nan(), slot).null_where("no `fill_value` is given")
        }
    }
}

struct SelectDtypes;

/// Keyword arguments of `select_dtypes`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SelectKwargs {
    /// The types to keep.
    #[serde(default)]
    include: Option<Kinds>,
    /// The types to leave out.
    #[serde(default)]
    exclude: Option<Kinds>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Kinds {
    /// One.
    One(Kind),
    /// Several.
    List(Vec<Kind>),
}

/// A type, or a group of types.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Integers and floats.
    Number,
    /// Integers.
    Integer,
    /// `int64` and `int32`.
    Int,
    /// 64 bits.
    Int64,
    /// 32 bits.
    Int32,
    /// 16 bits.
    Int16,
    /// 8 bits.
    Int8,
    /// Floats.
    Floating,
    /// `float64` and `float32`.
    Float,
    /// 64 bits.
    Float64,
    /// 32 bits.
    Float32,
    /// Booleans.
    Bool,
    /// Text, and what pandas keeps as Python objects: Booleans that can be null, dates, times of day, decimals, bytes, lists, maps.
    Object,
    /// Categories.
    Category,
    /// Times without a zone.
    Datetime,
    /// Times with a zone.
    DatetimeTz,
}

impl Kind {
    fn holds(self, column: &Column) -> bool {
        let data_type = &column.data_type;
        match self {
            Self::Number => data_type.is_integer() || lanes::is_float(data_type),
            Self::Integer => data_type.is_integer(),
            Self::Int => matches!(data_type, DataType::Int64 | DataType::Int32),
            Self::Int64 => *data_type == DataType::Int64,
            Self::Int32 => *data_type == DataType::Int32,
            Self::Int16 => *data_type == DataType::Int16,
            Self::Int8 => *data_type == DataType::Int8,
            Self::Floating | Self::Float => lanes::is_float(data_type),
            Self::Float64 => *data_type == DataType::Float64,
            Self::Float32 => *data_type == DataType::Float32,
            Self::Bool => *data_type == DataType::Boolean && !column.nullable,
            Self::Object => is_object(column),
            Self::Category => matches!(data_type, DataType::Dictionary(_, _)),
            Self::Datetime => matches!(data_type, DataType::Timestamp(_, None)),
            Self::DatetimeTz => matches!(data_type, DataType::Timestamp(_, Some(_))),
        }
    }
}

/// Whether pandas keeps the column as Python objects, as it does all that NumPy and its own extensions have no type for.
pub(super) fn is_object(column: &Column) -> bool {
    match &column.data_type {
        DataType::Boolean => column.nullable,
        DataType::Dictionary(_, _) | DataType::Timestamp(_, _) => false,
        other => !lanes::is_numeric(other) && column.source != Source::Poisoned,
    }
}

impl Kinds {
    fn hold(&self, column: &Column) -> bool {
        match self {
            Self::One(kind) => kind.holds(column),
            Self::List(kinds) => kinds.iter().any(|kind| kind.holds(column)),
        }
    }
}

impl Operation for SelectDtypes {
    fn name(&self) -> &'static str {
        "select_dtypes"
    }

    fn summary(&self) -> &'static str {
        "Keeps the columns of some types"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(SelectKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Frame
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(SelectKwargs { include, exclude }) = call.kwargs() else { return call.frame.set_open() };
        refuse_cols(call);
        if include.is_none() && exclude.is_none() {
            return call.wrong("include", "neither `include` nor `exclude` names a type", "name the types to keep in `include`");
        }
        let kept = |column: &&Column| {
            let included = include.as_ref().is_none_or(|kinds| kinds.hold(column));
            let excluded = exclude.as_ref().is_some_and(|kinds| kinds.hold(column));
            included && !excluded
        };
        let columns = call.frame.columns().iter().filter(kept).cloned().collect();
        rebuild(call, columns, "include");
    }
}

/// Reports `cols` where the operation looks at the whole frame and would pass over it.
pub(super) fn refuse_cols(call: &mut Call<'_, '_>) {
    if call.cols.is_some() {
        call.wrong_call("cols", "it works on the whole frame", "leave `cols` out and name the columns in `kwargs`");
    }
}

/// Makes the call's frame of these columns; reports a name that stands twice.
pub(in crate::nodes) fn rebuild(call: &mut Call<'_, '_>, columns: Vec<Column>, kwarg: &str) {
    let mut frame = Frame::new();
    if call.frame.is_open() {
        frame.set_open();
    }
    for column in columns {
        if frame.get(&column.name).is_some() {
            let message = format!("node `{}`: `{}` makes two columns `{}`", call.planning.id(), call.name, column.name);
            let pointer = call.at(kwarg);
            let help = "column names are unique in a graph";
            call.report(Diagnostic::error(Code::AmbiguousColumn, message).help(help), &pointer);
        }
        frame.set(column);
    }
    call.frame = frame;
}
