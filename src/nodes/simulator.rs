//! The Simulator node: a source of events for demos, tests and load.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Frame, Node, NodeSpec, Planning, Position};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document};

/// Says which events `caz simulate` and `caz demo` publish; in the graph they enter here, as every event does.
pub(super) struct Simulator;

const TYPE_NAME: &str = "Simulator";

/// What a graph's Simulator publishes: the parameters of the node.
///
/// `caz simulate` and `caz demo` take from here what their command line leaves out; `caz run` reads the pipeline's topic.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    /// Which events are made up: the same seed makes the same ones.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Events a second; 0 is as fast as it goes.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub rate: Option<f64>,
    /// The file (.csv, .jsonl, .ndjson, .avro, .parquet) whose rows are published over and over, relative to the file that holds the
    /// graph; without it events are made up from the dataset schema.
    #[serde(default)]
    pub rows: Option<PathBuf>,
}

impl Simulation {
    /// What the first Simulator of a graph says, its paths from the working directory; `None` without one.
    pub fn of(nodes: &[NodeSpec], document: &Arc<Document>) -> Option<Self> {
        let node = nodes.iter().find(|node| node.type_name == TYPE_NAME)?;
        // Mistakes are reported where the graph is planned.
        let simulation: Self = document.read_as(&format!("{}/params", node.pointer), &mut Diagnostics::new())?;
        Some(Self { rows: simulation.rows.map(|path| document.resolve(&path)), ..simulation })
    }
}

impl Node for Simulator {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn summary(&self) -> &'static str {
        "Says which events `caz simulate` and `caz demo` publish, and lets all events into the graph"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Simulation)
    }

    fn types(&self) -> &'static str {
        "Each field becomes a column as JsonToDataframe makes it."
    }

    fn nulls(&self) -> &'static str {
        "A column can be null where the schema lets the field be null."
    }

    fn position(&self) -> Position {
        Position::Start
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        if let Some(simulation) = planning.params::<Simulation>() {
            let message = format!("node `{}` makes no events in a scorer, which reads those of the pipeline's input", planning.id());
            let help = "`caz simulate` and `caz demo` take from it what their command line leaves out";
            planning.report(Diagnostic::note(Code::Idle, message).help(help), "/type");
            let rows = simulation.rows.map(|path| planning.resolve(&path));
            if let Some((path, error)) = rows.and_then(|path| File::open(&path).err().map(|error| (path, error))) {
                let message = format!("cannot read the rows of node `{}`: {}: {error}", planning.id(), path.display());
                let help = "`caz simulate` and `caz demo` need the file, a scorer does not";
                planning.report(Diagnostic::warning(Code::Unreadable, message).help(help), "/params/rows");
            }
        }
        planning.input().clone()
    }
}
