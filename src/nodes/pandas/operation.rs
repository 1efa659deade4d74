//! What a pandas operation is, and what one call of it sees and does while it is planned.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::scalar::Scalar;
use super::{lanes, numbers, objects};
use crate::dataset::{Rows, Statistic};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document, Span, join};
use crate::nodes::{Column, Frame, Inputs, Kernel, Origin, Planning, Slot, Source};

/// Which columns an operation works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nodes) enum Scope {
    /// Those in `cols`, which must be there: a method of a Series, or a function of one.
    Series,
    /// Those in `cols`, else all: a method of a DataFrame that works on each column by itself.
    Columns,
    /// The one in `cols`, which becomes several, named by `into`.
    Spread,
    /// The frame as a whole; `into` has no meaning.
    Frame,
}

impl Scope {
    /// One sentence for the reference pages.
    pub(super) fn works_on(self) -> &'static str {
        match self {
            Self::Series => "It works on each column in `cols`.",
            Self::Columns => "It works on each column in `cols`, or on all without it.",
            Self::Spread => "It works on the one column in `cols`, which becomes those in `into`.",
            Self::Frame => "It works on the whole frame.",
        }
    }
}

/// One pandas operation.
pub(in crate::nodes) trait Operation: Sync {
    /// Its name in `import`, such as `str.lower`.
    fn name(&self) -> &'static str;

    /// One line on what it does, for the reference pages.
    fn summary(&self) -> &'static str;

    /// The JSON Schema of its keyword arguments.
    fn kwargs(&self) -> schemars::Schema;

    /// Which columns it works on.
    fn scope(&self) -> Scope;

    /// Checks one call and adds its kernels; mistakes go to the planning's diagnostics.
    fn plan(&self, call: &mut Call<'_, '_>);
}

/// One call of an operation while it is planned.
pub(in crate::nodes) struct Call<'p, 'a> {
    /// The node's planning.
    pub(in crate::nodes) planning: &'p mut Planning<'a>,
    /// The columns as the calls before left them; what this call makes goes in here.
    pub(in crate::nodes) frame: Frame,
    /// The operation's name.
    pub(in crate::nodes) name: &'static str,
    /// Where the call stands, relative to the node: `/params` or `/params/steps/2`.
    pub(in crate::nodes) pointer: String,
    /// Where its keyword arguments stand.
    pub(in crate::nodes) kwargs: String,
    /// The `cols` of the call with where each stands; `None` for the whole frame.
    pub(in crate::nodes) cols: Option<Vec<(String, String)>>,
    /// The `into` of the call.
    pub(in crate::nodes) into: Option<Vec<String>>,
    /// Where the call stands in an expression, if it does.
    pub(in crate::nodes) passage: Option<Passage>,
}

/// A call within the expression at its pointer: what the document says of other calls.
#[derive(Clone, Debug, Default)]
pub(in crate::nodes) struct Passage {
    /// The keyword arguments.
    pub(in crate::nodes) kwargs: serde_json::Map<String, serde_json::Value>,
    /// Where the call stands in the expression.
    pub(in crate::nodes) whole: Span,
    /// Where its parts stand, by their pointers relative to the call, such as `/kwargs/decimals`.
    pub(in crate::nodes) parts: Vec<(String, Span)>,
}

