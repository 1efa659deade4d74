//! `caz reference`: the reference pages that are made of the code.

use std::path::{Path, PathBuf};

use super::exit::{Failure, running};
use super::terminal;
use crate::diagnostic::nearest;
use crate::nodes::NODES;
use crate::reference::{node_index, node_page};

/// `caz reference PAGE`
#[derive(clap::Args)]
pub(super) struct Reference {
    /// The page
    #[arg(value_enum)]
    page: Page,
    /// Of `nodes`: the type of node whose page it is; without it the index
    node: Option<String>,
    /// Of `nodes`: write the index and the page of each type of node into this folder instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "node")]
    into: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Page {
    /// Every metric, as Markdown
    Metrics,
    /// The language of expressions, as Markdown
    Expressions,
    /// The types of nodes: what each does, its parameters, types, examples
    Nodes,
    /// The index of the pages of error codes, as Markdown
    Errors,
    /// The examples of nodes and operations, as JSON
    Examples,
}

impl Reference {
    pub(super) fn run(self) -> Result<(), Failure> {
        if !matches!(self.page, Page::Nodes) && (self.node.is_some() || self.into.is_some()) {
            return Err(Failure::Arguments("only `nodes` has a page for each type, and a folder to write them into".into()));
        }
        let page = match self.page {
            Page::Metrics => crate::telemetry::reference(),
            Page::Expressions => crate::nodes::expression_reference(),
            Page::Nodes => match (&self.node, &self.into) {
                (_, Some(folder)) => {
                    return write_nodes(folder).map_err(|error| Failure::Running(format!("{}: {error}", folder.display())));
                }
                (Some(name), None) => node_page(name).ok_or_else(|| Failure::Arguments(unknown_node(name)))?,
                (None, None) => node_index(),
            },
            Page::Errors => crate::reference::error_index(),
            Page::Examples => format!("{:#}", crate::reference::examples_json().map_err(running)?),
        };
        Ok(terminal::answer(&page)?)
    }
}

fn write_nodes(folder: &Path) -> std::io::Result<()> {
    std::fs::write(folder.join("README.md"), node_index())?;
    for name in NODES.iter().map(|node| node.type_name()) {
        std::fs::write(folder.join(format!("{name}.md")), node_page(name).unwrap_or_default())?;
    }
    Ok(())
}

fn unknown_node(name: &str) -> String {
    let names = || NODES.iter().map(|node| node.type_name());
    let near = nearest(name, names()).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    format!("there is no type of node `{name}`{near}\nThe types: {}", names().collect::<Vec<_>>().join(", "))
}
