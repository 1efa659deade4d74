//! What a model is given, for people who look: the same gatherer as the model's, its tensors as arrays.

use std::sync::Arc;

use arrow_array::ArrayRef;

use super::features::Gather;
use super::spread;
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
    /// `names` are the columns that the model takes, in its order.
    pub(super) fn new(gather: Gather, model: &Model, names: &[String]) -> Self {
        let tensors = gather.tensors();
        let mut names = names.iter();
        let mut features = Vec::new();
        for (port, tensor) in model.signature.inputs.iter().zip(&tensors) {
            let (model, input) = (Arc::from(model.id.as_str()), Arc::from(port.name.as_str()));
            let feature = |name: &String| Feature {
                model: Arc::clone(&model),
                input: Arc::clone(&input),
                name: name.as_str().into(),
                element: port.element,
            };
            features.extend(names.by_ref().take(tensor.width).map(feature));
        }
        Self { gather, tensors, features }
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
