//! What a model is given, for people who look: the same gatherer as the model's, its tensors as arrays.

use arrow_array::ArrayRef;

use super::features::Gather;
use super::infer::spread;
use crate::dataset::Rows;
use crate::model::{Model, Tensor};
use crate::nodes::{Feature, Inputs, Kernel};

/// Writes each feature as an array, null where NaN stands for it; for rows that are out, any value.
pub(super) struct Show {
    gather: Gather,
    tensors: Vec<Tensor>,
    features: Vec<Feature>,
}

impl Show {
    pub(super) fn new(gather: Gather, model: &Model) -> Self {
        Self { tensors: gather.tensors(), features: gather.features(model), gather }
    }
}

impl Kernel for Show {
    fn run(&mut self, inputs: &Inputs<'_>, rows: &mut Rows, outputs: &mut Vec<ArrayRef>) {
        let alive: Vec<usize> = rows.iter_alive().collect();
        self.gather.fill(inputs, &alive, &mut self.tensors);
        let columns = self.tensors.iter().flat_map(Tensor::columns);
        outputs.extend(columns.map(|column| if alive.len() == rows.len() { column } else { spread(&column, &alive, rows.len()) }));
    }

    fn features(&self) -> &[Feature] {
        &self.features
    }
}
