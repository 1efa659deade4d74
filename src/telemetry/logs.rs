//! Logs: to standard error, for people or for machines.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::diagnostic::nearest;

/// The variable that says which logs are wanted.
const VARIABLE: &str = "CAZ_LOG";
const DEFAULT_FILTER: &str = "info";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One line for people, with colours on a terminal
    #[default]
    Human,
    /// One JSON object a line
    Json,
}

/// Logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The variable `CAZ_LOG` cannot be read.
    #[error(
        "CAZ_LOG is `{value}`, which is no log filter ({message}); write a level, such as CAZ_LOG=debug, or levels by part, such as CAZ_LOG=warn,caz::stream=info"
    )]
    Filter {
        /// The variable's value.
        value: String,
        /// What is wrong with it.
        message: String,
    },
    /// The process has a subscriber that is not caz's.
    #[error("logs cannot be set up: the program that embeds caz has done so already")]
    Installed,
}

/// Sends the process's logs to standard error, filtered by the variable `CAZ_LOG` (`info` when it is not set). Colours only on a terminal
/// whose user has not set `NO_COLOR`.
///
/// # Errors
/// When `CAZ_LOG` cannot be read, or logs are set up already.
pub fn install(format: LogFormat) -> Result<(), LogError> {
    install_from(DEFAULT_FILTER, format)
}

/// As [`install`], with another filter than `info` when `CAZ_LOG` is not set: for commands that draw on the terminal.
///
/// # Errors
/// As [`install`].
pub fn install_from(default_filter: &str, format: LogFormat) -> Result<(), LogError> {
    let value = std::env::var_os(VARIABLE).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.trim().is_empty());
    let filter = filter(value.as_deref().unwrap_or(default_filter))?;
    // A line that nobody reads any more, or that a full disk does not take, is lost; told of on standard error it would be a panic.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let installed = match format {
        LogFormat::Human => builder.with_ansi(wants_colour()).with_target(false).finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).finish().try_init(),
    };
    installed.map_err(|_| LogError::Installed)
}

fn filter(value: &str) -> Result<EnvFilter, LogError> {
    let refuse = |message| LogError::Filter { value: value.to_owned(), message };
    if let Some(word) = value.split(',').map(str::trim).find(|word| is_misspelt(word)) {
        let near = nearest(word, LEVELS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(refuse(format!("`{word}` is no level{near}")));
    }
    EnvFilter::try_new(value).map_err(|error| refuse(error.to_string()))
}

/// Whether a part of a filter is a lone word that is neither a level nor a part of the program that logs. It would be taken for the latter,
/// and show nothing at all.
fn is_misspelt(word: &str) -> bool {
    let is_level = word.parse::<LevelFilter>().is_ok();
    !is_level && !word.contains(['=', '[', ':']) && !["caz", "librdkafka"].contains(&word)
}

fn wants_colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]
    use super::*;

    #[test]
    fn levels_and_levels_by_part() {
        assert!(filter("warn").is_ok());
        assert!(filter("info,caz::stream=trace").is_ok());
        assert!(filter("WARN,librdkafka").is_ok());
    }

    #[test]
    fn a_wrong_filter_is_refused_with_an_example() {
        let message = filter("info,caz=loud").unwrap_err().to_string();
        assert!(message.contains("`info,caz=loud`") && message.contains("CAZ_LOG=debug"), "{message}");
        let message = filter("warning").unwrap_err().to_string();
        assert!(message.contains("`warning` is no level; did you mean `warn`?"), "{message}");
    }
}
