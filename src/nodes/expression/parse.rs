//! From tokens to a tree.
//!
//! From loose to tight: `if`; `or` `|`; `and` `&`; `not`; comparison, `in`, `is`; `+ -`; `* / // %`; signs and `~`; `**`; calls.
//! As in `pandas.eval`, `&` and `|` bind as `and` and `or` do.

use winnow::combinator::{opt, separated};
use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{Stateful, Stream, TokenSlice};
use winnow::token::any;

use super::token::{Error, Mistake, Token, TokenKind, tokens};
use super::tree::{Access, Argument, Expression, Kind, Name, Operator, Prefix};
use crate::diagnostic::Span;
use crate::nodes::pandas::{Op, Relation, Scalar};

/// How long an expression may be, in bytes.
pub(super) const MAX_LENGTH: usize = 8 << 10;

/// How deep it may nest.
pub(super) const MAX_DEPTH: usize = 48;

/// The tokens that are left, with how deep the parser stands and where the text ends.
type Input<'t> = Stateful<TokenSlice<'t, Token>, Stand>;

#[derive(Clone, Copy, Debug)]
struct Stand {
    depth: usize,
    end: usize,
}

type Parsed<T> = Result<T, Error>;

impl<'t> ParserError<Input<'t>> for Mistake {
    type Inner = Self;

    fn from_input(input: &Input<'t>) -> Self {
        unexpected(input, "something else")
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

/// The mistake that the next token is, where `wanted` should stand.
fn unexpected(input: &Input<'_>, wanted: &str) -> Mistake {
    let Some(token) = input.peek_token() else {
        let end = input.state.end;
        return Mistake::new(end..end, format!("the expression ends where {wanted} should stand"));
    };
    let found = match &token.kind {
        TokenKind::Mark(mark) => format!("`{mark}`"),
        TokenKind::Name(name) => format!("`{name}`"),
        TokenKind::Int(_) | TokenKind::Float(_) => "this number".into(),
        TokenKind::Text(_) => "this text".into(),
    };
    let mistake = Mistake::new(token.span.clone(), format!("{found} stands where {wanted} should"));
    match token.kind {
        TokenKind::Mark("=") => mistake.help("equality is written `==`"),
        TokenKind::Mark("if") => mistake.help("write `if condition then one else another`, in parentheses within another expression"),
        TokenKind::Mark("and" | "or" | "not" | "in" | "is" | "then" | "else" | "inf" | "nan") => {
            mistake.help("a column with the name of a keyword stands in backticks")
        }
        _ => mistake,
    }
}

/// Reads one expression.
pub(super) fn parse(text: &str) -> Result<Expression, Mistake> {
    parse_part(text, 0..text.len(), expression)
}

/// Reads assignments, one a line, each a name and its expression.
pub(super) fn parse_assignments(text: &str) -> Vec<Result<(Name, Expression), Mistake>> {
    let mut assignments = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            assignments.push(parse_part(text, start..start + line.trim_end().len(), assignment));
        }
        start += line.len();
    }
    assignments
}

fn parse_part<T>(text: &str, part: Span, parser: impl Fn(&mut Input<'_>) -> Parsed<T>) -> Result<T, Mistake> {
    if part.len() > MAX_LENGTH {
        let message = format!("the expression is longer than {} KiB", MAX_LENGTH >> 10);
        return Err(Mistake::new(part, message).help("split it into several fields"));
    }
    let tokens = tokens(text, part.clone())?;
    let mut input = Stateful { input: TokenSlice::new(&tokens), state: Stand { depth: 0, end: part.end } };
    let whole = |input: &mut Input<'_>| match parser(input)? {
        parsed if input.peek_token().is_none() => Ok(parsed),
        _ => Err(ErrMode::Cut(unexpected(input, "an operator or the end"))),
    };
    whole(&mut input).map_err(|error| error.into_inner().unwrap_or_else(|_| Mistake::new(part, "this cannot be read")))
}

fn assignment(input: &mut Input<'_>) -> Parsed<(Name, Expression)> {
    let start = input.checkpoint();
    let wrong = "there is no `name =` before the expression";
    let mut path = Vec::new();
    if matches!(input.peek_token(), Some(Token { kind: TokenKind::Name(_), .. })) {
        path = names(input)?;
    }
    if path.is_empty() || mark(input, &["="])?.is_none() {
        input.reset(&start);
        let first = input.peek_token().map_or(0, |token| token.span.start);
        return Err(ErrMode::Cut(Mistake::new(first..input.state.end, wrong).help("write `name = expression`, one a line")));
    }
    let span = path[0].span.start..path[path.len() - 1].span.end;
    Ok((Name { name: joined(&path), span }, expression(input)?))
}

