//! The Pandas node: DataFrame and Series operations with pandas 2.2.3's answers, whatever the batch.
//!
//! An operation is one entry of [`operations`]; a family of operations is one file. Planning an operation checks its keyword arguments and
//! the types of its columns and leaves kernels, each specialised to what planning knows: a kernel tests the type of an array once a
//! batch, never once a row.
//!
//! # Invariants
//! - A column's type follows from the schema and the graph, never from values: `map` to whole numbers is `int64` where no row can be
//!   null and `float64` where one can, whether or not one is.
//! - An integer column has no nulls (pandas has no such column); in a float column NaN and null are the same.

mod arithmetic;
mod astype;
mod choose;
mod coder;
mod columns;
mod compare;
mod condition;
mod cut;
mod dt;
mod factorize;
mod fillna;
mod formula;
mod get_dummies;
pub(crate) mod lanes;
mod map;
mod math;
mod missing;
mod numbers;
mod objects;
mod operand;
mod operation;
mod qcut;
mod refused;
mod replace;
mod round;
mod scalar;
mod strptime;
mod text;
mod text_match;
mod text_parts;
mod timestamp;
mod to_datetime;
mod to_numeric;
mod top_k;

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::refused::{Refusal, refusals};
pub(crate) use self::strptime::Format as TimeFormat;

// What other nodes and expressions share with this one.
pub(super) use self::arithmetic::{Op, arithmetic};
pub(super) use self::astype::{Dtype, convert};
pub(super) use self::choose::choose;
pub(super) use self::coder::{Coder, as_held};
pub(super) use self::columns::rebuild;
pub(super) use self::compare::{Relation, compare, is_in, time_of};
pub(super) use self::fillna::with_value as fill;
pub(super) use self::lanes::{float_array, int_array, is_float, is_numeric};
pub(super) use self::missing::null_test;
pub(super) use self::operand::{Lane, Side};
pub(super) use self::operation::{Call, Operation, Passage, Scope};
pub(super) use self::refused::refusal;
pub(super) use self::scalar::{Scalar, write_python_float32};

use super::frame::dtype as frame_dtype;
use super::{Frame, Node, Planning};
use crate::diagnostic::{Code, Diagnostic, nearest};

/// Runs pandas operations: one (`import`, `kwargs`, `cols`), or several in order (`steps`).
pub(super) struct Pandas;

const FAMILIES: &[&[&dyn Operation]] = &[
    to_datetime::OPERATIONS,
    dt::OPERATIONS,
    fillna::OPERATIONS,
    map::OPERATIONS,
    replace::OPERATIONS,
    text::OPERATIONS,
    text_match::OPERATIONS,
    text_parts::OPERATIONS,
    astype::OPERATIONS,
    to_numeric::OPERATIONS,
    cut::OPERATIONS,
    qcut::OPERATIONS,
    factorize::OPERATIONS,
    top_k::OPERATIONS,
    get_dummies::OPERATIONS,
    missing::OPERATIONS,
    compare::OPERATIONS,
    condition::OPERATIONS,
    arithmetic::OPERATIONS,
    math::OPERATIONS,
    round::OPERATIONS,
    columns::OPERATIONS,
    formula::OPERATIONS,
];

/// Every operation, in the order of the reference pages.
pub(super) fn operations() -> impl Iterator<Item = &'static dyn Operation> {
    FAMILIES.iter().copied().flatten().copied()
}

/// What a reference page says of one operation.
#[derive(Clone, Debug)]
pub struct OperationPage {
    /// Its name in `import`.
    pub name: &'static str,
    /// One line on what it does.
    pub summary: &'static str,
    /// One sentence on the columns that it works on.
    pub works_on: &'static str,
    /// The JSON Schema of its keyword arguments.
    pub kwargs: schemars::Schema,
}

/// What the reference pages say of each operation of the Pandas node.
pub fn operation_pages() -> impl Iterator<Item = OperationPage> {
    operations().map(|operation| OperationPage {
        name: operation.name(),
        summary: operation.summary(),
        works_on: operation.scope().works_on(),
        kwargs: operation.kwargs(),
    })
}

