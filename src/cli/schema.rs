//! `caz schema`: JSON Schemas for editors.

use super::exit::Failure;
use super::terminal;

/// `caz schema pipeline`
#[derive(clap::Args)]
pub(super) struct Schema {
    /// The file format
    #[arg(value_enum)]
    of: Of,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Of {
    /// The pipeline file
    Pipeline,
}

impl Schema {
    pub(super) fn run(self) -> Result<(), Failure> {
        let schema = match self.of {
            Of::Pipeline => crate::config::json_schema(),
        };
        Ok(terminal::answer(&format!("{schema:#}"))?)
    }
}
