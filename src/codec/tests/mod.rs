//! Tests of the codecs against other implementations, against each other, and against damaged bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod agreement;
mod corruption;
mod files;
mod framing;
mod fuzz;
mod json;
mod limits;
mod nulls;
mod random;
mod rejections;
mod resolution;
mod unions;
mod xdm;

use super::fuzz::decode;
use crate::dataset::DatasetSchema;

fn all_fields(schema: &DatasetSchema) -> Vec<usize> {
    (0..schema.fields().len()).collect()
}

fn schema(fields: &str) -> DatasetSchema {
    DatasetSchema::parse_avro(&format!(r#"{{"type":"record","name":"Event","fields":[{fields}]}}"#)).unwrap()
}
