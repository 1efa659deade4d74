//! `caz fit`: freezes the statistics of the training data.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::exit::{Failure, running};
use super::table::Table;
use super::{PipelineFile, terminal};
use crate::dataset::{Frozen, FrozenError};
use crate::fit::{FitError, Fitted, News, Options, Rejections, fit};
use crate::stream::Assembly;

/// `caz fit FILE --dataset DATASET`
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  caz fit config/car-insurance.yaml --dataset datasets/car-insurance.csv")]
pub(super) struct Fit {
    #[command(flatten)]
    pipeline: PipelineFile,
    /// The training data: .csv, .jsonl, .ndjson, .avro or .parquet
    #[arg(long, short, value_name = "DATASET")]
    dataset: PathBuf,
    /// How many rows may be rejected: nodes behind the one that rejects a row leave it out of their statistics. pandas would have raised on
    /// it
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    max_rejected: u64,
    /// Write nothing; fail if the statistics file is not what would be written
    #[arg(long)]
    check: bool,
}

impl Fit {
    pub(super) fn run(self) -> Result<(), Failure> {
        let assembly = Assembly::load_to_fit(&self.pipeline.file).map_err(Failure::Configuration)?;
        let named = assembly.pipeline().graph.frozen.clone();
        let path = named.clone().unwrap_or_else(|| self.pipeline.file.with_extension("frozen.json"));
        let old = earlier(&path)?;
        let started = Instant::now();
        let fitted = self.fit(&assembly)?;
        if fitted.statistics.is_empty() {
            terminal::notice("the graph needs no statistics: nothing to freeze");
            if named.is_some() {
                terminal::notice("`caz check` would look for the file that `graph.frozen` names: take it out of the pipeline");
            }
            return Ok(());
        }
        terminal::answer(&table(&fitted))?;
        let Fitted { mut frozen, passes, rejections, .. } = fitted;
        show(&rejections);
        let passes = if passes == 1 { "1 pass".to_owned() } else { format!("{passes} passes, as some statistics depend on others,") };
        terminal::notice(&format!(
            "{} rows in {passes} in {:.2} s, {} rejected, {} skipped by nodes",
            frozen.dataset.rows,
            started.elapsed().as_secs_f64(),
            rejections.rejected(),
            rejections.skipped()
        ));
        let is_fresh = old.as_ref().is_some_and(|old| frozen.says_the_same(old));
        match (is_fresh, self.check) {
            // Not even the date: a file that says the same stays the same.
            (true, _) => terminal::notice(&format!("{} is up to date", path.display())),
            (false, true) => {
                let message = format!("{} is not what `caz fit` writes: run it without --check and commit the file", path.display());
                return Err(Failure::Running(message));
            }
            (false, false) => {
                frozen.date = Some(today());
                frozen.write(&path).map_err(|error| Failure::Running(format!("{}: {error}", path.display())))?;
                terminal::notice(&format!("wrote {}", path.display()));
            }
        }
        if named.is_none() {
            let name = path.file_name().unwrap_or_default().display();
            terminal::notice(&format!("the pipeline does not name it yet: add `frozen: {name}` under `graph`"));
        }
        Ok(())
    }

    fn fit(&self, assembly: &Assembly) -> Result<Fitted, Failure> {
        let bar = terminal::progress("{prefix} {bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
        let options = Options { max_rejected: self.max_rejected, ..Options::default() };
        let fitted = fit(assembly, &self.dataset, options, &mut |news| match news {
            News::Absent(absent) => bar.suspend(|| terminal::warn_of_absent(&self.dataset, &absent)),
            News::Progress(progress) => {
                bar.set_prefix(format!("pass {}", progress.pass));
                bar.set_length(progress.of);
                bar.set_position(progress.bytes);
            }
        });
        bar.finish_and_clear();
        fitted.map_err(|error| match error {
            FitError::Configuration(diagnostics) => Failure::Configuration(diagnostics),
            FitError::TooManyRejected { rejections, .. } if self.max_rejected == 0 => {
                show(&rejections);
                Failure::Running(
                    "a row of the dataset is rejected; mend it, or allow N such rows with --max-rejected N: statistics behind the place that \
                     rejects them leave them out"
                        .into(),
                )
            }
            FitError::TooManyRejected { allowed, rejections } => {
                show(&rejections);
                Failure::Running(format!("more than {allowed} rows of the dataset are rejected (--max-rejected)"))
            }
            FitError::Statistic(error) => Failure::Running(match mend(&error.fault) {
                Some(mend) => format!("{error}\n  {mend}"),
                None => error.to_string(),
            }),
            error => running(error),
        })
    }
}

/// The statistics that are there.
///
/// # Errors
/// When the file is another, which must not be written over, or its folder is not there: before the passes over the dataset.
fn earlier(path: &Path) -> Result<Option<Frozen>, Failure> {
    match Frozen::read(path) {
        Ok(frozen) => Ok(Some(frozen)),
        Err(FrozenError::Unreadable { source, .. }) if source.kind() == ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
            folder.map_or(Ok(None), |folder| Err(Failure::Running(format!("{}: there is no folder {}", path.display(), folder.display()))))
        }
        Err(error) => Err(Failure::Running(format!(
            "{error}\n  it is there and holds no statistics that this caz reads, so it is not written over: name another file in \
             `graph.frozen`, or remove it"
        ))),
    }
}

fn mend(fault: &crate::fit::StatisticFault) -> Option<&'static str> {
    use crate::fit::{FormatFault, StatisticFault};
    match fault {
        StatisticFault::TooManyCategories => {
            Some("keep the frequent ones with `top_k` before, or put the numbers into intervals with `qcut`")
        }
        StatisticFault::Format(FormatFault::Mixed(..) | FormatFault::Unknown(_)) => {
            Some("`format: ISO8601` reads every ISO 8601 time; `errors: coerce` makes other texts null")
        }
        StatisticFault::Format(FormatFault::Ambiguous { .. }) => Some("write the one that is meant as `format`"),
        StatisticFault::Infinite => Some("make infinities null before, with `replace` or `where`"),
        _ => None,
    }
}

fn show(rejections: &Rejections) {
    rejections.shown().iter().for_each(|line| terminal::notice(line));
}

/// The day, UTC.
fn today() -> String {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let time = i64::try_from(since_1970.as_secs()).ok().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
    time.map(|time| time.format("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// Node, column, statistic and value of each, in columns.
fn table(fitted: &Fitted) -> String {
    let mut table = Table::new(&["node", "column", "statistic", "value"]).text(&[0, 1, 2, 3]);
    for (node, column, statistic) in &fitted.statistics {
        let value = fitted.frozen.get(node, column, statistic).map(brief).unwrap_or_default();
        table.row([node.clone(), column.clone(), statistic.to_string(), value]);
    }
    table.to_string()
}

/// A value, the first few of many.
fn brief(value: &serde_json::Value) -> String {
    const SHOWN: usize = 6;
    let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value.as_array() {
        None => plain(value),
        Some(values) => {
            let shown: Vec<String> = values.iter().take(SHOWN).map(plain).collect();
            let more = if values.len() > SHOWN { ", ..." } else { "" };
            format!("{}: {}{more}", values.len(), shown.join(", "))
        }
    }
}
