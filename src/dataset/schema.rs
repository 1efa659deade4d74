//! The dataset schema: what fields an event has.

use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::error::Details;
use apache_avro::schema::SchemaKind;
use arrow_schema::DataType;

use super::avro_type::{AvroName, AvroRecord, AvroType};
use super::xdm::{self, XdmKind, XdmType};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document};
use crate::digest::sha256;

/// One field of an event, records within records flattened to dotted paths.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetField {
    /// Dotted path from the event's root, such as `identification.ecid`.
    pub path: String,
    /// The Arrow type in which the decoder delivers it.
    pub data_type: DataType,
    /// Whether an event may lack it or have it null, itself or a record around it.
    pub nullable: bool,
    /// The schema's words about it.
    pub doc: Option<String>,
    /// What the schema says a missing field is, as Avro writes defaults.
    pub default: Option<serde_json::Value>,
}

/// The schema of a dataset: an Avro record, or an XDM schema, which is one with rules.
#[derive(Clone, Debug)]
pub struct DatasetSchema {
    fields: Vec<DatasetField>,
    root: Arc<AvroRecord>,
    written: Arc<AvroRecord>,
    xdm: Option<Xdm>,
    name: String,
    text: String,
    digest: String,
}

/// What an XDM schema says beyond its fields.
#[derive(Clone, Debug)]
pub(crate) struct Xdm {
    /// The address of the schema, as events name it.
    pub(crate) id: Option<String>,
    pub(crate) root: Arc<XdmType>,
}

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It is not an Avro schema.
    #[error("not an Avro schema: {message}")]
    Invalid {
        /// What is wrong with it.
        message: String,
    },
    /// It is a JSON Schema.
    #[error("this is a JSON Schema, not an Avro schema")]
    JsonSchema,
    /// A field has a name that Avro does not allow.
    #[error("not an Avro schema: the field name `{name}` is not of letters, digits and `_`, or starts with a digit")]
    FieldName {
        /// The name.
        name: String,
    },
    /// It is an Avro schema, but not of a record.
    #[error("an event is a record, and this schema is of type {found}")]
    NotARecord {
        /// What it is.
        found: String,
    },
    /// A field has a type that caz does not read.
    #[error("field `{path}`: {what} is not supported")]
    Unsupported {
        /// The field's dotted path.
        path: String,
        /// The type, in words.
        what: String,
    },
    /// Types nest too deep, or are too many once references are resolved.
    #[error("field `{path}`: the schema nests deeper than 64 types or has more than 20000")]
    TooLarge {
        /// The dotted path at which the limit was met.
        path: String,
    },
    /// A field's default is not a value of its type.
    #[error("field `{path}`: the default {default} is not of the field's type")]
    BadDefault {
        /// The field's dotted path.
        path: String,
        /// The default as the schema writes it.
        default: String,
    },
}

impl SchemaError {
    /// How to mend it, where that is not in its words.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::JsonSchema => Some(
                "the formats `avro`, `json` and `avro_json` take an Avro schema; a JSON Schema goes with `xdm_entity`, whose events are \
                 plain JSON objects, and with `xdm`",
            ),
            Self::FieldName { .. } => {
                Some("fields of JSON may have any names with `format: xdm_entity`, whose dataset schema is a JSON Schema")
            }
            _ => None,
        }
    }
}

impl DatasetSchema {
    /// Reads an Avro schema (`.avsc`).
    ///
    /// # Errors
    /// When the text is not an Avro schema of a record, or a field has a type that no decoder reads; the error names the field.
    pub fn parse_avro(text: &str) -> Result<Self, SchemaError> {
        let invalid = |error: &dyn std::fmt::Display| SchemaError::Invalid { message: error.to_string() };
        let json: serde_json::Value = serde_json::from_str(text).map_err(|error| invalid(&error))?;
        let is_json_schema = json.get("fields").is_none() && ["$schema", "properties"].iter().any(|key| json.get(key).is_some());
        let schema = Schema::parse(&json).map_err(|error| match error.details() {
            _ if is_json_schema => SchemaError::JsonSchema,
            Details::FieldName(name) => SchemaError::FieldName { name: name.clone() },
            _ => invalid(&error),
        })?;
        let (Some(name), AvroType::Record(written)) = (schema.name(), AvroType::resolve(&schema)?) else {
            return Err(SchemaError::NotARecord { found: format!("{:?}", SchemaKind::from(&schema)).to_lowercase() });
        };
        let name = name.fullname(None);
        let root = written.as_columns();
        let mut fields = Vec::new();
        flatten(&root, "", false, &mut fields)?;
        // The digest is of the schema, not of its layout on the page.
        let digest = sha256(json.to_string().as_bytes());
        check_paths(&fields)?;
        Ok(Self { fields, root, written, xdm: None, name, text: text.to_owned(), digest })
    }

