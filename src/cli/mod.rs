//! The command line: one file per command.

mod amount;
mod audit;
mod check;
mod control;
mod dead_letters;
mod demo;
mod exit;
mod explain;
mod explain_error;
mod fit;
mod graph;
mod health;
mod model;
mod reference;
mod run;
mod schema;
mod score;
mod signals;
mod simulate;
mod table;
mod terminal;
mod tune;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::exit::Failure;

/// Scores profile events from Kafka with a graph of nodes and ONNX models, exactly once.
#[derive(Parser)]
#[command(name = "caz", version, max_term_width = 100, after_help = exit::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reads events from Kafka, scores them and publishes the scores, until SIGTERM or Ctrl-C.
    Run(run::Run),
    /// Checks a pipeline without Kafka: file, schema, names, types, models. Reports every mistake at once.
    Check(check::Check),
    /// Reads the statistics that a graph needs from the training data, and freezes them beside it.
    Fit(fit::Fit),
    /// Scores the rows of a file on the same line as the stream, without Kafka.
    Score(score::Score),
    /// Shows what every node makes of one event, what the model is given and what it answers.
    Explain(explain::Explain),
    /// Publishes simulated events to a pipeline's input topic: rows of a file, or made up from the schema.
    Simulate(simulate::Simulate),
    /// Scores a stream of simulated events on this machine, without Kafka, and accounts for every one of them.
    Demo(demo::Demo),
    /// Explains the code of a message, such as E0201, with an example and how to mend it.
    ExplainError(explain_error::ExplainError),
    /// Proves from the topics that every event has one score or one dead letter, in order.
    Audit(audit::Audit),
    /// Lists, shows and sends back events that could not be scored.
    DeadLetters(dead_letters::DeadLettersCommand),
    /// Draws a pipeline's graph with typed edges, as Mermaid text or SVG.
    Graph(graph::Graph),
    /// Shows what a model file takes and gives.
    Model(model::ShowModel),
    /// Measures what a row costs a model, in each engine and in runs of each size.
    Tune(tune::Tune),
    /// Prints the JSON Schema of a file format, for editors.
    Schema(schema::Schema),
    /// Prints a reference page that is made of the code, as Markdown.
    Reference(reference::Reference),
    /// Asks a running caz for its health; exits with 0 when it answers 200.
    Health(health::Health),
}

/// Runs the command that the process's arguments name.
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Fit(command) => command.run(),
        Command::Score(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::ExplainError(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::DeadLetters(command) => command.run(),
        Command::Graph(command) => command.run(),
        Command::Model(command) => command.run(),
        Command::Tune(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Reference(command) => command.run(),
        Command::Health(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::error(&failure.to_string());
            failure.exit_code()
        }
    }
}

/// The pipeline file, an argument of most commands.
#[derive(clap::Args)]
struct PipelineFile {
    /// The pipeline file (YAML or JSON)
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl PipelineFile {
    /// The checked pipeline; warnings go to the terminal.
    fn load(&self) -> Result<crate::stream::Assembly, Failure> {
        load(&self.file)
    }

    /// As [`PipelineFile::load`], for those who serve scores.
    fn load_to_serve(&self) -> Result<crate::stream::Assembly, Failure> {
        load_to_serve(&self.file)
    }
}

/// The checked pipeline of a file; warnings go to the terminal.
fn load(file: &Path) -> Result<crate::stream::Assembly, Failure> {
    let (assembly, diagnostics) = crate::stream::Assembly::load(file).map_err(Failure::Configuration)?;
    if !diagnostics.is_empty() {
        terminal::notice(&exit::shown(&diagnostics));
    }
    Ok(assembly)
}

/// As [`load`], for those who serve scores: the pipeline's golden cases must pass.
fn load_to_serve(file: &Path) -> Result<crate::stream::Assembly, Failure> {
    let assembly = load(file)?;
    crate::golden::gate(&assembly).map_err(Failure::Golden)?;
    Ok(assembly)
}
