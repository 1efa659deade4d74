//! What the demo shows: a table drawn in place on a terminal, a line a second elsewhere, and the summary.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::account::Balance;
use super::observer::{DeadLetter, Observed};
use crate::cli::amount::{grouped, per_second};
use crate::cli::terminal;
use crate::config::ScoreFormat;

/// The demo at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) elapsed: Duration,
    pub(super) published: u64,
    pub(super) scored: u64,
    pub(super) dead: u64,
    pub(super) skipped: u64,
    /// Batches of the workers, and events in them.
    pub(super) batches: (f64, f64),
    /// The median and the 99th percentile in milliseconds, of the last second.
    pub(super) latency_ms: Option<(u64, u64)>,
    /// For people, the newest last.
    pub(super) last_scores: Vec<String>,
    pub(super) last_dead: Option<DeadLetter>,
}

/// Shows one snapshot after the other.
pub(super) struct View {
    /// None when standard error is no terminal.
    bar: Option<ProgressBar>,
    title: String,
    before: Snapshot,
}

/// Lines are cut to what every terminal shows.
const WIDTH: usize = 100;

impl View {
    pub(super) fn new(title: String) -> Self {
        let bar = terminal::is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, title, before: Snapshot::default() }
    }

    /// Shows the demo as it is now.
    pub(super) fn show(&mut self, now: Snapshot) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(table(&self.title, &self.before, &now));
                bar.tick();
            }
            None => terminal::notice(&line(&self.before, &now)),
        }
        self.before = now;
    }

    /// Leaves the last table standing.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

/// What changed from one snapshot to the next, a second.
fn rates(before: &Snapshot, now: &Snapshot) -> [String; 3] {
    let seconds = now.elapsed.saturating_sub(before.elapsed).as_secs_f64().max(1e-3);
    [(before.published, now.published), (before.scored, now.scored), (before.dead, now.dead)]
        .map(|(before, now)| per_second(now.saturating_sub(before) as f64 / seconds))
}

fn mean_batch(before: &Snapshot, now: &Snapshot) -> String {
    let (batches, events) = (now.batches.0 - before.batches.0, now.batches.1 - before.batches.1);
    if batches > 0.0 { format!("{:.1}", events / batches) } else { "-".to_owned() }
}

fn latency(now: &Snapshot) -> String {
    now.latency_ms.map_or_else(|| "-".to_owned(), |(median, high)| format!("p50 {median} ms  p99 {high} ms"))
}

fn table(title: &str, before: &Snapshot, now: &Snapshot) -> String {
    let [published, scored, dead] = rates(before, now);
    let mut lines = vec![
        terminal::bold(title),
        String::new(),
        format!("  published     {:>14}  {published:>12}", grouped(now.published)),
        terminal::green(&format!("  scored        {:>14}  {scored:>12}", grouped(now.scored))),
        terminal::red(&format!("  dead letters  {:>14}  {dead:>12}", grouped(now.dead))),
    ];
    if now.skipped > 0 {
        lines.push(format!("  skipped       {:>14}", grouped(now.skipped)));
    }
    lines.extend([
        format!("  batch size    {:>14}  events on average", mean_batch(before, now)),
        format!("  latency       {}", latency(now)),
        String::new(),
        "  last scores".to_owned(),
    ]);
    lines.extend(now.last_scores.iter().map(|score| cut(&format!("    {score}"))));
    if let Some(dead) = &now.last_dead {
        lines.extend(["  last dead letter".to_owned(), cut(&format!("    {}", describe(dead)))]);
    }
    lines.push(terminal::dim(&format!("\n  {} s; Ctrl-C ends the demo", now.elapsed.as_secs())));
    lines.join("\n")
}

fn line(before: &Snapshot, now: &Snapshot) -> String {
    let [published, scored, dead] = rates(before, now);
    format!(
        "{:4} s  published {} ({published})  scored {} ({scored})  dead letters {} ({dead})  batch {}  {}",
        now.elapsed.as_secs(),
        grouped(now.published),
        grouped(now.scored),
        grouped(now.dead),
        mean_batch(before, now),
        latency(now)
    )
}

