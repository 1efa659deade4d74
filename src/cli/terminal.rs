//! What is written to the terminal, the only place that prints.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::codec::AbsentField;

/// Whether messages go to the log: who asked for JSON lines gets nothing else on standard error.
static SAYS_IN_LOG: AtomicBool = AtomicBool::new(false);

/// From now on messages go to the log.
pub(super) fn say_in_log() {
    SAYS_IN_LOG.store(true, Ordering::Relaxed);
}

/// Whether messages go to the log. One that is filtered out would take the reason of an end with it.
fn says_in_log() -> bool {
    SAYS_IN_LOG.load(Ordering::Relaxed) && tracing::enabled!(tracing::Level::ERROR)
}

/// Whether standard error is a terminal that wants colours.
pub(super) fn has_colour() -> bool {
    !says_in_log() && std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether standard error is a terminal, on which lines can be drawn over.
pub(super) fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Progress drawn over one line of a terminal, hidden elsewhere. `template` is indicatif's.
pub(super) fn progress(template: &str) -> ProgressBar {
    let bar = if is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Writes what is worth knowing while a command runs to standard error, where it does not mix with the command's answer.
pub(super) fn notice(message: &str) {
    if says_in_log() { tracing::warn!("{}", message.trim_end()) } else { write(message) }
}

/// Writes why a command failed, or what may be wrong, to standard error.
pub(super) fn error(message: &str) {
    if says_in_log() { tracing::error!("{}", message.trim_end()) } else { write(message) }
}

/// Writes to standard error; a closed one is nobody's fault.
fn write(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", message.trim_end());
}

/// Warns of a field that a file of rows has no column for.
pub(super) fn warn_of_absent(file: &Path, absent: &AbsentField) {
    error(&format!("warning: {}: the file lacks {absent}, which is {} in every row", file.display(), absent.value()));
}

/// Writes a command's answer to standard output; who closes it has read enough.
pub(super) fn answer(text: &str) -> std::io::Result<()> {
    answer_part(text).map(drop)
}

/// Writes a part of a command's answer; whether anybody still reads.
pub(super) fn answer_part(text: &str) -> std::io::Result<bool> {
    match writeln!(std::io::stdout().lock(), "{}", text.trim_end()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// Bold on a terminal that wants colours.
pub(super) fn bold(text: &str) -> String {
    styled(text, "1")
}

/// Faint on a terminal that wants colours.
pub(super) fn dim(text: &str) -> String {
    styled(text, "2")
}

/// Green on a terminal that wants colours: what went well.
pub(super) fn green(text: &str) -> String {
    styled(text, "32")
}

/// Red on a terminal that wants colours: what did not.
pub(super) fn red(text: &str) -> String {
    styled(text, "31")
}

/// `code` is that of ANSI's "select graphic rendition".
fn styled(text: &str, code: &str) -> String {
    if has_colour() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
