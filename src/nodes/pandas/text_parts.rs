//! `str.split` and `str.extract`: one text to several columns.

use arrow_array::Array;
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::numbers::is_space;
use super::operation::{Call, Operation, Scope};
use super::text::{text_array, text_column};
use super::text_match::{as_text, build, matches};
use crate::dataset::Rows;
use crate::nodes::{Inputs, Kernel};

/// Every operation of this file.
pub(super) const OPERATIONS: &[&dyn Operation] = &[&Split, &Extract];

struct Split;

/// Keyword arguments of `str.split`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SplitKwargs {
    /// What stands between the parts; white space without it. All but a single character is a regular expression unless `regex` is false.
    #[serde(default)]
    pat: Option<String>,
    /// How many splits at most; there are one more columns.
    #[schemars(range(min = 1, max = 64))]
    n: usize,
    /// true: the parts become columns. Lists are no values of a column here.
    expand: bool,
    /// Whether `pat` is a regular expression.
    #[serde(default)]
    regex: Option<bool>,
}

impl Operation for Split {
    fn name(&self) -> &'static str {
        "str.split"
    }

    fn summary(&self) -> &'static str {
        "Splits text into columns, named in `into`"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(SplitKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Spread
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(SplitKwargs { pat, n, expand, regex }) = call.kwargs() else { return call.fail_spread() };
        if !expand {
            call.wrong("expand", "false would make lists, which no column holds", "write `expand: true`");
            return call.fail_spread();
        }
        let between = match pat {
            None => Between::Space,
            Some(pat) if pat.is_empty() && regex == Some(false) => {
                call.wrong("pat", "it is empty", "leave it out to split at white space");
                return call.fail_spread();
            }
            Some(pat) if regex.unwrap_or(pat.chars().count() != 1) => match build(call, &pat, true) {
                Some(regex) if regex.captures_len() > 1 => {
                    call.wrong("pat", format!("'{pat}' has groups, whose texts would be parts too"), "write `(?:` for groups");
                    return call.fail_spread();
                }
                Some(regex) => Between::Regex(regex),
                None => return call.fail_spread(),
            },
            Some(pat) => Between::Text(pat),
        };
        spread(call, n + 1, move |text, parts| between.split(text, n, parts));
    }
}

/// What separates parts.
enum Between {
    Space,
    Text(String),
    Regex(Regex),
}

impl Between {
    /// Fills `parts` with the first of them; those that there are not stay `None`.
    fn split<'t>(&self, text: &'t str, splits: usize, parts: &mut [Option<&'t str>]) {
        match self {
            Self::Text(separator) => fill(parts, text.splitn(splits + 1, separator.as_str())),
            Self::Regex(regex) => {
                let (mut separators, mut start) = (matches(regex, text).take(splits), 0);
                for part in parts {
                    let separator = separators.next();
                    *part = Some(&text[start..separator.map_or(text.len(), |found| found.start())]);
                    let Some(found) = separator else { return };
                    start = found.end();
                }
            }
            Self::Space => {
                let mut rest = text.trim_start_matches(is_space);
                for (at, part) in parts.iter_mut().enumerate() {
                    if rest.is_empty() {
                        return;
                    }
                    let end = if at == splits { rest.len() } else { rest.find(is_space).unwrap_or(rest.len()) };
                    *part = Some(&rest[..end]);
                    rest = rest[end..].trim_start_matches(is_space);
                }
            }
        }
    }
}

fn fill<'t>(parts: &mut [Option<&'t str>], found: impl Iterator<Item = &'t str>) {
    parts.iter_mut().zip(found).for_each(|(part, found)| *part = Some(found));
}

struct Extract;

/// Keyword arguments of `str.extract`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExtractKwargs {
    /// A regular expression with groups; each group becomes a column.
    pat: String,
    /// true or false; a single group is one column either way.
    #[serde(default)]
    #[expect(dead_code, reason = "published graphs have it")]
    expand: Option<bool>,
}

