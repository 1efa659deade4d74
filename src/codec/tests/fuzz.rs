//! Damaged events of random schemas: what the fuzz targets ask of events in fixed ones ([`crate::codec::fuzz`]).
//!
//! `CAZ_FUZZ_INPUTS=2500000 cargo test --release --lib -- codec::tests::fuzz` gives each test as many; else it is a few thousand.

use apache_avro::reader::datum::GenericDatumReader;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::random::{Dataset, datasets};
use super::{all_fields, decode};
use crate::codec::avro::{AvroDecoder, KnownSchemas, WriterSchemas};
use crate::codec::frame::Framing;
use crate::codec::fuzz::{agrees_with_apache_avro, agrees_with_serde_json, behind_a_header};
use crate::codec::json::{JsonDecoder, JsonEncoder, Rules};
use crate::codec::{Encoded, Encoder};
use crate::fuzz::damage::{Bits, inputs};

/// Payloads in a batch.
const BATCH: usize = 256;
/// Batches of each schema.
const BATCHES: usize = 16;

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

fn views(payloads: &[Vec<u8>]) -> Vec<&[u8]> {
    payloads.iter().map(Vec::as_slice).collect()
}

#[test]
fn avro_and_apache_avro() {
    run(1, |dataset, damaged| {
        let seeds = dataset.datums();
        let mut decoder = AvroDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap();
        let reader = GenericDatumReader::builder(&dataset.avro).build().unwrap();
        for _ in 0..BATCHES {
            agrees_with_apache_avro(&dataset.schema, &reader, &mut decoder, &views(&damaged(&seeds)));
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
            for value in damaged(&seeds) {
                behind_a_header(&header, &mut framed, &mut bare, &value);
            }
        }
    });
}

fn json(seed: u64, rules: Rules) {
    run(seed, |dataset, damaged| {
        let every = all_fields(&dataset.schema);
        let datums = dataset.datums();
        let columns = decode(&mut AvroDecoder::new(&dataset.schema, &every).unwrap(), &views(&datums)).columns;
        let mut encoded = Encoded::default();
        JsonEncoder::by(rules, &dataset.schema).encode(&columns, &mut (0..datums.len()), &mut encoded, &mut vec![]);
        let seeds: Vec<Vec<u8>> = encoded.iter().map(|(_, bytes)| bytes.to_vec()).chain([b"{}".to_vec()]).collect();
        let mut decoder = JsonDecoder::by(rules, &dataset.schema, &every).unwrap();
        for _ in 0..BATCHES {
            agrees_with_serde_json(&mut decoder, &views(&damaged(&seeds)));
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
