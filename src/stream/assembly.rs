//! A pipeline put together: its file, schema, statistics and models, checked as one; lines are made of it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::line::Line;
use super::schemas::{Schemas, framed};
use super::settings::{OutputTopic, Settings, take_events_of};
use crate::codec::avro::{AvroDecoder, AvroEncoder};
use crate::codec::frame::Framing;
use crate::codec::json::{JsonDecoder, JsonEncoder, Rules, messages};
use crate::codec::{CodecError, Decoder, Encoder};
use crate::config::{Format, Guarantee, Pipeline, ScoreFormat};
use crate::dataset::{DatasetSchema, Frozen, FrozenError, PANDAS_VERSION, Rejection};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document};
use crate::files::{self, MOST_SCHEMA_BYTES};
use crate::golden;
use crate::graph::{OutputColumn, Plan, PlanRequest, Purpose};
use crate::kafka::ClientProperties;
use crate::model::ModelStore;
use crate::nodes::{Collectors, Simulation};
use crate::registry::RegistryError;

/// A checked pipeline.
pub struct Assembly {
    pipeline: Pipeline,
    document: Arc<Document>,
    dataset: DatasetSchema,
    frozen: Option<Frozen>,
    models: ModelStore,
    pipeline_digest: String,
    schemas: Schemas,
}

impl Assembly {
    /// Reads a pipeline file and everything that it names, and checks it as a whole. The second value holds what is worth knowing and no
    /// error.
    ///
    /// # Errors
    /// Every mistake.
    pub fn load(path: &Path) -> Result<(Self, Diagnostics), Diagnostics> {
        let (pipeline, document, mut diagnostics) = Pipeline::open(path)?;
        let dataset = read_schema(&pipeline, &document, &mut diagnostics);
        let frozen = read_frozen(&pipeline, &document, &mut diagnostics);
        let models = ModelStore::new(&pipeline.model_store);
        let Some(dataset) = dataset else {
            let request = request(&pipeline, &document, None, frozen.as_ref(), &models, Purpose::Serve);
            let _ = Plan::build(&request, &mut diagnostics);
            return Err(all_of(diagnostics, &pipeline, &document, frozen.as_ref()));
        };
        // The digest is of the same files: what cannot be read is reported once.
        let digest = if diagnostics.has_errors() { None } else { Some(pipeline.digest()?.short().to_owned()) };
        let schemas = Schemas::new(&pipeline, &dataset, &document, &mut diagnostics);
        let pipeline_digest = digest.unwrap_or_default();
        let assembly = Self { pipeline, document, dataset, frozen, models, pipeline_digest, schemas };
        assembly.check(&mut diagnostics);
        if diagnostics.has_errors() {
            return Err(all_of(diagnostics, &assembly.pipeline, &assembly.document, assembly.frozen.as_ref()));
        }
        if let Some(frozen) = &assembly.frozen {
            warn_if_stale(&assembly, frozen, &mut diagnostics);
        }
        Ok((assembly, diagnostics))
    }

