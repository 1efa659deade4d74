//! Damaged payloads by the million, against apache-avro and serde_json.
//!
//! `CAZ_FUZZ_INPUTS=2500000 cargo test --release --lib -- codec::tests::fuzz` gives each target as many; else it is a few thousand.
//! Whatever the bytes: no panic, and no more memory than rows and bytes account for. What is decoded, the references read as the same
//! values. A corpus is not kept: seeds are made anew from random schemas, and a finding is written out whole.

use apache_avro::reader::datum::GenericDatumReader;
use arrow_array::Array;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::agreement::{at_path, is_value};
use super::random::{Dataset, datasets};
use super::{all_fields, decode};
use crate::codec::avro::{AvroDecoder, KnownSchemas, WriterSchemas};
use crate::codec::frame::Framing;
use crate::codec::json::{JsonDecoder, JsonEncoder, Rules};
use crate::codec::view::View;
use crate::codec::{Decoded, Decoder, Encoded, Encoder};

/// Payloads in a batch.
const BATCH: usize = 256;
/// Batches of each schema.
const BATCHES: usize = 16;

fn inputs() -> usize {
    std::env::var("CAZ_FUZZ_INPUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(5_000)
}

/// A small generator: the same seed makes the same inputs.
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// One to four changes of a seed: bits, bytes that matter to the formats, cuts, repeats, pieces of others.
    fn damage(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        const TELLING: [&[u8]; 14] = [
            b"\x00",
            b"\x01",
            b"\x02",
            b"\x7f",
            b"\x80",
            b"\xff",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\xfe\xff\xff\xff\x0f",
            b"{",
            b"[",
            b"\"",
            b"null",
            b"1e400",
            b"\\ud800",
        ];
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.splice(at..at, TELLING[self.below(TELLING.len())].iter().copied())),
                2 if at < bytes.len() => bytes[at] = TELLING[self.below(7)][0],
                3 => bytes.truncate(at),
                4 => {
                    let end = (at + self.below(8)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, piece));
                }
                _ => {
                    let other = &seeds[self.below(seeds.len())];
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[self.below(other.len() + 1)..]);
                }
            }
        }
        bytes
    }
}

/// Runs batches of damaged seeds of random datasets until there were enough inputs.
fn run(seed: u64, mut target: impl FnMut(&Dataset, &mut dyn FnMut(&[Vec<u8>]) -> Vec<Vec<u8>>)) {
    let mut runner = TestRunner::deterministic();
    let (strategy, mut bits, mut done) = (datasets(2), Bits(seed), 0);
    while done < inputs() {
        let dataset = strategy.new_tree(&mut runner).unwrap().current();
        target(&dataset, &mut |seeds| {
            done += BATCH;
            (0..BATCH).map(|_| bits.damage(seeds)).collect()
        });
    }
}

/// What a batch's columns may take: so much for each row of a column, and so much for each byte.
fn assert_memory(decoded: &Decoded, payloads: &[Vec<u8>]) {
    let bytes: usize = payloads.iter().map(Vec::len).sum();
    let took: usize = decoded.columns.iter().map(|column| column.get_array_memory_size()).sum();
    let bound = decoded.columns.len() * (4096 + 64 * payloads.len()) + 256 * bytes;
    assert!(took <= bound, "{took} bytes for {bytes} bytes in {} columns", decoded.columns.len());
}

fn decoded(decoder: &mut dyn Decoder, payloads: &[Vec<u8>]) -> Decoded {
    let views: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let decoded = decode(decoder, &views);
    assert_memory(&decoded, payloads);
    decoded
}

#[test]
fn avro_and_apache_avro() {
    run(1, |dataset, damaged| {
        let seeds = dataset.datums();
        let mut decoder = AvroDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap();
        let reader = GenericDatumReader::builder(&dataset.avro).build().unwrap();
        for _ in 0..BATCHES {
            let payloads = damaged(&seeds);
            let decoded = decoded(&mut decoder, &payloads);
            let views: Vec<View<'_>> = decoded.columns.iter().map(|column| View::new(column.as_ref()).unwrap()).collect();
            for (row, payload) in decoded.rows.iter().enumerate() {
                let payload = &payloads[*payload as usize];
                // What it refuses and caz does not: decimals longer than a fixed, and text in what is bytes; none of them is a finding.
                let Ok(value) = reader.read_value(&mut payload.as_slice()) else { continue };
                for (field, view) in dataset.schema.fields().iter().zip(&views) {
                    let (cell, theirs) = (view.cell(row), at_path(&value, &field.path));
                    // A key that is there twice is one entry there, and two here.
                    let is_same = is_value(&cell, theirs) || format!("{theirs:?}").contains("Map(");
                    assert!(is_same, "{payload:?} of {}: {} is {cell:?}, {theirs:?}", dataset.schema.text(), field.path);
                }
            }
        }
    });
}

#[test]
fn single_objects() {
    run(2, |dataset, damaged| {
        let mut known = KnownSchemas::default();
        let header = Framing::SingleObject.header(known.add(dataset.schema.text()).unwrap());
        let seeds: Vec<Vec<u8>> = dataset.datums().into_iter().map(|datum| [header.as_slice(), &datum].concat()).collect();
        let writers = WriterSchemas::Known(known);
        let every = all_fields(&dataset.schema);
        let mut framed = AvroDecoder::framed(Framing::SingleObject, writers, &dataset.schema, &every).unwrap();
        let mut bare = AvroDecoder::new(&dataset.schema, &every).unwrap();
        for _ in 0..BATCHES {
            let payloads = damaged(&seeds);
            let whole = decoded(&mut framed, &payloads);
            // Behind a sound header it is the unframed decoder.
            let sound = |payload: &&Vec<u8>| payload.starts_with(&header);
            let datums: Vec<Vec<u8>> = payloads.iter().filter(sound).map(|payload| payload[header.len()..].to_vec()).collect();
            assert_eq!(decoded(&mut bare, &datums).rows.len(), whole.rows.len());
        }
    });
}

fn json(seed: u64, rules: Rules) {
    run(seed, |dataset, damaged| {
        let every = all_fields(&dataset.schema);
        let datums = dataset.datums();
        let views: Vec<&[u8]> = datums.iter().map(Vec::as_slice).collect();
        let columns = decode(&mut AvroDecoder::new(&dataset.schema, &every).unwrap(), &views).columns;
        let mut encoded = Encoded::default();
        JsonEncoder::by(rules, &dataset.schema).encode(&columns, &mut (0..datums.len()), &mut encoded, &mut vec![]);
        let seeds: Vec<Vec<u8>> = encoded.iter().map(|(_, bytes)| bytes.to_vec()).chain([b"{}".to_vec()]).collect();
        let mut decoder = JsonDecoder::by(rules, &dataset.schema, &every).unwrap();
        for _ in 0..BATCHES {
            let payloads = damaged(&seeds);
            for payload in &decoded(&mut decoder, &payloads).rows {
                let payload = &payloads[*payload as usize];
                let theirs: Result<serde_json::Value, _> = serde_json::from_slice(payload);
                assert!(theirs.is_ok_and(|value| value.is_object()), "{}", payload.escape_ascii());
            }
        }
    });
}

#[test]
fn plain_json_and_serde_json() {
    json(3, Rules::Plain);
}

#[test]
fn avros_json_and_serde_json() {
    json(4, Rules::Avro);
}
