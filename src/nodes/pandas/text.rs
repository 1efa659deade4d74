//! `str.*` operations that answer text: case, stripping, slicing, padding, replacing literally.

use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::numbers::is_space;
use super::operation::{Call, NoKwargs, Operation, Scope};
use crate::nodes::{Column, Source};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[
    &Case { name: "str.lower", summary: "Lower case, as Unicode has it", case: LOWER },
    &Case { name: "str.upper", summary: "Upper case, as Unicode has it", case: UPPER },
    &Strip { name: "str.strip", summary: "Takes characters off both ends", start: true, end: true },
    &Strip { name: "str.lstrip", summary: "Takes characters off the start", start: true, end: false },
    &Strip { name: "str.rstrip", summary: "Takes characters off the end", start: false, end: true },
    &Slice,
    &ZeroFill,
];

/// A case and how to get there.
#[derive(Clone, Copy)]
struct Letters {
    /// ASCII text keeps its length, so it is changed where it stands.
    ascii: fn(&mut str),
    /// One text, appended.
    unicode: fn(&str, &mut String),
}

const LOWER: Letters = Letters { ascii: str::make_ascii_lowercase, unicode: lower };
const UPPER: Letters =
    Letters { ascii: str::make_ascii_uppercase, unicode: |text, out| out.extend(text.chars().flat_map(char::to_uppercase)) };

fn lower(text: &str, out: &mut String) {
    for (at, character) in text.char_indices() {
        match character {
            '\0'..='\x7f' => out.push(character.to_ascii_lowercase()),
            'Σ' if ends_a_word(text, at) => out.push('ς'),
            _ => out.extend(character.to_lowercase()),
        }
    }
}

/// Whether the capital sigma at `at` ends a word, where its small form is another: a cased letter stands before it, none behind it.
fn ends_a_word(text: &str, at: usize) -> bool {
    static CASED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A\p{Cased}").ok());
    static IGNORED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A\p{Case_Ignorable}").ok());
    let is =
        |class: &Option<Regex>, character: char| class.as_ref().is_some_and(|class| class.is_match(character.encode_utf8(&mut [0; 4])));
    let cased = |letter: Option<char>| letter.is_some_and(|letter| is(&CASED, letter));
    let counts = |letter: &char| !is(&IGNORED, *letter);
    cased(text[..at].chars().rev().find(counts)) && !cased(text[at + 'Σ'.len_utf8()..].chars().find(counts))
}

struct Case {
    name: &'static str,
    summary: &'static str,
    case: Letters,
}

impl Operation for Case {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
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
        let case = self.case;
        call.each(|call, column| {
            if let (Source::Slot(slot), DataType::Utf8) = (&column.source, &column.data_type) {
                let slot = *slot;
                let slot = call.kernel(&[slot], move |inputs, _| change_case(inputs.array(0), case));
                return Some(call.made(DataType::Utf8, column.nullable, slot));
            }
            each_text(call, column, case.unicode)
        });
    }
}

fn change_case(array: &ArrayRef, case: Letters) -> ArrayRef {
    let text = array.as_string::<i32>();
    let ends = text.value_offsets();
    let bytes = &text.values()[ends[0] as usize..ends[text.len()] as usize];
    // Where the whole column is ASCII it is changed at once.
    if ends[0] == 0
        && bytes.is_ascii()
        && let Ok(whole) = std::str::from_utf8(bytes)
    {
        let mut whole = whole.to_owned();
        (case.ascii)(&mut whole);
        return Arc::new(StringArray::new(text.offsets().clone(), whole.into_bytes().into(), text.nulls().cloned()));
    }
    rewrite(text, |value, out| {
        if !value.is_ascii() {
            return (case.unicode)(value, out);
        }
        let start = out.len();
        out.push_str(value);
        (case.ascii)(&mut out[start..]);
    })
}

/// Takes characters off the ends.
struct Strip {
    name: &'static str,
    summary: &'static str,
    start: bool,
    end: bool,
}

/// Keyword arguments of `str.strip`, `str.lstrip` and `str.rstrip`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StripKwargs {
    /// The characters to take off, in any order; without it white space.
    #[serde(default)]
    to_strip: Option<String>,
}

impl Operation for Strip {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(StripKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(kwargs) = call.kwargs::<StripKwargs>() else { return call.fail() };
        let (start, end) = (self.start, self.end);
        call.each(|call, column| {
            let characters = kwargs.to_strip.clone();
            each_text(call, column, move |text, out| {
                let strip = |character: char| match &characters {
                    Some(characters) => characters.contains(character),
                    None => is_space(character),
                };
                let text = if start { text.trim_start_matches(strip) } else { text };
                out.push_str(if end { text.trim_end_matches(strip) } else { text });
            })
        });
    }
}

