//! Names and calls: columns, their parts, functions and methods.

use serde_json::{Map, Value, json};

use super::function::{FUNCTIONS, Function, OWN};
use super::parse::joined;
use super::tree::{Access, Argument, Kind, Name};
use super::{Evaluation, passage, sound};
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::nodes::pandas::{Operation, Passage, Scalar, Scope, Side, operations, refusal};
use crate::nodes::{Column, Frame};

/// What a function works on.
struct Subject<'s> {
    value: Side,
    span: &'s Span,
}

impl<'p, 'a> Evaluation<'p, 'a> {
    /// A column, a part of one, or a call.
    pub(super) fn access(&mut self, access: &Access, span: &Span) -> Option<Side> {
        let Access { target, path, arguments } = access;
        match (target, path.as_slice(), arguments) {
            (Some(target), path, arguments) => {
                let value = self.value(target)?;
                self.method(Subject { value, span: &target.span }, path, arguments.as_deref(), span)
            }
            (None, [name], Some(arguments)) => self.function(name, arguments, span),
            (None, path, arguments) => self.name(path, arguments.as_deref(), span),
        }
    }

    /// The longest column name that the path starts with; what follows is a method of it.
    fn name(&mut self, path: &[Name], arguments: Option<&[Argument]>, span: &Span) -> Option<Side> {
        let called = usize::from(arguments.is_some());
        let known = (1..=path.len() - called).rev().find(|length| self.call.frame.get(&joined(&path[..*length])).is_some());
        let Some(length) = known else {
            if !self.call.frame.is_open() {
                let diagnostic = self.call.planning.unknown_column(&self.call.frame, &joined(&path[..path.len() - called]));
                let last = &path[path.len() - 1 - called].span;
                self.report(diagnostic, path[0].span.start..last.end);
            }
            return None;
        };
        let (name, method) = path.split_at(length);
        let column = self.named_column(&joined(name), span)?;
        if method.is_empty() {
            return Some(Side::Column(column));
        }
        let name_span = name[0].span.start..name[length - 1].span.end;
        self.method(Subject { value: Side::Column(column), span: &name_span }, method, arguments, span)
    }

    /// A column of the frame; an integer that can be null is converted once.
    fn named_column(&mut self, name: &str, span: &Span) -> Option<Column> {
        let text = Name { name: name.to_owned(), span: span.clone() }.to_string();
        match self.made(&text) {
            Some(Side::Column(column)) => Some(column),
            _ => {
                let pointer = self.call.pointer.clone();
                let column = self.call.column(name, &pointer)?;
                self.remember(text, Side::Column(column.clone()));
                Some(column)
            }
        }
    }

    fn method(&mut self, subject: Subject<'_>, path: &[Name], arguments: Option<&[Argument]>, span: &Span) -> Option<Side> {
        let name = joined(path);
        let is_method = |function: &&Function| function.operation == name && function.implied.is_none() && function.name != "cast";
        if let Some(function) = FUNCTIONS.iter().find(is_method) {
            return self.apply(function, function.operation, subject, arguments.unwrap_or_default(), span);
        }
        let id = self.call.planning.id();
        let unknown = || Diagnostic::error(Code::UnknownOperation, format!("node `{id}`: there is no `.{name}` in expressions"));
        let diagnostic = match (refusal(&name), nearest(&name, FUNCTIONS.iter().map(|function| function.operation))) {
            (Some(refusal), _) => {
                let message = format!("node `{id}`: `.{name}` is refused: {}", refusal.reason);
                Diagnostic::error(Code::UnknownOperation, message).help(refusal.instead)
            }
            (None, Some(near)) => unknown().label(format!("did you mean `.{near}`?")),
            (None, None) => unknown().help("`caz reference expressions` lists the functions"),
        };
        self.report(diagnostic, path[0].span.start..path[path.len() - 1].span.end);
        None
    }

