//! CSV records, and schemas as users write them.

use std::cell::RefCell;

use super::schemas::dataset;
use super::{beside_others, decode, is_treated_alike};
use crate::codec::avro::AvroDecoder;
use crate::codec::csv::CsvDecoder;
use crate::codec::json::{JsonDecoder, Rules};
use crate::dataset::DatasetSchema;

/// One record of CSV.
pub(crate) fn csv(bytes: &[u8]) {
    const SCHEMA: &str = r#"{"type":"record","name":"Row","fields":[
        {"name":"s","type":["null","string"]},{"name":"t","type":"string"},{"name":"l","type":["null","long"]},{"name":"d","type":"double"},
        {"name":"b","type":["null","boolean"]},{"name":"when","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}]}"#;
    thread_local! {
        static DECODER: RefCell<CsvDecoder> = RefCell::new({
            let header = ["s", "t", "l", "d", "b", "when"].map(str::to_owned);
            CsvDecoder::new(&dataset(SCHEMA), &[0, 1, 2, 3, 4, 5], &header).expect("a sound schema")
        });
    }
    DECODER.with_borrow_mut(|decoder| assert!(is_treated_alike(&decode(decoder, &beside_others(bytes)))));
}

/// A dataset schema, and behind a zero byte an event of it. Whatever it is, it is refused or all decoders can be made of it.
pub(crate) fn schema(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let Ok(text) = std::str::from_utf8(&bytes[..end]) else { return };
    let Ok(schema) = DatasetSchema::parse_avro(text) else { return };
    let event = bytes.get(end + 1..).unwrap_or_default();
    let every: Vec<usize> = (0..schema.fields().len()).collect();
    if let Ok(mut decoder) = AvroDecoder::new(&schema, &every) {
        decode(&mut decoder, &[event]);
    }
    for rules in [Rules::Plain, Rules::Avro] {
        if let Ok(mut decoder) = JsonDecoder::by(rules, &schema, &every) {
            decode(&mut decoder, &[event]);
        }
    }
}
