//! The nodes of a graph. A node plans once and leaves kernels; kernels run on columns, batch after batch.
//!
//! # Invariants
//! - Planning resolves every name, type and parameter and reports all mistakes; a kernel meets only the types that it was planned for.
//! - A row's values never depend on which rows share its batch.
//! - A kernel never fails: a row that it cannot serve is rejected in [`Rows`], its neighbours go on.

mod decode;
mod expression;
mod field_ops;
mod field_trans;
mod frame;
mod json_payload;
mod json_to_dataframe;
mod model_upload;
mod one_hot_encoder;
mod onnx;
mod origin;
mod pandas;
mod planning;
mod processor;
mod receiver;
mod scikit_learn;
mod simulator;
mod split;

#[cfg(any(test, fuzzing))]
pub(crate) use expression::fuzz::expression as fuzz_expression;
pub use expression::reference as expression_reference;
pub use frame::{Column, Frame, Slot, Source, dtype};
pub use origin::{Ancestor, Origin};
pub use pandas::{OperationPage, Refusal, operation_pages, refusals};
pub use planning::{Collectors, NodeSpec, Planning, Shared, Step, Wanted, list};
pub use simulator::Simulation;

pub(crate) use json_to_dataframe::event_frame;
pub(crate) use pandas::{TimeFormat, lanes};

use std::sync::Arc;

use arrow_array::ArrayRef;

use crate::dataset::{Phase, Rows};
use crate::model::Element;

/// One type of node.
///
/// Nodes are stateless descriptions; all that a placed node knows is in the [`Planning`] that it is given.
pub trait Node: Sync {
    /// The name of the type in graphs, such as `Pandas`.
    fn type_name(&self) -> &'static str;

    /// One line on what the node does, for reference pages and messages.
    fn summary(&self) -> &'static str;

    /// The JSON Schema of its parameters.
    fn parameters(&self) -> schemars::Schema;

    /// What types of columns it takes and makes, for its reference page: sentences in Markdown.
    fn types(&self) -> &'static str {
        ""
    }

    /// What becomes of nulls, for its reference page: sentences in Markdown.
    fn nulls(&self) -> &'static str {
        ""
    }

    /// Where the node may stand in a graph.
    fn position(&self) -> Position {
        Position::Inside
    }

    /// Whether the event enters the graph by it when no edge leads to it.
    fn is_entry(&self) -> bool {
        matches!(self.position(), Position::Start | Position::Anywhere)
    }

    /// Whether the node asks a model.
    fn is_inference(&self) -> bool {
        false
    }

    /// The id under which a node with these parameters puts a model into the store.
    fn upload(&self, _params: &serde_json::Value) -> Option<String> {
        None
    }

    /// Checks the node's parameters against its input, adds its kernels and answers what leaves it.
    ///
    /// Mistakes go to the planning's diagnostics, all of them; the frame then holds poisoned columns where a name is known but its
    /// values are not, so that later nodes are checked without echoes.
    fn plan(&self, planning: &mut Planning<'_>) -> Frame;
}

/// Where a node may stand in a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Behind others: an edge must lead to it.
    Inside,
    /// At the start, where the event's fields are its input: no edge may lead to it.
    Start,
    /// At the start as [`Position::Start`], or behind others.
    Anywhere,
    /// At the start, where it gets no column since it needs none, or behind others.
    Aside,
}

/// Every type of node, in the order of the reference pages.
pub const NODES: &[&dyn Node] = &[
    &receiver::Receiver,
    &simulator::Simulator,
    &json_to_dataframe::JsonToDataframe,
    &field_ops::FieldOps,
    &field_trans::FieldTrans,
    &pandas::Pandas,
    &processor::Processor,
    &one_hot_encoder::OneHotEncoder,
    &split::Split,
    &scikit_learn::ScikitLearn,
    &model_upload::ModelUpload,
    &onnx::OnnxNode,
];

/// The type of node with this name.
pub fn by_name(type_name: &str) -> Option<&'static dyn Node> {
    NODES.iter().copied().find(|node| node.type_name() == type_name)
}

/// A planned piece of work on columns.
pub trait Kernel: Send {
    /// Reads `inputs`, whose types and order planning fixed, and pushes exactly as many arrays as it was planned with to `outputs`, each
    /// with [`Rows::len`] rows. A row that it cannot serve is rejected, and any value may stand there.
    fn run(&mut self, inputs: &Inputs<'_>, rows: &mut Rows, outputs: &mut Vec<ArrayRef>);

    /// The phase that its time is counted under.
    fn phase(&self) -> Phase {
        Phase::Graph
    }

    /// Whether it can reject or skip a row: such a kernel runs even when nobody reads what it makes.
    fn can_reject(&self) -> bool {
        false
    }

    /// What its outputs are, one by one, when it makes no columns but shows what a model is given. Nobody reads them while events are
    /// served, so there it does not run.
    fn features(&self) -> &[Feature] {
        &[]
    }
}

/// One feature of a model, in the model's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The model.
    pub model: Arc<str>,
    /// The model's input that it is a part of.
    pub input: Arc<str>,
    /// The column that it comes from.
    pub name: Arc<str>,
    /// What the model takes it as.
    pub element: Element,
}

/// The arrays that a kernel reads.
pub struct Inputs<'a> {
    slots: &'a [Option<ArrayRef>],
    read: &'a [Slot],
}

impl<'a> Inputs<'a> {
    /// The arrays at `read`; every one must have been written by an earlier step.
    pub fn new(slots: &'a [Option<ArrayRef>], read: &'a [Slot]) -> Self {
        Self { slots, read }
    }

    /// How many arrays there are.
    pub fn len(&self) -> usize {
        self.read.len()
    }

    /// Whether the kernel reads nothing.
    pub fn is_empty(&self) -> bool {
        self.read.is_empty()
    }

    /// The array at position `index` of the kernel's inputs.
    pub fn array(&self, index: usize) -> &'a ArrayRef {
        let slot = self.read[index];
        match &self.slots[slot.index()] {
            Some(array) => array,
            // Steps are kept in the order in which planning made them, each after those it reads.
            None => unreachable!("step order puts every slot's writer before its reader"),
        }
    }
}