    /// Reads a pipeline file and its schema for fitting: without the statistics, which may not be there yet, and unchecked.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn load_to_fit(path: &Path) -> Result<Self, Diagnostics> {
        let (pipeline, document) = Pipeline::load(path)?;
        let mut diagnostics = Diagnostics::new();
        let Some(dataset) = read_schema(&pipeline, &document, &mut diagnostics) else { return Err(diagnostics) };
        let models = ModelStore::new(&pipeline.model_store);
        let schemas = Schemas::new(&pipeline, &dataset, &document, &mut diagnostics);
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        Ok(Self { pipeline, document, dataset, frozen: None, models, pipeline_digest: String::new(), schemas })
    }

    /// The same for a broker of its own, whose events nobody else reads: without a registry, and without the framings that need one.
    #[must_use]
    pub fn without_registry(mut self) -> Self {
        for framing in [&mut self.pipeline.input.framing, &mut self.pipeline.output.framing] {
            if framing.needs_registry() {
                *framing = Framing::None;
            }
        }
        self
    }

    /// A plan that collects the statistics that `frozen` does not have, as far as they depend on no other that is missing.
    ///
    /// # Errors
    /// Every mistake in the graph up to them.
    pub fn plan_to_fit(&self, frozen: &Frozen, collectors: &dyn Collectors) -> Result<Plan, Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        let request = PlanRequest { frozen: Some(frozen), ..self.request(Purpose::Fit(collectors)) };
        Plan::build(&request, &mut diagnostics).ok_or(diagnostics)
    }

    /// The digest of what these statistics depend on.
    pub fn statistics_digest(&self, frozen: &Frozen) -> String {
        self.pipeline.graph.digest_of(frozen.nodes.keys().map(String::as_str), &self.models)
    }

    /// Plans the graph and makes both ends once, for what they report.
    fn check(&self, diagnostics: &mut Diagnostics) {
        if let Some(plan) = Plan::build(&self.request(Purpose::Serve), diagnostics)
            && let Err(found) = self.stream_line(plan, None)
        {
            diagnostics.extend(found);
        }
    }

    /// Sees to it that the scores' schema, which is derived from the graph, is in the registry, where the output's framing needs it. Blocks
    /// until the registry answers, or has not for its `unreachable_wait`, or `stop` says so.
    ///
    /// # Errors
    /// When the subject has an incompatible schema, or the registry does not answer.
    pub fn register_output(&self, stop: &dyn Fn() -> bool) -> Result<(), RegistryError> {
        let output = &self.pipeline.output;
        if !output.framing.needs_registry() {
            return Ok(());
        }
        let unusable = |why: String| RegistryError::Unusable(why);
        let plan = self.plan().map_err(|found| unusable(found.render(false)))?;
        let encoder = AvroEncoder::new(SCORE, &fields(plan.outputs())).map_err(|error| unusable(error.to_string()))?;
        let subject = output.subject.clone().unwrap_or_else(|| format!("{}-value", output.topic));
        let key = self.schemas.register(&subject, encoder.schema().unwrap_or_default(), output.register, stop)?;
        self.schemas.output_key.get_or_init(|| key);
        Ok(())
    }

    /// Asks the registry whether it lets caz in, where events name their schemas by its ids: else that would be known at the first event.
    ///
    /// # Errors
    /// When it does not, and says so.
    pub fn knock_at_registry(&self) -> Result<(), RegistryError> {
        let input = &self.pipeline.input;
        match self.schemas.registry() {
            Some(registry) if input.framing.needs_registry() && input.format == Format::Avro => registry.knock(),
            _ => Ok(()),
        }
    }

    /// Why the registry did not let caz in when it was last asked for an event's schema.
    pub fn registry_refusal(&self) -> Option<String> {
        self.schemas.registry()?.refusal()
    }

    /// Sees to it that the dataset schema is in the registry, for those who publish events, where the input's framing needs it.
    ///
    /// # Errors
    /// As [`Assembly::register_output`].
    pub fn register_input(&self, stop: &dyn Fn() -> bool) -> Result<(), RegistryError> {
        let input = &self.pipeline.input;
        if input.framing.needs_registry() && input.format == Format::Avro {
            let key = self.schemas.register(&format!("{}-value", input.topic), self.dataset.text(), true, stop)?;
            self.schemas.input_key.get_or_init(|| key);
        }
        Ok(())
    }

    /// The pipeline file.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The pipeline file's text, for findings about it.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// The events' schema.
    pub fn dataset(&self) -> &DatasetSchema {
        &self.dataset
    }

    /// What the graph's Simulator says of simulated events; `None` without one.
    pub fn simulation(&self) -> Option<Simulation> {
        Simulation::of(&self.pipeline.graph.nodes, &self.pipeline.graph.document)
    }

    /// The models.
    pub fn models(&self) -> &ModelStore {
        &self.models
    }

    /// A plan of the graph, for one worker or for looking at.
    ///
    /// # Errors
    /// None that [`Assembly::load`] did not report, unless a file has changed.
    pub fn plan(&self) -> Result<Plan, Diagnostics> {
        self.plan_for(Purpose::Serve)
    }

    fn plan_for(&self, purpose: Purpose<'_>) -> Result<Plan, Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        Plan::build(&self.request(purpose), &mut diagnostics).ok_or(diagnostics)
    }

    /// A line between the pipeline's own formats.
    ///
    /// # Errors
    /// As [`Assembly::plan`].
    pub fn line(&self) -> Result<Line, Diagnostics> {
        self.serving_line(None)
    }

    /// A line between other ends, such as files. The decoder must deliver the plan's projection, the encoder take the plan's outputs.
    pub fn line_between(&self, plan: Plan, decoder: Box<dyn Decoder>, encoder: Box<dyn Encoder>) -> Line {
        let max_event_size = usize::try_from(self.pipeline.input.max_event_size.bytes()).unwrap_or(usize::MAX);
        Line::new(decoder, plan, encoder, max_event_size)
    }

    /// A line that keeps what every node makes, for looking: its plan has a [`Trace`](crate::graph::Trace). It reads all fields, where
    /// [`Assembly::line`] reads those that the scores need. Events come as the topic has them, or as people write them in `format`.
    ///
    /// # Errors
    /// As [`Assembly::plan`].
    pub fn tracing_line(&self, format: Option<Format>) -> Result<Line, Diagnostics> {
        self.stream_line(self.plan_for(Purpose::Trace)?, format)
    }

    /// As [`Assembly::line`], for events as people write them in `format`, where it is given.
    ///
    /// # Errors
    /// As [`Assembly::plan`].
    pub fn serving_line(&self, format: Option<Format>) -> Result<Line, Diagnostics> {
        self.stream_line(self.plan()?, format)
    }

    /// A line of events as the topic has them; or of such as a person writes in a format, which have no header.
    fn stream_line(&self, plan: Plan, format: Option<Format>) -> Result<Line, Diagnostics> {
        let input = &self.pipeline.input;
        let (format, framing) = match format {
            // JSON by hand, which may be an envelope only where the topic has envelopes.
            Some(Format::Json) if input.format == Format::XdmEntity => (Format::XdmEntity, Framing::None),
            Some(format) => (format, Framing::None),
            None => (input.format, input.framing),
        };
        let refuse = |error: CodecError, pointer: &str| -> Diagnostics {
            Diagnostic::error(Code::Schema, error.to_string()).at(&self.document, pointer).into()
        };
        let decoder = self.decoder(format, framing, &self.dataset, plan.projection()).map_err(|error| refuse(error, "/input/schema"))?;
        let encoder = self.encoder(plan.outputs()).map_err(|error| refuse(error, "/output"))?;
        Ok(self.line_between(plan, decoder, encoder))
    }

    fn decoder(
        &self,
        format: Format,
        framing: Framing,
        schema: &DatasetSchema,
        projection: &[usize],
    ) -> Result<Box<dyn Decoder>, CodecError> {
        Ok(match format {
            Format::Avro => Box::new(AvroDecoder::framed(framing, self.schemas.writers(framing), schema, projection)?),
            Format::Json => Box::new(JsonDecoder::by_hand(schema, projection)?.framed(framing)),
            Format::AvroJson => Box::new(JsonDecoder::by(Rules::Avro, schema, projection)?.framed(framing)),
            Format::Xdm => Box::new(JsonDecoder::by(Rules::Xdm, schema, projection)?.enveloped()),
            Format::XdmEntity => Box::new(JsonDecoder::by(Rules::Xdm, schema, projection)?),
        })
    }

    fn encoder(&self, columns: &[OutputColumn]) -> Result<Box<dyn Encoder>, CodecError> {
        let output = &self.pipeline.output;
        Ok(match output.format {
            ScoreFormat::Avro => Box::new(framed(AvroEncoder::new(SCORE, &fields(columns))?, output.framing, &self.schemas.output_key)?),
            ScoreFormat::Json => Box::new(JsonEncoder::new(&fields(columns))?),
            ScoreFormat::AvroJson => {
                let derived = AvroEncoder::new(SCORE, &fields(columns))?;
                Box::new(JsonEncoder::of_scores(&DatasetSchema::parse_avro(derived.schema().unwrap_or_default())?))
            }
        })
    }

    fn request<'a>(&'a self, purpose: Purpose<'a>) -> PlanRequest<'a> {
        request(&self.pipeline, &self.document, Some(&self.dataset), self.frozen.as_ref(), &self.models, purpose)
    }

    /// The encoder of events in the input's format, for those who publish them; its columns are all of the dataset's fields.
    /// Where its framing needs an id, [`Assembly::register_input`] comes first.
    ///
    /// # Errors
    /// When the dataset schema has no fingerprint.
    pub fn event_encoder(&self) -> Result<Box<dyn Encoder>, CodecError> {
        match self.pipeline.input.format {
            Format::Avro => {
                let (encoder, framing) = (AvroEncoder::for_schema(&self.dataset), self.pipeline.input.framing);
                Ok(Box::new(framed(encoder, framing, &self.schemas.input_key)?))
            }
            format @ (Format::Json | Format::AvroJson) => {
                let rules = if format == Format::Json { Rules::Plain } else { Rules::Avro };
                // Nobody looks up the id in front of JSON.
                let header = self.pipeline.input.framing.header(0);
                Ok(Box::new(JsonEncoder::by(rules, &self.dataset).with_header(header)))
            }
            Format::Xdm => Ok(Box::new(JsonEncoder::by(Rules::Xdm, &self.dataset).enveloped(&self.dataset))),
            Format::XdmEntity => Ok(Box::new(JsonEncoder::by(Rules::Xdm, &self.dataset))),
        }
    }

    /// Where the messages of an event stand in its value, where the input's format has events that hold several. As [`Decoder::messages`].
    ///
    /// # Errors
    /// Why an event that holds messages cannot be taken apart.
    pub fn messages(&self, value: &[u8]) -> Option<Result<Vec<Range<usize>>, Rejection>> {
        // A larger one is rejected as it is.
        let is_taken_apart = self.pipeline.input.format == Format::Xdm && value.len() as u64 <= self.pipeline.input.max_event_size.bytes();
        if is_taken_apart { messages(value) } else { None }
    }

    /// How the pipeline's Kafka is reached.
    pub fn client(&self) -> ClientProperties {
        self.pipeline.kafka.iter().collect()
    }

    /// What the workers need to know.
    pub fn settings(&self) -> Settings {
        self.settings_at(self.client())
    }

    /// What the workers need to know to run at another Kafka than the pipeline's.
    pub fn settings_at(&self, mut client: ClientProperties) -> Settings {
        let pipeline = &self.pipeline;
        client.set_default("client.id", format!("caz-{}", pipeline.name));
        let mut consumer = client.clone();
        consumer.set("group.id", &pipeline.input.group);
        consumer.set_default("auto.offset.reset", "earliest");
        take_events_of(pipeline.input.max_event_size.bytes(), &mut consumer);
        let mut producer = client;
        let transaction_timeout = pipeline.delivery.transaction_timeout.get();
        let exactly_once = pipeline.delivery.guarantee == Guarantee::ExactlyOnce;
        if exactly_once {
            producer.set("transaction.timeout.ms", transaction_timeout.as_millis().to_string());
        }
        let instance = pipeline.delivery.instance.clone().unwrap_or_else(unique_instance);
        let models: Vec<String> = self.models.loaded().iter().map(|model| model.digest[..16].to_owned()).collect();
        Settings {
            input_topic: pipeline.input.topic.clone(),
            output: OutputTopic { name: pipeline.output.topic.clone(), max_record_bytes: None },
            dead_letters: OutputTopic { name: pipeline.dead_letters.topic.clone(), max_record_bytes: None },
            consumer,
            producer,
            // No instance's name has a `/`: nobody of another group comes to the same.
            transactional_id_prefix: exactly_once.then(|| format!("{}/{instance}", pipeline.input.group)),
            on_error: pipeline.on_error,
            is_named: pipeline.delivery.instance.is_some(),
            max_batch: pipeline.batch.max_batch as usize,
            linger: pipeline.batch.linger.get(),
            commit_interval: pipeline.delivery.commit_interval.get(),
            call_timeout: transaction_timeout,
            leave_timeout: pipeline.shutdown_timeout.get(),
            score_headers: pipeline.output.headers,
            pipeline_digest: self.pipeline_digest.clone(),
            model_digests: models.join(","),
        }
    }
}

