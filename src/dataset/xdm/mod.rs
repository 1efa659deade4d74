//! XDM (Adobe Experience Data Model) schemas: what a value must be, and the columns that it becomes.

mod avro;
mod class;
mod keywords;
mod layer;
mod read;
#[cfg(test)]
mod tests;
mod text;
mod types;

pub(crate) use read::read;
pub(crate) use types::{Bound, Extra, TextFormat, TextRules, XdmKind, XdmObject, XdmType};
