//! The line that an event takes: poll, admit, decode, graph, encode, produce, commit; and the workers that each own one.

mod assembly;
mod delivery;
mod fault;
mod hold;
mod line;
mod pace;
mod pool;
pub mod publish;
mod schemas;
mod settings;
mod share;
mod tally;
mod worker;

pub use assembly::{Assembly, fields};
pub use line::{Line, MessagePlace, Place, Scored};
pub use pool::Pool;
pub use settings::{OutputTopic, Settings};
pub use worker::WorkerError;
