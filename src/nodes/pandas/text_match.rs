//! `str.*` operations that look into text: length, search, replacement, splitting and extraction.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType;
use regex::{CaptureLocations, Match, Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use super::lanes;
use super::operation::{Call, NoKwargs, Operation, Scope};
use super::text::{each_text, text_column};
use crate::nodes::Column;

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[
    &Length,
    &Contains,
    &Affix {
        name: "str.startswith",
        summary: "Whether the text starts with a text, or one of several",
        holds: |text, affix| text.starts_with(affix),
    },
    &Affix {
        name: "str.endswith",
        summary: "Whether the text ends with a text, or one of several",
        holds: |text, affix| text.ends_with(affix),
    },
    &ReplaceText,
];

struct Length;

impl Operation for Length {
    fn name(&self) -> &'static str {
        "str.len"
    }

    fn summary(&self) -> &'static str {
        "How many characters the text has"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(NoKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        if call.kwargs::<NoKwargs>().is_none() {
            return call.fail();
        }
        call.each(|call, column| {
            if !text_column(call, column) {
                return None;
            }
            let slot = as_text(call, column);
            Some(if column.nullable {
                let slot = call.kernel(&[slot], |inputs, _| {
                    let text = inputs.array(0).as_string::<i32>();
                    let length = |text: Option<&str>| text.map_or(f64::NAN, |text| text.chars().count() as f64);
                    lanes::float_array(text.iter().map(length).collect(), &DataType::Float64)
                });
                call.made(DataType::Float64, true, slot)
            } else {
                let slot = call.kernel(&[slot], |inputs, _| {
                    let text = inputs.array(0).as_string::<i32>();
                    let length = |text: Option<&str>| text.map_or(0, |text| text.chars().count() as i64);
                    lanes::int_array(text.iter().map(length).collect(), &DataType::Int64)
                });
                call.made(DataType::Int64, false, slot)
            })
        });
    }
}

/// The slot of a column's text; categories are spelled out.
pub(super) fn as_text(call: &mut Call<'_, '_>, column: &Column) -> crate::nodes::Slot {
    match call.as_codes(column) {
        Some((codes, values)) => {
            let spelled = call.made_codes(codes, values, column.nullable);
            call.array(&spelled)
        }
        None => call.array(column),
    }
}

/// A Boolean column of what each text answers; a null answers `of_null`, else null.
fn ask(call: &mut Call<'_, '_>, column: &Column, of_null: Option<bool>, answer: impl Fn(&str) -> bool + Send + 'static) -> Option<Column> {
    if !text_column(call, column) {
        return None;
    }
    let slot = as_text(call, column);
    let slot = call.kernel(&[slot], move |inputs, _| {
        let text = inputs.array(0).as_string::<i32>();
        let filled = of_null.unwrap_or(false);
        let bits = BooleanBuffer::collect_bool(text.len(), |row| if text.is_valid(row) { answer(text.value(row)) } else { filled });
        let nulls = if of_null.is_none() { text.nulls().cloned() } else { None };
        Arc::new(BooleanArray::new(bits, nulls)) as ArrayRef
    });
    Some(call.made(DataType::Boolean, column.nullable && of_null.is_none(), slot))
}

struct Contains;

/// Keyword arguments of `str.contains`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ContainsKwargs {
    /// The text or regular expression to look for.
    pat: String,
    /// Whether upper and lower case differ.
    #[serde(default = "yes")]
    case: bool,
    /// Whether `pat` is a regular expression.
    #[serde(default = "yes")]
    regex: bool,
    /// What a null answers; null without it.
    #[serde(default)]
    na: Option<bool>,
}

fn yes() -> bool {
    true
}

impl Operation for Contains {
    fn name(&self) -> &'static str {
        "str.contains"
    }

    fn summary(&self) -> &'static str {
        "Whether the text holds a text or matches a regular expression somewhere"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(ContainsKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<ContainsKwargs>() else { return call.fail() };
        let pattern = if kwargs.regex { kwargs.pat.clone() } else { regex::escape(&kwargs.pat) };
        let Some(regex) = build(call, &pattern, kwargs.case) else { return call.fail() };
        let literal = kwargs.case && (!kwargs.regex || regex::escape(&kwargs.pat) == kwargs.pat);
        // pandas compares the capitals of both, which can be more letters than the small ones.
        let capitals = (!kwargs.case && !kwargs.regex).then(|| kwargs.pat.to_uppercase());
        call.each(|call, column| {
            if let Some(capitals) = capitals.clone() {
                return ask(call, column, kwargs.na, move |text| text.to_uppercase().contains(&capitals));
            }
            let (regex, pat) = (regex.clone(), kwargs.pat.clone());
            match literal {
                true => ask(call, column, kwargs.na, move |text| text.contains(pat.as_str())),
                false => ask(call, column, kwargs.na, move |text| regex.is_match(text)),
            }
        });
    }
}

