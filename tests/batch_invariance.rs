//! A row's features and score do not depend on the rows beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::DataType;
use caz::stream::{Assembly, Line};
use support::car_insurance::{avro_events, root};
use support::command::example;

/// The example with all 60 features among its output columns.
fn assembly_with_features(folder: &std::path::Path, model: &str) -> Assembly {
    let text = example(&[]);
    let mut features: Vec<&str> = text.lines().skip_while(|line| !line.ends_with("features:")).skip(1).collect();
    features.truncate(60);
    let features: Vec<&str> = features.iter().map(|line| line.trim().trim_start_matches("- ")).collect();
    assert_eq!((features[0], features[59]), ("hour", "leasing_yes"));
    let text = text
        .replace(
            "columns: [purchase_predicted, probability_yes]",
            &format!("columns: [{}, purchase_predicted, probability_yes]", features.join(", ")),
        )
        .replace("random-forest", model);
    let file = folder.join("pipeline.yaml");
    std::fs::write(&file, text).unwrap();
    match Assembly::load(&file) {
        Ok((assembly, _)) => assembly,
        Err(diagnostics) => panic!("{}", diagnostics.render(false)),
    }
}

/// Every row's values as bits, the probability apart.
fn score(line: &mut Line, events: &[Vec<u8>], batch: usize) -> Vec<(Vec<u64>, f32)> {
    let mut rows = Vec::new();
    for events in events.chunks(batch) {
        assert_eq!(line.score(events.iter().map(|event| Some(event.as_slice()))).rejected().count(), 0);
        let columns = line.columns();
        let (probability, features) = columns.split_last().unwrap();
        let probability = probability.as_primitive::<Float32Type>();
        rows.extend((0..events.len()).map(|row| (features.iter().map(|column| bits(column, row)).collect(), probability.value(row))));
    }
    rows
}

fn bits(column: &ArrayRef, row: usize) -> u64 {
    assert!(!column.is_null(row));
    match column.data_type() {
        DataType::Boolean => u64::from(column.as_boolean().value(row)),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row) as u64,
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row) as u64,
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_bits(),
        DataType::Utf8 => column.as_string::<i32>().value(row).bytes().fold(7, |hash, byte| hash * 31 % 1_000_000_007 + u64::from(byte)),
        other => panic!("a column of {other}"),
    }
}

#[test]
fn features_and_scores_have_the_same_bits_for_every_split() {
    let folder = tempfile::tempdir().unwrap();
    let events = avro_events();
    for model in ["random-forest", "logistic-regression"] {
        let assembly = assembly_with_features(folder.path(), model);
        let whole = score(&mut assembly.line().unwrap(), &events, 5_000);
        assert_eq!(whole.len(), 5_000);
        for batch in [1, 7, 64] {
            let parts = score(&mut assembly.line().unwrap(), &events, batch);
            for (row, (whole, part)) in whole.iter().zip(&parts).enumerate() {
                assert_eq!(whole.0, part.0, "{model}: features of row {row} in batches of {batch}");
                assert_eq!(whole.1.to_bits(), part.1.to_bits(), "{model}: score of row {row} in batches of {batch}");
            }
        }
    }
}

#[test]
fn features_are_those_of_pandas() {
    let folder = tempfile::tempdir().unwrap();
    let expected = std::fs::read(root().join("models/car-insurance/features.f32le")).unwrap();
    let expected: Vec<f32> = expected.chunks_exact(4).map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap())).collect();
    let assembly = assembly_with_features(folder.path(), "random-forest");
    let events = avro_events();
    let mut line = assembly.line().unwrap();
    line.score(events.iter().map(|event| Some(event.as_slice())));
    // The first column is the event's ecid, the last two are the scores.
    let features = &line.columns()[1..61];
    for (row, expected) in expected.chunks_exact(60).enumerate() {
        for (at, (column, expected)) in features.iter().zip(expected).enumerate() {
            let value = match column.data_type() {
                DataType::Float64 => column.as_primitive::<Float64Type>().value(row) as f32,
                _ => bits(column, row) as f32,
            };
            assert_eq!(value.to_bits(), expected.to_bits(), "row {row}, feature {at}");
        }
    }
}
