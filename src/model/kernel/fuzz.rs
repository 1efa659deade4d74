//! Bytes that may be a model's file: the reader may refuse them, the kernel may not panic on what it takes.

use super::Kernel;
use crate::model::answer;
use crate::model::signature::{Output, Outputs, Port, Signature};
use crate::model::tensor::{Element, Tensor, Values};

/// Reads bytes as each committed model's file, and scores a few rows with what is taken.
pub(in crate::model) fn exercise(bytes: &[u8]) {
    CASES.iter().for_each(|case| {
        case.exercise(bytes);
    });
}

/// A committed model that a kernel serves: its file, the name and width of its input, its scores.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) file: &'static str,
    input: (&'static str, usize),
    scores: usize,
}

pub(super) const CASES: [Case; 3] = [
    Case { file: "car-insurance/logistic-regression", input: ("float_input", 60), scores: 2 },
    Case { file: "zoo/xgboost", input: ("features", 8), scores: 3 },
    Case { file: "zoo/gradient-boosting", input: ("features", 8), scores: 2 },
];

impl Case {
    fn signature(&self) -> Signature {
        let port = Port { name: self.input.0.into(), element: Element::F32, shape: vec![None, Some(self.input.1)] };
        let output = |name: &str, place, holds| Output { name: name.into(), holds, place };
        let label = output("label", 0, Outputs::Tensor { element: Element::I64, width: 1 });
        let scores = output("probabilities", 1, Outputs::Tensor { element: Element::F32, width: self.scores });
        Signature { inputs: vec![port], outputs: vec![label, scores] }
    }

    /// Scores a few rows with whatever the bytes are; whether a kernel took them.
    pub(super) fn exercise(&self, bytes: &[u8]) -> bool {
        let signature = self.signature();
        let Ok(kernel) = Kernel::read(bytes, &signature) else { return false };
        let width = self.input.1;
        let values = (0..17 * width).map(|at| [0.0, 1.5, f32::NAN, -3.25, f32::INFINITY][at % 5]).collect();
        let rows = Tensor { width, values: Values::F32(values) };
        let mut answers = answer::columns(&signature.outputs, 17);
        assert!(kernel.runner().run(&signature, &[rows], 0, 17, &mut answers).is_ok());
        assert!(answers.iter().all(|column| column.len() == 17));
        true
    }
}