struct Slice;

/// Keyword arguments of `str.slice`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SliceKwargs {
    /// The first character, from 0; a negative one counts from the end.
    #[serde(default)]
    start: Option<i64>,
    /// The character to stop before; a negative one counts from the end.
    #[serde(default)]
    stop: Option<i64>,
}

impl Operation for Slice {
    fn name(&self) -> &'static str {
        "str.slice"
    }

    fn summary(&self) -> &'static str {
        "The characters from one position to another"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(SliceKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(SliceKwargs { start, stop }) = call.kwargs() else { return call.fail() };
        call.each(|call, column| {
            each_text(call, column, move |text, out| {
                let needs_length = start.is_some_and(|at| at < 0) || stop.is_some_and(|at| at < 0);
                let length = if needs_length { text.chars().count() as i64 } else { i64::MAX };
                let position = |at: i64| usize::try_from(if at < 0 { (at + length).max(0) } else { at }).unwrap_or(usize::MAX);
                let (from, to) = (start.map_or(0, position), stop.map_or(usize::MAX, position));
                out.extend(text.chars().skip(from).take(to.saturating_sub(from)));
            })
        });
    }
}

struct ZeroFill;

const MAX_WIDTH: u16 = 32_767;

/// Keyword arguments of `str.zfill`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ZeroFillKwargs {
    /// How many characters the result has at least.
    #[schemars(range(max = 32_767))]
    width: u16,
}

impl Operation for ZeroFill {
    fn name(&self) -> &'static str {
        "str.zfill"
    }

    fn summary(&self) -> &'static str {
        "Zeros before the text, behind its sign"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(ZeroFillKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Series
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(ZeroFillKwargs { width }) = call.kwargs() else { return call.fail() };
        // The zeros of the largest batch stay below the 2 GiB that a text column holds.
        if width > MAX_WIDTH {
            call.wrong("width", format!("{width} is more than {MAX_WIDTH}"), "a batch of such texts would not fit into memory");
            return call.fail();
        }
        call.each(|call, column| {
            each_text(call, column, move |text, out| {
                let zeros = usize::from(width).saturating_sub(text.chars().count());
                let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
                out.push_str(&text[..text.len() - digits.len()]);
                out.extend(std::iter::repeat_n('0', zeros));
                out.push_str(digits);
            })
        });
    }
}

/// A column of texts through a function that appends its answer; null stays null. What is known at planning is answered at planning.
pub(super) fn each_text(
    call: &mut Call<'_, '_>,
    column: &Column,
    mut answer: impl FnMut(&str, &mut String) + Send + 'static,
) -> Option<Column> {
    if !text_column(call, column) {
        return None;
    }
    if let Some((codes, values)) = call.as_codes(column) {
        let answers = values.iter().map(|value| {
            let mut out = String::new();
            answer(value, &mut out);
            out
        });
        return Some(call.made_codes(codes, answers.collect(), column.nullable));
    }
    let slot = call.array(column);
    let slot = call.kernel(&[slot], move |inputs, _| rewrite(as_text(inputs.array(0)), &mut answer));
    Some(call.made(DataType::Utf8, column.nullable, slot))
}

/// Whether a column holds text; reports when it does not, as pandas' `.str` accessor does.
pub(super) fn text_column(call: &mut Call<'_, '_>, column: &Column) -> bool {
    let is_text = column.data_type == DataType::Utf8 || column.categories.is_some();
    if !is_text {
        call.mismatch(column, "`str` operations take text only", "convert it with `astype` to str first");
    }
    is_text
}

fn as_text(array: &ArrayRef) -> &StringArray {
    array.as_string::<i32>()
}

/// Every text through a function that appends its answer; nulls stay.
fn rewrite(text: &StringArray, mut answer: impl FnMut(&str, &mut String)) -> ArrayRef {
    let mut out = String::with_capacity(text.values().len());
    let mut ends = Vec::with_capacity(text.len() + 1);
    ends.push(0);
    for value in text {
        if let Some(value) = value {
            answer(value, &mut out);
        }
        ends.push(out.len() as i32);
    }
    text_array(out, ends, text.nulls().cloned())
}

/// A text array from its parts.
pub(super) fn text_array(text: String, ends: Vec<i32>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(StringArray::new(OffsetBuffer::new(ends.into()), text.into_bytes().into(), nulls))
}
