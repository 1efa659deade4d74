//! Reference pages that are made of the code, with examples that tests run.
//!
//! Each type of node and each operation of the Pandas node has one example, a file of `docs/examples`, which is built into the program.

mod example;
mod trial;

pub use example::{Example, examples, examples_json};
pub use trial::{Trial, TrialError};