    /// Reads an XDM schema: a JSON Schema of a class and its field groups, in one file.
    ///
    /// # Errors
    /// Every mistake in it, at its place.
    pub fn read_xdm(document: &Arc<Document>) -> Result<Self, Diagnostics> {
        let refuse = |error: SchemaError| Diagnostic::error(Code::Schema, error.to_string()).at(document, "");
        let xdm = xdm::read(document)?;
        let text_at = |keyword: &str| document.value().get(keyword).and_then(serde_json::Value::as_str).map(str::to_owned);
        let name = text_at("title").or(text_at("$id")).unwrap_or_else(|| "XDM".to_owned());
        let written = Arc::new(match &xdm.kind {
            XdmKind::Object(object) => object.record(&name),
            // `read` answers with objects only.
            _ => AvroRecord { name: AvroName::default(), is_union: false, fields: Vec::new() },
        });
        let root = written.as_columns();
        let mut fields = Vec::new();
        flatten(&root, "", false, &mut fields).and_then(|()| check_paths(&fields)).map_err(refuse)?;
        let digest = sha256(document.value().to_string().as_bytes());
        let xdm = Some(Xdm { id: text_at("$id"), root: Arc::new(xdm) });
        Ok(Self { fields, root, written, xdm, name, text: document.text().to_owned(), digest })
    }

    /// Its fields, in the schema's order.
    pub fn fields(&self) -> &[DatasetField] {
        &self.fields
    }

    /// The field at a dotted path, with its index.
    pub fn field(&self, path: &str) -> Option<(usize, &DatasetField)> {
        self.fields.iter().enumerate().find(|(_, field)| field.path == path)
    }

    /// The record's full name; an XDM schema's title.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The schema's text, as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the schema, hex; white space between its tokens does not matter.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The record as columns see it: every reference resolved, and unions of several types made records with a field for each.
    pub(crate) fn root(&self) -> &Arc<AvroRecord> {
        &self.root
    }

    /// The rules of an XDM schema; none for Avro.
    pub(crate) fn xdm(&self) -> Option<&Xdm> {
        self.xdm.as_ref()
    }

    /// The record as events are written.
    pub(crate) fn written(&self) -> &Arc<AvroRecord> {
        &self.written
    }
}

/// A column is known by its path, so two fields must not share one.
fn check_paths(fields: &[DatasetField]) -> Result<(), SchemaError> {
    let mut seen = std::collections::HashSet::new();
    match fields.iter().find(|field| !seen.insert(&field.path)) {
        Some(twice) => Err(SchemaError::Unsupported { path: twice.path.clone(), what: "a second field of the same path".into() }),
        None => Ok(()),
    }
}

fn flatten(record: &AvroRecord, prefix: &str, nullable: bool, into: &mut Vec<DatasetField>) -> Result<(), SchemaError> {
    for field in &record.fields {
        let path = if prefix.is_empty() { field.name.clone() } else { format!("{prefix}.{}", field.name) };
        let (kind, null) = field.kind.split_null();
        let nullable = nullable || null.is_some();
        if let AvroType::Record(inner) = kind {
            flatten(inner, &path, nullable, into)?;
            continue;
        }
        let (data_type, itself) = field.kind.arrow().map_err(|what| SchemaError::Unsupported { path: path.clone(), what })?;
        let (doc, default) = (field.doc.clone(), field.default.clone());
        into.push(DatasetField { path, data_type, nullable: nullable || itself, doc, default });
    }
    Ok(())
}
