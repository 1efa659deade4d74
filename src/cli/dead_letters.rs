//! `caz dead-letters`: see what could not be scored, and send it back once the cause is mended.

mod dump;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::{Args, Subcommand};

use super::amount::grouped;
use super::audit::ABORT_LAG;
use super::exit::{Failure, running};
use super::table::{Table, harmless};
use super::{PipelineFile, terminal};
use crate::dataset::{Phase, Reason};
use crate::dead_letters::{DeadLetter, DeadLetters, Filter, Replay};
use crate::telemetry;

const EXAMPLES: &str = "\
Examples:
  How many there are, by phase and reason:
    caz dead-letters list config/car-insurance.yaml --summary
  One of them, with its bytes:
    caz dead-letters show config/car-insurance.yaml --partition 0 --offset 17
  After a fix, those of one reason back to the input, once each:
    caz dead-letters replay config/car-insurance.yaml --reason conversion";

/// `caz dead-letters ...`
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DeadLettersCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Lists dead letters: where, why, what.
    List(List),
    /// Shows one dead letter with its bytes.
    Show(Show),
    /// Sends dead letters back to the input topic, each once: what was sent back is marked in the dead-letter topic.
    Replay(Resend),
}

#[derive(Args)]
struct Which {
    /// Rejected in this phase; may be given several times, as all of these
    #[arg(long, value_name = "PHASE")]
    phase: Vec<Phase>,
    /// Rejected for this reason
    #[arg(long, value_name = "REASON")]
    reason: Vec<Reason>,
    /// Rejected by this node
    #[arg(long, value_name = "ID")]
    node: Vec<String>,
    /// Rejected for this field or column
    #[arg(long, value_name = "FIELD")]
    field: Vec<String>,
    /// In this partition of the dead-letter topic
    #[arg(long, value_name = "P")]
    partition: Vec<i32>,
    /// At this offset of the dead-letter topic
    #[arg(long, value_name = "OFFSET")]
    offset: Vec<i64>,
}

impl Which {
    fn filter(self, with_replayed: bool) -> Filter {
        let Self { phase, reason, node, field, partition, offset } = self;
        let phases = phase.into_iter().map(|phase| phase.name().to_owned()).collect();
        let reasons = reason.into_iter().map(|reason| reason.name().to_owned()).collect();
        Filter { phases, reasons, nodes: node, fields: field, partitions: partition, offsets: offset, with_replayed }
    }
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    pipeline: PipelineFile,
    #[command(flatten)]
    which: Which,
    /// Those that were sent back, too
    #[arg(long)]
    replayed: bool,
    /// Count them by phase, reason, node and field
    #[arg(long, conflicts_with = "json")]
    summary: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// One JSON object for each
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Show {
    #[command(flatten)]
    pipeline: PipelineFile,
    /// The partition of the dead-letter topic
    #[arg(long, value_name = "P")]
    partition: i32,
    /// The offset in the dead-letter topic
    #[arg(long, value_name = "OFFSET")]
    offset: i64,
}

#[derive(Args)]
struct Resend {
    #[command(flatten)]
    pipeline: PipelineFile,
    #[command(flatten)]
    which: Which,
    /// All of them: needed when nothing narrows them down
    #[arg(long)]
    all: bool,
    /// Count them, send nothing
    #[arg(long)]
    dry_run: bool,
}

impl DeadLettersCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        telemetry::install_logs_from("warn", telemetry::LogFormat::Human).map_err(running)?;
        match self.action {
            Action::List(list) => list.run(),
            Action::Show(show) => show.run(),
            Action::Replay(resend) => resend.run(),
        }
    }
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let letters = DeadLetters::open(&self.pipeline.load()?).map_err(running)?;
        let filter = self.which.filter(self.replayed);
        if self.summary {
            return summary(&letters, &filter);
        }
        let mut table =
            Table::new(&["partition", "offset", "event", "phase", "reason", "field", "node", "message"]).text(&[2, 3, 4, 5, 6, 7]);
        let (mut shown, mut more) = (0, 0_u64);
        letters
            .each(&filter, |letter| {
                if shown == self.limit {
                    more += 1;
                    return Ok(true);
                }
                shown += 1;
                if self.json {
                    return Ok(terminal::answer_part(&serde_json::to_string(&letter).map_err(std::io::Error::from)?)?);
                }
                table.row(cells(&letter));
                Ok(true)
            })
            .map_err(running)?;
        if !self.json {
            terminal::answer(&if shown == 0 && more == 0 { "no dead letters".to_owned() } else { table.to_string() })?;
        }
        if more > 0 {
            terminal::notice(&format!("{} more; --limit {} shows them", grouped(more), more + shown as u64));
        }
        Ok(())
    }
}

fn cells(letter: &DeadLetter) -> [String; 8] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let event = letter.source.as_ref().map(ToString::to_string);
    let replayed = if letter.is_replayed { " (sent back)" } else { "" };
    [
        letter.partition.to_string(),
        letter.offset.to_string(),
        event.unwrap_or_default(),
        text(&letter.phase),
        text(&letter.reason),
        text(&letter.field),
        text(&letter.node),
        text(&letter.message) + replayed,
    ]
}