/// The name that the names of a path make.
pub(super) fn joined(path: &[Name]) -> String {
    path.iter().map(|name| name.name.as_str()).collect::<Vec<_>>().join(".")
}

/// The next token if it is one of `marks`.
fn mark(input: &mut Input<'_>, marks: &[&'static str]) -> Parsed<Option<(&'static str, Span)>> {
    let found = any.verify_map(|token: &Token| match token.kind {
        TokenKind::Mark(mark) if marks.contains(&mark) => Some((mark, token.span.clone())),
        _ => None,
    });
    opt(found).parse_next(input)
}

/// The end of the next token, which must be `wanted`.
fn must(input: &mut Input<'_>, wanted: &'static str) -> Parsed<usize> {
    match mark(input, &[wanted])? {
        Some((_, span)) => Ok(span.end),
        None => Err(ErrMode::Cut(unexpected(input, &format!("`{wanted}`")))),
    }
}

/// Runs a parser one level deeper.
fn deeper<T>(input: &mut Input<'_>, parser: impl Fn(&mut Input<'_>) -> Parsed<T>) -> Parsed<T> {
    if input.state.depth == MAX_DEPTH {
        let start = input.peek_token().map_or(input.state.end, |token| token.span.start);
        let mistake = Mistake::new(start..input.state.end, format!("the expression nests deeper than {MAX_DEPTH} levels"));
        return Err(ErrMode::Cut(mistake.help("split it into several fields")));
    }
    input.state.depth += 1;
    let parsed = parser(input);
    input.state.depth -= 1;
    parsed
}

fn expression(input: &mut Input<'_>) -> Parsed<Expression> {
    deeper(input, |input| match mark(input, &["if"])? {
        None => disjunction(input),
        Some((_, span)) => {
            let condition = expression(input)?;
            must(input, "then")?;
            let then = expression(input)?;
            must(input, "else")?;
            let otherwise = expression(input)?;
            let span = span.start..otherwise.span.end;
            Ok(Expression { kind: Kind::If(Box::new([condition, then, otherwise])), span })
        }
    })
}

