//! The floors without Kafka: a model on features that are ready, and the decoding of events.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use arrow_avro::codec::Tz;
use arrow_avro::reader::{DecoderMode, ReaderBuilder};
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};
use caz::model::environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;
use serde_json::{Value, json};

use super::cpu::thread_cpu_ns;
use super::events::Workload;

#[derive(clap::Args)]
pub(crate) struct Inference {
    #[arg(long)]
    workload: PathBuf,
    /// How long each number of rows a run is measured.
    #[arg(long, default_value_t = 0.2)]
    seconds: f64,
}

#[derive(clap::Args)]
pub(crate) struct Decode {
    #[arg(long)]
    workload: PathBuf,
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
}

/// The most rows in a run.
const MOST_ROWS: usize = 4096;
/// Rows in a batch of the decoder.
const BATCH: usize = 1024;

impl Inference {
    /// The number of rows a run at which a row takes the least CPU time, and that time.
    pub(crate) fn run(&self) -> Value {
        let workload = Workload::read(&self.workload);
        let (features, width) = (workload.features(), workload.number("width"));
        let mut session = Session::builder(environment().unwrap())
            .and_then(|builder| Ok(builder.with_intra_threads(1)?.with_inter_threads(1)?))
            .and_then(|builder| Ok(builder.with_optimization_level(GraphOptimizationLevel::All)?.with_intra_op_spinning(false)?))
            .and_then(|mut builder| builder.commit_from_file(workload.text("model")))
            .unwrap();
        let most = MOST_ROWS.min(features.len() / width);
        let sizes = std::iter::successors(Some(1), |rows| Some(rows * 2)).take_while(|rows| *rows <= most);
        let measured = sizes.map(|rows| (rows, self.measure(&mut session, &features, width, rows)));
        let (rows, us) = measured.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        json!({"us_per_row": us, "rows_per_run": rows})
    }

    /// Other rows in each run, as in a stream: repeated ones would be learned by heart.
    fn measure(&self, session: &mut Session, features: &[f32], width: usize, rows: usize) -> f64 {
        let runs = features.chunks_exact(rows * width).cycle();
        per_row(self.seconds, rows, runs, |chunk| {
            let input = TensorRef::from_array_view(([rows, width], chunk)).unwrap();
            session.run(ort::inputs![input]).unwrap();
        })
    }
}

impl Decode {
    /// CPU time an event: arrow-avro for Avro, serde_json into a vector of floats for JSON.
    pub(crate) fn run(&self) -> Value {
        let workload = Workload::read(&self.workload);
        let pool = workload.pool();
        let batches = pool.chunks(BATCH.min(pool.len())).cycle();
        let rows = BATCH.min(pool.len());
        let (with, us) = match workload.text("format") {
            "avro" => {
                let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
                let schema = std::fs::read_to_string(workload.text("schema")).unwrap();
                store.set(Fingerprint::Id(1), AvroSchema::new(schema)).unwrap();
                let mut decoder = ReaderBuilder::new()
                    .with_batch_size(BATCH)
                    .with_writer_schema_store(store)
                    .with_active_fingerprint(Fingerprint::Id(1))
                    .with_decoder_mode(DecoderMode::UnframedDatum)
                    .with_tz(Tz::Utc)
                    .build_decoder()
                    .unwrap();
                let decode = |events: &[Vec<u8>]| {
                    for event in events {
                        decoder.decode(event).unwrap();
                    }
                    decoder.flush().unwrap().unwrap();
                };
                ("arrow-avro", per_row(self.seconds, rows, batches, decode))
            }
            _ => {
                let mut floats: Vec<f32> = Vec::new();
                let decode = |events: &[Vec<u8>]| {
                    floats.clear();
                    for event in events {
                        floats.extend(serde_json::from_slice::<Event>(event).unwrap().image);
                    }
                };
                ("serde_json", per_row(self.seconds, rows, batches, decode))
            }
        };
        json!({"us_per_event": us, "with": with})
    }
}

/// An event's features, and nothing else of it.
#[derive(serde::Deserialize)]
struct Event {
    image: Vec<f32>,
}

/// Microseconds of this thread's CPU a row, over as many of the batches as go into `seconds`, once a few have warmed up.
fn per_row<T>(seconds: f64, rows: usize, mut batches: impl Iterator<Item = T>, mut each: impl FnMut(T)) -> f64 {
    const WARM_UP: usize = 3;
    batches.by_ref().take(WARM_UP).for_each(&mut each);
    let (started, cpu) = (Instant::now(), thread_cpu_ns());
    let mut done = 0;
    while started.elapsed() < Duration::from_secs_f64(seconds) {
        batches.by_ref().take(1).for_each(&mut each);
        done += rows;
    }
    (thread_cpu_ns() - cpu) as f64 / 1e3 / done as f64
}
