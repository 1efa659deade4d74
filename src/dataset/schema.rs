//! The dataset schema: what fields an event has.

use arrow_schema::DataType;

/// One field of an event, records within records flattened to dotted paths.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetField {
    /// Dotted path from the event's root, such as `identification.ecid`.
    pub path: String,
    /// The Arrow type in which the decoder delivers it.
    pub data_type: DataType,
    /// Whether an event may lack it or have it null.
    pub nullable: bool,
    /// The schema's words about it.
    pub doc: Option<String>,
}

/// The schema of a dataset.
#[derive(Clone, Debug)]
pub struct DatasetSchema {
    fields: Vec<DatasetField>,
}

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {}

impl DatasetSchema {
    /// Its fields, in the schema's order.
    pub fn fields(&self) -> &[DatasetField] {
        &self.fields
    }

    /// The field at a dotted path, with its index.
    pub fn field(&self, path: &str) -> Option<(usize, &DatasetField)> {
        self.fields.iter().enumerate().find(|(_, field)| field.path == path)
    }
}
