//! The types of a planned graph as text: what each node does to the columns.

use std::fmt::Write;

use super::{Plan, PlannedNode};
use crate::nodes::{Column, Frame};

/// Names that are told of a group of columns that were made alike.
const MOST_NAMES: usize = 4;

/// What each node does to the columns, node by node: `+` columns that it makes, `~` those that it changes, `-` those that it takes out, and
/// how many stay as they were. `?` behind a type says that the column can be null.
pub fn types(plan: &Plan) -> String {
    let mut text = String::new();
    for node in plan.nodes() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} ({})", node.id, node.type_name);
        let before: Frame = node.parents.iter().flat_map(|parent| plan.nodes()[*parent].frame.columns().iter().cloned()).collect();
        let lines = changes(node, &before);
        let width = |part: fn(&Line) -> &String| lines.iter().map(|line| part(line).chars().count()).max().unwrap_or(0);
        let (names, types) = (width(|line| &line.names), width(|line| &line.dtype));
        for line in &lines {
            let row = format!("  {} {:names$}  {:types$}  {}", line.sign, line.names, line.dtype, line.from);
            let _ = writeln!(text, "{}", row.trim_end());
        }
        let kept =
            node.frame.columns().iter().filter(|column| before.get(&column.name).is_some_and(|before| is_same(before, column))).count();
        if kept > 0 {
            let _ = writeln!(text, "  = {kept} as before");
        }
    }
    text
}

/// One change, of a column or of several that were made alike.
#[derive(Debug)]
struct Line {
    sign: char,
    names: String,
    dtype: String,
    from: String,
    count: usize,
}

fn changes(node: &PlannedNode, before: &Frame) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for column in node.frame.columns() {
        let (sign, was) = match before.get(&column.name) {
            None => ('+', None),
            Some(before) if is_same(before, column) => continue,
            Some(before) => ('~', Some(typed(before)).filter(|was| *was != typed(column))),
        };
        let mut from = vec![was.map(|was| format!("was {was}")), sources(node, column)];
        from.retain(Option::is_some);
        let from = from.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let line = Line { sign, names: column.name.to_string(), dtype: typed(column), from, count: 1 };
        match lines
            .last_mut()
            .filter(|last| last.sign == '+' && last.dtype == line.dtype && last.from == line.from && !line.from.is_empty())
        {
            Some(last) => add(last, &line.names),
            None => lines.push(line),
        }
    }
    lines
        .iter_mut()
        .filter(|line| line.count > MOST_NAMES)
        .for_each(|line| line.names = format!("{}, ... {} in all", line.names, line.count));
    let removed: Vec<&str> = before.names().filter(|name| node.frame.get(name).is_none()).collect();
    if !removed.is_empty() {
        lines.push(Line { sign: '-', names: removed.join(", "), dtype: String::new(), from: String::new(), count: removed.len() });
    }
    lines
}

/// Puts one more column into a group.
fn add(group: &mut Line, name: &str) {
    group.count += 1;
    if group.count <= MOST_NAMES {
        group.names = format!("{}, {name}", group.names);
    }
}

fn is_same(before: &Column, column: &Column) -> bool {
    before.source == column.source && typed(before) == typed(column)
}

fn typed(column: &Column) -> String {
    format!("{}{}", column.dtype(), if column.nullable { "?" } else { "" })
}

/// The columns that the node made this one from, unless it is the one of the same name alone.
fn sources(node: &PlannedNode, column: &Column) -> Option<String> {
    let origin = &column.origin;
    let mut names: Vec<&str> = Vec::new();
    for parent in origin.parents().iter().filter(|_| origin.node() == node.id) {
        if !names.contains(&parent.name.as_ref()) {
            names.push(&parent.name);
        }
    }
    match names.as_slice() {
        [] => None,
        [only] if *only == column.name.as_ref() => None,
        few if few.len() <= MOST_NAMES => Some(format!("from {}", few.join(", "))),
        many => Some(format!("from {}, ...", many[..MOST_NAMES].join(", "))),
    }
}
