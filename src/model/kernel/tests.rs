//! Files that are damaged or made up: the reader may refuse them, the kernel may not panic on what it takes.

use std::path::Path;

use proptest::prelude::*;

use super::Kernel;
use crate::model::answer;
use crate::model::signature::{Output, Outputs, Port, Signature};
use crate::model::tensor::{Element, Tensor, Values};

/// A committed model that a kernel serves: its file, the name and width of its input, its scores.
#[derive(Clone, Copy, Debug)]
struct Case {
    file: &'static str,
    input: (&'static str, usize),
    scores: usize,
}

const CASES: [Case; 3] = [
    Case { file: "car-insurance/logistic-regression", input: ("float_input", 60), scores: 2 },
    Case { file: "zoo/xgboost", input: ("features", 8), scores: 3 },
    Case { file: "zoo/gradient-boosting", input: ("features", 8), scores: 2 },
];

impl Case {
    fn bytes(&self) -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("models/{}.onnx", self.file));
        std::fs::read(path).unwrap_or_default()
    }

    fn signature(&self) -> Signature {
        let port = Port { name: self.input.0.into(), element: Element::F32, shape: vec![None, Some(self.input.1)] };
        let output = |name: &str, place, holds| Output { name: name.into(), holds, place };
        let label = output("label", 0, Outputs::Tensor { element: Element::I64, width: 1 });
        let scores = output("probabilities", 1, Outputs::Tensor { element: Element::F32, width: self.scores });
        Signature { inputs: vec![port], outputs: vec![label, scores] }
    }

    /// Scores a few rows with whatever the bytes are; whether a kernel took them.
    fn exercise(&self, bytes: &[u8]) -> bool {
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

#[test]
fn whole_files_are_taken() {
    for case in CASES {
        assert!(case.exercise(&case.bytes()), "{case:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_files_do_no_harm(
        case in prop::sample::select(&CASES[..]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = case.bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        case.exercise(&bytes);
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        CASES.iter().for_each(|case| {
            case.exercise(&bytes);
        });
    }
}
