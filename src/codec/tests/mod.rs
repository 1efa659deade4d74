//! Tests of the codecs against other implementations, against each other, and against damaged bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod agreement;
mod corruption;
mod files;
mod framing;
mod fuzz;
mod json;
mod random;
mod rejections;
mod resolution;
mod unions;
mod xdm;

use super::{Decoded, Decoder};
use crate::dataset::DatasetSchema;

/// Decodes a batch.
fn decode(decoder: &mut dyn Decoder, payloads: &[&[u8]]) -> Decoded {
    let mut decoded = Decoded::default();
    decoder.decode(payloads, &mut decoded);
    assert_eq!(decoded.rows.len() + decoded.rejected.len(), payloads.len(), "a payload is lost or there twice");
    assert!(decoded.columns.iter().all(|column| column.len() == decoded.rows.len()));
    decoded
}

fn all_fields(schema: &DatasetSchema) -> Vec<usize> {
    (0..schema.fields().len()).collect()
}

fn schema(fields: &str) -> DatasetSchema {
    DatasetSchema::parse_avro(&format!(r#"{{"type":"record","name":"Event","fields":[{fields}]}}"#)).unwrap()
}
