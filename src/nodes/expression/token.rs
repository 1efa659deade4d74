//! From text to tokens.

use winnow::ascii::digit1;
use winnow::combinator::{alt, eof, opt, peek, preceded, repeat};
use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{any, one_of, take_till, take_while};

use crate::diagnostic::Span;

/// A piece of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// An operator, a bracket or a keyword.
    Mark(&'static str),
    /// A name; backticks are off.
    Name(String),
    /// A whole number without a sign.
    Int(u64),
    /// Another number without a sign.
    Float(f64),
    /// A text; quotes and escapes are off.
    Text(String),
}

/// What is wrong with an expression's text, and where.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mistake {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

impl Mistake {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub(super) fn help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }
}

/// The error of parsers: what may still be something else, or what is wrong for sure.
pub(super) type Error = ErrMode<Mistake>;

type Input<'t> = LocatingSlice<&'t str>;

impl ParserError<Input<'_>> for Mistake {
    type Inner = Self;

    fn from_input(input: &Input<'_>) -> Self {
        let start = input.current_token_start();
        let length = input.chars().next().map_or(0, char::len_utf8);
        Self::new(start..start + length, "this cannot be read")
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

/// Operators and brackets, of those with one start the longest first.
const SIGNS: [&str; 23] =
    ["**", "//", "==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "&", "|", "~", "(", ")", "[", "]", ",", "."];

/// Words that are no names.
const KEYWORDS: [&str; 16] =
    ["and", "or", "not", "in", "is", "if", "then", "else", "true", "false", "null", "True", "False", "None", "inf", "nan"];

/// Whether a name can be written without backticks.
pub(super) fn is_word(name: &str) -> bool {
    let starts = name.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
    starts && name.chars().all(is_of_word) && !KEYWORDS.contains(&name)
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The tokens of `text` within `part`; their places are places in `text`.
pub(super) fn tokens(text: &str, part: Span) -> Result<Vec<Token>, Mistake> {
    let mut input = LocatingSlice::new(text.get(..part.end).unwrap_or_default());
    input.next_slice(part.start.min(part.end));
    let token = preceded(space, token.with_span()).map(|(kind, span)| Token { kind, span });
    let mut all = (repeat(0.., token), space, eof).map(|(tokens, _, _): (Vec<Token>, _, _)| tokens);
    all.parse_next(&mut input).map_err(|error: Error| error.into_inner().unwrap_or_else(|_| Mistake::new(part, "this cannot be read")))
}

fn space<'t>(input: &mut Input<'t>) -> ModalResult<&'t str, Mistake> {
    take_while(0.., char::is_whitespace).parse_next(input)
}

fn token(input: &mut Input<'_>) -> ModalResult<TokenKind, Mistake> {
    match peek(opt(any)).parse_next(input)? {
        None => Err(Error::from_input(input)),
        Some('\'' | '"') => text.parse_next(input),
        Some('`') => quoted_name.parse_next(input),
        Some('0'..='9') => number.parse_next(input),
        Some('.') => alt((number, sign)).parse_next(input),
        Some(first) if first.is_alphabetic() || first == '_' => take_while(1.., is_of_word).map(word).parse_next(input),
        Some(_) => sign.parse_next(input),
    }
}

fn word(word: &str) -> TokenKind {
    match KEYWORDS.iter().find(|keyword| **keyword == word) {
        Some(keyword) => TokenKind::Mark(keyword),
        None => TokenKind::Name(word.to_owned()),
    }
}

fn sign(input: &mut Input<'_>) -> ModalResult<TokenKind, Mistake> {
    if let Some(sign) = SIGNS.iter().find(|sign| input.starts_with(**sign)) {
        input.next_slice(sign.len());
        return Ok(TokenKind::Mark(sign));
    }
    let unknown = Mistake::from_input(input);
    let character = input.chars().next().unwrap_or_default();
    let mistake = Mistake::new(unknown.span, format!("`{character}` has no meaning in expressions"));
    Err(ErrMode::Cut(match character {
        '@' => {
            mistake.help("there are no Python variables here: write the value itself; a column with `@` in its name stands in backticks")
        }
        '!' => mistake.help("write `not`, or `!=`"),
        '^' => mistake.help("a power is written `**`; `a != b` says that one of two conditions holds and the other does not"),
        '?' | ':' => mistake.help("write `if condition then one else another`"),
        _ => mistake.help("a column whose name is no plain word stands in backticks"),
    }))
}

fn number(input: &mut Input<'_>) -> ModalResult<TokenKind, Mistake> {
    let digits = || (digit1, repeat::<_, _, (), _, _>(0.., (opt('_'), digit1))).void();
    let exponent = || (one_of(['e', 'E']), opt(one_of(['+', '-'])), digits()).void();
    let float = alt((
        (digits(), '.', opt(digits()), opt(exponent())).void(),
        ('.', digits(), opt(exponent())).void(),
        (digits(), exponent()).void(),
    ));
    let (is_float, (digits, span)) =
        alt((float.take().with_span().map(|found| (true, found)), digits().take().with_span().map(|found| (false, found))))
            .parse_next(input)?;
    let wrong = |span: Span, message: &str| ErrMode::Cut(Mistake::new(span, message));
    if input.chars().next().is_some_and(is_of_word) {
        let rest = take_while(1.., is_of_word).parse_next(input)?;
        return Err(wrong(span.start..span.end + rest.len(), "a number is not followed by letters"));
    }
    let plain = digits.replace('_', "");
    if is_float {
        return match plain.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(TokenKind::Float(value)),
            _ => Err(wrong(span, "the number is too large for 64-bit floating point; infinity is written `inf`")),
        };
    }
    if plain.len() > 1 && plain.starts_with('0') {
        return Err(wrong(span, "a whole number does not start with 0"));
    }
    plain.parse().map(TokenKind::Int).map_err(|_| wrong(span, "the whole number does not fit into 64 bits"))
}

