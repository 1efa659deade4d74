//! `caz model`: what a model file takes and gives.

use std::path::{Path, PathBuf};

use super::exit::Failure;
use super::terminal;
use crate::model::{Model, SingleRow};

/// `caz model FILE`
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  caz model models/car-insurance/random-forest.onnx")]
pub(super) struct ShowModel {
    /// The model (.onnx)
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl ShowModel {
    pub(super) fn run(self) -> Result<(), Failure> {
        Ok(terminal::answer(&describe(&load(&self.file)?).join("\n"))?)
    }
}

/// The model of a file, named as it is.
pub(super) fn load(file: &Path) -> Result<Model, Failure> {
    let id = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    Model::load(&id, file).map_err(|error| {
        let mend = error.mend().map(|mend| format!("\n  help: {mend}")).unwrap_or_default();
        Failure::Running(format!("{error}{mend}"))
    })
}

fn describe(model: &Model) -> Vec<String> {
    let mut lines = vec![model.path.display().to_string()];
    let mut line = |key: &str, value: &str| lines.push(format!("  {key:<9}{value}"));
    line("size", &format!("{} bytes, sha256 {}", model.size(), model.digest));
    line("version", &model.version.to_string());
    line("opsets", &format!("{}; file format {}", model.file.opset_list(), model.file.ir_version));
    if !model.file.producer.is_empty() {
        line("made by", &model.file.producer);
    }
    for port in &model.signature.inputs {
        line("input", &port.to_string());
    }
    for output in &model.signature.outputs {
        line("output", &output.to_string());
    }
    for output in &model.unusable {
        line("left out", &output.to_string());
    }
    match model.unfit() {
        None => line("engine", &format!("{}: {}", model.engine().name(), model.engine().promise())),
        Some(reason) => line("engine", &format!("{}: {reason}", model.engine().name())),
    }
    match &model.refusal {
        Some(_) if model.is_open() => {
            line("untried", "only a graph tells how many features a row has: its outputs are as the file declares them");
        }
        Some(refusal) => {
            line("untried", &format!("it fails on a row of zeros and empty strings, its outputs are as the file declares them: {refusal}"));
        }
        None => {}
    }
    match (&model.single_row, model.is_open()) {
        (_, true) => line("a run", "as many rows as the graph's features turn out to serve best: the model takes any number of features"),
        (None, _) => match model.rows_per_run(model.engine()) {
            Ok(rows) => line("a run", &format!("{rows} rows serve best on this machine; `caz tune` shows what others cost")),
            Err(error) => line("a run", &error.to_string()),
        },
        (Some(SingleRow::FixedShape), _) => line("a run", "1 row: the input's first dimension is fixed"),
        (Some(SingleRow::TurnedOutput(output)), _) => {
            line("a run", &format!("1 row: the rows may not be along the first dimension of output `{output}`"));
        }
        (Some(SingleRow::DependsOnBatch), _) => line("a run", "1 row: its answers would depend on the rows beside it"),
        (Some(SingleRow::Random), _) => line("a run", "1 row: it answers the same row differently each time"),
    }
    if let Some(features) = &model.features {
        line("features", &features.join(", "));
    }
    if let Some(odd) = &model.odd_features {
        line("features", &format!("no JSON list of names: {odd}"));
    }
    lines
}