/// Parameters of the Pandas node: one operation, or several in `steps`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The operation's name, such as `fillna`, `dt.hour`, `str.lower`.
    #[serde(default)]
    import: Option<String>,
    /// The columns that it works on; without it the whole frame.
    #[serde(default)]
    cols: Option<Names>,
    /// Its keyword arguments, under pandas' names.
    #[serde(default, rename = "kwargs")]
    _kwargs: Option<serde_json::Map<String, serde_json::Value>>,
    /// Accepted; without `into` a result always takes the place of its column.
    #[serde(default, rename = "inplace")]
    _inplace: bool,
    /// Names for the results, one for each column; without it a result takes the place of its column.
    #[serde(default)]
    into: Option<Names>,
    /// Several operations, one after the other, instead of one.
    #[serde(default)]
    #[schemars(length(min = 1))]
    steps: Option<Vec<StepParams>>,
}

/// One operation among several.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StepParams {
    /// The operation's name, such as `fillna`, `dt.hour`, `str.lower`.
    import: String,
    /// The columns that it works on; without it the whole frame.
    #[serde(default)]
    cols: Option<Names>,
    /// Its keyword arguments, under pandas' names.
    #[serde(default, rename = "kwargs")]
    _kwargs: Option<serde_json::Map<String, serde_json::Value>>,
    /// Accepted; without `into` a result always takes the place of its column.
    #[serde(default, rename = "inplace")]
    _inplace: bool,
    /// Names for the results, one for each column; without it a result takes the place of its column.
    #[serde(default)]
    into: Option<Names>,
}

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
            Self::List(names) => {
                let pointers = (0..).map(|index: usize| format!("{pointer}/{index}"));
                names.into_iter().zip(pointers).collect()
            }
        }
    }
}

impl Node for Pandas {
    fn type_name(&self) -> &'static str {
        "Pandas"
    }

    fn summary(&self) -> &'static str {
        "Runs pandas operations on columns"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn types(&self) -> &'static str {
        "Types follow from the dataset schema and the graph, never from the values of a batch. Each operation below has a table of the types \
         that it takes and makes; one that it cannot take is a mistake that `caz check` reports, not an event that fails."
    }

    fn nulls(&self) -> &'static str {
        "None, NaN and NaT are one: null. An integer column has no nulls, as in pandas: an integer that can be null is `float64`. A value that \
         cannot be converted makes the event a dead letter, where pandas would raise an error for the whole frame."
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        let Some(params) = planning.params::<Params>() else { return planning.open_input() };
        let frame = planning.input().clone();
        match (params.import, params.steps) {
            (Some(import), None) => {
                let step = StepParams { import, cols: params.cols, _kwargs: None, _inplace: false, into: params.into };
                plan_step(planning, frame, step, "/params")
            }
            (None, Some(steps)) => {
                if params.cols.is_some() || params.into.is_some() || params._kwargs.is_some() {
                    wrong_params(planning, Code::UnknownKey, "`cols`, `into` and `kwargs` stand in each of `steps`", "/params");
                }
                let numbered = steps.into_iter().enumerate();
                numbered.fold(frame, |frame, (index, step)| plan_step(planning, frame, step, &format!("/params/steps/{index}")))
            }
            (None, None) => {
                wrong_params(planning, Code::MissingKey, "`import` or `steps` is missing", "/params");
                planning.open_input()
            }
            (Some(_), Some(_)) => {
                wrong_params(planning, Code::WrongValue, "`import` and `steps` exclude each other", "/params");
                planning.open_input()
            }
        }
    }
}

fn wrong_params(planning: &mut Planning<'_>, code: Code, message: &str, pointer: &str) {
    let diagnostic = Diagnostic::error(code, format!("node `{}`: {message}", planning.id()));
    planning.report(diagnostic.help("write one operation with `import`, or several in `steps`"), pointer);
}

