//! A table for people: a head, rows, numbers to the right.

use std::fmt;

/// Columns as wide as their widest cell.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    /// Columns that are text and stand to the left.
    left: Vec<bool>,
}

impl Table {
    /// A table of numbers with this head.
    pub(super) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&name| name.to_owned()).collect()], left: vec![false; head.len()] }
    }

    /// These columns, by position, hold text.
    #[must_use]
    pub(super) fn text(mut self, columns: &[usize]) -> Self {
        columns.iter().for_each(|column| self.left[*column] = true);
        self
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| harmless(&cell)).collect());
    }
}

/// A text with control characters as escapes: what an event holds must not move the cursor.
pub(super) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() { shown.extend(character.escape_unicode()) } else { shown.push(character) }
    }
    shown
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.left.len()).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), left) in row.iter().zip(&widths).zip(&self.left) {
                let cell = if *left { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
                line.push_str(&cell);
                line.push_str("  ");
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