/// A regular expression; reports one that cannot be used.
pub(super) fn build(call: &mut Call<'_, '_>, pattern: &str, case: bool) -> Option<Regex> {
    if let Some(notation) = foreign(pattern) {
        let (what, help) = match notation.ends_with('+') {
            true => (
                "which in Python repeats and gives nothing back",
                "leave its `+` out where that matches the same: expressions match in linear time without it, and a `}` that is a character is `\\}`",
            ),
            false => (
                "which is no operator in Python",
                "escape each character of it with a backslash, or leave out the backslash of `\\<` and `\\>`",
            ),
        };
        call.wrong("pat", format!("'{pattern}' holds `{notation}`, {what}"), help);
        return None;
    }
    match RegexBuilder::new(pattern).case_insensitive(!case).build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or("it cannot be compiled").trim_start_matches("error: ").to_owned();
            call.wrong(
                "pat",
                format!("'{pattern}' is no regular expression here: {reason}"),
                "expressions match in linear time: there is no look-around and no back-reference",
            );
            None
        }
    }
}

/// What means something else to the crate than to Python: sets of classes, named classes, the edges of words; possessive repetitions.
fn foreign(pattern: &str) -> Option<&str> {
    let (mut class_start, mut at) = (None, 0);
    while let Some(character) = pattern[at..].chars().next() {
        let rest = &pattern[at..];
        let mut length = character.len_utf8();
        match (character, class_start) {
            ('\\', _) => {
                length += rest[1..].chars().next().map_or(0, char::len_utf8);
                if class_start.is_none() && (rest.starts_with(r"\<") || rest.starts_with(r"\>")) {
                    return Some(&rest[..length]);
                }
            }
            ('[', None) => {
                if rest[1..].starts_with('^') {
                    length += 1;
                }
                class_start = Some(at + length);
            }
            ('[', Some(_)) => return Some(&rest[..length]),
            // First in a class it is a character.
            (']', Some(start)) if start < at => class_start = None,
            ('*' | '+' | '?' | '}', None) if rest[1..].starts_with('+') => return Some(&rest[..2]),
            ('&' | '-' | '~', Some(_)) if rest[1..].starts_with(character) => return Some(&rest[..2]),
            _ => {}
        }
        at += length;
    }
    None
}

struct Affix {
    name: &'static str,
    summary: &'static str,
    holds: fn(&str, &str) -> bool,
}

/// Keyword arguments of `str.startswith` and `str.endswith`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AffixKwargs {
    /// The text, or several of which one must fit.
    pat: Affixes,
    /// What a null answers; null without it.
    #[serde(default)]
    na: Option<bool>,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Affixes {
    /// One.
    One(String),
    /// Several.
    List(Vec<String>),
}

impl Operation for Affix {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(AffixKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(AffixKwargs { pat, na }) = call.kwargs() else { return call.fail() };
        let holds = self.holds;
        let affixes = match pat {
            Affixes::One(affix) => vec![affix],
            Affixes::List(affixes) => affixes,
        };
        call.each(|call, column| {
            let affixes = affixes.clone();
            ask(call, column, na, move |text| affixes.iter().any(|affix| holds(text, affix)))
        });
    }
}

struct ReplaceText;

/// Keyword arguments of `str.replace`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReplaceKwargs {
    /// The text or regular expression to replace.
    pat: String,
    /// What takes its place; with `regex` or without `case`, `\1` and `\g<name>` stand for groups.
    repl: String,
    /// How many occurrences are replaced; all without it, or when negative. Zero is none of a text, all of a regular expression.
    #[serde(default = "all")]
    n: i64,
    /// Whether upper and lower case differ.
    #[serde(default = "yes")]
    case: bool,
    /// Whether `pat` is a regular expression.
    #[serde(default)]
    regex: bool,
}

fn all() -> i64 {
    -1
}

