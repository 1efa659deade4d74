//! The pipeline file: one definition for parsing, messages, the JSON Schema and the reference.

mod check;
mod digest;
mod file;
mod graph;
mod kafka;
mod registry;
mod schema;
#[cfg(test)]
mod tests;
mod values;

pub use crate::codec::frame::Framing;
pub use digest::Digest;
pub use file::{Batch, DeadLetters, Delivery, Format, Guarantee, Input, Metrics, OnError, Output, ScoreFormat, ScoreHeaders};
pub use kafka::KafkaProperties;
pub use registry::{RegistrySection, Secret};
pub use schema::json_schema;
pub use values::{ByteSize, HumanDuration};

use crate::{
    diagnostic::{Diagnostics, Document},
    graph::GraphSpec,
};
use file::PipelineFile;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A pipeline as its file describes it: every value has its default, every path stands relative to the working directory.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The pipeline's name, in logs and in the `client.id` of its Kafka clients.
    pub name: String,
    /// Where events come from.
    pub input: Input,
    /// Folder of the models.
    pub model_store: PathBuf,
    /// The graph as written, to be planned.
    pub graph: GraphSpec,
    /// The file of golden cases that must pass before the pipeline serves.
    pub golden: Option<PathBuf>,
    /// Where scores go.
    pub output: Output,
    /// How surely each event is scored, and how often scores become visible.
    pub delivery: Delivery,
    /// Where events go that cannot be scored.
    pub dead_letters: DeadLetters,
    /// What becomes of an event that cannot be scored.
    pub on_error: OnError,
    /// The schema registry.
    pub registry: Option<RegistrySection>,
    /// How many events are scored at once.
    pub batch: Batch,
    /// Threads, from 1 to 256.
    pub workers: u16,
    /// Where metrics and health are served.
    pub metrics: Metrics,
    /// Properties for librdkafka; none of those that caz sets itself.
    pub kafka: KafkaProperties,
    /// How long a stopping process may finish its batches and leave the group.
    pub shutdown_timeout: HumanDuration,
}

impl Pipeline {
    /// Reads a pipeline file, and the DSL file that it names.
    ///
    /// # Errors
    /// Every mistake in them, each at its place. The files that they name otherwise (schema, models, frozen statistics) are not read.
    pub fn load(path: &Path) -> Result<(Self, Arc<Document>), Diagnostics> {
        let (document, diagnostics) = Document::open(path)?;
        Self::from_document(document, diagnostics)
    }

    /// As [`Pipeline::load`], but a pipeline with mistakes that leave its graph readable comes with them, so that later checks can add
    /// theirs: sections with mistakes are then as if left out.
    ///
    /// # Errors
    /// Every mistake in the files, when the graph cannot be checked.
    pub fn open(path: &Path) -> Result<(Self, Arc<Document>, Diagnostics), Diagnostics> {
        let (document, diagnostics) = Document::open(path)?;
        let (pipeline, diagnostics) = Self::examine(&document, diagnostics)?;
        Ok((pipeline, document, diagnostics))
    }

    /// A pipeline from a document that has been read, adding to what was found in it.
    ///
    /// # Errors
    /// As [`Pipeline::load`].
    pub fn from_document(document: Arc<Document>, diagnostics: Diagnostics) -> Result<(Self, Arc<Document>), Diagnostics> {
        let (pipeline, diagnostics) = Self::examine(&document, diagnostics)?;
        if diagnostics.has_errors() { Err(diagnostics) } else { Ok((pipeline, document)) }
    }

    fn examine(document: &Arc<Document>, mut diagnostics: Diagnostics) -> Result<(Self, Diagnostics), Diagnostics> {
        let file = document.read_without_nulls("", &mut diagnostics).or_else(|| PipelineFile::around_graph(document));
        check::rules(document, &mut diagnostics);
        let graph = graph::load(document, &mut diagnostics);
        match (file, graph) {
            (Some(file), Some(graph)) => Ok((Self::new(file, graph, document), diagnostics)),
            _ => Err(diagnostics),
        }
    }

    fn new(file: PipelineFile, graph: GraphSpec, document: &Document) -> Self {
        Self {
            name: file.name,
            input: Input {
                schema: document.resolve(&file.input.schema),
                writer_schemas: file.input.writer_schemas.iter().map(|path| document.resolve(path)).collect(),
                ..file.input
            },
            model_store: document.resolve(&file.model_store),
            graph,
            golden: file.golden.map(|path| document.resolve(&path)),
            output: file.output,
            delivery: file.delivery,
            dead_letters: file.dead_letters,
            on_error: file.on_error,
            registry: file
                .registry
                .map(|registry| RegistrySection { ca_file: registry.ca_file.as_ref().map(|path| document.resolve(path)), ..registry }),
            batch: file.batch,
            workers: file.workers,
            metrics: file.metrics,
            kafka: file.kafka.written_in(document),
            shutdown_timeout: file.shutdown_timeout,
        }
    }
}
