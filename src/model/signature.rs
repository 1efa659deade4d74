//! What a model takes and gives: its inputs and outputs, read once at load.

use ort::session::Session;
use ort::value::{Outlet, ValueType};

use super::tensor::Element;

/// One input of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub element: Element,
    /// Its rank, 1 (`[rows]`) or 2 (`[rows, width]`).
    pub rank: usize,
    /// Elements in a row; `None` when the model takes any number.
    pub width: Option<usize>,
}

/// What one output holds for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// A tensor `[rows]` or `[rows, width]`.
    Tensor {
        /// Its element type.
        element: Element,
        /// Elements in a row; 1 for `[rows]`.
        width: usize,
    },
    /// A map from class to probability for each row, as scikit-learn's exported classifiers give them (ZipMap).
    Maps {
        /// The classes, sorted, as text.
        classes: Vec<String>,
        /// Whether the classes are integers rather than strings.
        integers: bool,
    },
}

impl Outputs {
    /// How many columns it makes.
    pub fn width(&self) -> usize {
        match self {
            Self::Tensor { width, .. } => *width,
            Self::Maps { classes, .. } => classes.len(),
        }
    }

    /// The element type of its columns.
    pub fn element(&self) -> Element {
        match self {
            Self::Tensor { element, .. } => *element,
            Self::Maps { .. } => Element::F32,
        }
    }
}

/// One output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// What it holds for each row.
    pub holds: Outputs,
}

impl Output {
    /// The names of its columns when nobody names them: the output's own, with the class or the position where there are several.
    pub fn column_names(&self) -> Vec<String> {
        match &self.holds {
            Outputs::Tensor { width: 1, .. } => vec![self.name.clone()],
            Outputs::Tensor { width, .. } => (0..*width).map(|at| format!("{}_{at}", self.name)).collect(),
            Outputs::Maps { classes, .. } => classes.iter().map(|class| format!("{}_{class}", self.name)).collect(),
        }
    }
}

/// What a model takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its inputs, in the model's order.
    pub inputs: Vec<Port>,
    /// Its outputs, in the model's order.
    pub outputs: Vec<Output>,
}

/// An input or output that columns cannot feed or hold.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{direction} `{name}` is {found}; a graph can use {allowed}")]
pub struct PortError {
    /// `input` or `output`.
    pub direction: &'static str,
    /// Its name.
    pub name: String,
    /// Its type.
    pub found: String,
    /// What it could be.
    pub allowed: &'static str,
}

const INPUTS: &str = "tensors of float, double, int64, int32, bool or string, with one row per event and at most one more dimension";

/// The inputs of a session's model.
///
/// # Errors
/// Every input that columns cannot feed.
pub(super) fn read_inputs(session: &Session) -> Result<Vec<Port>, Vec<PortError>> {
    let ports: Vec<Result<Port, PortError>> = session.inputs().iter().map(read_input).collect();
    if ports.iter().any(Result::is_err) {
        return Err(ports.into_iter().filter_map(Result::err).collect());
    }
    Ok(ports.into_iter().flatten().collect())
}

fn read_input(outlet: &Outlet) -> Result<Port, PortError> {
    let refuse = || PortError { direction: "input", name: outlet.name().into(), found: outlet.dtype().to_string(), allowed: INPUTS };
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else { return Err(refuse()) };
    let element = Element::from_onnx(*ty).ok_or_else(refuse)?;
    let dimensions: &[i64] = shape;
    let width = match dimensions {
        [_] => Some(1),
        // A fixed number of rows would make the answer depend on the batch.
        [rows, width] if *rows <= 0 || *rows == 1 => usize::try_from(*width).ok().filter(|width| *width > 0),
        _ => return Err(refuse()),
    };
    Ok(Port { name: outlet.name().into(), element, rank: dimensions.len(), width })
}
