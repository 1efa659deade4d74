//! Expressions: one small typed language for FieldTrans, for a Processor's `where` and for the Pandas node's `assign`, `eval` and `query`.
//!
//! A text is parsed to a tree, typed against the frame when the graph is planned, and becomes the same kernels on whole columns that pandas
//! operations become: nothing is interpreted when events flow. Equal parts of expressions are computed once.
//!
//! # The language
//! - Constants: `12`, `1.5`, `1e3`, `'text'` or `"text"` with Python's escapes, `true`, `false`, `null` (Python's spellings too), `inf`, `nan`.
//! - Columns by name or dotted path, in backticks where the name is no plain word: `age`, `person.age`, `` `xdm:age` ``.
//! - From loose to tight: `if c then a else b`; `or` `|`; `and` `&`; `not`; `== != < <= > >=`, `in [..]`, `not in [..]`, `is null`, `is not
//!   null`; `+ -`; `* / // %`; `-a`, `+a`, `~a`; `**`; calls. Comparisons chain: `0 < a <= 1`.
//! - Calls as functions, `lower(city)`, or as pandas writes them, `city.str.lower()`, `when.dt.hour`; see [`reference`].
//!
//! # Semantics
//! Those of pandas 2.2.3 for operators on Series, and of `pandas.eval` for their ranks: `&` and `|` bind as `and` and `or` do. The language goes
//! beyond `pandas.eval` in these:
//! - `if`, `where`, `coalesce`, row-wise `min` and `max` (null counts only where nothing else is there), `split_part`, functions on text and
//!   times without an accessor.
//! - A branch that is not taken rejects no row: in `if x is null then 0 else int(x)` a null is 0. So do the right sides of `and`, `or` and
//!   the later arguments of `coalesce`.
//! - A condition that is null does not hold.
//! - Text is added to text. A constant divided by zero is infinite, as a column is.

mod branch;
mod call;
mod condition;
mod extreme;
mod function;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;
mod operator;
mod parse;
mod reference;
mod steps;
#[cfg(test)]
mod tests;
mod token;
mod tree;

pub use reference::reference;

pub(super) use condition::Leave;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Deserialize;

use self::token::Mistake;
use self::tree::{Expression, Kind};
use super::pandas::{Call, Passage, Scalar, Side};
use super::{Column, Frame, Planning, Source};
use crate::diagnostic::{Code, Diagnostic, Span};

/// An expression; numbers and Booleans stand for themselves.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "documents what `Formulas` hold")]
enum Formula {
    /// An expression, such as `price / km` or `lower(city)`.
    Text(String),
    /// A number.
    Number(f64),
    /// A Boolean.
    Bool(bool),
}

/// Expressions by the name of the column that each makes, in the order in which they are written.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Formulas(
    #[schemars(with = "std::collections::BTreeMap<String, Formula>")] pub(super) serde_json::Map<String, serde_json::Value>,
);

/// Expressions while they are planned, one after the other.
pub(super) struct Evaluation<'p, 'a> {
    /// The call that an operator is while it is planned; its frame holds the columns that names stand for.
    call: Call<'p, 'a>,
    /// What is computed already, by its text.
    made: HashMap<String, Side>,
    /// The texts in `made`, in the order in which they came.
    order: Vec<String>,
}

impl<'p, 'a> Evaluation<'p, 'a> {
    /// Expressions over the columns of `frame`.
    pub(super) fn new(planning: &'p mut Planning<'a>, frame: Frame) -> Self {
        let call = Call { planning, frame, name: "", pointer: String::new(), kwargs: String::new(), cols: None, into: None, passage: None };
        Self { call, made: HashMap::new(), order: Vec::new() }
    }

    /// The frame, with what was put into it.
    pub(super) fn into_frame(self) -> Frame {
        self.call.frame
    }

    /// The column that the expression at `pointer` (relative to the node) makes; `None` when there are mistakes, which are reported.
    pub(super) fn column(&mut self, formula: &serde_json::Value, pointer: &str) -> Option<Column> {
        self.call.pointer = pointer.to_owned();
        match (formula, Scalar::from_json(formula)) {
            (serde_json::Value::String(text), _) => {
                let expression = self.read(parse::parse(text))?;
                self.column_of(&expression)
            }
            (_, constant) => self.constant(&constant?, 0..0),
        }
    }

    /// As [`Self::column`] for assignments, one a line: each is put into the frame, where those below see it.
    pub(super) fn assign(&mut self, text: &str, pointer: &str) {
        self.call.pointer = pointer.to_owned();
        let assignments = parse::parse_assignments(text);
        if assignments.is_empty() {
            self.mistake(Mistake::new(0..text.len(), "there is no expression").help("write `name = expression`, one a line"));
        }
        for assignment in assignments {
            match self.read(assignment) {
                Some((name, expression)) => {
                    let made = self.column_of(&expression);
                    self.put(&name.name, made);
                }
                // A name that cannot be read may be any.
                None => self.call.frame.set_open(),
            }
        }
    }

    /// Puts a column under a name, or its poisoned stand-in; later expressions see it.
    pub(super) fn put(&mut self, name: &str, made: Option<Column>) {
        self.call.put(name, made);
        self.forget(0);
    }

