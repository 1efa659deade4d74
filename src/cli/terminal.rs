//! What is written to the terminal, the only place that prints.

use std::io::{IsTerminal, Write};

/// Whether standard error is a terminal that wants colours.
pub(super) fn has_colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes a message to standard error; a closed one is nobody's fault.
pub(super) fn error(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", message.trim_end());
}

/// Writes a command's answer to standard output.
pub(super) fn answer(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{}", text.trim_end())
}
