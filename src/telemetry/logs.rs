//! Logs: to standard error, for people or for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// The variable that says which logs are wanted.
const VARIABLE: &str = "CAZ_LOG";
const DEFAULT_FILTER: &str = "info";

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
        "CAZ_LOG is `{value}`, which is no log filter ({message}); write a level, such as CAZ_LOG=debug, or levels by part, such as CAZ_LOG=info,caz::stream=trace"
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
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = match format {
        LogFormat::Human => builder.with_ansi(wants_colour()).with_target(false).finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).finish().try_init(),
    };
    installed.map_err(|_| LogError::Installed)
}

fn filter(value: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(value).map_err(|error| LogError::Filter { value: value.to_owned(), message: error.to_string() })
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
    }

    #[test]
    fn a_wrong_filter_is_refused_with_an_example() {
        let message = filter("info,caz=loud").unwrap_err().to_string();
        assert!(message.contains("`info,caz=loud`") && message.contains("CAZ_LOG=debug"), "{message}");
    }
}