fn plan_step(planning: &mut Planning<'_>, mut frame: Frame, step: StepParams, pointer: &str) -> Frame {
    let cols = step.cols.map(|cols| cols.with_pointers(&format!("{pointer}/cols")));
    let into = step.into.map(|into| into.with_pointers("").into_iter().map(|(name, _)| name).collect::<Vec<_>>());
    let Some(operation) = operations().find(|operation| operation.name() == step.import) else {
        report_unknown(planning, &step.import, pointer);
        // Later nodes are checked as if the operation had worked.
        let made = into.unwrap_or_else(|| cols.iter().flatten().map(|(name, _)| name.clone()).collect());
        if made.is_empty() {
            frame.set_open();
        }
        made.iter().for_each(|name| frame.set(super::Column::poisoned(name, planning.id())));
        return frame;
    };
    let scope = operation.scope();
    let kwargs = format!("{pointer}/kwargs");
    let mut call = Call { planning, frame, name: operation.name(), pointer: pointer.to_owned(), kwargs, cols, into, passage: None };
    if fits(&mut call, scope) && makes_each_once(&mut call, scope) {
        operation.plan(&mut call);
    } else {
        call.frame.set_open();
    }
    call.frame
}

/// Whether `cols` and `into` fit the operation; reports when they do not.
fn fits(call: &mut Call<'_, '_>, scope: Scope) -> bool {
    let (id, name, pointer) = (call.planning.id(), call.name, call.pointer.clone());
    let subjects = call.subjects().len();
    let problem = match (scope, &call.cols, &call.into) {
        (Scope::Series | Scope::Spread, None, _) => {
            let message = format!("node `{id}`: `{name}` works on columns, and `cols` is missing");
            Diagnostic::error(Code::MissingKey, message).help("name its columns in `cols`")
        }
        (Scope::Frame, _, Some(_)) => {
            let message = format!("node `{id}`: `{name}` works on the whole frame and has no `into`");
            Diagnostic::error(Code::WrongValue, message).help("leave `into` out")
        }
        (Scope::Series | Scope::Columns, _, Some(into)) if into.len() != subjects => {
            let message = format!("node `{id}`: {} names in `into` for {subjects} columns", into.len());
            Diagnostic::error(Code::WrongValue, message).help("give each column's result a name, or leave `into` out")
        }
        _ => return true,
    };
    call.planning.report(problem, &pointer);
    false
}

/// Whether each result has a place of its own; reports a name that stands twice.
fn makes_each_once(call: &mut Call<'_, '_>, scope: Scope) -> bool {
    let (parameter, names, help): (_, Vec<&str>, _) = match (&call.into, &call.cols) {
        _ if scope == Scope::Frame => return true,
        (Some(into), _) => ("into", into.iter().map(String::as_str).collect(), "give each result a name of its own"),
        (None, Some(cols)) => {
            let names = cols.iter().map(|(name, _)| name.as_str()).collect();
            ("cols", names, "name each column once, or give each result a name in `into`")
        }
        (None, None) => return true,
    };
    let Some((at, name)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) else { return true };
    let message = format!("`{name}` stands twice in `{parameter}`");
    call.wrong_call(&format!("{parameter}/{at}"), &message, help);
    false
}

fn report_unknown(planning: &mut Planning<'_>, name: &str, pointer: &str) {
    let pointer = format!("{pointer}/import");
    let id = planning.id();
    let diagnostic = match refusal(name) {
        Some(refusal) => {
            let message = format!("node `{id}`: operation `{name}` is refused: {}", refusal.reason);
            Diagnostic::error(Code::UnknownOperation, message).label("refused").help(refusal.instead)
        }
        None => {
            let diagnostic = Diagnostic::error(Code::UnknownOperation, format!("node `{id}`: there is no pandas operation `{name}`"));
            match nearest(name, operations().map(Operation::name)) {
                Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
                None => diagnostic.help("`caz reference nodes Pandas` lists the operations"),
            }
        }
    };
    planning.report(diagnostic, &pointer);
}