impl Passage {
    /// Where the part at a pointer of the call's stands; else the call.
    fn span(&self, pointer: &str) -> Span {
        let part = self
            .parts
            .iter()
            .find(|(part, _)| pointer.strip_prefix(part.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
        part.map_or_else(|| self.whole.clone(), |(_, span)| span.clone())
    }
}

impl<'p, 'a> Call<'p, 'a> {
    /// A node's own use of pandas operations: `name` is what messages call it, `cols` the columns with where each is asked for.
    pub(in crate::nodes) fn of_node(planning: &'p mut Planning<'a>, frame: Frame, name: &'static str, cols: Vec<(String, String)>) -> Self {
        let (pointer, kwargs) = ("/params".to_owned(), "/params".to_owned());
        Self { planning, frame, name, pointer, kwargs, cols: Some(cols), into: None, passage: None }
    }
}

impl Call<'_, '_> {
    /// The keyword arguments; `None` when they are wrong, which is then reported.
    pub(in crate::nodes) fn kwargs<T: DeserializeOwned + JsonSchema>(&mut self) -> Option<T> {
        let Some(passage) = &self.passage else {
            return self.planning.read_at(&self.kwargs);
        };
        // What an expression gives is checked as a document is, and reported at the expression's parts.
        let text = serde_json::Value::Object(passage.kwargs.clone()).to_string().replace("${", "$${");
        let mut found = Diagnostics::new();
        let document = Document::parse("", text, &|_| None).map_err(|mistakes| found.extend(mistakes)).ok();
        let read = document.and_then(|document| document.read_as("", &mut found));
        let names: Vec<String> = passage.kwargs.keys().cloned().collect();
        for diagnostic in found.iter() {
            let holds = |name: &&String| {
                let part = join("", name);
                let located = diagnostic.location.as_ref();
                located.is_some_and(|(document, at)| (document.key_span(&part).start..document.span(&part).end).contains(&at.start))
            };
            let pointer = names.iter().find(holds).map_or_else(|| self.pointer.clone(), |name| self.at(name));
            let message = format!("node `{}`: `{}`: {}", self.planning.id(), self.name, diagnostic.message);
            self.report(Diagnostic { message, location: None, ..diagnostic.clone() }, &pointer);
        }
        read
    }

    /// Reports a mistake at `pointer`, relative to the node.
    pub(in crate::nodes) fn report(&mut self, diagnostic: Diagnostic, pointer: &str) {
        match &self.passage {
            None => self.planning.report(diagnostic, pointer),
            Some(passage) => {
                let part = passage.span(pointer.strip_prefix(self.pointer.as_str()).unwrap_or_default());
                self.planning.report_within(diagnostic, &self.pointer, part);
            }
        }
    }

    /// What messages call a column: its name, its type and its maker; a part of an expression is called by its text.
    pub(in crate::nodes) fn describe(&self, column: &Column) -> String {
        match column.origin.node() {
            "" => format!("`{}` of type {}", column.name, column.dtype()),
            origin => format!("column `{}` of type {} (made by `{origin}`)", column.name, column.dtype()),
        }
    }

    /// Where a keyword argument stands, relative to the node.
    pub(in crate::nodes) fn at(&self, kwarg: &str) -> String {
        format!("{}/{kwarg}", self.kwargs)
    }

    /// Reports a mistake in a keyword argument.
    pub(in crate::nodes) fn wrong(&mut self, kwarg: &str, message: impl std::fmt::Display, help: &str) {
        let message = format!("node `{}`: `{}`: {message}", self.planning.id(), self.name);
        let pointer = self.at(kwarg);
        self.report(Diagnostic::error(Code::WrongValue, message).help(help), &pointer);
    }

    /// Reports a mistake in a parameter of the call itself.
    pub(in crate::nodes) fn wrong_call(&mut self, parameter: &str, message: &str, help: &str) {
        let message = format!("node `{}`: `{}`: {message}", self.planning.id(), self.name);
        let pointer = format!("{}/{parameter}", self.pointer);
        self.report(Diagnostic::error(Code::WrongValue, message).help(help), &pointer);
    }

    /// Whether `cols` or `into` stand beside a mapping by column, which passes over them; that is reported.
    pub(super) fn is_placed_twice(&mut self, kwarg: &str) -> bool {
        let is_placed_twice = self.cols.is_some() || self.into.is_some();
        if is_placed_twice {
            let help = "leave them out: the mapping names the columns, and each result takes the place of its column";
            self.wrong(kwarg, "a mapping by column stands without `cols` and `into`", help);
        }
        is_placed_twice
    }

    /// Reports that the operation cannot take a column of this type. What operations take nowhere has help of its own.
    pub(in crate::nodes) fn mismatch(&mut self, column: &Column, reason: impl std::fmt::Display, help: &str) {
        let message = format!("node `{}`: `{}` on {}: {reason}", self.planning.id(), self.name, self.describe(column));
        let pointer = self.column_pointer(&column.name);
        let help = objects::way(&column.data_type).unwrap_or(help);
        self.report(Diagnostic::error(Code::TypeMismatch, message).help(help), &pointer);
    }

    /// Reports a constant that an integer column is to take and has no room for; pandas widens the column if a row gets it.
    pub(super) fn holds(&mut self, column: &Column, value: i64) -> Option<()> {
        let (least, greatest) = numbers::bounds(&column.data_type);
        if column.data_type.is_integer() && !(least..=greatest).contains(&i128::from(value)) {
            self.mismatch(column, format!("{value} does not fit into it"), "convert it to int64 with `astype` first");
            return None;
        }
        Some(())
    }

    /// Reports a constant that may have lost digits which the column has.
    pub(in crate::nodes) fn keeps_digits<'v>(&mut self, column: &Column, values: impl IntoIterator<Item = &'v Scalar>) -> Option<()> {
        if column.data_type == DataType::UInt64
            && let Some(rounded) = values.into_iter().find(|value| value.is_rounded())
        {
            let reason = format!("{} has more than 63 bits, and is read as a float", rounded.show());
            let help = "convert the column with `astype` first: to float64, which may round, or to str, which tells all values apart";
            self.mismatch(column, reason, help);
            return None;
        }
        Some(())
    }

    /// Reports that a null of this column cannot be taken.
    pub(super) fn null_reaches(&mut self, column: &Column, reason: impl std::fmt::Display, help: &str) {
        let id = self.planning.id();
        let message = format!("node `{id}`: `{}` on {}, which can be null: {reason}", self.name, self.describe(column));
        let mut diagnostic = Diagnostic::error(Code::NullReaches, message);
        if let Some(path) = column.null_path() {
            diagnostic = diagnostic.because(format!("the null's way: {path} -> `{id}`"));
        }
        let pointer = self.column_pointer(&column.name);
        self.report(diagnostic.help(help), &pointer);
    }

    /// The frozen value of a statistic of `column`; `None` when there is none, which is reported at `pointer` or collected.
    pub(in crate::nodes) fn frozen(&mut self, column: &Column, statistic: &Statistic, pointer: &str) -> Option<Scalar> {
        let value = Scalar::from_json(self.planning.statistic(column, statistic, pointer)?);
        if value.is_none() {
            self.misshapen(column, statistic, "one value", pointer);
        }
        value
    }

    /// As [`Call::frozen`], for a statistic of several values.
    pub(in crate::nodes) fn frozen_list(&mut self, column: &Column, statistic: &Statistic, pointer: &str) -> Option<Vec<Scalar>> {
        let values = self.planning.statistic(column, statistic, pointer)?.as_array();
        let values: Option<Vec<Scalar>> = values.and_then(|values| values.iter().map(Scalar::from_json).collect());
        if values.is_none() {
            self.misshapen(column, statistic, "a list of values", pointer);
        }
        values
    }

    /// Reports a frozen value that has another shape than its statistic: the file was edited.
    fn misshapen(&mut self, column: &Column, statistic: &Statistic, expected: &str, pointer: &str) {
        let (id, what, name) = (self.planning.id(), statistic.name(), &column.name);
        let message = format!("node `{id}`: the frozen {what} of column `{name}` must be {expected}");
        let help = "`caz fit FILE --dataset DATASET` reads it anew";
        self.report(Diagnostic::error(Code::NotFrozen, message).help(help), pointer);
    }

    /// Where a column of this name is asked for.
    pub(in crate::nodes) fn column_pointer(&self, name: &str) -> String {
        let asked = self.cols.iter().flatten().find(|(column, _)| column == name);
        asked.map_or_else(|| self.pointer.clone(), |(_, pointer)| pointer.clone())
    }

    /// The names of the columns that the call works on, with where each is asked for.
    pub(in crate::nodes) fn subjects(&self) -> Vec<(String, String)> {
        match &self.cols {
            Some(cols) => cols.clone(),
            None => self.frame.names().map(|name| (name.to_owned(), self.pointer.clone())).collect(),
        }
    }

    /// The column of this name as pandas holds it; `None` when it is unknown (which is then reported) or poisoned.
    pub(in crate::nodes) fn column(&mut self, name: &str, pointer: &str) -> Option<Column> {
        let column = self.planning.column_of(&self.frame, name, pointer)?;
        Some(self.as_pandas(column))
    }

    /// pandas has no integer column with nulls: such a column is `float64` there.
    fn as_pandas(&mut self, column: Column) -> Column {
        if !(column.nullable && column.data_type.is_integer()) {
            return column;
        }
        let slot = self.planning.array(&column);
        let slot = self.kernel(&[slot], |inputs, _| lanes::float_array(lanes::floats(inputs.array(0)).into_owned(), &DataType::Float64));
        Column { data_type: DataType::Float64, source: Source::Slot(slot), ..column }
    }

    /// Plans the call column by column, none of which sees what becomes of another. What `plan` answers goes under the column's name in
    /// `into`, else in the column's place; where it answers `None` that name is poisoned.
    pub(in crate::nodes) fn each(&mut self, mut plan: impl FnMut(&mut Self, &Column) -> Option<Column>) {
        let subjects = self.subjects();
        let mut results = Vec::with_capacity(subjects.len());
        for (name, pointer) in &subjects {
            results.push(self.column(name, pointer).and_then(|column| plan(self, &column)));
        }
        let targets = self.into.clone().unwrap_or_else(|| subjects.into_iter().map(|(name, _)| name).collect());
        for (target, made) in targets.iter().zip(results) {
            self.put(target, made);
        }
    }

    /// Puts a column under a name, or its poisoned stand-in.
    pub(in crate::nodes) fn put(&mut self, name: &str, made: Option<Column>) {
        let id = self.planning.id();
        let column = match made {
            Some(column) if column.origin.node() == id => Column { name: name.into(), ..column },
            Some(column) if column.origin.node().is_empty() => Column { name: name.into(), origin: column.origin.by(id), ..column },
            // A column that came through as it was.
            Some(column) => Column { name: name.into(), origin: Origin::made(id, vec![column.as_ancestor()]), ..column },
            None => self.planning.stand_in(name),
        };
        self.frame.set(column);
    }

    /// Poisons what the call would have made: its planning failed and was reported.
    pub(in crate::nodes) fn fail(&mut self) {
        self.each(|_, _| None);
    }

    /// As [`Call::fail`] for a call whose results `into` names; without it they have no known names.
    pub(in crate::nodes) fn fail_spread(&mut self) {
        match self.into.clone() {
            Some(into) => into.iter().for_each(|name| self.put(name, None)),
            None => self.frame.set_open(),
        }
    }

    /// The slot of a column's array.
    pub(in crate::nodes) fn array(&mut self, column: &Column) -> Slot {
        self.planning.array(column)
    }

    /// Adds a kernel that keeps every row.
    pub(in crate::nodes) fn kernel(
        &mut self,
        reads: &[Slot],
        run: impl FnMut(&Inputs<'_>, &mut Rows) -> ArrayRef + Send + 'static,
    ) -> Slot {
        self.planning.step_one(Function { run, can_reject: false }, reads)
    }

    /// Adds a kernel that may reject or skip rows.
    pub(in crate::nodes) fn rejecting_kernel(
        &mut self,
        reads: &[Slot],
        run: impl FnMut(&Inputs<'_>, &mut Rows) -> ArrayRef + Send + 'static,
    ) -> Slot {
        self.planning.step_one(Function { run, can_reject: true }, reads)
    }

    /// A column of this call's making in a slot.
    pub(in crate::nodes) fn made(&self, data_type: DataType, nullable: bool, slot: Slot) -> Column {
        self.planning.made_from(&self.frame, "", data_type, nullable, slot)
    }

    /// A text column of this call's making, as codes.
    pub(in crate::nodes) fn made_codes(&self, codes: Slot, values: Arc<[String]>, nullable: bool) -> Column {
        let source = Source::Codes { codes, values };
        Column { source, ..self.made(DataType::Utf8, nullable, codes) }
    }

    /// A column of this call's making that is 1 (or true) where `codes` hold `code`, and 0 elsewhere.
    pub(in crate::nodes) fn made_indicator(&self, codes: Slot, code: i32, data_type: DataType) -> Column {
        Column { source: Source::Indicator { codes, code }, ..self.made(data_type, false, codes) }
    }

    /// A category column of this call's making.
    pub(in crate::nodes) fn made_category(&self, codes: Slot, categories: Arc<[String]>, nullable: bool) -> Column {
        let data_type = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let source = Source::Codes { codes, values: Arc::clone(&categories) };
        Column { source, categories: Some(categories), ..self.made(data_type, nullable, codes) }
    }
}

/// A kernel that is one function from arrays to an array.
struct Function<F> {
    run: F,
    can_reject: bool,
}

impl<F: FnMut(&Inputs<'_>, &mut Rows) -> ArrayRef + Send> Kernel for Function<F> {
    fn run(&mut self, inputs: &Inputs<'_>, rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        outputs.push((self.run)(inputs, rows));
    }

    fn can_reject(&self) -> bool {
        self.can_reject
    }
}

/// Keyword arguments of operations that take none.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::nodes) struct NoKwargs {}