/// Operands with operators of one rank between them.
fn chain(
    input: &mut Input<'_>,
    operand: fn(&mut Input<'_>) -> Parsed<Expression>,
    operator: impl Fn(&mut Input<'_>) -> Parsed<Option<Operator>>,
) -> Parsed<Expression> {
    let first = operand(input)?;
    let mut rest = Vec::new();
    while let Some(operator) = operator(input)? {
        rest.push((operator, operand(input)?));
    }
    Ok(linked(first, rest))
}

fn linked(first: Expression, rest: Vec<(Operator, Expression)>) -> Expression {
    let Some((_, last)) = rest.last() else { return first };
    let span = first.span.start..last.span.end;
    Expression { kind: Kind::Chain(Box::new(first), rest), span }
}

fn disjunction(input: &mut Input<'_>) -> Parsed<Expression> {
    chain(input, conjunction, |input| Ok(mark(input, &["or", "|"])?.map(|_| Operator::Or)))
}

fn conjunction(input: &mut Input<'_>) -> Parsed<Expression> {
    chain(input, negation, |input| Ok(mark(input, &["and", "&"])?.map(|_| Operator::And)))
}

fn negation(input: &mut Input<'_>) -> Parsed<Expression> {
    match mark(input, &["not"])? {
        None => comparison(input),
        Some((_, span)) => deeper(input, negation).map(|operand| prefixed(Prefix::Not, span, operand)),
    }
}

fn prefixed(prefix: Prefix, sign: Span, operand: Expression) -> Expression {
    let span = sign.start..operand.span.end;
    Expression { kind: Kind::Prefix(prefix, Box::new(operand)), span }
}

fn comparison(input: &mut Input<'_>) -> Parsed<Expression> {
    chain(input, sum, |input| {
        Ok(match mark(input, &["==", "!=", "<", "<=", ">", ">=", "in", "is", "not"])? {
            None => None,
            Some(("==", _)) => Some(Operator::Compare(Relation::Eq)),
            Some(("!=", _)) => Some(Operator::Compare(Relation::Ne)),
            Some(("<", _)) => Some(Operator::Compare(Relation::Lt)),
            Some(("<=", _)) => Some(Operator::Compare(Relation::Le)),
            Some((">", _)) => Some(Operator::Compare(Relation::Gt)),
            Some((">=", _)) => Some(Operator::Compare(Relation::Ge)),
            Some(("in", _)) => Some(Operator::In),
            Some(("is", _)) => Some(if mark(input, &["not"])?.is_some() { Operator::IsNot } else { Operator::Is }),
            Some(_) => {
                must(input, "in")?;
                Some(Operator::NotIn)
            }
        })
    })
}

fn sum(input: &mut Input<'_>) -> Parsed<Expression> {
    chain(input, product, |input| {
        Ok(mark(input, &["+", "-"])?
            .map(|(mark, _)| if mark == "+" { Operator::Arithmetic(Op::Add) } else { Operator::Arithmetic(Op::Sub) }))
    })
}

fn product(input: &mut Input<'_>) -> Parsed<Expression> {
    chain(input, signed, |input| {
        Ok(mark(input, &["*", "/", "//", "%"])?.map(|(mark, _)| match mark {
            "*" => Operator::Arithmetic(Op::Mul),
            "/" => Operator::Arithmetic(Op::Div),
            "//" => Operator::Arithmetic(Op::FloorDiv),
            _ => Operator::Arithmetic(Op::Mod),
        }))
    })
}

fn signed(input: &mut Input<'_>) -> Parsed<Expression> {
    let Some((sign, span)) = mark(input, &["-", "+", "~"])? else { return power(input) };
    let next = input.peek_token().map(|token| &token.kind);
    let is_number = matches!(next, Some(TokenKind::Int(_) | TokenKind::Float(_) | TokenKind::Mark("inf")));
    if sign == "-" && is_number {
        // The power binds tighter than the sign: -2 ** 2 is -4.
        let number = negative_number(input, span.clone())?;
        if let Some(number) = number {
            return Ok(number);
        }
    }
    let prefix = match sign {
        "-" => Prefix::Minus,
        "+" => Prefix::Plus,
        _ => Prefix::Invert,
    };
    deeper(input, signed).map(|operand| prefixed(prefix, span, operand))
}

/// A number with its sign, unless something follows that binds tighter than the sign.
fn negative_number(input: &mut Input<'_>, sign: Span) -> Parsed<Option<Expression>> {
    let start = input.checkpoint();
    let token = any.parse_next(input)?;
    if matches!(input.peek_token(), Some(Token { kind: TokenKind::Mark("**" | "."), .. })) {
        input.reset(&start);
        return Ok(None);
    }
    let span = sign.start..token.span.end;
    let value = match token.kind {
        TokenKind::Float(value) => Scalar::Float(-value),
        TokenKind::Mark(_) => Scalar::Float(f64::NEG_INFINITY),
        TokenKind::Int(value) => match 0_i64.checked_sub_unsigned(value) {
            Some(value) => Scalar::Int(value),
            None => return Err(ErrMode::Cut(too_large(span))),
        },
        TokenKind::Name(_) | TokenKind::Text(_) => return Err(ErrMode::Backtrack(unexpected(input, "a number"))),
    };
    Ok(Some(Expression { kind: Kind::Literal(value), span }))
}

fn too_large(span: Span) -> Mistake {
    Mistake::new(span, "the whole number does not fit into 64 bits")
}

fn power(input: &mut Input<'_>) -> Parsed<Expression> {
    let base = postfix(input)?;
    match mark(input, &["**"])? {
        None => Ok(base),
        Some(_) => deeper(input, signed).map(|exponent| linked(base, vec![(Operator::Arithmetic(Op::Pow), exponent)])),
    }
}

/// What stands alone, with the paths and calls behind it.
fn postfix(input: &mut Input<'_>) -> Parsed<Expression> {
    let mut whole = primary(input)?;
    let mut links = 0;
    while mark(input, &["."])?.is_some() {
        links += 1;
        if links + input.state.depth > MAX_DEPTH {
            let mistake = Mistake::new(whole.span, format!("the expression nests deeper than {MAX_DEPTH} levels"));
            return Err(ErrMode::Cut(mistake.help("split it into several fields")));
        }
        let path = names(input)?;
        whole = access(input, Some(whole), path)?;
    }
    Ok(whole)
}

fn primary(input: &mut Input<'_>) -> Parsed<Expression> {
    if matches!(input.peek_token(), Some(Token { kind: TokenKind::Name(_), .. })) {
        let path = names(input)?;
        return access(input, None, path);
    }
    let start = input.checkpoint();
    let Ok(token) = any::<_, Error>.parse_next(input) else { return Err(ErrMode::Cut(unexpected(input, "a value"))) };
    let value = match &token.kind {
        TokenKind::Text(text) => Scalar::Text(text.clone()),
        TokenKind::Float(value) => Scalar::Float(*value),
        TokenKind::Int(value) => match i64::try_from(*value) {
            Ok(value) => Scalar::Int(value),
            Err(_) => return Err(ErrMode::Cut(too_large(token.span.clone()))),
        },
        TokenKind::Mark("true" | "True") => Scalar::Bool(true),
        TokenKind::Mark("false" | "False") => Scalar::Bool(false),
        TokenKind::Mark("null" | "None") => Scalar::Null(()),
        TokenKind::Mark("inf") => Scalar::Float(f64::INFINITY),
        TokenKind::Mark("nan") => Scalar::Float(f64::NAN),
        TokenKind::Mark("(") => return parenthesised(input, token.span.start),
        TokenKind::Mark("[") => return listed(input, token.span.start, Vec::new(), "]"),
        _ => {
            input.reset(&start);
            return Err(ErrMode::Cut(unexpected(input, "a value")));
        }
    };
    Ok(Expression { kind: Kind::Literal(value), span: token.span.clone() })
}

/// `(a)`, or the list `(a, b)`.
fn parenthesised(input: &mut Input<'_>, start: usize) -> Parsed<Expression> {
    let inner = expression(input)?;
    if mark(input, &[","])?.is_some() {
        return listed(input, start, vec![inner], ")");
    }
    let end = must(input, ")")?;
    Ok(Expression { span: start..end, ..inner })
}

/// The rest of a list, up to the bracket that closes it.
fn listed(input: &mut Input<'_>, start: usize, mut items: Vec<Expression>, close: &'static str) -> Parsed<Expression> {
    loop {
        if let Some((_, span)) = mark(input, &[close])? {
            return Ok(Expression { kind: Kind::List(items), span: start..span.end });
        }
        items.push(expression(input)?);
        if mark(input, &[","])?.is_none() {
            let end = must(input, close)?;
            return Ok(Expression { kind: Kind::List(items), span: start..end });
        }
    }
}

/// Names with dots between them.
fn names(input: &mut Input<'_>) -> Parsed<Vec<Name>> {
    fn name(input: &mut Input<'_>) -> Parsed<Name> {
        let start = input.checkpoint();
        match any::<_, Error>.parse_next(input) {
            Ok(Token { kind: TokenKind::Name(name), span }) => Ok(Name { name: name.clone(), span: span.clone() }),
            _ => {
                input.reset(&start);
                Err(ErrMode::Cut(unexpected(input, "a name")))
            }
        }
    }
    let dot = |input: &mut Input<'_>| mark(input, &["."])?.ok_or_else(|| ErrMode::Backtrack(unexpected(input, "a dot")));
    separated(1.., name, dot).parse_next(input)
}

fn access(input: &mut Input<'_>, target: Option<Expression>, path: Vec<Name>) -> Parsed<Expression> {
    let start = target.as_ref().map_or(path[0].span.start, |target| target.span.start);
    let mut end = path[path.len() - 1].span.end;
    let arguments = match mark(input, &["("])? {
        None => None,
        Some(_) => {
            let (arguments, close) = arguments(input)?;
            end = close;
            Some(arguments)
        }
    };
    Ok(Expression { kind: Kind::Access(Box::new(Access { target, path, arguments })), span: start..end })
}

/// The arguments of a call and where its parenthesis closes.
fn arguments(input: &mut Input<'_>) -> Parsed<(Vec<Argument>, usize)> {
    let mut arguments = Vec::new();
    loop {
        if let Some((_, span)) = mark(input, &[")"])? {
            return Ok((arguments, span.end));
        }
        let start = input.checkpoint();
        let named = match any::<_, Error>.parse_next(input) {
            Ok(Token { kind: TokenKind::Name(name), span }) if mark(input, &["="])?.is_some() => {
                Some(Name { name: name.clone(), span: span.clone() })
            }
            _ => {
                input.reset(&start);
                None
            }
        };
        arguments.push(Argument { name: named, value: expression(input)? });
        if mark(input, &[","])?.is_none() {
            return Ok((arguments, must(input, ")")?));
        }
    }
}
