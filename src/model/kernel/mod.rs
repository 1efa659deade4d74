//! Kernels of our own for models that they serve several times as fast as ONNX Runtime, with its bits.
//!
//! A model is served by one when its graph is one input, the kernel's operator, and nothing behind it but renaming, casts, ZipMap or a
//! constant factor, and when both engines give the same bits on a probe set (`probe`). Everything else, and all that ONNX Runtime itself
//! leaves undefined, is [`Unfit`].

#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;
mod graph;
mod linear;
mod number;
mod outputs;
mod probe;
#[cfg(test)]
mod tests;
mod trees;

use std::sync::Arc;

use self::graph::Graph;
use self::linear::{Linear, LinearRunner};
use self::trees::{Trees, TreesRunner};
use super::engine::{Engine, Runner};
use super::proto::Malformed;
use super::signature::Signature;
use super::tensor::{Tensor, Values};

/// Why no kernel serves a model: a sentence's end, as in "ONNX Runtime serves it: ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub(super) String);

impl From<Malformed> for Unfit {
    fn from(error: Malformed) -> Self {
        Self(error.to_string())
    }
}

/// A model in the kernel that it fits; all workers share it.
#[derive(Clone)]
pub(super) enum Kernel {
    Linear(Arc<Linear>),
    Trees(Arc<Trees>),
}

impl Kernel {
    /// The model of these bytes, for this signature.
    pub(super) fn read(model: &[u8], signature: &Signature) -> Result<Self, Unfit> {
        let graph = Graph::read(model)?;
        if graph.has_functions {
            return Err(Unfit("it has functions of its own".into()));
        }
        let Some(operator) = graph.nodes.iter().find(|node| linear::is_operator(&node.op) || trees::is_operator(&node.op)) else {
            return Err(Unfit("it has no operator that a kernel knows: linear ones and trees of ai.onnx.ml".into()));
        };
        let [port] = signature.inputs.as_slice() else { return Err(Unfit("it has several inputs".into())) };
        let Some(width) = port.width() else { return Err(Unfit("its input takes any number of features".into())) };
        Ok(match trees::is_operator(&operator.op) {
            true => Self::Trees(Arc::new(Trees::read(&graph, operator, (port, width), signature)?)),
            false => Self::Linear(Arc::new(Linear::read(&graph, operator, (port, width), signature)?)),
        })
    }

    /// Which engine it is.
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Linear(_) => Engine::Linear,
            Self::Trees(_) => Engine::Trees,
        }
    }

    /// It with buffers of one worker.
    pub(super) fn runner(&self) -> Runner {
        Runner::Kernel(match self {
            Self::Linear(linear) => KernelRunner::Linear(LinearRunner::new(Arc::clone(linear))),
            Self::Trees(trees) => KernelRunner::Trees(TreesRunner::new(Arc::clone(trees))),
        })
    }

    /// The numbers around which each feature is worth a try, ascending.
    fn landmarks(&self) -> &[Vec<f64>] {
        match self {
            Self::Linear(linear) => linear.landmarks(),
            Self::Trees(trees) => trees.landmarks(),
        }
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kernel").field(&self.engine()).finish()
    }
}

/// A kernel with the buffers of one worker.
pub(super) enum KernelRunner {
    Linear(LinearRunner),
    Trees(TreesRunner),
}

impl KernelRunner {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Linear(_) => Engine::Linear,
            Self::Trees(_) => Engine::Trees,
        }
    }

    /// Appends the answers to the rows `from..to` to the outputs' columns.
    pub(super) fn run(&mut self, inputs: &[Tensor], from: usize, to: usize, columns: &mut [Values]) {
        let [input] = inputs else { return };
        match self {
            Self::Linear(linear) => linear.run(input, from, to, columns),
            Self::Trees(trees) => trees.run(input, from, to, columns),
        }
    }
}
