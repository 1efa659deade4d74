//! The properties that go to librdkafka as they are, secrets kept out of logs.

use crate::{
    diagnostic::{Document, is_secret_key, join},
    kafka::{MASK, known_properties},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// Properties of librdkafka by name, such as `bootstrap.servers`.
///
/// `Debug` and `Serialize` show `***` in place of passwords, keys and tokens.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, Scalar>")]
pub struct KafkaProperties(BTreeMap<String, String>);

/// A property as YAML may type it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Boolean(bool),
    Number(serde_json::Number),
    Text(String),
}

/// Properties that caz sets itself, and why a pipeline file cannot.
const RESERVED: [(&str, &str); 15] = [
    ("acks", "caz waits for all replicas, or a score could be lost"),
    ("delivery.report.only.error", "caz commits an offset only after the delivery report of its score"),
    ("enable.auto.commit", "caz commits offsets with the scores that belong to them"),
    ("enable.auto.offset.store", "caz commits offsets with the scores that belong to them"),
    ("enable.gapless.guarantee", "transactions already keep the order and the whole"),
    ("enable.idempotence", "caz always produces idempotently"),
    ("enable.partition.eof", "caz knows by itself when a partition is drained"),
    ("group.id", "it is `input.group`"),
    ("group.instance.id", "each worker is a group member of its own; `delivery.instance` names the process"),
    ("isolation.level", "caz reads committed events only, or aborted ones would be scored"),
    ("max.in.flight", "idempotent producing sets it"),
    ("max.in.flight.requests.per.connection", "idempotent producing sets it"),
    ("request.required.acks", "caz waits for all replicas, or a score could be lost"),
    ("transaction.timeout.ms", "it is `delivery.transaction_timeout`"),
    ("transactional.id", "caz makes it from `input.group` and `delivery.instance`, two for each worker"),
];

/// Why a pipeline file cannot set a property; nothing when it can.
pub(super) fn reserved(property: &str) -> Option<&'static str> {
    RESERVED.iter().find(|(name, _)| *name == property).map(|(_, reason)| *reason)
}

impl KafkaProperties {
    /// One property's value, secrets included.
    pub fn get(&self, property: &str) -> Option<&str> {
        self.0.get(property).map(String::as_str)
    }

    /// All properties by name, secrets included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same as a file has them under `kafka`: a password `007` is not 7. Numbers stay as YAML reads them, for librdkafka would take `1e5` for 1.
    pub(super) fn written_in(self, document: &Document) -> Self {
        let known = known_properties();
        let is_number = |name: &str| known.iter().any(|property| property.name == name && property.is_number());
        let as_written = |(name, value): (String, String)| {
            let written = document.written(&join("/kafka", &name)).filter(|_| !is_number(&name)).map(str::to_owned);
            (name, written.unwrap_or(value))
        };
        Self(self.0.into_iter().map(as_written).collect())
    }

    /// All properties by name, with `***` in place of secrets.
    fn masked(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().map(|(name, value)| (name, if is_secret_key(name) { MASK } else { value }))
    }
}

impl From<BTreeMap<String, Scalar>> for KafkaProperties {
    fn from(properties: BTreeMap<String, Scalar>) -> Self {
        let text = |scalar| match scalar {
            Scalar::Boolean(boolean) => boolean.to_string(),
            Scalar::Number(number) => number.to_string(),
            Scalar::Text(text) => text,
        };
        Self(properties.into_iter().map(|(name, scalar)| (name, text(scalar))).collect())
    }
}

impl fmt::Debug for KafkaProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.masked()).finish()
    }
}

impl Serialize for KafkaProperties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.masked())
    }
}

impl JsonSchema for KafkaProperties {
    fn schema_name() -> Cow<'static, str> {
        "KafkaProperties".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "properties": {
                "bootstrap.servers": {
                    "type": "string",
                    "minLength": 1,
                    "description": "Brokers to ask first, as `host:port`, separated by commas.",
                    "examples": ["localhost:9092"],
                },
            },
            "required": ["bootstrap.servers"],
            "additionalProperties": { "type": ["string", "integer", "number", "boolean"], "minLength": 1 },
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::KafkaProperties;
    use serde_json::json;

    #[test]
    fn secrets_are_kept_but_not_shown() {
        let properties: KafkaProperties =
            serde_json::from_value(json!({"sasl.password": "hunter2", "ssl_key": 5, "fetch.min.bytes": 1, "debug": true})).unwrap();
        assert_eq!(properties.get("sasl.password"), Some("hunter2"));
        assert_eq!(format!("{properties:?}"), r#"{"debug": "true", "fetch.min.bytes": "1", "sasl.password": "***", "ssl_key": "***"}"#);
        assert_eq!(serde_json::to_value(&properties).unwrap()["sasl.password"], "***");
    }
}
