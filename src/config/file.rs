//! The pipeline file's sections. Their doc comments are the reference that editors and the documentation show.

use super::{
    check::given,
    graph::GraphSection,
    kafka::KafkaProperties,
    registry::RegistrySection,
    values::{ByteSize, HumanDuration},
};
use crate::{
    codec::frame::Framing,
    diagnostic::{Diagnostics, Document},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// A pipeline: events from one Kafka topic, through a graph of nodes, to scores in another.
///
/// `${VAR}`, `${VAR:-default}` and `${VAR:?message}` in a value are filled in from the environment; `$${` is a literal `${`.
/// Relative paths stand relative to this file's folder.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "caz pipeline")]
pub(super) struct PipelineFile {
    /// The pipeline's name, in logs and in the `client.id` of its Kafka clients.
    #[schemars(schema_with = "name")]
    pub(super) name: String,
    /// Where events come from.
    pub(super) input: Input,
    /// Folder of the models: `model_id` of an ONNX node is a path below it.
    #[serde(default = "default_model_store")]
    pub(super) model_store: PathBuf,
    /// What happens to each event: written here, or in a DSL file.
    pub(super) graph: GraphSection,
    /// Golden cases, a JSON file: events with what training made of them at every node. The pipeline serves only while it makes the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_path")]
    pub(super) golden: Option<PathBuf>,
    /// Where scores go.
    pub(super) output: Output,
    /// How surely each event is scored, and how often scores become visible.
    #[serde(default)]
    pub(super) delivery: Delivery,
    /// Where events go that cannot be scored. Required, because nothing may be lost.
    pub(super) dead_letters: DeadLetters,
    /// What becomes of an event that cannot be scored.
    #[serde(default)]
    pub(super) on_error: OnError,
    /// The schema registry. Required when a framing is `confluent` or `apicurio` and the format is Avro.
    #[serde(default)]
    pub(super) registry: Option<RegistrySection>,
    /// How many events are scored at once.
    #[serde(default)]
    pub(super) batch: Batch,
    /// Threads, each a member of the consumer group with its own producer and models. More than the topic has partitions are idle.
    #[serde(default = "default_workers")]
    #[schemars(range(min = 1, max = 256))]
    pub(super) workers: u16,
    /// Where metrics and health are served.
    #[serde(default)]
    pub(super) metrics: Metrics,
    /// Properties for librdkafka, such as `bootstrap.servers`, TLS and SASL; both consumers and producers get them.
    pub(super) kafka: KafkaProperties,
    /// How long a stopping process may finish its batches and leave the group.
    #[serde(default = "default_shutdown_timeout")]
    pub(super) shutdown_timeout: HumanDuration,
}

impl PipelineFile {
    /// Of a file with mistakes, which were reported, what its graph is checked against, when that is right; the rest is as if left out.
    pub(super) fn around_graph(document: &Arc<Document>) -> Option<Self> {
        let mut reported = Diagnostics::new();
        Some(Self {
            name: String::new(),
            input: Input {
                topic: String::new(),
                group: String::new(),
                format: document.read_as("/input/format", &mut reported)?,
                framing: given(document, "/input/framing", Framing::default())?,
                schema: document.read_as("/input/schema", &mut reported)?,
                writer_schemas: given(document, "/input/writer_schemas", Vec::new())?,
                max_event_size: default_max_event_size(),
            },
            model_store: given(document, "/model_store", default_model_store())?,
            graph: document.read_without_nulls("/graph", &mut reported)?,
            golden: given(document, "/golden", None).flatten(),
            output: Output {
                topic: String::new(),
                format: given(document, "/output/format", ScoreFormat::default()).unwrap_or_default(),
                framing: given(document, "/output/framing", Framing::default()).unwrap_or_default(),
                subject: None,
                register: default_register(),
                columns: given(document, "/output/columns", None)?,
                pass_through: given(document, "/output/pass_through", Vec::new())?,
                headers: ScoreHeaders::default(),
            },
            delivery: Delivery::default(),
            dead_letters: DeadLetters { topic: String::new() },
            on_error: OnError::default(),
            registry: given(document, "/registry", None).flatten(),
            batch: Batch::default(),
            workers: default_workers(),
            metrics: Metrics::default(),
            kafka: KafkaProperties::default(),
            shutdown_timeout: default_shutdown_timeout(),
        })
    }
}

/// Where events come from.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The topic with the events.
    #[schemars(schema_with = "topic")]
    pub topic: String,
    /// The consumer group: processes with the same group share the topic's partitions.
    #[schemars(schema_with = "group")]
    pub group: String,
    /// How events are encoded.
    pub format: Format,
    /// What stands before the payload in an event's value.
    #[serde(default)]
    pub framing: Framing,
    /// The dataset schema: an Avro schema file, or an XDM JSON Schema for `xdm` and `xdm_entity`. With a framing it is the reader's schema:
    /// what events were written with is resolved to it.
    #[schemars(schema_with = "path")]
    pub schema: PathBuf,
    /// Schemas that events were written with besides the dataset schema: Avro schema files. Only for `single_object`, whose headers no
    /// registry knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "paths")]
    pub writer_schemas: Vec<PathBuf>,
    /// The largest event that is decoded; larger ones go to the dead letters.
    #[serde(default = "default_max_event_size")]
    pub max_event_size: ByteSize,
}

