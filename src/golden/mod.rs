//! Golden cases: events with what training made of them at every node, replayed before a pipeline serves.
//!
//! [`Golden`] is the file, [`observe`](Observed) what a traced line makes of events, [`gate`] the comparison of the two.

mod base64;
mod compare;
mod file;
mod gate;
mod observe;
mod record;

pub use base64::{decode as decode_base64, encode as encode_base64};
pub use file::{Case, Golden, GoldenColumn, GoldenError, GoldenModel, GoldenNode, LeftOut, ModelValues, Tolerances};
pub use gate::{Passed, gate};
pub use observe::{Fate, Observed, ObservedNode, Seen};
pub use record::append;
