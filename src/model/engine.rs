//! What computes a model's answers: ONNX Runtime, or caz's own kernel for trees.

use ort::session::Session;

use super::answer;
use super::session::{RunError, value, values};
use super::signature::Signature;
use super::tensor::{Tensor, Values};
use super::trees::TreesRunner;

/// What computes a model's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// ONNX Runtime, which runs every model.
    OnnxRuntime,
    /// The kernel for ensembles of trees, which has ONNX Runtime's bits.
    Trees,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Self; 2] = [Self::OnnxRuntime, Self::Trees];

    /// Its name in parameters, metrics and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::Trees => "trees",
        }
    }
}

/// An engine with a model in it, ready to run.
pub(super) enum Runner {
    OnnxRuntime(Box<Session>),
    Trees(TreesRunner),
}

impl Runner {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::OnnxRuntime(_) => Engine::OnnxRuntime,
            Self::Trees(_) => Engine::Trees,
        }
    }

    /// Runs the rows `from..to` of all inputs and appends the answers to the outputs' columns.
    pub(super) fn run(
        &mut self,
        signature: &Signature,
        inputs: &[Tensor],
        from: usize,
        to: usize,
        columns: &mut [Values],
    ) -> Result<(), RunError> {
        match self {
            Self::OnnxRuntime(session) => run_onnx(session, signature, inputs, from, to, columns),
            Self::Trees(trees) => {
                trees.run(inputs, from, to, columns);
                Ok(())
            }
        }
    }
}

/// As [`Runner::run`], by ONNX Runtime.
pub(super) fn run_onnx(
    session: &mut Session,
    signature: &Signature,
    inputs: &[Tensor],
    from: usize,
    to: usize,
    columns: &mut [Values],
) -> Result<(), RunError> {
    let ports = &signature.inputs;
    let answers = match inputs {
        [tensor] => session.run([value(tensor, &ports[0], from, to)?])?,
        _ => session.run(values(inputs, ports, from, to)?.as_slice())?,
    };
    answer::read(&signature.outputs, &answers, to - from, columns)
}
