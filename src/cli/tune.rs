//! `caz tune`: what a row costs in each engine and in runs of each size.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::exit::Failure;
use super::model::load;
use super::table::Table;
use super::terminal;
use crate::model::{Engine, Model, RunCost, best_rows_per_run};

/// `caz tune MODEL`
#[derive(clap::Args)]
#[command(after_help = "\
Nothing is written. A running caz measures the same when it puts a model to work, in a shorter time, \
and keeps the number while it runs; `rows_per_run` and `engine` of the node that asks the model fix both, \
and nothing is measured then.

Examples:
  caz tune models/car-insurance/random-forest.onnx
  caz tune --seconds 10 --json models/car-insurance/random-forest.onnx")]
pub(super) struct Tune {
    /// The model (.onnx)
    #[arg(value_name = "MODEL")]
    file: PathBuf,
    /// How long to measure each engine
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Answer with JSON
    #[arg(long)]
    json: bool,
}

impl Tune {
    pub(super) fn run(self) -> Result<(), Failure> {
        let model = load(&self.file)?;
        if model.is_open() {
            let message = format!("{} takes any number of features: only a graph tells how many a row has", self.file.display());
            return Err(Failure::Running(message));
        }
        let costs = model.costs(Duration::from_secs(self.seconds)).map_err(|error| Failure::Running(error.to_string()))?;
        let text = if self.json { format!("{:#}", as_json(&model, &costs)) } else { as_text(&model, &costs) };
        Ok(terminal::answer(&text)?)
    }
}

/// The cost in one engine, in ascending order of the rows.
fn of(costs: &[RunCost], engine: Engine) -> Vec<RunCost> {
    costs.iter().filter(|cost| cost.engine == engine).copied().collect()
}

/// The rows a run that serve best; `None` when the model refused to be measured.
fn chosen(model: &Model, costs: &[RunCost]) -> Option<usize> {
    if model.single_row.is_some() { Some(1) } else { best_rows_per_run(&of(costs, model.engine())) }
}

fn as_text(model: &Model, costs: &[RunCost]) -> String {
    let engines: Vec<Engine> = Engine::ALL.into_iter().filter(|engine| costs.iter().any(|cost| cost.engine == *engine)).collect();
    let mut head = vec!["rows a run".to_owned()];
    head.extend(engines.iter().flat_map(|engine| [format!("{}, us a row: least", engine.name()), "median".to_owned()]));
    let mut table = Table::new(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for cost in of(costs, Engine::OnnxRuntime) {
        let mut cells = vec![cost.rows_per_run.to_string()];
        for engine in &engines {
            let cost = costs.iter().find(|other| other.engine == *engine && other.rows_per_run == cost.rows_per_run);
            let cell = |number: Option<f64>| number.map_or_else(String::new, |number| format!("{number:.3}"));
            cells.extend([cell(cost.map(|cost| cost.least_us)), cell(cost.map(|cost| cost.median_us))]);
        }
        table.row(cells);
    }
    let engine = model.engine();
    let reason = model.unfit().map_or_else(|| engine.promise().to_owned(), ToString::to_string);
    let runs = match (&model.single_row, chosen(model, costs)) {
        (Some(_), _) => "1 row a run: the model needs it".to_owned(),
        (None, Some(rows)) => format!("{rows} rows a run serve best on this machine; `rows_per_run: {rows}` in the node keeps the number"),
        (None, None) => "not measured: the model refuses the noise that it would be measured with".to_owned(),
    };
    format!("{}\n{table}  engine   {}: {reason}\n  a run    {runs}", model.path.display(), engine.name())
}

fn as_json(model: &Model, costs: &[RunCost]) -> serde_json::Value {
    let cost = |cost: &RunCost| {
        json!({
            "engine": cost.engine.name(),
            "rows_per_run": cost.rows_per_run,
            "least_us_per_row": cost.least_us,
            "median_us_per_row": cost.median_us,
        })
    };
    json!({
        "model": model.path,
        "sha256": model.digest,
        "engine": model.engine().name(),
        "unfit": model.unfit().map(ToString::to_string),
        "rows_per_run": chosen(model, costs),
        "costs": costs.iter().map(cost).collect::<Vec<_>>(),
    })
}
