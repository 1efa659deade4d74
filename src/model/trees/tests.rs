//! Files that are damaged or made up: the reader may refuse them, the kernel may not panic on what it takes.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Trees, TreesRunner};
use crate::model::answer;
use crate::model::signature::{Output, Outputs, Port, Signature};
use crate::model::tensor::{Element, Tensor, Values};

fn signature(columns: usize) -> Signature {
    let port = Port { name: "features".into(), element: Element::F32, shape: vec![None, Some(8)] };
    let output = |name: &str, place, holds| Output { name: name.into(), holds, place };
    let label = output("label", 0, Outputs::Tensor { element: Element::I64, width: 1 });
    let scores = output("probabilities", 1, Outputs::Tensor { element: Element::F32, width: columns });
    Signature { inputs: vec![port], outputs: vec![label, scores] }
}

/// Scores a few rows with whatever the bytes are.
fn exercise(bytes: &[u8]) {
    for columns in [2, 3] {
        let signature = signature(columns);
        let Ok(trees) = Trees::read(bytes, &signature) else { continue };
        let values = (0..17 * 8).map(|at| [0.0, 1.5, f32::NAN, -3.25, f32::INFINITY][at % 5]).collect();
        let rows = Tensor { width: 8, values: Values::F32(values) };
        let mut answers = answer::columns(&signature.outputs, 17);
        TreesRunner::new(Arc::new(trees)).run(&[rows], 0, 17, &mut answers);
        assert!(answers.iter().all(|column| column.len() == 17));
    }
}

fn zoo(id: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("models/zoo/{id}.onnx"))).unwrap_or_default()
}

#[test]
fn whole_files_are_read() {
    assert!(Trees::read(&zoo("xgboost"), &signature(3)).is_ok());
    assert!(Trees::read(&zoo("gradient-boosting"), &signature(2)).is_ok());
    exercise(&zoo("xgboost"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_files_do_no_harm(
        id in prop::sample::select(vec!["xgboost", "gradient-boosting", "two-models"]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = zoo(id);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        exercise(&bytes);
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }
}
