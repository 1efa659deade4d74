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
    /// The kind of picture
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
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
        let picture = match self.format {
            Format::Mermaid => mermaid(&plan, ends),
            Format::Svg => svg(&plan, ends),
        };
        match self.output {
            Some(path) => std::fs::write(&path, picture).map_err(|error| Failure::Running(format!("{}: {error}", path.display()))),
            None => Ok(terminal::answer(&picture)?),
        }
    }
}
