//! Golden cases: events with what training made of them at every node, replayed before a pipeline serves.
//!
//! [`Golden`] is the file, [`observe`](Observed) what a traced line makes of events, [`gate`] the comparison of the two.

mod compare;
mod file;
mod gate;
mod observe;
mod record;

pub use file::{Case, Golden, GoldenColumn, GoldenError, GoldenModel, GoldenNode, LeftOut, ModelValues, Tolerances};
pub use gate::{Passed, gate, read};
pub use observe::{Fate, Observed, ObservedNode, Seen};
pub use record::append;