fn describe(dead: &DeadLetter) -> String {
    format!("{}: {} (partition {}, offset {})", dead.reason, dead.message, dead.partition, dead.offset)
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Reads scores for people.
pub(super) enum ScoreReader {
    Json,
    Avro(Box<apache_avro::Schema>),
}

impl ScoreReader {
    /// A reader of the output's format; `schema` is its Avro schema.
    pub(super) fn new(format: ScoreFormat, schema: Option<&str>) -> Self {
        match (format, schema.and_then(|schema| apache_avro::Schema::parse_str(schema).ok())) {
            (ScoreFormat::Avro, Some(schema)) => Self::Avro(Box::new(schema)),
            _ => Self::Json,
        }
    }

    /// `name=value` for each of the score's columns.
    pub(super) fn read(&self, value: &[u8]) -> String {
        let score = match self {
            Self::Json => serde_json::from_slice(value).ok(),
            Self::Avro(schema) => read_avro(schema, value),
        };
        let Some(serde_json::Value::Object(columns)) = score else { return format!("{} bytes", value.len()) };
        let columns = columns.iter().map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name}={text}"),
            serde_json::Value::Number(number) if number.is_f64() => format!("{name}={:.4}", number.as_f64().unwrap_or(f64::NAN)),
            other => format!("{name}={other}"),
        });
        columns.collect::<Vec<_>>().join("  ")
    }
}

fn read_avro(schema: &apache_avro::Schema, mut value: &[u8]) -> Option<serde_json::Value> {
    let reader = apache_avro::reader::datum::GenericDatumReader::builder(schema).build().ok()?;
    reader.read_value(&mut value).ok()?.try_into().ok()
}

/// The account of the whole run: how many events were published, and what is known of them at the end.
pub(super) struct Summary<'a> {
    pub(super) published: u64,
    pub(super) skipped: u64,
    pub(super) missing: u64,
    pub(super) balance: &'a Balance,
    pub(super) observed: &'a Observed,
    pub(super) elapsed: Duration,
    pub(super) last_scores: Vec<String>,
}

impl Summary<'_> {
    /// The summary as text.
    pub(super) fn text(&self) -> String {
        let account = &self.observed.account;
        let mut lines = vec![
            format!(
                "published     {:>12}  in {:.1} s, {}",
                grouped(self.published),
                self.elapsed.as_secs_f64(),
                per_second(self.published as f64 / self.elapsed.as_secs_f64().max(1e-3))
            ),
            format!("scored        {:>12}", grouped(account.scored())),
            format!("dead letters  {:>12}", grouped(account.dead())),
        ];
        lines.extend(self.observed.dead_by_reason.iter().map(|(reason, count)| format!("  {:>24}  {reason}", grouped(*count))));
        lines.extend([
            format!("skipped       {:>12}", grouped(self.skipped)),
            format!("missing       {:>12}", grouped(self.missing)),
            format!("doubled       {:>12}", grouped(account.doubled())),
        ]);
        let strangers = account.unattributed() + self.balance.unknown;
        if strangers > 0 {
            lines.push(format!("of no event   {:>12}", grouped(strangers)));
        }
        let quantile = |share| self.observed.latencies.quantile(share);
        if let (Some(median), Some(high)) = (quantile(0.5), quantile(0.99)) {
            lines.push(format!("latency       p50 {median} ms, p99 {high} ms, from an event's timestamp until its outcome was read"));
        }
        lines.extend(self.last_scores.last().map(|score| format!("last score    {score}")));
        lines.extend(self.observed.last_dead.as_ref().map(|dead| format!("last dead     {}", describe(dead))));
        if self.missing == 0 {
            lines.push("every event published is accounted for".to_owned());
        }
        if account.doubled() > 0 {
            lines.push(
                "doubled events: work was undone and done again; unlike Kafka, the in-process broker shows undone records too".to_owned(),
            );
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_for_people() {
        let json = br#"{"ecid":"042","probability_yes":0.123456,"purchase_predicted":1,"city":null}"#;
        assert_eq!(ScoreReader::Json.read(json), "ecid=042  probability_yes=0.1235  purchase_predicted=1  city=null");
        assert_eq!(ScoreReader::Json.read(b"\x01\x02"), "2 bytes");
    }

    #[test]
    fn a_line_tells_what_changed() {
        let before = Snapshot { elapsed: Duration::from_secs(1), published: 1_000, batches: (10.0, 1_000.0), ..Snapshot::default() };
        let now = Snapshot {
            elapsed: Duration::from_secs(2),
            published: 3_500,
            scored: 2_000,
            dead: 20,
            batches: (20.0, 3_000.0),
            latency_ms: Some((4, 9)),
            ..Snapshot::default()
        };
        let expected = "   2 s  published 3,500 (2,500/s)  scored 2,000 (2,000/s)  dead letters 20 (20/s)  batch 200.0  p50 4 ms  p99 9 ms";
        assert_eq!(line(&before, &now), expected);
    }
}
