//! The dataset's side of the pipeline: its schema, its frozen statistics, and what becomes of each row.

mod avro_type;
mod avro_union;
pub(crate) use avro_union::short as short_name;
mod frozen;
mod outcome;
mod schema;
mod statistic;
mod xdm;

pub(crate) use avro_type::{AvroEnum, AvroField, AvroName, AvroRecord, AvroType, AvroUnion, MAX_DEPTH, parse_writer};
pub use frozen::{Frozen, FrozenColumn, FrozenDataset, FrozenError, PANDAS_VERSION};
pub use outcome::{Phase, Reason, Rejection, Rows};
pub use schema::{DatasetField, DatasetSchema, SchemaError};
pub use statistic::{Probabilities, Statistic};
pub(crate) use xdm::{Bound, Extra, TextFormat, TextRules, XdmKind, XdmObject, XdmType};
