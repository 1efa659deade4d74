//! The line that an event takes: poll, admit, decode, graph, encode, produce, commit; and the workers that each own one.

mod assembly;
mod delivery;
mod line;
mod pool;
pub mod publish;
mod tally;
mod worker;

pub use assembly::{Assembly, LineEnd, fields};
pub use line::{Line, Scored};
pub use pool::Pool;
pub use worker::{Settings, WorkerError};
