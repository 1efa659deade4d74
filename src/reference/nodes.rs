//! A page for each type of node: what it does, its parameters, types and nulls, an example that a test runs.

use serde_json::{Map, Value};

use super::table::{Table, code};
use super::{Example, parameters, probe};
use crate::model::ModelStore;
use crate::nodes::{NODES, OperationPage, by_name, operation_pages, refusals};

/// The index of the pages.
pub fn node_index() -> String {
    let mut table = Table::new(&["type", "what it does"]);
    for node in NODES {
        let name = node.type_name();
        table.row(vec![format!("[{name}]({name}.md)"), node.summary().into()]);
    }
    format!(
        "# Nodes\n\n\
         A graph is made of nodes of these types. Types of columns have pandas' names: `object` is text, `float64` holds numbers that can be \
         null; what pandas has no type for, such as decimals, dates and lists, has Arrow's name. The pages are generated from the program, \
         and each example is run by a test.\n\n{table}"
    )
}

/// The page of a type of node; `None` when there is no such type.
pub fn node_page(type_name: &str) -> Option<String> {
    let node = by_name(type_name)?;
    let mut page = format!("# {type_name}\n\n{}.\n", node.summary());
    page += &parameters_of(&node.parameters().to_value(), "## Parameters", "parameter", "It has no parameters.");
    for (title, text) in [("Types", node.types()), ("Nulls", node.nulls())] {
        if !text.is_empty() {
            page += &format!("\n## {title}\n\n{text}\n");
        }
    }
    if let Some(text) = Example::of_node(type_name) {
        page += &example_of(type_name, text, "## Example", node.is_entry());
    }
    if type_name == "Pandas" {
        page += &operations();
    }
    Some(page)
}

fn parameters_of(schema: &Value, heading: &str, head: &str, none: &str) -> String {
    let table = parameters::table(schema, head).map_or_else(|| format!("{none}\n"), |table| table.to_string());
    if heading.is_empty() { format!("\n{table}") } else { format!("\n{heading}\n\n{table}") }
}

/// The operations of the Pandas node: an index, then a section for each.
fn operations() -> String {
    let mut index = Table::new(&["operation", "what it does"]);
    for page in operation_pages() {
        let anchor: String = page.name.chars().filter(|letter| *letter != '.').collect();
        index.row(vec![format!("[{}](#{anchor})", page.name), page.summary.into()]);
    }
    let sections: String = operation_pages().map(|page| operation(&page)).collect();
    format!(
        "\n# Operations\n\n\
         The answers are those of pandas 2.2.3; [where they differ](../pandas-differences.md), they do so on purpose. The tables of types show \
         what the operation makes of each type of column with the example's parameters.\n\n{index}{sections}{}",
        refused()
    )
}

/// What pandas has and caz has not, with the way around it.
fn refused() -> String {
    let mut table = Table::new(&["operations", "why", "instead"]);
    for refusal in refusals() {
        let names: Vec<String> = refusal.names.iter().map(|name| code(name)).collect();
        table.row(vec![names.join(", "), refusal.reason.into(), refusal.instead.into()]);
    }
    format!("\n# Refused operations\n\n{table}")
}

fn operation(page: &OperationPage) -> String {
    let mut section = format!("\n## {}\n\n{}. {}\n", page.name, page.summary, page.works_on);
    section += &parameters_of(&page.kwargs.clone().to_value(), "", "keyword", "It has no keyword arguments.");
    let name = format!("pandas/{}", page.name);
    let Some(text) = Example::of_operation(page.name) else { return section };
    section += &example_of(&name, text, "### Example", false);
    if let Ok((example, document)) = Example::read(&name, text)
        && let Some(table) = probe::types(&example, &document, &ModelStore::new(""))
    {
        section += &format!("\nWith these parameters, by the type of the column:\n\n{table}");
    }
    section
}

/// An example: what it shows, its parameters as its file writes them, the events, what comes of them.
fn example_of(name: &str, text: &str, heading: &str, is_entry: bool) -> String {
    let Ok((example, _)) = Example::read(name, text) else { return String::new() };
    let mut section = format!("\n{heading}\n\n{}.\n", example.about);
    let written = |key: &str| part(text, key).map(|part| format!("\n```yaml\n{part}```\n")).unwrap_or_default();
    if example.params.as_object().is_some_and(|params| !params.is_empty()) {
        section += &written("params");
    }
    if !example.frozen.is_empty() {
        section += &format!("\nWhat `caz fit` froze of the training data:\n{}", written("frozen"));
    }
    let fields = example.fields.iter().map(|(name, kind)| (name.clone(), shown(kind)));
    let input = rows(fields.collect(), example.rows.iter());
    let types = example.types.iter().map(|(name, dtype)| (name.clone(), shown(dtype)));
    let output = rows(types.collect(), example.gives.iter());
    let what = if is_entry { "Events" } else { "Events in" };
    section + &format!("\n{what}, and the columns that come out:\n\n{input}\n{output}")
}

/// The lines of a top-level key of an example's file.
fn part<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let start = text.find(&format!("\n{key}:"))? + 1;
    let rest = &text[start..];
    let end = rest.match_indices('\n').map(|(at, _)| at + 1).find(|at| rest[*at..].starts_with(|first: char| first.is_ascii_lowercase()));
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// A table of values, the type of each column in its head.
fn rows<'a>(columns: Vec<(String, String)>, values: impl Iterator<Item = &'a Value>) -> Table {
    let head: Vec<String> = columns.iter().map(|(name, kind)| format!("{name}<br>{}", code(kind))).collect();
    let mut table = Table::new(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for row in values {
        let empty = Map::new();
        let row = row.as_object().unwrap_or(&empty);
        let out = ["rejected", "skipped"].into_iter().find_map(|fate| row.get(fate).map(|why| format!("*{fate}: {}*", shown(why))));
        table.row(match out {
            Some(out) => vec![out],
            None => columns.iter().map(|(name, _)| row.get(name).map_or_else(String::new, cell)).collect(),
        });
    }
    table
}

/// A value in a table: text keeps its spaces.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) if text.trim() != text || text.is_empty() => code(&value.to_string()),
        Value::String(text) => text.clone(),
        Value::Null => "*null*".into(),
        other => other.to_string(),
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
