//! Damaged payloads never touch their neighbours.

use arrow_array::{Array, ArrayRef};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::random::{Dataset, datasets};
use super::{all_fields, decode};
use crate::codec::avro::AvroDecoder;
use crate::codec::csv::CsvDecoder;
use crate::codec::json::{JsonDecoder, JsonEncoder};
use crate::codec::{Decoder, Encoded, Encoder};

/// What happens to one payload.
#[derive(Clone, Debug)]
enum Damage {
    Nothing,
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    /// The beginning of one payload and the end of another.
    Splice(Index, Index, Index),
    Replace(Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => Just(Damage::Nothing),
        2 => (any::<Index>(), 1u8..).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), vec(any::<u8>(), 1..12)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => any::<(Index, Index, Index)>().prop_map(|(other, head, tail)| Damage::Splice(other, head, tail)),
        1 => vec(any::<u8>(), 0..40).prop_map(Damage::Replace),
    ]
}

fn apply(payloads: &[Vec<u8>], damages: &[Damage]) -> Vec<Vec<u8>> {
    let damaged = payloads.iter().zip(damages).map(|(payload, damage)| {
        let mut bytes = payload.clone();
        match damage {
            Damage::Nothing => {}
            Damage::Flip(at, bits) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            Damage::Flip(..) => {}
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
            Damage::Insert(at, new) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, new.iter().copied());
            }
            Damage::Splice(other, head, tail) => {
                let other = &payloads[other.index(payloads.len())];
                bytes.truncate(head.index(bytes.len() + 1));
                bytes.extend_from_slice(&other[tail.index(other.len() + 1)..]);
            }
            Damage::Replace(new) => bytes.clone_from(new),
        }
        bytes
    });
    damaged.collect()
}

/// Decodes a batch, then each of its payloads alone, and then the batch again: all must be the same, bit for bit.
fn assert_independent(decoder: &mut dyn Decoder, payloads: &[Vec<u8>]) {
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let batch = decode(decoder, &payloads);
    let mut rejected = Vec::new();
    let mut rows = Vec::new();
    for (index, payload) in (0u32..).zip(&payloads) {
        let alone = decode(decoder, &[payload]);
        rejected.extend(alone.rejected.into_iter().map(|(_, rejection)| (index, rejection)));
        if !alone.rows.is_empty() {
            let row = rows.len();
            rows.push(index);
            for (ours, theirs) in batch.columns.iter().zip(&alone.columns) {
                assert!(same_row(ours, row, theirs), "payload {index}");
            }
        }
    }
    assert_eq!(batch.rows, rows);
    assert_eq!(batch.rejected, rejected);
}

/// Whether a row of a column is the only row of another; the debug form tells floats apart as far as text does, the bytes the rest.
fn same_row(column: &ArrayRef, row: usize, other: &ArrayRef) -> bool {
    let slice = column.slice(row, 1);
    slice.to_data() == other.to_data() || format!("{slice:?}") == format!("{other:?}")
}

fn json_lines(dataset: &Dataset) -> Vec<Vec<u8>> {
    let datums = dataset.datums();
    let payloads: Vec<&[u8]> = datums.iter().map(Vec::as_slice).collect();
    let decoded = decode(&mut AvroDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap(), &payloads);
    let mut encoded = Encoded::default();
    JsonEncoder::for_schema(&dataset.schema).encode(&decoded.columns, &mut (0..payloads.len()), &mut encoded, &mut vec![]);
    encoded.iter().map(|(_, bytes)| bytes.to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn avro_neighbours_are_untouched(dataset in datasets(2), damages in vec(damage(), 8), keep in any::<u32>()) {
        let payloads = apply(&dataset.datums(), &damages);
        let every = all_fields(&dataset.schema);
        let some: Vec<usize> = every.iter().copied().filter(|field| keep >> (field % 32) & 1 == 1).collect();
        assert_independent(&mut AvroDecoder::new(&dataset.schema, &every).unwrap(), &payloads);
        assert_independent(&mut AvroDecoder::new(&dataset.schema, &some).unwrap(), &payloads);
    }

    #[test]
    fn json_neighbours_are_untouched(dataset in datasets(2), damages in vec(damage(), 8)) {
        let lines = json_lines(&dataset);
        if !lines.is_empty() {
            let mut decoder = JsonDecoder::new(&dataset.schema, &all_fields(&dataset.schema)).unwrap();
            assert_independent(&mut decoder, &apply(&lines, &damages));
        }
    }

    #[test]
    fn csv_neighbours_are_untouched(lines in vec("([a-z\"]{0,3},){2}-?[0-9]{0,12}", 1..8), damages in vec(damage(), 8)) {
        let schema = super::schema(r#"{"name":"a","type":["null","string"]},{"name":"b","type":"string"},{"name":"c","type":["null","int"]}"#);
        let header = ["a", "b", "c"].map(str::to_owned);
        let lines: Vec<Vec<u8>> = lines.into_iter().map(String::into_bytes).collect();
        assert_independent(&mut CsvDecoder::new(&schema, &[0, 1, 2], &header).unwrap(), &apply(&lines, &damages));
    }
}