/// How an event is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Avro binary.
    Avro,
    /// One JSON object. Values of a union stand for themselves; instants and decimals may be text.
    #[default]
    Json,
    /// One JSON object as the Avro specification encodes it: a value of a union is in an object that names its type, `{"string": "x"}`.
    AvroJson,
    /// XDM in the envelope of Adobe's streaming ingestion, `{"header": ..., "body": {"xdmEntity": ...}}`; a record may hold several as
    /// `{"messages": [...]}`, each of which is an event of its own.
    Xdm,
    /// XDM without an envelope: one JSON object.
    XdmEntity,
}

impl Format {
    /// Whether the dataset schema is an XDM schema.
    pub fn is_xdm(self) -> bool {
        matches!(self, Self::Xdm | Self::XdmEntity)
    }
}

/// How a score is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScoreFormat {
    /// Avro binary.
    Avro,
    /// One JSON object. Values of a union stand for themselves; instants and decimals may be text.
    #[default]
    Json,
    /// One JSON object as the Avro specification encodes it: a value of a union is in an object that names its type, `{"string": "x"}`.
    AvroJson,
}

/// Where scores go.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The topic for the scores.
    #[schemars(schema_with = "topic")]
    pub topic: String,
    /// How scores are encoded.
    #[serde(default)]
    pub format: ScoreFormat,
    /// What stands before the payload in a score's value; only for Avro.
    #[serde(default)]
    pub framing: Framing,
    /// The subject under which the registry keeps the scores' schema; the topic's name and `-value` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_subject")]
    pub subject: Option<String>,
    /// Whether caz registers the scores' schema, which it derives from the graph. When not, it must be there.
    #[serde(default = "default_register")]
    pub register: bool,
    /// Which of the graph's columns are published; when left out, all outputs of the ONNX nodes, as later nodes change and rename them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub columns: Option<Vec<String>>,
    /// Fields of the event that are published with the scores, by dotted path.
    #[serde(default)]
    pub pass_through: Vec<String>,
    /// How a score tells its event's place, and what scored it.
    #[serde(default)]
    pub headers: ScoreHeaders,
}

/// How a score tells its event's place, and what scored it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScoreHeaders {
    /// All in one header, `caz.score`: `topic/partition/offset pipeline model`.
    #[default]
    Packed,
    /// A header for each: topic, partition and offset of the event, digests of the pipeline and of its models.
    Separate,
    /// None: only its key, and what `pass_through` takes over, tell which event a score is of. `caz audit` has nothing to go by then.
    None,
}

