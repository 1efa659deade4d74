//! How a command ends.

use std::process::ExitCode;

use super::terminal;
use crate::diagnostic::Diagnostics;
use crate::stream::WorkerError;

/// The exit codes and the environment, as `caz --help` shows them.
pub(super) const HELP: &str = "\
Exit codes:
  0  done
  1  a failure while running: Kafka, a file, a port
  2  wrong arguments
  3  wrong configuration: every mistake is printed
  4  another instance took this one's place
  5  an account of events is not clean: some are missing, or `caz audit` found more
  6  the golden cases do not pass: other values than recorded, so nothing is served

Environment:
  CAZ_LOG          which logs: a level, or levels by part, such as warn,caz::stream=info
  ORT_DYLIB_PATH   the library of ONNX Runtime, which is looked for beside the binary otherwise, then in .caz/onnxruntime
                   of the folders above the working directory and the binary
  NO_COLOR         no colours when it is not empty";

/// Why a command failed.
pub(super) enum Failure {
    /// The arguments are wrong.
    Arguments(String),
    /// The pipeline is wrong.
    Configuration(Diagnostics),
    /// The golden cases do not pass.
    Golden(Diagnostics),
    /// Workers ended.
    Workers(Vec<WorkerError>),
    /// An account of events is not clean.
    Unaccounted(String),
    /// Something else went wrong while running.
    Running(String),
}

impl Failure {
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Running(_) => 1,
            Self::Arguments(_) => 2,
            Self::Configuration(_) => 3,
            Self::Workers(errors) if errors.iter().any(|error| matches!(error, WorkerError::Config(_))) => 3,
            Self::Workers(errors) if errors.iter().any(|error| matches!(error, WorkerError::Fenced(_))) => 4,
            Self::Workers(_) => 1,
            Self::Unaccounted(_) => 5,
            Self::Golden(_) => 6,
        })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Configuration(diagnostics) | Self::Golden(diagnostics) => f.write_str(&shown(diagnostics)),
            Self::Workers(errors) => {
                let mut seen = Vec::new();
                for error in errors.iter().map(ToString::to_string) {
                    if !seen.contains(&error) {
                        writeln!(f, "error: {error}")?;
                        seen.push(error);
                    }
                }
                Ok(())
            }
            Self::Running(message) | Self::Unaccounted(message) | Self::Arguments(message) => write!(f, "error: {message}"),
        }
    }
}

/// The findings, and how to know more of the gravest.
pub(super) fn shown(diagnostics: &Diagnostics) -> String {
    let gravest = diagnostics.iter().rev().max_by_key(|found| found.severity);
    let hint = gravest.map_or(String::new(), |found| format!("caz explain-error {} says more, with an example\n", found.code));
    diagnostics.render(terminal::has_colour()) + &hint
}

/// A failure while running, in the error's own words.
pub(super) fn running(error: impl std::fmt::Display) -> Failure {
    Failure::Running(error.to_string())
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Running(error.to_string())
    }
}
