//! `caz explain`: one event, every node.

mod explanation;
mod source;
mod table;

use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use self::explanation::{Explanation, Outcome};
use self::source::Subject;
use super::exit::{Failure, running};
use super::{PipelineFile, terminal};
use crate::codec::frame::Framing;
use crate::config::Format;
use crate::golden::{Golden, Observed, append};
use crate::stream::Assembly;

const EXAMPLES: &str = "\
Examples:
  The event at a place of the pipeline's input topic:
    caz explain config/car-insurance.yaml --partition 0 --offset 1234
  A dead letter: its original bytes, what it said, and what becomes of it now:
    caz explain config/car-insurance.yaml --topic car-insurance-dead-letters --partition 0 --offset 7
  An event from a file, added to the pipeline's golden cases:
    caz explain config/car-insurance.yaml --event event.json --record";

/// `caz explain FILE`
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    #[command(flatten)]
    pipeline: PipelineFile,
    #[command(flatten)]
    what: What,
    /// The topic; the pipeline's input topic when left out
    #[arg(long, value_name = "TOPIC", conflicts_with_all = ["event", "case"])]
    topic: Option<String>,
    /// The partition
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["event", "case"], default_value_t = 0)]
    partition: i32,
    /// The message, counted from 0, of an event that holds several
    #[arg(long, value_name = "NUMBER")]
    message: Option<u32>,
    /// Every column of every node, not only what the node changed or made
    #[arg(long)]
    all: bool,
    /// Print JSON, as docs/explain.md describes it
    #[arg(long)]
    json: bool,
    /// Add the event to the golden cases in this file; in the pipeline's when left out
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    record: Option<Option<PathBuf>>,
}

/// Which event; exactly one of these.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct What {
    /// The event at this offset of the topic, read with the pipeline's Kafka settings
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(0..))]
    offset: Option<i64>,
    /// A file with the bytes of one event, as a record's value has them; `-` is standard input. A `.json` file is the event as JSON,
    /// whatever the pipeline's format
    #[arg(long, value_name = "EVENT")]
    event: Option<PathBuf>,
    /// The golden case of this number, counted from 0
    #[arg(long, value_name = "NUMBER")]
    case: Option<usize>,
}

impl Explain {
    pub(super) fn run(self) -> Result<(), Failure> {
        let assembly = self.pipeline.load()?;
        let subject = match (&self.what.event, self.what.offset, self.what.case) {
            (Some(path), ..) => Subject::from_file(path, assembly.pipeline().input.max_event_size.bytes())?,
            (_, Some(offset), _) => Subject::from_kafka(&assembly, self.topic.as_deref(), self.partition, offset)?,
            (.., case) => Subject::from_golden(&read_golden(golden_file(&assembly, None)?)?, case.unwrap_or_default(), assembly.dataset())?,
        };
        let subject = subject.part(&assembly, self.message)?;
        // The line of the stream tells what becomes of the event; one that keeps everything tells why.
        let format = subject.is_json.then_some(Format::Json);
        let mut served = assembly.serving_line(format).map_err(Failure::Configuration)?;
        let mut traced = assembly.tracing_line(format).map_err(Failure::Configuration)?;
        let score = explanation::serve(&mut served, subject.value.as_deref());
        let scored = traced.score_all(std::iter::once(subject.value.as_deref()));
        let observed = Observed::new(&scored, 1).ok_or_else(|| running("the plan keeps no trace"))?;
        let explanation = Explanation::new(&subject, &observed, score);
        if let (Outcome::Rejected { phase: "decode", .. }, Some(doubt)) =
            (&explanation.outcome, subject.doubt(assembly.pipeline().input.format))
        {
            terminal::notice(&doubt);
        }
        if self.json {
            terminal::answer(&explanation.to_json())?;
        } else {
            terminal::answer(&table::render(&explanation, self.all))?;
        }
        match &self.record {
            None => Ok(()),
            Some(_) if explanation.note.is_some() => Err(running("an event whose values are not known cannot be a golden case")),
            Some(path) => {
                let path = golden_file(&assembly, path.as_deref())?;
                let mut golden = if path.exists() { read_golden(path)? } else { Golden::new() };
                let event = recorded(&subject, &assembly)?;
                append(&mut golden, &assembly, scored.plan(), &observed, &observed.events[0], event).map_err(Failure::Golden)?;
                golden.write(path).map_err(running)?;
                terminal::notice(&format!("golden case {} added to {}", golden.cases.len() - 1, path.display()));
                Ok(())
            }
        }
    }
}

/// The file of golden cases that was given, else the pipeline's.
fn golden_file<'a>(assembly: &'a Assembly, given: Option<&'a Path>) -> Result<&'a Path, Failure> {
    given.or(assembly.pipeline().golden.as_deref()).ok_or_else(|| {
        let name = assembly.document().name();
        running(format!("{name} names no file of golden cases. Mend: add `golden: FILE` to it, or give the file with --record FILE"))
    })
}

fn read_golden(path: &Path) -> Result<Golden, Failure> {
    Golden::read(path).map_err(running)
}

/// The event as a golden case keeps it: as JSON where nothing of its bytes is lost by it, else as its bytes.
fn recorded(subject: &Subject, assembly: &Assembly) -> Result<Value, Failure> {
    let Some(bytes) = &subject.value else { return Err(running("a record without a value cannot be a golden case")) };
    let parsed = || serde_json::from_slice::<Value>(bytes).ok().filter(Value::is_object);
    let input = &assembly.pipeline().input;
    // Only then are the topic's events read by the rules of a golden case's object, so that either form is the same event.
    let is_plain = input.format == Format::Json && input.framing == Framing::None;
    if subject.is_json && !is_plain {
        return parsed().ok_or_else(|| running("an event that is not a JSON object cannot be a golden case"));
    }
    let exact = parsed().filter(|value| is_plain && value.to_string().as_bytes() == bytes.trim_ascii());
    Ok(exact.unwrap_or_else(|| Value::String(BASE64_STANDARD.encode(bytes))))
}