impl Operation for Extract {
    fn name(&self) -> &'static str {
        "str.extract"
    }

    fn summary(&self) -> &'static str {
        "The groups of a regular expression's first match as columns, named in `into` or by the groups; in an expression there is one"
    }

    fn kwargs(&self) -> schemars::Schema {
        schemars::schema_for!(ExtractKwargs)
    }

    fn scope(&self) -> Scope {
        Scope::Spread
    }

    fn plan(&self, call: &mut Call<'_, '_>) {
        let Some(ExtractKwargs { pat, .. }) = call.kwargs() else { return call.fail_spread() };
        let Some(regex) = build(call, &pat, true) else { return call.fail_spread() };
        let groups = regex.captures_len() - 1;
        if groups == 0 {
            call.wrong("pat", "it has no group", "put what to extract into parentheses");
            return call.fail_spread();
        }
        if call.into.is_none() {
            let names: Vec<String> = regex.capture_names().flatten().map(str::to_owned).collect();
            call.into = (names.len() == groups).then_some(names);
        }
        let mut locations = regex.capture_locations();
        spread(call, groups, move |text, parts| {
            if regex.captures_read(&mut locations, text).is_some() {
                for (group, part) in parts.iter_mut().enumerate() {
                    *part = locations.get(group + 1).map(|(start, end)| &text[start..end]);
                }
            }
        });
    }
}

/// Plans one text column to `count` text columns.
fn spread(call: &mut Call<'_, '_>, count: usize, parts: impl for<'t> FnMut(&'t str, &mut [Option<&'t str>]) + Send + 'static) {
    let subjects = call.subjects();
    let [(name, pointer)] = subjects.as_slice() else {
        call.wrong_call("cols", "it works on one column", "use one step for each column");
        return call.fail_spread();
    };
    let into = match &call.into {
        Some(into) if into.len() == count => into.clone(),
        None if count == 1 => vec![name.clone()],
        _ => {
            let help = match call.passage {
                None => "give them in `into`",
                Some(_) => "an expression makes one column: write `(?:` for the groups that it does not need",
            };
            call.wrong_call("into", &format!("its {count} columns need {count} names"), help);
            return call.fail_spread();
        }
    };
    let Some(column) = call.column(name, pointer).filter(|column| text_column(call, column)) else { return call.fail_spread() };
    let slot = as_text(call, &column);
    let slots = call.planning.step(Spread { count, parts }, &[slot], count);
    for (name, slot) in into.iter().zip(slots) {
        let made = call.made(DataType::Utf8, true, slot).null_where("the text has no such part");
        call.put(name, Some(made));
    }
}

/// One text array to several.
struct Spread<F> {
    count: usize,
    parts: F,
}

impl<F: for<'t> FnMut(&'t str, &mut [Option<&'t str>]) + Send> Kernel for Spread<F> {
    fn run(&mut self, inputs: &Inputs<'_>, _rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        let text = inputs.array(0).as_string::<i32>();
        let mut found: Vec<Option<&str>> = vec![None; text.len() * self.count];
        for (row, parts) in found.chunks_exact_mut(self.count).enumerate().filter(|(row, _)| text.is_valid(*row)) {
            (self.parts)(text.value(row), parts);
        }
        for column in 0..self.count {
            let part = |row: usize| found[row * self.count + column];
            let (mut out, mut ends) = (String::new(), Vec::with_capacity(text.len() + 1));
            ends.push(0);
            for row in 0..text.len() {
                out.push_str(part(row).unwrap_or(""));
                ends.push(out.len() as i32);
            }
            let nulls = NullBuffer::new(BooleanBuffer::collect_bool(text.len(), |row| part(row).is_some()));
            outputs.push(text_array(out, ends, (nulls.null_count() > 0).then_some(nulls)));
        }
    }
}
