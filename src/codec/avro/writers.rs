//! The writers' schemas of a stream, each resolved once into the steps that read its datums.

use std::collections::HashMap;
use std::sync::Arc;

use super::fingerprint::fingerprint;
use super::read::Step;
use super::resolve;
use crate::codec::CodecError;
use crate::codec::fault::{Fault, Outcome};
use crate::codec::frame::{Framing, SchemaKey};
use crate::dataset::{AvroRecord, AvroType, DatasetSchema, Reason};
use crate::registry::{Lookup, Registry};

/// The most writers whose steps are kept; beyond them all are resolved anew as they are met.
const MAX_WRITERS: usize = 1024;

/// Where the schemas come from that headers name.
#[derive(Clone, Debug)]
pub enum WriterSchemas {
    /// A registry, by id.
    Registry(Registry),
    /// Known from the start, by fingerprint.
    Known(KnownSchemas),
}

/// Schemas by fingerprint.
#[derive(Clone, Debug, Default)]
pub struct KnownSchemas(HashMap<SchemaKey, Arc<AvroType>>);

impl KnownSchemas {
    /// Adds a schema by its text, and tells its fingerprint.
    ///
    /// # Errors
    /// When the text is no Avro schema, or has a type that is not read, or has the fingerprint of one that means other values.
    pub fn add(&mut self, text: &str) -> Result<SchemaKey, CodecError> {
        let schema = AvroType::parse(text, &[])?;
        let key = fingerprint(&schema);
        match self.0.get(&key) {
            // Fingerprints do not tell logical types, of which columns are made.
            Some(known) if known.as_columns().arrow() != schema.as_columns().arrow() => Err(CodecError::SameFingerprint { key }),
            _ => {
                self.0.insert(key, Arc::new(schema));
                Ok(key)
            }
        }
    }
}

/// The steps for each writer that was met.
#[derive(Debug)]
pub(super) struct Writers {
    framing: Framing,
    schemas: WriterSchemas,
    dataset: DatasetSchema,
    /// The column of each of the dataset's fields.
    places: Vec<Option<usize>>,
    known: Vec<Writer>,
    index: HashMap<SchemaKey, usize>,
    /// The one of the last datum: neighbours tend to have the same.
    last: usize,
    /// Keys that were first met in this batch and have no answer yet.
    awaited: Vec<SchemaKey>,
}

#[derive(Debug)]
struct Writer {
    key: SchemaKey,
    /// Or why no datum of it can be read.
    steps: Result<Vec<Step>, String>,
}

impl Writers {
    pub(super) fn new(framing: Framing, schemas: WriterSchemas, dataset: &DatasetSchema, places: Vec<Option<usize>>) -> Self {
        let dataset = dataset.clone();
        Self { framing, schemas, dataset, places, known: Vec::new(), index: HashMap::new(), last: 0, awaited: Vec::new() }
    }

    /// The steps for a value's datum, which begins behind the header, and the header's length.
    #[inline]
    pub(super) fn steps(&mut self, value: &[u8]) -> Outcome<(&[Step], usize)> {
        let key = self.framing.key(value)?;
        let at = match self.known.get(self.last) {
            Some(writer) if writer.key == key => self.last,
            _ => self.find(key)?,
        };
        self.last = at;
        match &self.known[at].steps {
            Ok(steps) => Ok((steps, self.framing.header_bytes())),
            Err(why) => Err(Fault::new(Reason::IncompatibleSchema, self.framing.key_at(), why.clone())),
        }
    }

    fn find(&mut self, key: SchemaKey) -> Outcome<usize> {
        if let Some(at) = self.index.get(&key) {
            return Ok(*at);
        }
        let schema = match &self.schemas {
            WriterSchemas::Known(schemas) => schemas.0.get(&key).cloned().ok_or_else(|| {
                let message = format!("no schema of fingerprint {key:016x} is known: name its file under `input.writer_schemas`");
                Fault::new(Reason::UnknownSchema, self.framing.key_at(), message)
            })?,
            WriterSchemas::Registry(registry) => match registry.lookup(key) {
                Lookup::Known(schema) => schema.0,
                Lookup::Awaited => {
                    if !self.awaited.contains(&key) {
                        self.awaited.push(key);
                    }
                    return Err(Fault::awaiting(key, self.framing.key_at()));
                }
                Lookup::Refused(reason, why) => return Err(Fault::new(reason, self.framing.key_at(), why)),
            },
        };
        if self.known.len() == MAX_WRITERS {
            self.known.clear();
            self.index.clear();
        }
        let at = self.known.len();
        self.known.push(Writer { key, steps: self.resolve(key, &schema) });
        self.index.insert(key, at);
        Ok(at)
    }

    fn resolve(&self, key: SchemaKey, schema: &AvroType) -> Result<Vec<Step>, String> {
        let shown = if self.framing.needs_registry() { format!("id {key}") } else { format!("fingerprint {key:016x}") };
        let record: &AvroRecord = match schema {
            AvroType::Record(record) => record,
            _ => return Err(format!("the writer's schema of {shown} is not of a record")),
        };
        resolve::steps(record, self.dataset.root(), 0, &self.places, "")
            .map_err(|error| format!("the writer's schema of {shown} cannot be read as the dataset's: {error}"))
    }

    /// After a batch: waits a moment for the schemas that it met first; whether to read it again.
    pub(super) fn settle(&mut self) -> bool {
        let awaited = std::mem::take(&mut self.awaited);
        match &self.schemas {
            WriterSchemas::Registry(registry) if !awaited.is_empty() => registry.settle(&awaited),
            _ => false,
        }
    }

    /// Whether events with this key still wait for its schema.
    pub(super) fn is_awaited(&self, key: SchemaKey) -> bool {
        matches!(&self.schemas, WriterSchemas::Registry(registry) if matches!(registry.lookup(key), Lookup::Awaited))
    }
}