    fn function(&mut self, name: &Name, arguments: &[Argument], span: &Span) -> Option<Side> {
        match name.name.as_str() {
            "where" => return self.where_(arguments, span),
            "coalesce" => return self.coalesce(arguments, span),
            "min" => return self.extreme("min", arguments, span),
            "max" => return self.extreme("max", arguments, span),
            "split_part" => return self.split_part(arguments, span),
            _ => {}
        }
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == name.name) else {
            let id = self.call.planning.id();
            let unknown = || Diagnostic::error(Code::UnknownOperation, format!("node `{id}`: there is no function `{}`", name.name));
            let known = FUNCTIONS.iter().map(|function| function.name).chain(OWN.iter().map(|(name, _, _)| *name));
            let diagnostic = match (refusal(&name.name), nearest(&name.name, known)) {
                (Some(refusal), _) => {
                    let message = format!("node `{id}`: `{}` is refused: {}", name.name, refusal.reason);
                    Diagnostic::error(Code::UnknownOperation, message).help(refusal.instead)
                }
                (None, Some(near)) => unknown().label(format!("did you mean `{near}`?")),
                (None, None) => unknown().help("`caz reference expressions` lists the functions"),
            };
            self.report(diagnostic, name.span.clone());
            // What is wrong with the arguments is told too.
            arguments
                .iter()
                .filter(|argument| !matches!(argument.value.kind, Kind::List(_)))
                .for_each(|argument| self.check(&argument.value));
            return None;
        };
        let Some((subject, rest)) = arguments.split_first().filter(|(subject, _)| subject.name.is_none()) else {
            self.wrong(format!("`{}` takes a value first", name.name), span, &format!("such as `{}(column)`", name.name));
            return None;
        };
        let value = self.value(&subject.value)?;
        self.apply(function, function.name, Subject { value, span: &subject.value.span }, rest, span)
    }

    /// Plans a function's operation on a frame of its operands.
    fn apply(
        &mut self,
        function: &Function,
        name: &'static str,
        subject: Subject<'_>,
        arguments: &[Argument],
        span: &Span,
    ) -> Option<Side> {
        let operation = operations().find(|operation| operation.name() == function.operation)?;
        let mut passage = passage(span, &[subject.span]);
        let implied = function.implied.map(|(kwarg, value)| (kwarg.to_owned(), json!(value)));
        passage.kwargs = implied.into_iter().collect();
        let mut others = Frame::new();
        let bound = self.bind(function, name, arguments, &mut passage, &mut others);
        let (is_constant, mark) = (matches!(subject.value, Side::Constant(_)) && others.columns().is_empty(), self.mark());
        let column = self.as_column(subject.value, subject.span)?;
        bound?;
        let made = self.run(operation, name, passage, &column, others, None)?;
        self.settle(is_constant, mark, made, span)
    }

    /// The arguments behind the column as keyword arguments; `None` when there are mistakes, which are reported. Columns among them go to
    /// `others`.
    fn bind(&mut self, function: &Function, name: &str, arguments: &[Argument], passage: &mut Passage, others: &mut Frame) -> Option<()> {
        let mut sound = Some(());
        for (at, argument) in arguments.iter().enumerate() {
            let kwarg = match (&argument.name, function.parameters.get(at)) {
                (Some(name), _) => name.name.clone(),
                (None, Some(parameter)) => (*parameter).to_owned(),
                (None, None) => {
                    let message = format!("`{name}` takes no argument here");
                    let allowed = function.parameters.join(", ");
                    let help = if allowed.is_empty() { "only the value itself" } else { "further arguments are given by name" };
                    self.wrong(message, &argument.value.span, help);
                    sound = None;
                    continue;
                }
            };
            let value = self.argument(name, argument, function.operation == "between", others);
            if passage.kwargs.contains_key(&kwarg) {
                self.wrong(format!("`{name}` has `{kwarg}` twice"), &argument.value.span, "leave one of them out");
                sound = None;
            }
            passage.parts.push((format!("/kwargs/{kwarg}"), argument.value.span.clone()));
            match value {
                Some(value) => drop(passage.kwargs.insert(kwarg, value)),
                None => sound = None,
            }
        }
        sound
    }

    /// An argument as a document would have it.
    fn argument(&mut self, function: &str, argument: &Argument, takes_columns: bool, others: &mut Frame) -> Option<Value> {
        if let Kind::List(items) = &argument.value.kind {
            return self.constants(items).map(|items| items.iter().map(json_of).collect());
        }
        match self.value(&argument.value)? {
            Side::Constant(value) => Some(json_of(&value)),
            Side::Column(column) if takes_columns => {
                let name = column.name.to_string();
                others.set(column);
                Some(json!({"column": name}))
            }
            Side::Column(_) => {
                let help = "a value that differs by row can stand first, in operators and in `where`, `coalesce`, `min`, `max`";
                self.wrong(format!("this argument of `{function}` must be a constant"), &argument.value.span, help);
                None
            }
        }
    }

    /// Runs an operation's planning on a frame of `column` and `others`; answers the column under `result`, else in the column's place.
    fn run(
        &mut self,
        operation: &'static dyn Operation,
        name: &'static str,
        passage: Passage,
        column: &Column,
        mut others: Frame,
        into: Option<(Vec<String>, usize)>,
    ) -> Option<Column> {
        others.set(column.clone());
        let names = match &into {
            Some((names, _)) => Some(names.clone()),
            // The groups of a regular expression would give the column their names.
            None => (operation.scope() == Scope::Spread).then(|| vec![column.name.to_string()]),
        };
        let result = into.map_or_else(|| column.name.to_string(), |(names, at)| names[at].clone());
        let frame = std::mem::replace(&mut self.call.frame, others);
        self.call.into = names;
        self.operation(name, passage, &[column], |call| operation.plan(call));
        self.call.into = None;
        let made = std::mem::replace(&mut self.call.frame, frame);
        sound(made.get(&result)).map(|made| Column { name: "".into(), origin: made.origin.by(""), ..made })
    }

    /// `split_part(text, separator, part)`: `str.split`, of whose columns one stays.
    fn split_part(&mut self, arguments: &[Argument], span: &Span) -> Option<Side> {
        let values: Vec<Option<Side>> = arguments.iter().map(|argument| self.value(&argument.value)).collect();
        let values = values.into_iter().collect::<Option<Vec<Side>>>()?;
        let [subject, Side::Constant(Scalar::Text(separator)), Side::Constant(Scalar::Int(part))] = values.as_slice() else {
            self.wrong("`split_part` takes a text, a separator and the number of a part", span, "such as `split_part(email, '@', 1)`");
            return None;
        };
        let Some(part) = usize::try_from(*part).ok().filter(|part| *part < 64 && !separator.is_empty()) else {
            self.wrong(
                "`split_part` has 64 parts at most, from 0, and a separator of a letter or more",
                span,
                "such as `split_part(email, '@', 1)`",
            );
            return None;
        };
        let operation = operations().find(|operation| operation.name() == "str.split")?;
        let (is_constant, mark) = (matches!(subject, Side::Constant(_)), self.mark());
        let column = self.as_column(subject.clone(), &arguments[0].value.span)?;
        let kwargs: Map<String, Value> =
            [("pat", json!(separator)), ("n", json!(part + 1)), ("expand", json!(true)), ("regex", json!(false))]
                .map(|(kwarg, value)| (kwarg.to_owned(), value))
                .into_iter()
                .collect();
        let passage = Passage { kwargs, ..passage(span, &[&arguments[0].value.span]) };
        let names: Vec<String> = (0..part + 2).map(|at| at.to_string()).collect();
        let made = self.run(operation, "split_part", passage, &column, Frame::new(), Some((names, part)))?;
        self.settle(is_constant, mark, made, span)
    }
}

/// A constant as JSON: NaN is null there, and infinity a string.
fn json_of(value: &Scalar) -> Value {
    match value {
        Scalar::Null(()) => Value::Null,
        Scalar::Float(number) if number.is_nan() => Value::Null,
        Scalar::Bool(value) => json!(value),
        Scalar::Int(value) => json!(value),
        Scalar::Float(number) if !number.is_finite() => json!(value.show()),
        Scalar::Float(value) => json!(value),
        Scalar::Text(text) => json!(text),
    }
}
