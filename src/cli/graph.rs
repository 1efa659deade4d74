//! `caz graph`: the pipeline's graph as a picture.

use std::path::PathBuf;

use super::exit::Failure;
use super::{PipelineFile, terminal};
use crate::graph::{Ends, mermaid, svg};

/// `caz graph FILE`
#[derive(clap::Args)]
pub(super) struct Graph {
    #[command(flatten)]
    pipeline: PipelineFile,
    /// The kind of picture; when left out svg for an output that ends with .svg, else mermaid
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write it to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Text that Markdown pages show as a picture
    Mermaid,
    /// A picture of its own
    Svg,
}

impl Graph {
    pub(super) fn run(self) -> Result<(), Failure> {
        let assembly = self.pipeline.load()?;
        let plan = assembly.plan().map_err(Failure::Configuration)?;
        let pipeline = assembly.pipeline();
        let ends = Ends { input: Some(&pipeline.input.topic), output: Some(&pipeline.output.topic) };
        let is_svg = self.output.as_ref().and_then(|path| path.extension()).is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
        let picture = match self.format.unwrap_or(if is_svg { Format::Svg } else { Format::Mermaid }) {
            Format::Mermaid => mermaid(&plan, ends),
            Format::Svg => svg(&plan, ends),
        };
        match self.output {
            Some(path) => std::fs::write(&path, picture).map_err(|error| Failure::Running(format!("{}: {error}", path.display()))),
            None => Ok(terminal::answer(&picture)?),
        }
    }
}