impl Operation for ReplaceText {
    fn name(&self) -> &'static str {
        "str.replace"
    }

    fn summary(&self) -> &'static str {
        "Replaces a text or what a regular expression matches"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(ReplaceKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<ReplaceKwargs>() else { return call.fail() };
        let pattern = if kwargs.regex { kwargs.pat.clone() } else { regex::escape(&kwargs.pat) };
        let Some(regex) = build(call, &pattern, kwargs.case) else { return call.fail() };
        // Without case pandas turns the text into a regular expression, so `repl` has its notation.
        let repl = if kwargs.regex || !kwargs.case { replacement(&kwargs.repl) } else { Some(vec![Piece::Text(kwargs.repl.clone())]) };
        let Some(repl) = repl else {
            let help = "Python's notation has `\\1`, `\\g<name>` and escapes such as `\\n`; a backslash itself is `\\\\`";
            call.wrong("repl", format!("'{}' has a backslash that stands for nothing", kwargs.repl), help);
            return call.fail();
        };
        if !repl.iter().all(|piece| piece.exists_in(&regex)) {
            call.wrong("repl", format!("'{}' names a group that `pat` does not have", kwargs.repl), "groups are `\\1` or `\\g<name>`");
            return call.fail();
        }
        // Zero means none for a text, and all for a regular expression, as in Python.
        let literal = !kwargs.regex && kwargs.case;
        let limit = usize::try_from(kwargs.n).ok().filter(|n| *n > 0 || literal).unwrap_or(usize::MAX);
        call.each(|call, column| {
            let (regex, repl) = (regex.clone(), repl.clone());
            let mut locations = regex.capture_locations();
            each_text(call, column, move |text, out| replace(text, (&regex, &mut locations), &repl, limit, out))
        });
    }
}

/// A piece of a replacement.
#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Group(usize),
    Named(String),
}

impl Piece {
    fn exists_in(&self, regex: &Regex) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Group(group) => *group < regex.captures_len(),
            Self::Named(name) => regex.capture_names().flatten().any(|known| known == name),
        }
    }
}

/// A replacement in Python's notation; `None` when it is not in it.
fn replacement(repl: &str) -> Option<Vec<Piece>> {
    let (mut pieces, mut text) = (Vec::new(), String::new());
    let mut rest = repl;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let group = if digits > 0 && !after.starts_with('0') {
            rest = &after[digits..];
            Piece::Group(after[..digits].parse().ok()?)
        } else if let Some(named) = after.strip_prefix("g<") {
            let (name, behind) = named.split_once('>')?;
            rest = behind;
            name.parse().map_or_else(|_| Piece::Named(name.to_owned()), Piece::Group)
        } else {
            let escaped = after.chars().next()?;
            let character = match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'a' => '\x07',
                'b' => '\x08',
                'f' => '\x0c',
                'v' => '\x0b',
                '\\' => '\\',
                _ if escaped.is_ascii_alphanumeric() => return None,
                // Python keeps the backslash of what is no letter.
                _ => {
                    text.push('\\');
                    escaped
                }
            };
            text.push(character);
            rest = &after[escaped.len_utf8()..];
            continue;
        };
        pieces.push(Piece::Text(std::mem::take(&mut text)));
        pieces.push(group);
    }
    text.push_str(rest);
    pieces.push(Piece::Text(text));
    Some(pieces)
}

/// As Python's `re.sub`.
fn replace(text: &str, (regex, locations): (&Regex, &mut CaptureLocations), repl: &[Piece], limit: usize, out: &mut String) {
    let (mut copied, mut from, mut count) = (0, 0, 0);
    while count < limit && from <= text.len() {
        let Some(found) = regex.captures_read_at(locations, text, from) else { break };
        out.push_str(&text[copied..found.start()]);
        for piece in repl {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(group) => out.push_str(locations.get(*group).map_or("", |(start, end)| &text[start..end])),
                Piece::Named(name) => {
                    let group = regex.capture_names().position(|known| known == Some(name.as_str()));
                    out.push_str(group.and_then(|group| locations.get(group)).map_or("", |(start, end)| &text[start..end]));
                }
            }
        }
        copied = found.end();
        from = behind(text, found);
        count += 1;
    }
    out.push_str(&text[copied..]);
}

/// The matches of a regular expression in a text, as Python's `re` finds them.
pub(super) fn matches<'t>(regex: &Regex, text: &'t str) -> impl Iterator<Item = Match<'t>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let found = (from <= text.len()).then(|| regex.find_at(text, from)).flatten()?;
        from = behind(text, found);
        Some(found)
    })
}

/// Where to look for the next match as Python does: an empty one right behind one that is not counts too, two at one place do not.
fn behind(text: &str, found: Match<'_>) -> usize {
    let width = if found.is_empty() { text[found.end()..].chars().next().map_or(1, char::len_utf8) } else { 0 };
    found.end() + width
}
