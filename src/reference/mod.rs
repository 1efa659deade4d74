//! Reference pages that are made of the code, with examples that tests run.
//!
//! Each type of node and each operation of the Pandas node has one example, a file of `docs/examples`, which is built into the program, as are
//! the pages of the diagnostics' codes.

mod errors;
mod example;
mod nodes;
mod parameters;
mod probe;
mod table;
mod trial;

pub use errors::{error_index, error_page};
pub use example::{Example, examples, examples_json};
pub use nodes::{node_index, node_page};
pub use trial::{Trial, TrialError};
