//! XDM: entities, envelopes and records of several messages, beside a validator of JSON Schema.

use std::cell::RefCell;

use serde_json::Value;

use super::json::agrees_with_serde_json;
use super::schemas::choose;
use super::{beside_others, decode, is_treated_alike};
use crate::codec::Decoder;
use crate::codec::json::{JsonDecoder, Rules};
use crate::dataset::{DatasetSchema, Reason};
use crate::diagnostic::Document;

/// A schema with every kind of rule. Integers have the bounds of their XDM type in writing, which the validator beside it does not know else.
const SCHEMA: &str = r##"{
  "$id": "https://ns.example.com/schemas/event",
  "type": "object",
  "meta:class": "https://ns.adobe.com/xdm/context/experienceevent",
  "allOf": [{"$ref": "#/definitions/identities"}],
  "properties": {
    "_id": {"type": "string", "minLength": 1},
    "timestamp": {"type": "string", "format": "date-time"},
    "n": {"type": "integer", "meta:xdmType": "int", "minimum": -2147483648, "maximum": 2147483648},
    "long": {"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991},
    "x": {"type": "number", "exclusiveMinimum": 0, "maximum": 1.5},
    "flag": {"type": ["boolean", "null"]},
    "day": {"type": "string", "format": "date"},
    "kind": {"type": "string", "enum": ["new", "used"]},
    "code": {"type": "string", "pattern": "^[A-Z]{2}\\d$", "maxLength": 3},
    "mail": {"type": "string", "format": "email"},
    "word": {"type": "string", "minLength": 2, "maxLength": 3},
    "short": {"type": "string", "enum": ["ab", "cd"], "maxLength": 2},
    "rank": {"type": ["integer", "null"], "enum": [1, 2, null], "minimum": -9007199254740991, "maximum": 9007199254740991},
    "share": {"type": "number", "enum": [0.5, 1]},
    "sure": {"type": ["boolean", "null"], "enum": [true]},
    "tags": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string", "maxLength": 4}},
    "cars": {"type": "array", "items": {"type": "object", "properties": {"km": {"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991}, "name": {"type": "string"}}, "required": ["km"]}},
    "closed": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991}}, "required": ["a"], "additionalProperties": false},
    "open": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "number"}}
  },
  "required": ["_id", "timestamp"],
  "definitions": {
    "identities": {
      "properties": {
        "identityMap": {
          "type": "object",
          "additionalProperties": {"type": "array", "items": {"type": "object", "properties": {
            "id": {"type": "string"},
            "authenticatedState": {"type": "string", "enum": ["ambiguous", "authenticated", "loggedOut"]},
            "primary": {"type": "boolean"}
          }}}
        }
      }
    }
  }
}"##;

pub(crate) fn xdm_schema() -> DatasetSchema {
    let document = Document::parse("schema.json", SCHEMA, &|_| None).expect("JSON");
    DatasetSchema::read_xdm(&document).expect("a sound schema")
}

/// What another reads of the same schema.
pub(crate) fn xdm_validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a sound schema")
}

struct Case {
    decoder: JsonDecoder,
    /// The same without a column: rules hold whatever is asked for.
    blind: JsonDecoder,
}

impl Case {
    fn new(finish: impl Fn(JsonDecoder) -> JsonDecoder) -> Self {
        let schema = xdm_schema();
        let every: Vec<usize> = (0..schema.fields().len()).collect();
        let decoder = |projection: &[usize]| finish(JsonDecoder::by(Rules::Xdm, &schema, projection).expect("a sound schema"));
        Self { decoder: decoder(&every), blind: decoder(&[]) }
    }

    fn run(&mut self, payload: &[u8]) {
        let decoded = decode(&mut self.decoder, &beside_others(payload));
        assert!(is_treated_alike(&decoded));
        for (_, rejection) in &decoded.rejected {
            let told = rejection.violations.as_ref().map(|told| serde_json::from_str::<Value>(told).expect("JSON"));
            let count = told.map_or(0, |told| told["_validationErrors"].as_array().expect("a list").len());
            assert_eq!((1..=5).contains(&count), rejection.reason == Reason::XdmViolation, "{}: {rejection:?}", payload.escape_ascii());
        }
        // What a column cannot hold only the column refuses, before anything behind it is read.
        let is_full = |index: u32| decoded.rejected.iter().any(|(at, why)| *at == index && why.reason == Reason::OutOfRange);
        let mut blind = decode(&mut self.blind, &beside_others(payload)).rejected;
        blind.retain(|(index, _)| !is_full(*index));
        assert!(decoded.rejected.iter().filter(|(index, _)| !is_full(*index)).eq(&blind), "{}: {blind:?}", payload.escape_ascii());
    }
}

/// What the first byte names: an entity, one in an envelope, or a record of several messages.
pub(crate) fn xdm(bytes: &[u8]) {
    thread_local! {
        static CASES: RefCell<[Case; 2]> = RefCell::new([Case::new(|plain| plain), Case::new(JsonDecoder::enveloped)]);
        static VALIDATOR: jsonschema::Validator = xdm_validator();
    }
    CASES.with_borrow_mut(|cases| {
        let is_entity = bytes.first().is_some_and(|first| first % 2 == 0);
        let Some((case, payload)) = choose(cases, bytes) else { return };
        match case.decoder.messages(payload) {
            Some(Ok(parts)) => parts.into_iter().take(20).for_each(|part| case.run(&payload[part])),
            _ => case.run(payload),
        }
        if is_entity {
            agrees_with_serde_json(&mut case.decoder, &[payload]);
            VALIDATOR.with(|validator| agrees_with_a_validator(&mut case.decoder, validator, payload));
        }
    });
}

/// An entity is decoded when, and only when, a validator takes it. It is written anew before, since the validator knows a member's last value
/// only.
fn agrees_with_a_validator(decoder: &mut JsonDecoder, validator: &jsonschema::Validator, payload: &[u8]) {
    let Ok(entity @ Value::Object(_)) = serde_json::from_slice::<Value>(payload) else { return };
    let text = entity.to_string();
    // An instant of more digits than nanoseconds have is one to the validator alone.
    let is_longer = |fraction: &str| fraction.bytes().take_while(u8::is_ascii_digit).count() > 9;
    if text.split('.').skip(1).any(is_longer) {
        return;
    }
    // XDM's other names of members, which the schema does not write out.
    if ["\"@id\"", "\"xdm:timestamp\""].iter().any(|alias| text.contains(alias)) {
        return;
    }
    let decoded = decode(decoder, &[text.as_bytes()]);
    let is_valid = validator.is_valid(&entity);
    match decoded.rejected.first() {
        None => assert!(is_valid, "the validator refuses {text}"),
        Some((_, rejection)) if rejection.reason == Reason::XdmViolation => {
            assert!(!is_valid, "{rejection:?}, and the validator takes {text}")
        }
        // What columns cannot hold, and what nests too deep.
        Some((_, rejection)) => assert!(matches!(rejection.reason, Reason::OutOfRange | Reason::TooDeep), "{rejection:?} of {text}"),
    }
}
