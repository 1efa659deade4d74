//! `caz score`: the line of the stream between two files.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::exit::{Failure, running};
use super::{PipelineFile, terminal};
use crate::codec::CodecError;
use crate::codec::file::{FileError, FileFormat, RawRows, RowFile, RowSink};
use crate::dataset::Rejection;
use crate::stream::{LineEnds, fields};

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
    /// Where rejected rows go, one JSON object each with row, phase, reason, field, byte and message
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
        let ends = LineEnds {
            decoder: &|schema, projection| rows.decoder(schema, projection).map_err(into_codec_error),
            encoder: &|columns| format.encoder("Score", &fields(columns)),
        };
        let mut line = assembly.line_between(&ends).map_err(Failure::Configuration)?;
        let mut sink = RowSink::create(&self.output, line.encoder()).map_err(running)?;
        let mut rejections = Rejections::new(self.rejected.as_deref())?;
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
}

/// The file is named by the error that the caller makes of it.
fn into_codec_error(error: FileError) -> CodecError {
    match error {
        FileError::Codec { source, .. } => source,
        other => CodecError::Incompatible { path: String::new(), why: other.to_string() },
    }
}

/// Where rejected rows go: a file, or the first few to the terminal.
struct Rejections {
    file: Option<BufWriter<std::fs::File>>,
    shown: usize,
}

impl Rejections {
    fn new(path: Option<&Path>) -> Result<Self, Failure> {
        let create = |path: &Path| std::fs::File::create(path).map_err(|error| Failure::Running(format!("{}: {error}", path.display())));
        Ok(Self { file: path.map(create).transpose()?.map(BufWriter::new), shown: 0 })
    }

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
