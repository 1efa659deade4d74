//! Models: where they are kept, what they take and give, and how they run.

mod answer;
mod engine;
mod error;
mod file;
mod kernel;
mod lenient;
mod load;
mod probe;
mod proto;
mod runtime;
mod session;
mod signature;
mod store;
mod tensor;
mod tune;

pub use engine::Engine;
pub use error::ModelError;
pub use file::ModelFile;
pub use kernel::Unfit;
pub use load::{Model, SingleRow};
pub use runtime::{RuntimeError, environment, library};
pub use session::{ModelSession, RunError};
pub use signature::{Output, Outputs, Port, PortError, Signature};
pub use store::ModelStore;
/// Reads what may be a model's file, for fuzzing.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz_file(bytes: &[u8]) {
    let _ = ModelFile::read(bytes);
    let _ = lenient::lenient(bytes);
    kernel::fuzz::exercise(bytes);
}

pub use tensor::{Element, F16, Tensor, Values, half};
pub use tune::{RunCost, best_rows_per_run};
