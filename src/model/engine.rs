//! What computes a model's answers: ONNX Runtime, or one of caz's own kernels.

use ort::session::Session;

use super::answer;
use super::kernel::KernelRunner;
use super::session::{RunError, value, values};
use super::signature::Signature;
use super::tensor::{Tensor, Values};

/// What computes a model's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// ONNX Runtime, which runs every model.
    OnnxRuntime,
    /// The kernel for linear models, which has the bits of ONNX Runtime's runs of several rows, in runs of one row too.
    Linear,
    /// The kernel for ensembles of trees, which has ONNX Runtime's bits.
    Trees,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Self; 3] = [Self::OnnxRuntime, Self::Linear, Self::Trees];

    /// Its name in parameters, metrics and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::Linear => "linear",
            Self::Trees => "trees",
        }
    }

    /// What its answers are, for people.
    pub fn promise(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "runs every model",
            Self::Linear => "gives the bits of ONNX Runtime's runs of several rows",
            Self::Trees => "gives ONNX Runtime's bits",
        }
    }
}

/// An engine with a model in it, ready to run.
pub(super) enum Runner {
    OnnxRuntime(Box<Session>),
    Kernel(KernelRunner),
}

impl Runner {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::OnnxRuntime(_) => Engine::OnnxRuntime,
            Self::Kernel(kernel) => kernel.engine(),
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
            Self::Kernel(kernel) => {
                kernel.run(inputs, from, to, columns);
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
