//! What a model takes and gives: its inputs and outputs, read once at load.

use ort::session::Session;
use ort::value::{Outlet, ValueType};

use super::file::ModelFile;
use super::tensor::Element;

/// One input of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub element: Element,
    /// Its dimensions; `None` where the model takes any number. An open first dimension stands for the rows, whatever follows is one row;
    /// where the first one is fixed, all of it is one row.
    pub shape: Vec<Option<usize>>,
}

impl Port {
    /// Whether a run can take many rows.
    pub fn is_batched(&self) -> bool {
        matches!(self.shape.first(), Some(None))
    }

    fn row_shape(&self) -> &[Option<usize>] {
        &self.shape[usize::from(self.is_batched())..]
    }

    /// Elements in a row; `None` when the model takes any number.
    pub fn width(&self) -> Option<usize> {
        self.row_shape().iter().copied().product()
    }

    /// Whether a row can have so many elements: exactly [`Port::width`], or what fills the open dimension.
    pub fn takes(&self, width: usize) -> bool {
        match self.width() {
            Some(exactly) => width == exactly,
            None => width > 0 && width.is_multiple_of(self.fixed()),
        }
    }

    /// The same input for rows of `width` elements, which it must take.
    pub(super) fn sized(&self, width: usize) -> Self {
        let rest = width / self.fixed().max(1);
        let rows = usize::from(self.is_batched());
        let size = |(at, size): (usize, &Option<usize>)| if at < rows { None } else { Some(size.unwrap_or(rest)) };
        Self { shape: self.shape.iter().enumerate().map(size).collect(), ..self.clone() }
    }

    /// Elements in a row for one step of the open dimension.
    pub(crate) fn fixed(&self) -> usize {
        self.row_shape().iter().flatten().product()
    }

    /// The dimensions of `rows` rows of `width` elements.
    pub(super) fn dimensions(&self, rows: usize, width: usize) -> Vec<usize> {
        let mut open = if self.is_batched() { Some(rows) } else { None };
        let rest = width / self.fixed().max(1);
        self.shape.iter().map(|dimension| dimension.unwrap_or_else(|| open.take().unwrap_or(rest))).collect()
    }

    fn shape_text(&self) -> String {
        let dimension = |(at, size): (usize, &Option<usize>)| match size {
            Some(size) => size.to_string(),
            None if at == 0 => "rows".into(),
            None => "any".into(),
        };
        let shape: Vec<String> = self.shape.iter().enumerate().map(dimension).collect();
        format!("[{}]", shape.join(", "))
    }
}

impl std::fmt::Display for Port {
    /// As in ``float `age` [rows, 1]``.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}` {}", self.element.name(), self.name, self.shape_text())
    }
}

/// What one output holds for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// A tensor: `[rows]`, `[rows, width]` or, with further dimensions, a row of them flat.
    Tensor {
        /// Its element type.
        element: Element,
        /// Elements in a row; 1 for `[rows]`.
        width: usize,
    },
    /// A sequence of tensors, each with one row per event, as exported multi-output classifiers give them.
    Sequence {
        /// Their element type.
        element: Element,
        /// Elements in a row of each tensor.
        widths: Vec<usize>,
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
            Self::Sequence { widths, .. } => widths.iter().sum(),
            Self::Maps { classes, .. } => classes.len(),
        }
    }

    /// The element type of its columns.
    pub fn element(&self) -> Element {
        match self {
            Self::Tensor { element, .. } | Self::Sequence { element, .. } => *element,
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
    /// Its place among all outputs of the model, those that no column can hold included.
    pub(super) place: usize,
}

impl Output {
    /// The names of its columns when nobody names them: the output's own, with the class or the position where there are several.
    pub fn column_names(&self) -> Vec<String> {
        let numbered = |name: &str, width: usize| match width {
            1 => vec![name.to_owned()],
            _ => (0..width).map(|at| format!("{name}_{at}")).collect(),
        };
        match &self.holds {
            Outputs::Tensor { width, .. } => numbered(&self.name, *width),
            Outputs::Sequence { widths, .. } => {
                let tensors = numbered(&self.name, widths.len()).into_iter().zip(widths);
                tensors.flat_map(|(name, width)| numbered(&name, *width)).collect()
            }
            Outputs::Maps { classes, .. } => classes.iter().map(|class| format!("{}_{class}", self.name)).collect(),
        }
    }
}

impl std::fmt::Display for Output {
    /// As in ``float `probabilities`, 2 columns``.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (element, name) = (self.holds.element().name(), &self.name);
        match &self.holds {
            Outputs::Maps { classes, .. } => write!(f, "{element} `{name}`, a column for each class: {}", classes.join(", ")),
            holds if holds.width() == 1 => write!(f, "{element} `{name}`, 1 column"),
            holds => write!(f, "{element} `{name}`, {} columns", holds.width()),
        }
    }
}

/// What a model takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its inputs, in the model's order.
    pub inputs: Vec<Port>,
    /// Its outputs that columns can hold, in the model's order.
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

const ELEMENTS: &str = "tensors of float16, float, double, int8 to int64, uint8 to uint64, bool or string";
const SHAPES: &str = "inputs with at most one open dimension beside that of the rows (export it with fixed dimensions)";

/// The inputs of a session's model.
///
/// # Errors
/// Every input that columns cannot feed.
pub(super) fn read_inputs(session: &Session, file: &ModelFile) -> Result<Vec<Port>, Vec<PortError>> {
    let ports: Vec<Result<Port, PortError>> = session.inputs().iter().map(|outlet| read_input(outlet, file)).collect();
    if ports.iter().any(Result::is_err) {
        return Err(ports.into_iter().filter_map(Result::err).collect());
    }
    Ok(ports.into_iter().flatten().collect())
}

fn read_input(outlet: &Outlet, file: &ModelFile) -> Result<Port, PortError> {
    let name = outlet.name().to_owned();
    let refuse = |found: String, allowed| PortError { direction: "input", name: name.clone(), found, allowed };
    let unknown = || refuse(outlet.dtype().to_string(), ELEMENTS);
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else { return Err(unknown()) };
    let element = Element::from_onnx(*ty).ok_or_else(unknown)?;
    let shape = match file.shapeless.contains(&name) {
        // A graph's features tell the width.
        true => vec![None, None],
        false => shape.iter().map(|size| usize::try_from(*size).ok().filter(|size| *size > 0)).collect(),
    };
    let port = Port { name: name.clone(), element, shape };
    if port.row_shape().iter().filter(|size| size.is_none()).count() > 1 {
        return Err(refuse(format!("{} {}", element.name(), port.shape_text()), SHAPES));
    }
    Ok(port)
}