/// How surely each event is scored, and how often scores become visible.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// What a crash may do.
    pub guarantee: Guarantee,
    /// How long scores may wait for their commit while a backlog is worked off; without one it comes within milliseconds.
    pub commit_interval: HumanDuration,
    /// After how long the broker gives up a transaction of a process that has died. Longer than `commit_interval`.
    pub transaction_timeout: HumanDuration,
    /// A name for this process that survives its restart, such as a pod's ordinal. Transactional ids are made from it, so that a
    /// restarted process takes over its predecessor's open transactions instead of waiting for their timeout.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_name")]
    pub instance: Option<String>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            guarantee: Guarantee::default(),
            commit_interval: HumanDuration::from_millis(100),
            transaction_timeout: HumanDuration::from_millis(15_000),
            instance: None,
        }
    }
}

/// What a crash may do to scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guarantee {
    /// Each event has exactly one score for readers of committed records: scores and offsets commit in one transaction.
    #[default]
    ExactlyOnce,
    /// No event is without a score; after a crash some have two.
    AtLeastOnce,
}

/// Where events go that cannot be scored.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// The topic for their original bytes, with the reason in headers.
    #[schemars(schema_with = "topic")]
    pub topic: String,
}

/// What becomes of an event that cannot be scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It goes to the dead letters, with the reason.
    #[default]
    DeadLetter,
    /// The process ends, once everything before the event is committed, and tells the event's place.
    Stop,
    /// It is counted and logged, and goes nowhere.
    Skip,
}

/// How many events are scored at once.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    /// The most events in one batch; fewer when fewer have arrived.
    #[schemars(range(min = 1, max = 65536))]
    pub max_batch: u32,
    /// How long to wait for a batch to fill. At 0 a batch is what has arrived.
    pub linger: HumanDuration,
}

impl Default for Batch {
    fn default() -> Self {
        Self { max_batch: 1024, linger: HumanDuration::from_millis(0) }
    }
}

/// Where metrics and health are served.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// IP address and port of `/metrics`, `/healthz` and `/readyz`.
    #[schemars(schema_with = "address")]
    pub address: SocketAddr,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 9464)) }
    }
}

fn default_model_store() -> PathBuf {
    PathBuf::from("models")
}

fn default_register() -> bool {
    true
}

fn default_workers() -> u16 {
    1
}

pub(super) fn default_shutdown_timeout() -> HumanDuration {
    HumanDuration::from_millis(10_000)
}

pub(super) fn default_max_event_size() -> ByteSize {
    ByteSize::from_bytes(1 << 20)
}

const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$";
const NAME_TITLE: &str = "a name of at most 100 letters, digits, `.`, `_` and `-`, which starts with a letter or digit";

fn name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "title": NAME_TITLE, "pattern": NAME_PATTERN, "examples": ["car-insurance"] })
}

fn optional_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "title": NAME_TITLE, "pattern": NAME_PATTERN, "examples": ["scorer-0"] })
}

/// The registry's own rule is that there is a name; `:.context:` may stand before it.
fn optional_subject(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "null"],
        "title": "a subject of at most 255 characters, none of them a blank",
        "pattern": r"^\S{1,255}$",
        "examples": ["quotes.scored-value"],
    })
}

fn group(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1, "maxLength": 255 })
}

fn paths(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "minLength": 1 } })
}

pub(super) fn optional_path(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "minLength": 1 })
}

pub(super) fn path(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1 })
}

/// Kafka's own rule for the names of topics.
fn topic(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "title": "a topic name: at most 249 letters, digits, `.`, `_` and `-`",
        "pattern": r"^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$",
        "examples": ["quotes.scored"],
    })
}

/// 0 to 255, and 0 to 65,535.
const OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const PORT: &str = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})";

fn address(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "title": "an IP address and a port",
        "pattern": format!(r"^({OCTET}(\.{OCTET}){{3}}|\[[0-9A-Fa-f:.]+\]):{PORT}$"),
        "examples": ["127.0.0.1:9464", "0.0.0.0:9464", "[::1]:9464"],
    })
}