/// How many kinds a summary tells apart.
const MOST_KINDS: usize = 1_000;

/// How many letters there are of each kind, the most frequent first.
fn summary(letters: &DeadLetters, filter: &Filter) -> Result<(), Failure> {
    let mut kinds: BTreeMap<[String; 4], u64> = BTreeMap::new();
    let text = |value: Option<String>| value.unwrap_or_default();
    letters
        .each(filter, |letter| {
            let kind = [text(letter.phase), text(letter.reason), text(letter.node), text(letter.field)];
            // Anybody may have written to the topic: what is counted has a bound.
            let is_known = kinds.len() < MOST_KINDS || kinds.contains_key(&kind);
            *kinds.entry(if is_known { kind } else { ["others", "", "", ""].map(str::to_owned) }).or_default() += 1;
            Ok(true)
        })
        .map_err(running)?;
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut table = Table::new(&["letters", "phase", "reason", "node", "field"]).text(&[1, 2, 3, 4]);
    for (kind, count) in &kinds {
        table.row([grouped(*count)].into_iter().chain(kind.clone()));
    }
    Ok(terminal::answer(&if kinds.is_empty() { "no dead letters".to_owned() } else { table.to_string() })?)
}

impl Show {
    fn run(self) -> Result<(), Failure> {
        let letters = DeadLetters::open(&self.pipeline.load()?).map_err(running)?;
        let filter = Filter { partitions: vec![self.partition], offsets: vec![self.offset], with_replayed: true, ..Filter::default() };
        let mut found = None;
        letters
            .each(&filter, |letter| {
                found = Some(letter);
                Ok(false)
            })
            .map_err(running)?;
        let missing = || Failure::Running(format!("{}/{}/{} holds no dead letter", letters.topic(), self.partition, self.offset));
        Ok(terminal::answer(&page(&found.ok_or_else(missing)?))?)
    }
}

/// Everything about one letter.
fn page(letter: &DeadLetter) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{name:<10} {}", harmless(&value));
        }
    };
    line("event", letter.source.as_ref().map(ToString::to_string));
    line("phase", letter.phase.clone());
    line("reason", letter.reason.clone());
    line("node", letter.node.clone());
    line("field", letter.field.clone());
    line("byte", letter.byte.map(|byte| byte.to_string()));
    line("message", letter.message.clone());
    line("pipeline", letter.pipeline.clone());
    line("sent back", Some(if letter.is_replayed { "yes" } else { "no" }.to_owned()));
    line("key", letter.key.as_ref().map(|key| dump::text_or_hex(key)));
    for (name, value) in &letter.headers {
        line("header", Some(format!("{name}: {}", value.as_ref().map_or_else(|| "null".to_owned(), |value| dump::text_or_hex(value)))));
    }
    match (&letter.value, letter.value_omitted) {
        (Some(value), _) => {
            let _ = writeln!(text, "value      {} bytes\n{}", value.len(), dump::hex(value, letter.byte));
        }
        (None, Some(bytes)) => {
            line("value", Some(format!("{bytes} bytes, too large for the dead-letter topic; it is at the event's place")))
        }
        (None, None) => line("value", Some("none".to_owned())),
    }
    text
}

impl Resend {
    fn run(self) -> Result<(), Failure> {
        let filter = self.which.filter(false);
        if !self.all && !filter.is_narrow() {
            return Err(Failure::Arguments(
                "name the letters with --reason, --phase, --node, --field, --partition or --offset, or say --all".into(),
            ));
        }
        let assembly = self.pipeline.load()?;
        if self.dry_run {
            return count(&DeadLetters::open(&assembly).map_err(running)?, &filter, &assembly.pipeline().input.topic);
        }
        // The letters are looked at only when nobody else can send them back any more.
        let replay = Replay::new(&assembly).map_err(running)?;
        let patience = assembly.pipeline().delivery.transaction_timeout.get() + ABORT_LAG;
        let letters = DeadLetters::open_settled(&assembly, patience).map_err(running)?;
        let report = replay.run(&letters, &filter).map_err(running)?;
        terminal::answer(&format!("sent {} events back to {}", grouped(report.sent), assembly.pipeline().input.topic))?;
        let left = [
            (report.without_value, "letters have no value any more, in themselves or in the input"),
            (report.too_large, "letters are of events larger than the input takes, see to its `max.message.bytes`"),
        ];
        let told = left.into_iter().filter(|(letters, _)| !letters.is_empty()).map(|(letters, why)| {
            let places: Vec<String> = letters.iter().map(|(partition, offset)| format!("{partition}/{offset}")).collect();
            format!("{} {why}: {}", places.len(), places.join(", "))
        });
        let told: Vec<String> = told.collect();
        if told.is_empty() { Ok(()) } else { Err(Failure::Running(told.join("; "))) }
    }
}

fn count(letters: &DeadLetters, filter: &Filter, input: &str) -> Result<(), Failure> {
    let mut would_send = 0_u64;
    letters
        .each(filter, |letter| {
            would_send += u64::from(letter.source.is_some_and(|source| source.topic == input));
            Ok(true)
        })
        .map_err(running)?;
    Ok(terminal::answer(&format!("would send {} events back to {input}", grouped(would_send)))?)
}
