//! An expression as a tree, and how it is written.

use std::fmt::{Display, Formatter, Result, Write as _};

use super::token::is_word;
use crate::diagnostic::Span;
use crate::nodes::pandas::{Op, Relation, Scalar};

/// An expression and where it stands in its text.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A constant.
    Literal(Scalar),
    /// A column, a part of one or a call: `city`, `when.dt.hour`, `lower(city)`, `city.str.lower()`, `(a + b).abs()`.
    Access(Box<Access>),
    /// An operator before its operand.
    Prefix(Prefix, Box<Expression>),
    /// Operands with operators of one rank between them: `a - b + c`, `0 < a <= 1`.
    Chain(Box<Expression>, Vec<(Operator, Expression)>),
    /// `if condition then one else another`.
    If(Box<[Expression; 3]>),
    /// `[1, 2]`, for `in` and for arguments.
    List(Vec<Expression>),
}

/// A path of names, with what it starts from and what it is called with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Access {
    /// What stands before the path, if that is no name.
    pub(super) target: Option<Expression>,
    /// The names, which dots separate.
    pub(super) path: Vec<Name>,
    /// The arguments of a call.
    pub(super) arguments: Option<Vec<Argument>>,
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) name: String,
    pub(super) span: Span,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Argument {
    /// `name=`, if it is written.
    pub(super) name: Option<Name>,
    pub(super) value: Expression,
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    Minus,
    Plus,
    /// `~`
    Invert,
    /// `not`, which binds looser than comparison.
    Not,
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Compare(Relation),
    In,
    NotIn,
    Is,
    IsNot,
    Arithmetic(Op),
}

/// Where a part stands does not count.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// Where a name stands does not count.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Prefix {
    /// How it is written.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Minus => "-",
            Self::Plus => "+",
            Self::Invert => "~",
            Self::Not => "not",
        }
    }
}

impl Operator {
    /// How it is written.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Compare(Relation::Eq) => "==",
            Self::Compare(Relation::Ne) => "!=",
            Self::Compare(Relation::Lt) => "<",
            Self::Compare(Relation::Le) => "<=",
            Self::Compare(Relation::Gt) => ">",
            Self::Compare(Relation::Ge) => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Arithmetic(Op::Add) => "+",
            Self::Arithmetic(Op::Sub) => "-",
            Self::Arithmetic(Op::Mul) => "*",
            Self::Arithmetic(Op::Div) => "/",
            Self::Arithmetic(Op::FloorDiv) => "//",
            Self::Arithmetic(Op::Mod) => "%",
            Self::Arithmetic(Op::Pow) => "**",
        }
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.kind {
            Kind::Literal(value) => literal(value, f),
            Kind::Access(access) => write!(f, "{access}"),
            Kind::Prefix(Prefix::Not, operand) => write!(f, "not {}", Operand(operand)),
            Kind::Prefix(prefix, operand) => write!(f, "{}{}", prefix.sign(), Apart(operand)),
            Kind::Chain(first, rest) => {
                write!(f, "{}", Operand(first))?;
                rest.iter().try_for_each(|(operator, operand)| write!(f, " {} {}", operator.sign(), Operand(operand)))
            }
            Kind::If(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                write!(f, "if {} then {} else {}", Operand(condition), Operand(then), Operand(otherwise))
            }
            Kind::List(items) => {
                f.write_char('[')?;
                list(items, f)?;
                f.write_char(']')
            }
        }
    }
}

impl Display for Access {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(target) = &self.target {
            write!(f, "{}.", Apart(target))?;
        }
        for (at, name) in self.path.iter().enumerate() {
            write!(f, "{}{name}", if at > 0 { "." } else { "" })?;
        }
        let Some(arguments) = &self.arguments else { return Ok(()) };
        f.write_char('(')?;
        list(arguments, f)?;
        f.write_char(')')
    }
}

impl Display for Argument {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(name) = &self.name {
            write!(f, "{name}=")?;
        }
        write!(f, "{}", self.value)
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if is_word(&self.name) { f.write_str(&self.name) } else { write!(f, "`{}`", self.name) }
    }
}

/// An operand, in parentheses where it needs them.
pub(super) struct Operand<'e>(pub(super) &'e Expression);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let simple = match &self.0.kind {
            Kind::Literal(Scalar::Int(value)) => *value >= 0,
            Kind::Literal(Scalar::Float(value)) => !value.is_sign_negative(),
            Kind::Literal(_) | Kind::Access(_) | Kind::List(_) => true,
            Kind::Prefix(_, _) | Kind::Chain(_, _) | Kind::If(_) => false,
        };
        if simple { write!(f, "{}", self.0) } else { write!(f, "({})", self.0) }
    }
}

/// What stands behind a sign or before a dot, where a number would be read as something else.
struct Apart<'e>(&'e Expression);

impl Display for Apart<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.0.kind {
            Kind::Literal(Scalar::Int(_) | Scalar::Float(_)) => write!(f, "({})", self.0),
            _ => write!(f, "{}", Operand(self.0)),
        }
    }
}

fn list<T: Display>(items: &[T], f: &mut Formatter<'_>) -> Result {
    items.iter().enumerate().try_for_each(|(at, item)| write!(f, "{}{item}", if at > 0 { ", " } else { "" }))
}

fn literal(value: &Scalar, f: &mut Formatter<'_>) -> Result {
    match value {
        Scalar::Text(text) => {
            f.write_char('\'')?;
            for character in text.chars() {
                match character {
                    '\\' | '\'' => write!(f, "\\{character}")?,
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    _ => f.write_char(character)?,
                }
            }
            f.write_char('\'')
        }
        other => f.write_str(&other.show()),
    }
}
