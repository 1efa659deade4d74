//! The schemas that headers name: where writers' come from, and the keys of those that caz writes with.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::codec::avro::{AvroEncoder, KnownSchemas, WriterSchemas};
use crate::codec::frame::{Framing, SchemaKey};
use crate::codec::{CodecError, Encoder};
use crate::config::Pipeline;
use crate::dataset::DatasetSchema;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document};
use crate::files::{self, MOST_SCHEMA_BYTES};
use crate::registry::{Registry, RegistryError};

/// The schemas that a pipeline's headers name.
#[derive(Debug)]
pub(super) struct Schemas {
    registry: Option<Registry>,
    known: KnownSchemas,
    /// The keys of the scores' and the events' schemas, once they are registered.
    pub(super) output_key: OnceLock<SchemaKey>,
    pub(super) input_key: OnceLock<SchemaKey>,
}

impl Schemas {
    /// Makes the registry's client, which asks for nothing yet, and reads the files with writers' schemas.
    pub(super) fn new(pipeline: &Pipeline, dataset: &DatasetSchema, document: &Arc<Document>, diagnostics: &mut Diagnostics) -> Self {
        let connect = |settings| {
            let refuse = |error: RegistryError| Diagnostic::error(Code::WrongValue, error.to_string()).at(document, "/registry");
            Registry::new(settings).map_err(|error| diagnostics.push(refuse(error))).ok()
        };
        let registry = pipeline.registry.as_ref().map(|registry| registry.settings()).and_then(connect);
        let mut known = KnownSchemas::default();
        if pipeline.input.framing == Framing::SingleObject {
            let mut add = |text: Result<String, std::io::Error>, path: &Path, pointer: &str| {
                let added = text.map_err(|error| error.to_string()).and_then(|text| known.add(&text).map_err(|error| error.to_string()));
                if let Err(why) = added {
                    let diagnostic = Diagnostic::error(Code::Schema, format!("{}: {why}", path.display()));
                    diagnostics.push(diagnostic.at(document, pointer));
                }
            };
            add(Ok(dataset.text().to_owned()), &pipeline.input.schema, "/input/schema");
            for (index, path) in pipeline.input.writer_schemas.iter().enumerate() {
                add(files::read_text(path, MOST_SCHEMA_BYTES), path, &format!("/input/writer_schemas/{index}"));
            }
        }
        Self { registry, known, output_key: OnceLock::new(), input_key: OnceLock::new() }
    }

    /// Where the writers' schemas of a framing come from.
    pub(super) fn writers(&self, framing: Framing) -> WriterSchemas {
        match &self.registry {
            Some(registry) if framing.needs_registry() => WriterSchemas::Registry(registry.clone()),
            _ => WriterSchemas::Known(self.known.clone()),
        }
    }

    /// The registry, where there is one.
    pub(super) fn registry(&self) -> Option<&Registry> {
        self.registry.as_ref()
    }

    /// Registers a schema, or finds it, and tells its id.
    pub(super) fn register(
        &self,
        subject: &str,
        schema: &str,
        may_register: bool,
        stop: &dyn Fn() -> bool,
    ) -> Result<SchemaKey, RegistryError> {
        let none = || RegistryError::Settings("the pipeline has no registry".to_owned());
        let key = self.registry().ok_or_else(none)?.register(subject, schema, may_register, stop).map_err(|error| match error {
            RegistryError::Incompatible(why) => {
                RegistryError::Incompatible(format!("the schema does not go with the latest of subject `{subject}`:\n{why}"))
            }
            RegistryError::NotFound(why) => RegistryError::NotFound(format!(
                "subject `{subject}` does not have the schema ({why}). Mend: register it, or leave `output.register` out"
            )),
            other => other,
        })?;
        tracing::info!(subject, id = key, "the schema is registered");
        Ok(key)
    }
}

/// An encoder with its framing's header; without a key, as before the schema is registered, the id is 0.
pub(super) fn framed(encoder: AvroEncoder, framing: Framing, key: &OnceLock<SchemaKey>) -> Result<AvroEncoder, CodecError> {
    let key = match framing {
        Framing::SingleObject => KnownSchemas::default().add(encoder.schema().unwrap_or_default())?,
        _ => key.get().copied().unwrap_or(0),
    };
    Ok(encoder.with_header(framing.header(key)))
}
