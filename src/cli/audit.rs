//! `caz audit`: proof, from the topics alone, that every event has one score or one dead letter.

use std::fmt::Write as _;
use std::time::Duration;

use super::amount::grouped;
use super::exit::{Failure, running};
use super::table::Table;
use super::{PipelineFile, terminal};
use crate::audit::{AuditError, PartitionReport, Report, Scope, Stage, Tallied, audit};
use crate::telemetry;

const EXAMPLES: &str = "\
Reads the topics and writes nothing; the pipeline may run meanwhile. Takes one byte of memory for each offset of the range, and some tens \
for each message of an event that holds several.

Examples:
  Everything that the group has committed:
    caz audit config/car-insurance.yaml
  A range of one partition, as JSON:
    caz audit config/car-insurance.yaml --partition 3 --from 1000 --to 2000 --json

An event is accounted for by one score, one dead letter, or by the graph's own declaration that it is skipped (events without a record \
are scored again to see that). A transaction hangs when it is still open after its timeout; readers of committed records wait behind it.

Exits with 0 when all is well, with 5 when anything is missing, doubled, unknown, out of order or hung.";

/// `caz audit FILE`
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Audit {
    #[command(flatten)]
    pipeline: PipelineFile,
    /// Audit this partition of the input topic; may be given several times
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Vec<i32>,
    /// The first offset; the first that still exists when left out
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    from: Option<i64>,
    /// The offset behind the last; what the group has committed when left out
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    to: Option<i64>,
    /// How many seconds an open transaction may take to end before it counts as hung; its timeout and 15 s when left out
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u32>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// How much longer than its timeout a transaction may take to end: the broker looks from time to time only.
pub(super) const ABORT_LAG: Duration = Duration::from_secs(15);

impl Audit {
    pub(super) fn run(self) -> Result<(), Failure> {
        telemetry::install_logs_from("warn", telemetry::LogFormat::Human).map_err(running)?;
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            return Err(Failure::Arguments(format!("--to is the offset behind the last one: it must be more than --from, {from}")));
        }
        let assembly = self.pipeline.load()?;
        let ends_by_itself = || assembly.pipeline().delivery.transaction_timeout.get() + ABORT_LAG;
        let patience = self.wait.map_or_else(ends_by_itself, |seconds| Duration::from_secs(seconds.into()));
        let scope = Scope { partitions: self.partition, from: self.from, to: self.to, patience };
        let bar = terminal::progress("{spinner} {msg}");
        bar.enable_steady_tick(Duration::from_millis(100));
        let mut progress = |stage, records| bar.set_message(doing(stage, records));
        let report = audit(&assembly, &scope, &mut progress).map_err(|error| match error {
            AuditError::Pipeline(diagnostics) => Failure::Configuration(diagnostics),
            error => running(error),
        })?;
        bar.finish_and_clear();
        let text = if self.json { serde_json::to_string_pretty(&report).map_err(running)? } else { render(&report) };
        terminal::answer(&text)?;
        if report.clean { Ok(()) } else { Err(Failure::Unaccounted("the account is not clean".to_owned())) }
    }
}

fn doing(stage: Stage, records: u64) -> String {
    let reading = |what: &str| format!("reading the {what} topic: {} records", grouped(records));
    match stage {
        Stage::Settling => "waiting for open transactions to end".to_owned(),
        Stage::Output => reading("output"),
        Stage::DeadLetters => reading("dead-letter"),
        Stage::Input => reading("input"),
    }
}

/// The report for people.
fn render(report: &Report) -> String {
    let mut table = Table::new(&[
        "partition",
        "from",
        "to",
        "events",
        "scored",
        "dead letters",
        "skipped",
        "missing",
        "doubled",
        "unknown",
        "out of order",
    ]);
    for partition in &report.partitions {
        let PartitionReport { events, scored, dead_letters, skipped, missing, doubled, unknown, out_of_order, .. } = partition;
        let counts = [*events, *scored, *dead_letters, *skipped, missing.count, doubled.count, unknown.count, out_of_order.count];
        let place = [partition.partition.to_string(), partition.from.to_string(), partition.to.to_string()];
        table.row(place.into_iter().chain(counts.map(grouped)));
    }
    let mut text = table.to_string();
    for partition in &report.partitions {
        let found = [
            ("missing", &partition.missing),
            ("doubled", &partition.doubled),
            ("unknown", &partition.unknown),
            ("out of order", &partition.out_of_order),
        ];
        for (what, tallied) in found.into_iter().filter(|(_, tallied)| tallied.count > 0) {
            let _ = writeln!(text, "partition {}, {what}: offsets {}", partition.partition, offsets(tallied));
        }
    }
    for end in report.ends.iter().filter(|end| end.hung > 0) {
        let (topic, partition, stable, hung) = (&end.topic, end.partition, end.stable, grouped(end.hung.unsigned_abs()));
        let _ = writeln!(
            text,
            "{topic} partition {partition}: a transaction hangs at offset {stable}, {hung} offsets behind it are hidden from readers of \
             committed records. Mend: kafka-transactions.sh --bootstrap-server HOST:PORT abort --topic {topic} --partition {partition} \
             --start-offset {stable}"
        );
    }
    if report.foreign_records > 0 {
        let _ = writeln!(
            text,
            "{} records in the topics tell of no event of the input topic; they are not audited",
            grouped(report.foreign_records)
        );
    }
    if report.partitions.iter().all(|partition| partition.events == 0) {
        let _ = writeln!(text, "there was nothing to audit: the range holds no event, or none that the group has committed");
    }
    text
}

fn offsets(tallied: &Tallied) -> String {
    let shown: Vec<String> = tallied.first.iter().map(ToString::to_string).collect();
    let more = tallied.count - tallied.first.len() as u64;
    let more = if more == 0 { String::new() } else { format!(" and {} more", grouped(more)) };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::audit::{PartitionReport, Report, Tallied, TopicEnd};

    #[test]
    fn a_report_names_what_is_wrong_and_where() {
        let tallied = |count, first: &[i64]| Tallied { count, first: first.to_vec() };
        let clean = PartitionReport { from: 0, to: 12_000, events: 11_998, scored: 11_900, dead_letters: 98, ..PartitionReport::default() };
        let bad = PartitionReport {
            partition: 1,
            from: 5,
            to: 900,
            events: 890,
            scored: 870,
            skipped: 3,
            missing: tallied(17, &[7, 9, 11]),
            doubled: tallied(1, &[12]),
            unknown: tallied(2, &[5, 6]),
            out_of_order: tallied(1, &[44]),
            ..PartitionReport::default()
        };
        let end = TopicEnd { topic: "scores".into(), partition: 2, first: 0, stable: 1_000, hung: 1_234 };
        let report = Report { clean: false, partitions: vec![clean, bad], ends: vec![end], foreign_records: 3 };
        insta::assert_snapshot!(render(&report));
    }
}
