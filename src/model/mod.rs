//! Models: where they are kept, what they take and give, and how they run.

mod runtime;
mod session;
mod signature;
mod store;
mod tensor;
mod tune;

pub use runtime::{RuntimeError, environment, library};
pub use session::{ModelSession, RunError};
pub use signature::{Output, Outputs, Port, PortError, Signature};
pub use store::{Model, ModelError, ModelStore, hex};
pub use tensor::{Element, Tensor, Values};