/// Name, type and nullability of output columns, as encoders take them.
pub fn fields(columns: &[OutputColumn]) -> Vec<(String, arrow_schema::DataType, bool)> {
    columns.iter().map(|column| (column.name.clone(), column.data_type.clone(), column.nullable)).collect()
}

/// What scores are called in their Avro schema.
const SCORE: &str = "Score";

/// A name that no other process has: two instances without names must never fence each other.
fn unique_instance() -> String {
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{:x}-{:x}", std::process::id(), nanos)
}

fn request<'a>(
    pipeline: &'a Pipeline,
    document: &'a Arc<Document>,
    dataset: Option<&'a DatasetSchema>,
    frozen: Option<&'a Frozen>,
    models: &'a ModelStore,
    purpose: Purpose<'a>,
) -> PlanRequest<'a> {
    PlanRequest {
        purpose,
        spec: &pipeline.graph,
        dataset,
        frozen,
        models,
        document,
        columns: pipeline.output.columns.as_deref(),
        pass_through: &pipeline.output.pass_through,
    }
}

/// What was found in a pipeline that cannot run, with what would be found next, and without the echo of statistics that cannot be read.
fn all_of(mut found: Diagnostics, pipeline: &Pipeline, document: &Arc<Document>, frozen: Option<&Frozen>) -> Diagnostics {
    if pipeline.graph.frozen.is_some() && frozen.is_none() {
        found.retain(|found| found.code != Code::NotFrozen);
    }
    if let Err(unusable) = golden::read(pipeline, document) {
        found.extend(unusable);
    }
    found
}

