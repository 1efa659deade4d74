//! One kernel of the line, for counting its instructions: `scripts/instructions` runs it under valgrind, which gives the same count on a
//! busy machine as on an idle one.
//!
//!   instructions KERNEL    runs the kernel over the dataset's rows, inside `measured`
//!   instructions list      prints how many rows, and the kernels

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints, and fails by panicking"
)]

#[path = "graph.rs"]
mod graph;

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array};
use arrow_schema::DataType;
use caz::codec::avro::{AvroDecoder, AvroEncoder};
use caz::codec::file::{RawRows, RowFile};
use caz::codec::json::{JsonDecoder, JsonEncoder};
use caz::codec::{Decoded, Decoder, Encoded, Encoder};
use caz::dataset::{DatasetSchema, Frozen};
use caz::model::{Engine, Model, Tensor, Values};
use caz::stream::Assembly;

use graph::{Graph, events, without_inference};

/// Rows that a kernel sees inside `measured`.
const ROWS: usize = 4_096;
/// Rows a batch, unless the kernel's name says otherwise.
const BATCH: usize = 256;
const KERNELS: [&str; 11] = [
    "decode_avro",
    "decode_avro_projected",
    "decode_avro_half_bad",
    "decode_json",
    "decode_json_floats",
    "graph",
    "graph_batches_of_1",
    "score_linear",
    "score_trees",
    "encode_json",
    "encode_avro",
];

