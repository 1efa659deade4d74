//! What bad events cost: the example's events through its line, decoding alone and with everything behind it, where none, some or all of them
//! are cut short. `make bench-poison`. The shares alternate within one run, so that a busy machine slows all.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

#[path = "cpu.rs"]
mod cpu;

use std::path::Path;

use caz::codec::Encoded;
use caz::codec::avro::AvroDecoder;
use caz::codec::avro::AvroEncoder;
use caz::codec::file::{RawRows, RowFile};
use caz::codec::json::JsonDecoder;
use caz::codec::json::{JsonEncoder, Rules};
use caz::codec::{Decoded, Decoder, Encoder};
use caz::config::Format;
use caz::dataset::DatasetSchema;
use caz::stream::Assembly;

use cpu::thread_cpu_ns;

/// Percent of the events that are bad.
const SHARES: [usize; 5] = [0, 1, 10, 50, 100];
/// Events in a batch.
const BATCH: usize = 1_024;
const REPETITIONS: usize = 15;
/// What half the batch bad may cost, times the batch without.
const MOST: f64 = 2.0;

fn main() {
    // `cargo test --benches` and `cargo clippy` want it built only.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (assembly, _) = Assembly::load(&root.join("config/car-insurance.yaml")).unwrap_or_else(|found| panic!("{}", found.render(false)));
    let schema = assembly.dataset();
    println!("CPU of one thread for a batch of {BATCH} events, in us; times the batch without bad events. Best of {REPETITIONS}.\n");
    println!("| format | what | {} |", SHARES.map(|share| format!("{share} % bad")).join(" | "));
    println!("|---|---|{}", "---|".repeat(SHARES.len()));
    let mut missed = Vec::new();
    for (name, format) in [("avro", Format::Avro), ("json", Format::Json), ("avro_json", Format::AvroJson)] {
        let good = events(root, schema, format);
        let batches = SHARES.map(|share| spoil(&good, share));
        let every: Vec<usize> = (0..schema.fields().len()).collect();
        let mut decoder: Box<dyn Decoder> = match format {
            Format::Avro => Box::new(AvroDecoder::new(schema, &every).unwrap()),
            Format::Json => Box::new(JsonDecoder::new(schema, &every).unwrap()),
            Format::AvroJson => Box::new(JsonDecoder::by(Rules::Avro, schema, &every).unwrap()),
            Format::Xdm | Format::XdmEntity => panic!("the example's schema is Avro's"),
        };
        let mut decoded = Decoded::default();
        let decoding = measure(&batches, |batch| decoder.decode(&batch.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut decoded));
        let mut line = assembly.serving_line(Some(format)).unwrap_or_else(|found| panic!("{}", found.render(false)));
        let whole = measure(&batches, |batch| {
            line.score(batch.iter().map(|event| Some(event.as_slice())));
        });
        for (what, times) in [("decode", decoding), ("line", whole)] {
            let cells = times.map(|us| format!("{us:.0} ({:.2})", us / times[0]));
            println!("| {name} | {what} | {} |", cells.join(" | "));
            if times[3] / times[0] > MOST {
                missed.push(format!("{name}, {what}: half the batch bad costs {:.2} times as much", times[3] / times[0]));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("; "));
}

/// A batch of the example's events.
fn events(root: &Path, schema: &DatasetSchema, format: Format) -> Vec<Vec<u8>> {
    let mut file = RowFile::open(&root.join("datasets/car-insurance.csv")).unwrap();
    let (mut rows, mut decoded, mut encoded) = (RawRows::default(), Decoded::default(), Encoded::default());
    file.read(BATCH, &mut rows).unwrap();
    let every: Vec<usize> = (0..schema.fields().len()).collect();
    file.decoder(schema, &every).unwrap().decode(&rows.payloads(), &mut decoded);
    let mut encoder: Box<dyn Encoder> = match format {
        Format::Avro => Box::new(AvroEncoder::for_schema(schema)),
        Format::Json => Box::new(JsonEncoder::for_schema(schema)),
        Format::AvroJson => Box::new(JsonEncoder::by(Rules::Avro, schema)),
        Format::Xdm | Format::XdmEntity => panic!("the example's schema is Avro's"),
    };
    encoder.encode(&decoded.columns, &mut (0..decoded.rows.len()), &mut encoded, &mut Vec::new());
    encoded.iter().map(|(_, bytes)| bytes.to_vec()).collect()
}

/// The batch with so many percent of its events, evenly spread, cut by their last byte: the dearest, since all before it is read.
fn spoil(good: &[Vec<u8>], share: usize) -> Vec<Vec<u8>> {
    let is_bad = |index: usize| (index + 1) * share / 100 > index * share / 100;
    let event = |(index, event): (usize, &Vec<u8>)| if is_bad(index) { event[..event.len() - 1].to_vec() } else { event.clone() };
    good.iter().enumerate().map(event).collect()
}

/// The least CPU time of one run of each batch, us, the batches by turns.
fn measure(batches: &[Vec<Vec<u8>>; SHARES.len()], mut run: impl FnMut(&[Vec<u8>])) -> [f64; SHARES.len()] {
    const RUNS: usize = 8;
    let mut least = [f64::INFINITY; SHARES.len()];
    for _ in 0..REPETITIONS {
        for (batch, least) in batches.iter().zip(&mut least) {
            run(batch);
            let before = thread_cpu_ns();
            (0..RUNS).for_each(|_| run(batch));
            *least = least.min((thread_cpu_ns() - before) as f64 / 1e3 / RUNS as f64);
        }
    }
    least
}