fn read_schema(pipeline: &Pipeline, document: &Arc<Document>, diagnostics: &mut Diagnostics) -> Option<DatasetSchema> {
    let input = &pipeline.input;
    let path = &input.schema;
    if input.format.is_xdm() {
        let dataset = Document::read_foreign(path, MOST_SCHEMA_BYTES).and_then(|schema| DatasetSchema::read_xdm(&schema));
        return dataset.map_err(|found| diagnostics.extend(found.or_at(document, "/input/schema"))).ok();
    }
    let (code, error, help) = match files::read_text(path, MOST_SCHEMA_BYTES) {
        Err(error) => (Code::Unreadable, error.to_string(), None),
        Ok(text) => match DatasetSchema::parse_avro(&text) {
            Ok(schema) => return Some(schema),
            Err(error) => (Code::Schema, error.to_string(), error.help()),
        },
    };
    let diagnostic = Diagnostic::error(code, format!("{}: {error}", path.display())).at(document, "/input/schema");
    diagnostics.push(help.into_iter().fold(diagnostic, Diagnostic::help));
    None
}

fn read_frozen(pipeline: &Pipeline, document: &Arc<Document>, diagnostics: &mut Diagnostics) -> Option<Frozen> {
    let path = pipeline.graph.frozen.as_ref()?;
    let report = |error: FrozenError| {
        let (code, message) = match &error {
            FrozenError::Unreadable { .. } => (Code::Unreadable, error.to_string()),
            FrozenError::Invalid { .. } => (Code::WrongValue, format!("the frozen statistics cannot be used: {error}")),
        };
        let help = "`caz fit FILE --dataset DATASET` writes it; a graph that needs no statistics names none";
        diagnostics.push(Diagnostic::error(code, message).at(document, "/graph/frozen").help(help));
    };
    Frozen::read(path).map_err(report).ok()
}

/// Warns when statistics were fitted for another graph or by another pandas' rules; a file that does not say so was written by hand.
fn warn_if_stale(assembly: &Assembly, frozen: &Frozen, diagnostics: &mut Diagnostics) {
    let mut warn = |message: String| {
        let help = format!("`caz fit FILE --dataset {}` fits them anew", frozen.dataset.path);
        let diagnostic = Diagnostic::warning(Code::StaleStatistics, message).help(help);
        diagnostics.push(diagnostic.at(&assembly.document, "/graph/frozen"));
    };
    let digest = assembly.statistics_digest(frozen);
    if frozen.graph.as_ref().is_some_and(|fitted| *fitted != digest) {
        warn("the statistics were fitted for another graph: nodes that they depend on have changed since".to_owned());
    }
    if let Some(version) = frozen.pandas.as_ref().filter(|version| *version != PANDAS_VERSION) {
        warn(format!("the statistics are those of pandas {version}, and the operations those of pandas {PANDAS_VERSION}"));
    }
}