    /// What was computed under this text.
    fn made(&self, text: &str) -> Option<Side> {
        self.made.get(text).cloned()
    }

    /// Keeps a value for whoever needs it again. Messages call parts of expressions by their text; what came from the frame keeps its name.
    fn remember(&mut self, text: String, value: Side) -> Side {
        let value = match value {
            Side::Column(column) if column.origin.node().is_empty() || column.name.is_empty() => {
                Side::Column(Column { name: text.as_str().into(), origin: column.origin.by(""), ..column })
            }
            other => other,
        };
        self.order.push(text.clone());
        self.made.insert(text, value.clone());
        value
    }

    /// Forgets all that was computed after the first `kept` texts.
    fn forget(&mut self, kept: usize) {
        for text in self.order.drain(kept..) {
            self.made.remove(&text);
        }
    }

    /// What was parsed; reports a mistake.
    fn read<T>(&mut self, parsed: Result<T, Mistake>) -> Option<T> {
        parsed.map_err(|mistake| self.mistake(mistake)).ok()
    }

    fn mistake(&mut self, mistake: Mistake) {
        let diagnostic = Diagnostic::error(Code::Expression, format!("node `{}`: {}", self.call.planning.id(), mistake.message));
        let diagnostic = mistake.help.into_iter().fold(diagnostic, Diagnostic::help);
        self.report(diagnostic, mistake.span);
    }

    /// Reports a mistake in a part of the expression.
    fn report(&mut self, diagnostic: Diagnostic, part: Span) {
        let pointer = self.call.pointer.clone();
        self.call.planning.report_within(diagnostic, &pointer, part);
    }

    /// Reports a value or a form that cannot stand here.
    fn wrong(&mut self, message: impl std::fmt::Display, part: &Span, help: &str) {
        let message = format!("node `{}`: {message}", self.call.planning.id());
        self.report(Diagnostic::error(Code::Expression, message).help(help), part.clone());
    }

    fn column_of(&mut self, expression: &Expression) -> Option<Column> {
        let side = self.value(expression)?;
        self.as_column(side, &expression.span)
    }

    /// A value as a column: a constant becomes one.
    fn as_column(&mut self, side: Side, span: &Span) -> Option<Column> {
        match side {
            Side::Column(column) => Some(column),
            Side::Constant(value) => self.constant(&value, span.clone()),
        }
    }

    /// The value of an expression: a constant, or a column that is not poisoned.
    fn value(&mut self, expression: &Expression) -> Option<Side> {
        let text = match &expression.kind {
            Kind::Literal(value) => return Some(Side::Constant(value.clone())),
            _ => expression.to_string(),
        };
        if let Some(made) = self.made(&text) {
            return Some(made);
        }
        let value = match &expression.kind {
            Kind::Literal(value) => Side::Constant(value.clone()),
            Kind::Access(access) => self.access(access, &expression.span)?,
            Kind::Prefix(prefix, operand) => self.prefix(*prefix, operand, &expression.span)?,
            Kind::Chain(first, rest) => self.chain(first, rest)?,
            Kind::If(parts) => self.choice(parts, &expression.span)?,
            Kind::List(_) => {
                let help = "a value is one for each row";
                self.wrong("a list stands behind `in`, `==` and `!=` and among arguments only", &expression.span, help);
                return None;
            }
        };
        Some(self.remember(text, value))
    }

    /// Reports the mistakes in an expression whose value nobody needs, nor the statistics that it would take.
    fn check(&mut self, expression: &Expression) {
        let (mark, known) = (self.mark(), self.order.len());
        let asks = std::mem::replace(&mut self.call.planning.asks_for_statistics, false);
        let _ = self.value(expression);
        self.call.planning.asks_for_statistics = asks;
        self.call.planning.steps().truncate(mark);
        self.forget(known);
    }

    /// Runs one operation's planning: `name` is what messages call it, `parts` are the columns it works on and where they stand.
    fn operation<T>(&mut self, name: &'static str, passage: Passage, columns: &[&Column], plan: impl FnOnce(&mut Call<'p, 'a>) -> T) -> T {
        let pointer = self.call.pointer.clone();
        let cols = columns.iter().enumerate().map(|(at, column)| (column.name.to_string(), format!("{pointer}/cols/{at}")));
        self.call.cols = Some(cols.collect());
        self.call.kwargs = format!("{pointer}/kwargs");
        self.call.passage = Some(passage);
        self.call.name = name;
        let planned = plan(&mut self.call);
        (self.call.cols, self.call.passage) = (None, None);
        planned
    }
}

/// Where an operation and its operands stand.
fn passage(whole: &Span, operands: &[&Span]) -> Passage {
    let parts = operands.iter().enumerate().map(|(at, span)| (format!("/cols/{at}"), (*span).clone())).collect();
    Passage { whole: whole.clone(), parts, ..Passage::default() }
}

/// A column that planning has made, none that stands for a failure.
fn sound(column: Option<&Column>) -> Option<Column> {
    column.filter(|column| column.source != Source::Poisoned).cloned()
}
