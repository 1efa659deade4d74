//! JSON, plain and Avro's, against serde_json.

use std::cell::RefCell;

use serde_json::Value;

use super::schemas::{TEXTS, choose, dataset};
use super::{beside_others, decode, is_treated_alike};
use crate::codec::Decoder;
use crate::codec::json::{JsonDecoder, Rules};
use crate::codec::view::{Cell, View};
use crate::dataset::{DatasetField, DatasetSchema};

/// Decodes payloads and holds the rows against what serde_json reads; true of any payloads.
pub(crate) fn agrees_with_serde_json(decoder: &mut JsonDecoder, payloads: &[&[u8]]) {
    let decoded = decode(decoder, payloads);
    let fields: Vec<DatasetField> = decoder.fields().to_vec();
    let views: Vec<View<'_>> = decoded.columns.iter().map(|column| View::new(column.as_ref()).expect("a carried type")).collect();
    for (row, payload) in decoded.rows.iter().enumerate() {
        let payload = payloads[*payload as usize];
        let theirs: Result<Value, _> = serde_json::from_slice(payload);
        let Ok(theirs @ Value::Object(_)) = theirs else { panic!("{} is {theirs:?}", payload.escape_ascii()) };
        for (field, view) in fields.iter().zip(&views) {
            let value = field.path.split('.').try_fold(&theirs, |value, name| value.get(name));
            let (cell, value) = (view.cell(row), value.unwrap_or(&Value::Null));
            assert!(is_json(&cell, value), "{}: {} is {cell:?}, {value}", payload.escape_ascii(), field.path);
        }
    }
}

/// Whether a cell is a JSON value, as far as the type alone says what it is: texts and numbers stand for times and decimals too, an object for
/// a union's value, and an absent member for its default.
fn is_json(cell: &Cell<'_>, value: &Value) -> bool {
    match (cell, value) {
        (Cell::Bool(ours), Value::Bool(theirs)) => ours == theirs,
        (Cell::Int(ours), Value::Number(theirs)) => theirs.as_i64().map_or_else(|| theirs.as_f64() == Some(*ours as f64), |of| of == *ours),
        (Cell::Double(ours), Value::Number(theirs)) => theirs.as_f64().is_some_and(|of| of.to_bits() == ours.to_bits()),
        (Cell::Text(ours), Value::String(theirs)) => ours == theirs,
        (Cell::List(items, range), Value::Array(theirs)) => {
            range.len() == theirs.len() && range.clone().zip(theirs).all(|(row, value)| is_json(&items.cell(row), value))
        }
        (Cell::Bool(_) | Cell::Int(_) | Cell::Double(_) | Cell::List(..), Value::String(_)) => true,
        (Cell::Bool(_) | Cell::Double(_), Value::Array(_)) | (Cell::List(..), Value::Number(_) | Value::Bool(_)) => false,
        _ => true,
    }
}

fn run(cases: &mut [JsonDecoder], bytes: &[u8]) {
    let Some((decoder, payload)) = choose(cases, bytes) else { return };
    agrees_with_serde_json(decoder, &beside_others(payload));
    assert!(is_treated_alike(&decode(decoder, &beside_others(payload))));
}

fn decoders(rules: Rules) -> Vec<JsonDecoder> {
    let every = |schema: &DatasetSchema| (0..schema.fields().len()).collect::<Vec<_>>();
    let decoder = |text: &&str| {
        let schema = dataset(text);
        JsonDecoder::by(rules, &schema, &every(&schema)).expect("a sound schema")
    };
    TEXTS.iter().map(decoder).collect()
}

/// An event in JSON as it is written everywhere; the first byte chooses the schema.
pub(crate) fn json(bytes: &[u8]) {
    thread_local!(static CASES: RefCell<Vec<JsonDecoder>> = RefCell::new(decoders(Rules::Plain)));
    CASES.with_borrow_mut(|cases| run(cases, bytes));
}

/// An event in Avro's JSON; the first byte chooses the schema.
pub(crate) fn avro_json(bytes: &[u8]) {
    thread_local!(static CASES: RefCell<Vec<JsonDecoder>> = RefCell::new(decoders(Rules::Avro)));
    CASES.with_borrow_mut(|cases| run(cases, bytes));
}
