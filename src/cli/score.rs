//! `caz score`: the line of the stream between two files.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::exit::{Failure, running};
use super::{PipelineFile, terminal};
use crate::codec::file::{FileError, FileFormat, RawRows, RowFile, RowSink};
use crate::dataset::Rejection;
use crate::files::{Identity, Unwritten};
use crate::stream::fields;

/// `caz score FILE --input ROWS --output SCORES`
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  caz score config/car-insurance.yaml --input datasets/car-insurance.csv --output scores.jsonl")]
pub(super) struct Score {
    #[command(flatten)]
    pipeline: PipelineFile,
    /// The rows: .csv, .jsonl, .ndjson, .avro or .parquet
    #[arg(long, short, value_name = "ROWS")]
    input: PathBuf,
    /// Where the scores go: .csv, .jsonl, .ndjson or .avro
    #[arg(long, short, value_name = "SCORES")]
    output: PathBuf,
    /// Where rejected rows go, one JSON object each with row, phase, reason, field, byte, node and message
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// Rows in a batch; the pipeline's `batch.max_batch` when left out
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: Option<u32>,
}

/// How many rejected rows are shown when no file takes them.
const SHOWN: usize = 5;

#[derive(Default)]
struct Tally {
    rows: usize,
    scored: usize,
    rejected: usize,
    skipped: usize,
}

impl Score {
    pub(super) fn run(self) -> Result<(), Failure> {
        let assembly = self.pipeline.load_to_serve()?;
        let mut rows = RowFile::open(&self.input).map_err(running)?;
        let format = FileFormat::of(&self.output).map_err(running)?;
        let plan = assembly.plan().map_err(Failure::Configuration)?;
        let decoder = rows.decoder(assembly.dataset(), plan.projection()).map_err(running)?;
        for absent in rows.absent(assembly.dataset(), plan.projection()) {
            terminal::warn_of_absent(&self.input, &absent);
        }
        let encoder = format.encoder("Score", &fields(plan.outputs()));
        let encoder = encoder.map_err(|source| running(FileError::Codec { path: self.output.clone(), source }))?;
        let mut line = assembly.line_between(plan, decoder, encoder);
        let (output, rejected) = self.open_outputs()?;
        let mut sink = RowSink::into_file(&self.output, output, line.encoder()).map_err(running)?;
        let mut rejections = Rejections { file: rejected.map(BufWriter::new), shown: 0 };
        let batch = self.batch.unwrap_or(assembly.pipeline().batch.max_batch) as usize;
        let bar = terminal::progress("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
        bar.set_length(rows.progress().1);
        let started = Instant::now();
        let (mut raw, mut tally) = (RawRows::default(), Tally::default());
        loop {
            rows.read(batch, &mut raw).map_err(running)?;
            if raw.is_empty() {
                break;
            }
            let scored = line.score(raw.payloads().into_iter().map(Some));
            sink.write(scored.encoded()).map_err(running)?;
            for (place, rejection) in scored.rejected() {
                rejections.add(tally.rows + place.event, rejection)?;
            }
            tally.scored += scored.encoded().len();
            tally.rejected += scored.rejected().count();
            tally.skipped += scored.skipped().count();
            tally.rows += raw.len();
            bar.set_position(rows.progress().0);
        }
        sink.finish().map_err(running)?;
        rejections.finish()?;
        bar.finish_and_clear();
        let Tally { rows, scored, rejected, skipped } = tally;
        let seconds = started.elapsed().as_secs_f64();
        terminal::error(&format!("{rows} rows: {scored} scored, {rejected} rejected, {skipped} skipped, in {seconds:.2} s"));
        Ok(())
    }

    /// The files to write, empty: for the scores, and for the rejected rows. None is touched when another cannot be opened, or when two of
    /// all files are one.
    fn open_outputs(&self) -> Result<(File, Option<File>), Failure> {
        let named = |path: &Path, error: io::Error| Failure::Running(format!("{}: {error}", path.display()));
        let input = fs::metadata(&self.input).map_err(|error| named(&self.input, error))?;
        let mut known = vec![("--input", Identity::of(&input))];
        let mut open = |argument: &'static str, path: &Path| {
            let file = Unwritten::open(path).map_err(|error| named(path, error))?;
            let identity = file.identity().map_err(|error| named(path, error))?;
            if let Some((other, _)) = known.iter().find(|(_, other)| other.is_some() && *other == identity) {
                return Err(Failure::Arguments(format!("{argument} {} is the file of {other}; it needs one of its own", path.display())));
            }
            known.push((argument, identity));
            Ok(file)
        };
        let output = open("--output", &self.output)?;
        let rejected = self.rejected.as_ref().map(|path| open("--rejected", path)).transpose()?;
        let empty = |file: Unwritten, path: &Path| file.emptied().map_err(|error| named(path, error));
        let rejected = rejected.zip(self.rejected.as_deref()).map(|(file, path)| empty(file, path)).transpose()?;
        Ok((empty(output, &self.output)?, rejected))
    }
}

/// Where rejected rows go: a file, or the first few to the terminal.
struct Rejections {
    file: Option<BufWriter<File>>,
    shown: usize,
}

impl Rejections {
    /// `row` counts from 0.
    fn add(&mut self, row: usize, why: &Rejection) -> Result<(), Failure> {
        if let Some(file) = &mut self.file {
            let line = json!({
                "row": row, "phase": why.phase.name(), "reason": why.reason.name(), "field": why.field, "byte": why.byte, "node": why.node,
                "message": why.message,
            });
            writeln!(file, "{line}")?;
        } else if self.shown < SHOWN {
            let field = why.field.as_ref().map(|field| format!(", field `{field}`")).unwrap_or_default();
            terminal::error(&format!("row {row} rejected: {} ({}{field}): {}", why.phase.name(), why.reason.name(), why.message));
        } else if self.shown == SHOWN {
            terminal::error("more rows are rejected; --rejected FILE keeps all of them");
        }
        self.shown += 1;
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        self.file.map_or(Ok(()), |mut file| Ok(file.flush()?))
    }
}
