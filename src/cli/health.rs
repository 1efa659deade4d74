//! `caz health`: the health of a running caz, for containers that have no other HTTP client.

use super::exit::{Failure, running};
use super::terminal;

/// `caz health URL`
#[derive(clap::Args)]
pub(super) struct Health {
    /// What to ask, such as http://127.0.0.1:9464/readyz
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:9464/readyz")]
    url: String,
}

impl Health {
    pub(super) fn run(self) -> Result<(), Failure> {
        let answer = crate::telemetry::probe(&self.url).map_err(running)?;
        Ok(terminal::answer(&answer)?)
    }
}