fn main() {
    let kernel = std::env::args().nth(1).unwrap_or_default();
    if kernel == "list" {
        return println!("{ROWS} {}", KERNELS.join(" "));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dataset = DatasetSchema::parse_avro(&std::fs::read_to_string(root.join("schemas/car-insurance.avsc")).unwrap()).unwrap();
    let all: Vec<usize> = (0..dataset.fields().len()).collect();
    let columns = columns(root, &dataset, &all);
    let few: Vec<usize> = vec![1, 3, 5, 12];
    match kernel.as_str() {
        "decode_avro" => decode(AvroDecoder::new(&dataset, &all).unwrap(), &avro(&dataset, &columns)),
        "decode_avro_projected" => decode(AvroDecoder::new(&dataset, &few).unwrap(), &avro(&dataset, &columns)),
        "decode_avro_half_bad" => {
            let mut events = avro(&dataset, &columns);
            events.iter_mut().step_by(2).for_each(|event| {
                event.pop();
            });
            decode(AvroDecoder::new(&dataset, &all).unwrap(), &events);
        }
        "decode_json" => decode(JsonDecoder::new(&dataset, &all).unwrap(), &encoded(JsonEncoder::for_schema(&dataset), &columns)),
        "decode_json_floats" => decode(JsonDecoder::new(&image(), &[0]).unwrap(), &images()),
        "graph" => run(root, BATCH),
        "graph_batches_of_1" => run(root, 1),
        "score_linear" => score(root, "logistic-regression", Engine::Linear),
        "score_trees" => score(root, "random-forest", Engine::Trees),
        "encode_json" => encode(JsonEncoder::new(&fields()).unwrap(), &scores(&columns)),
        "encode_avro" => encode(AvroEncoder::new("Score", &fields()).unwrap(), &scores(&columns)),
        unknown => panic!("no kernel `{unknown}`; there are {}", KERNELS.join(", ")),
    }
}

/// What valgrind counts: its name is in `scripts/instructions`.
#[inline(never)]
fn measured(kernel: &mut dyn FnMut()) -> usize {
    kernel();
    // Not the last call: a jump into the kernel would be no call to valgrind.
    std::hint::black_box(ROWS)
}

/// The dataset's first rows as a decoder delivers them.
fn columns(root: &Path, dataset: &DatasetSchema, all: &[usize]) -> Vec<ArrayRef> {
    let mut file = RowFile::open(&root.join("datasets/car-insurance.csv")).unwrap();
    let (mut rows, mut decoded) = (RawRows::default(), Decoded::default());
    file.read(ROWS, &mut rows).unwrap();
    file.decoder(dataset, all).unwrap().decode(&rows.payloads(), &mut decoded);
    assert_eq!(decoded.rows.len(), ROWS);
    decoded.columns
}

fn avro(dataset: &DatasetSchema, columns: &[ArrayRef]) -> Vec<Vec<u8>> {
    encoded(AvroEncoder::for_schema(dataset), columns)
}

fn encoded(mut encoder: impl Encoder, columns: &[ArrayRef]) -> Vec<Vec<u8>> {
    let (mut into, mut rejected) = (Encoded::default(), Vec::new());
    encoder.encode(columns, &mut (0..ROWS), &mut into, &mut rejected);
    assert!(rejected.is_empty(), "{:?}", rejected.first());
    into.iter().map(|(_, bytes)| bytes.to_vec()).collect()
}

/// An event of one image, as a list of its pixels.
fn image() -> DatasetSchema {
    let pixels = r#"{"name": "pixels", "type": {"type": "array", "items": "float"}}"#;
    DatasetSchema::parse_avro(&format!(r#"{{"type": "record", "name": "Image", "fields": [{pixels}]}}"#)).unwrap()
}

/// Images of 784 pixels, of as many digits as floats have.
fn images() -> Vec<Vec<u8>> {
    let pixel = |number: usize| (number as u32).wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32;
    let image = |row: usize| (row * 784..(row + 1) * 784).map(|number| pixel(number).to_string()).collect::<Vec<_>>().join(",");
    (0..ROWS).map(|row| format!("{{\"pixels\":[{}]}}", image(row)).into_bytes()).collect()
}

/// All batches once to warm the buffers, then once to count.
fn decode(mut decoder: impl Decoder, events: &[Vec<u8>]) {
    let payloads: Vec<&[u8]> = events.iter().map(Vec::as_slice).collect();
    let mut decoded = Decoded::default();
    let mut all = || {
        let outcomes = payloads.chunks(BATCH).map(|batch| {
            decoder.decode(batch, &mut decoded);
            decoded.rows.len() + decoded.rejected.len()
        });
        assert_eq!(outcomes.sum::<usize>(), ROWS);
    };
    all();
    measured(&mut all);
}

/// The graph without its model: the model's instructions are ONNX Runtime's.
fn run(root: &Path, rows: usize) {
    let (assembly, _) = Assembly::load(&root.join("config/car-insurance.yaml")).unwrap_or_else(|found| panic!("{}", found.render(false)));
    let frozen = Frozen::read(&root.join("config/car-insurance.frozen.json")).unwrap();
    let (spec, features) = without_inference(&assembly.pipeline().graph);
    let fields = events(assembly.dataset(), &root.join("datasets/car-insurance.csv"));
    let mut graph = Graph::new(&assembly, &spec, &frozen, &features, fields);
    let batches = graph.batches(rows, ROWS / rows);
    batches.iter().for_each(|batch| graph.run::<false>(batch));
    measured(&mut || batches.iter().for_each(|batch| graph.run::<false>(batch)));
    assert_eq!(graph.made.len(), features.len());
}

/// A model of the example in its kernel, on the features that pandas made.
fn score(root: &Path, id: &str, engine: Engine) {
    let folder = root.join("models/car-insurance");
    let model = Model::load(id, &folder.join(format!("{id}.onnx"))).unwrap();
    let mut session = model.session(Some(engine), Some(BATCH)).unwrap();
    let features = std::fs::read(folder.join("features.f32le")).unwrap();
    let features: Vec<f32> = features.chunks_exact(4).map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap())).collect();
    let width = model.signature.inputs[0].width().unwrap();
    let rows = Tensor { width, values: Values::F32(features[..ROWS * width].to_vec()) };
    let mut all = || {
        let columns = session.run(std::slice::from_ref(&rows), |row, error| panic!("row {row}: {error}"));
        assert_eq!(columns[0].len(), ROWS);
    };
    all();
    measured(&mut all);
}

/// What the example publishes: a visitor, a label, a probability.
fn fields() -> Vec<(String, DataType, bool)> {
    let field = |name: &str, data_type, nullable| (name.to_owned(), data_type, nullable);
    vec![
        field("ecid", DataType::Utf8, true),
        field("purchase_predicted", DataType::Boolean, false),
        field("probability_yes", DataType::Float64, false),
    ]
}

fn scores(columns: &[ArrayRef]) -> Vec<ArrayRef> {
    let probability = |row: usize| (row * 7_919 % 10_007) as f64 / 10_007.0;
    let label: BooleanArray = (0..ROWS).map(|row| Some(probability(row) > 0.5)).collect();
    let probability: Float64Array = (0..ROWS).map(|row| Some(probability(row))).collect();
    vec![Arc::clone(&columns[0]), Arc::new(label), Arc::new(probability)]
}

fn encode(mut encoder: impl Encoder, columns: &[ArrayRef]) {
    let (mut into, mut rejected) = (Encoded::default(), Vec::new());
    let mut all = || {
        for first in (0..ROWS).step_by(BATCH) {
            into.clear();
            encoder.encode(columns, &mut (first..first + BATCH), &mut into, &mut rejected);
            assert_eq!(into.len(), BATCH);
        }
    };
    all();
    measured(&mut all);
}
