//! `caz check`: the whole pipeline without Kafka.

use super::exit::Failure;
use super::{PipelineFile, terminal};
use crate::golden::{Passed, gate};

/// `caz check FILE`
#[derive(clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    pipeline: PipelineFile,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// Show what each node does to the columns: names, types, what they are made from; ? marks those that can be null
    #[arg(long, conflicts_with = "json")]
    types: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.json {
            return self.run_json();
        }
        let assembly = self.pipeline.load()?;
        let passed = gate(&assembly).map_err(Failure::Golden)?;
        let plan = assembly.plan().map_err(Failure::Configuration)?;
        let outputs: Vec<String> =
            plan.outputs().iter().map(|column| format!("{} {}", column.name, crate::nodes::dtype(&column.data_type))).collect();
        let mut lines = vec![format!("{}: ok, {} nodes", self.pipeline.file.display(), plan.nodes().len())];
        lines.push(format!("  reads    {} of {} fields", plan.projection().len(), assembly.dataset().fields().len()));
        lines.push(format!("  answers  {}", outputs.join(", ")));
        for model in assembly.models().loaded() {
            lines.push(format!("  model    {} version {}, sha256 {}", model.id, model.version, &model.digest[..16]));
            let why = model.unfit().map(|reason| format!(" ({reason})")).unwrap_or_default();
            if let (false, Ok(rows)) = (model.is_open(), model.rows_per_run(model.engine())) {
                lines.push(format!("           engine {}{why}, {rows} rows a run unless the node says otherwise", model.engine().name()));
            }
            lines.extend(model.signature.inputs.iter().map(|port| format!("           takes {port}")));
        }
        if self.types {
            lines.push(String::new());
            lines.push(crate::graph::types(&plan));
        }
        if let Some(Passed { cases, nodes, features, outputs }) = passed {
            let values = if outputs > 0 { format!(", {features} features and the scores") } else { format!(" and {features} features") };
            lines.push(format!("  golden   {cases} cases pass: {nodes} nodes{values} are as recorded"));
        }
        Ok(terminal::answer(&lines.join("\n"))?)
    }

    fn run_json(&self) -> Result<(), Failure> {
        let (diagnostics, outcome) = match crate::stream::Assembly::load(&self.pipeline.file) {
            Ok((assembly, mut diagnostics)) => match gate(&assembly) {
                Ok(_) => (diagnostics, Ok(())),
                Err(found) => {
                    diagnostics.extend(found.clone());
                    (diagnostics, Err(Failure::Golden(found)))
                }
            },
            Err(found) => (found.clone(), Err(Failure::Configuration(found))),
        };
        terminal::answer(&format!("{:#}", diagnostics.to_json()))?;
        outcome
    }
}