fn quoted_name(input: &mut Input<'_>) -> ModalResult<TokenKind, Mistake> {
    let start = input.current_token_start();
    let ((_, name, end), span) = ('`', take_till(0.., '`'), opt('`')).with_span().parse_next(input)?;
    match end {
        None => Err(ErrMode::Cut(Mistake::new(start..start + 1, "the name does not end: a backtick is missing"))),
        Some(_) if name.is_empty() => Err(ErrMode::Cut(Mistake::new(span, "a name has at least one letter"))),
        Some(_) => Ok(TokenKind::Name(name.to_owned())),
    }
}

/// A text in quotes, with Python's escapes: a backslash that starts none of them stays, so that regular expressions need no doubling.
fn text(input: &mut Input<'_>) -> ModalResult<TokenKind, Mistake> {
    let start = input.current_token_start();
    let quote = any.parse_next(input)?;
    let mut text = String::new();
    loop {
        text.push_str(take_till(0.., [quote, '\\']).parse_next(input)?);
        match opt(any).parse_next(input)? {
            None => return Err(ErrMode::Cut(Mistake::new(start..start + 1, format!("the text does not end: a {quote} is missing")))),
            Some('\\') => escape(input, &mut text)?,
            Some(_) => return Ok(TokenKind::Text(text)),
        }
    }
}

fn escape(input: &mut Input<'_>, text: &mut String) -> ModalResult<(), Mistake> {
    let start = input.current_token_start() - 1;
    let Some(escaped) = opt(any).parse_next(input)? else {
        text.push('\\');
        return Ok(());
    };
    let digits = match escaped {
        '\n' => return Ok(()),
        '\\' | '\'' | '"' => None,
        'n' => return push(text, '\n'),
        'r' => return push(text, '\r'),
        't' => return push(text, '\t'),
        'x' => Some(2),
        'u' => Some(4),
        'U' => Some(8),
        _ => {
            text.push('\\');
            None
        }
    };
    let Some(count) = digits else { return push(text, escaped) };
    let code = opt(take_while(count..=count, |digit: char| digit.is_ascii_hexdigit())).parse_next(input)?;
    match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
        Some(character) => push(text, character),
        None => {
            Err(ErrMode::Cut(Mistake::new(start..start + 2, format!("`\\{escaped}` needs the {count} hexadecimal digits of a character"))))
        }
    }
}

fn push(text: &mut String, character: char) -> ModalResult<(), Mistake> {
    text.push(character);
    Ok(())
}
