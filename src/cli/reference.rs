//! `caz reference`: the reference pages that are made of the code.

use super::exit::{Failure, running};
use super::terminal;

/// `caz reference PAGE`
#[derive(clap::Args)]
pub(super) struct Reference {
    /// The page
    #[arg(value_enum)]
    page: Page,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Page {
    /// Every metric, as Markdown
    Metrics,
    /// The examples of nodes and operations, as JSON
    Examples,
}

impl Reference {
    pub(super) fn run(self) -> Result<(), Failure> {
        let page = match self.page {
            Page::Metrics => crate::telemetry::reference(),
            Page::Examples => format!("{:#}", crate::reference::examples_json().map_err(running)?),
        };
        Ok(terminal::answer(&page)?)
    }
}
