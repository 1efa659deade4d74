//! Nulls that nodes have made, in every format of scores.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Float64Array};
use arrow_schema::DataType;

use crate::codec::avro::AvroEncoder;
use crate::codec::csv::CsvEncoder;
use crate::codec::json::JsonEncoder;
use crate::codec::{CodecError, Encoded, Encoder};
use crate::dataset::{DatasetSchema, Reason};

/// An encoder of columns by name, type and whether they may hold null.
type Make = fn(&[(String, DataType, bool)]) -> Result<Box<dyn Encoder>, CodecError>;

const ENCODERS: [Make; 4] = [
    |fields| Ok(Box::new(JsonEncoder::new(fields)?)),
    |fields| Ok(Box::new(CsvEncoder::new(fields)?)),
    |fields| Ok(Box::new(AvroEncoder::new("Score", fields)?)),
    |fields| {
        let derived = AvroEncoder::new("Score", fields)?;
        Ok(Box::new(JsonEncoder::of_scores(&DatasetSchema::parse_avro(derived.schema().unwrap())?)))
    },
];

/// NaN, and behind it a number, of a double and a float: each row's bytes, or why it is refused.
fn encode(nullable: bool) -> Vec<Vec<Result<Vec<u8>, Reason>>> {
    let columns: [ArrayRef; 2] = [Arc::new(Float64Array::from(vec![f64::NAN, 0.5])), Arc::new(Float32Array::from(vec![f32::NAN, 0.5]))];
    let fields = [("x".to_owned(), DataType::Float64, nullable), ("y".to_owned(), DataType::Float32, nullable)];
    let encode = |encoder: Make| {
        let (mut encoded, mut rejected) = (Encoded::default(), vec![]);
        encoder(&fields).unwrap().encode(&columns, &mut (0..2), &mut encoded, &mut rejected);
        let refused = rejected.into_iter().map(|(row, rejection)| (row, Err(rejection.reason)));
        let mut rows: Vec<_> = encoded.iter().map(|(row, bytes)| (row, Ok(bytes.to_vec()))).chain(refused).collect();
        rows.sort_by_key(|(row, _)| *row);
        rows.into_iter().map(|(_, answer)| answer).collect()
    };
    ENCODERS.into_iter().map(encode).collect()
}

#[test]
fn nan_in_a_column_that_can_be_null_is_null() {
    let half: Vec<u8> = [&[2][..], &0.5_f64.to_le_bytes(), &[2], &0.5_f32.to_le_bytes()].concat();
    assert_eq!(
        encode(true),
        [
            [Ok(br#"{"x":null,"y":null}"#.to_vec()), Ok(br#"{"x":0.5,"y":0.5}"#.to_vec())],
            [Ok(b",\n".to_vec()), Ok(b"0.5,0.5\n".to_vec())],
            [Ok(vec![0, 0]), Ok(half)],
            [Ok(br#"{"x":null,"y":null}"#.to_vec()), Ok(br#"{"x":{"double":0.5},"y":{"float":0.5}}"#.to_vec())],
        ]
    );
}

#[test]
fn nan_in_another_column_stays_what_it_is() {
    let rows = encode(false);
    for format in [0, 1, 3] {
        assert_eq!(rows[format][0], Err(Reason::NotFinite));
    }
    assert_eq!(rows[2][0], Ok([&f64::NAN.to_le_bytes()[..], &f32::NAN.to_le_bytes()].concat()));
}
