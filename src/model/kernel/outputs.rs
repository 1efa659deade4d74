//! The way from a kernel's operator to the model's outputs.

use super::Unfit;
use super::graph::{Attributes, FLOAT, Graph, INT64, Node, STRING};
use super::number::Number;
use crate::model::signature::{Outputs, Signature};
use crate::model::tensor::{Element, Values};

/// The classes of a classifier.
pub(super) enum Classes {
    Integers(Vec<i64>),
    Strings(Vec<String>),
}

impl Classes {
    /// Those of an operator: its strings if it has any, else the integers of this name.
    pub(super) fn read(attributes: &Attributes, integers: &str) -> Self {
        match attributes.get("classlabels_strings") {
            Some(strings) if !strings.strings.is_empty() => Self::Strings(strings.strings.clone()),
            _ => Self::Integers(attributes.get(integers).map_or_else(Vec::new, |attribute| attribute.integers.clone())),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Integers(classes) => classes.len(),
            Self::Strings(classes) => classes.len(),
        }
    }
}

/// How a row's scores and label become the values of the outputs' columns.
pub(super) struct Answers {
    outputs: Vec<OutputColumns>,
    /// The labels that are strings.
    strings: Vec<String>,
}

/// What a column of an output holds.
enum OutputColumns {
    /// The label.
    Label,
    /// These scores, each times a factor, if any.
    Scores { places: Vec<usize>, factor: Option<f32> },
}

/// As many columns as one output may have.
pub(super) const MOST_TARGETS: usize = 4096;
/// The longest way from the operator to an output.
const MOST_STEPS: usize = 16;

impl Answers {
    /// How each output of the signature comes from an operator that gives a row so many scores.
    pub(super) fn plan(
        graph: &Graph<'_>,
        operator: &Node<'_>,
        targets: usize,
        classes: Option<Classes>,
        signature: &Signature,
    ) -> Result<Self, Unfit> {
        let trace = |name: &str, holds: &Outputs| {
            let way = Way::back(graph, operator, classes.is_some(), name)?;
            let differs = || Unfit(format!("its output `{name}` holds something else than its {} gives", operator.op));
            way.columns(targets, classes.as_ref(), holds).ok_or_else(differs)
        };
        let outputs = signature.outputs.iter().map(|output| trace(&output.name, &output.holds)).collect::<Result<_, _>>()?;
        let strings = if let Some(Classes::Strings(strings)) = classes { strings } else { Vec::new() };
        Ok(Self { outputs, strings })
    }

    /// Appends a row's scores, and its label or the label's position among strings, to the columns.
    pub(super) fn push<T: Number>(&self, scores: &[T], label: i64, columns: &mut [Values]) {
        let mut columns = columns.iter_mut();
        for output in &self.outputs {
            match output {
                OutputColumns::Label => match columns.next() {
                    Some(Values::I64(column)) => column.push(label),
                    Some(Values::Str(column)) => {
                        column.push(usize::try_from(label).ok().and_then(|at| self.strings.get(at)).cloned().unwrap_or_default())
                    }
                    _ => {}
                },
                OutputColumns::Scores { places, factor } => {
                    for (place, column) in places.iter().zip(&mut columns) {
                        match column {
                            Values::F32(column) => column.push(factor.map_or(1.0, |factor| factor) * scores[*place].single()),
                            Values::F64(column) => column.push(scores[*place].double()),
                            _ => {}
                        }
                    }
                }
            }
        }
    }
}

/// The way from the operator to an output.
#[derive(Default)]
struct Way {
    is_label: bool,
    factor: Option<f32>,
    /// The classes of a ZipMap, as text, in its order.
    zipped: Option<Vec<String>>,
}

impl Way {
    fn back(graph: &Graph<'_>, operator: &Node<'_>, is_classifier: bool, output: &str) -> Result<Self, Unfit> {
        let (mut way, mut name) = (Self::default(), output);
        // What casts on the way make of it; only what the operator's own types are passes.
        let mut casts = Vec::new();
        let stands_between = |what: &str| Unfit(format!("{what} stands between its {} and `{output}`", operator.op));
        for _ in 0..MOST_STEPS {
            if let Some(place) = operator.outputs.iter().position(|output| output == name) {
                way.is_label = is_classifier && place == 0;
                let passes = |to: &i64| if way.is_label { matches!(*to, INT64 | STRING) } else { *to == FLOAT };
                let fits = casts.iter().all(passes) && !(way.is_label && (way.factor.is_some() || way.zipped.is_some()));
                return if fits { Ok(way) } else { Err(stands_between("a cast")) };
            }
            let maker = graph.maker(name).ok_or_else(|| Unfit(format!("its output `{output}` does not come from its {}", operator.op)))?;
            match (maker.op.as_str(), maker.inputs.as_slice()) {
                ("Identity", [from]) => name = from,
                ("Cast", [from]) => {
                    casts.push(maker.attribute("to").map_or(0, |to| to.integer));
                    name = from;
                }
                ("ZipMap", [from]) if way.zipped.is_none() && way.factor.is_none() => {
                    way.zipped = Some(zipped(maker));
                    name = from;
                }
                ("Mul", [one, other]) if way.factor.is_none() => {
                    let (from, factor) = match (graph.scalar(one), graph.scalar(other)) {
                        (None, Some(factor)) => (one, factor),
                        (Some(factor), None) => (other, factor),
                        _ => return Err(Unfit(format!("a Mul of two values makes `{output}`"))),
                    };
                    way.factor = Some(factor);
                    name = from;
                }
                (op, _) => return Err(stands_between(op)),
            }
        }
        Err(Unfit(format!("its output `{output}` is too far from its {}", operator.op)))
    }

    /// `None` when the output holds something else.
    fn columns(self, targets: usize, classes: Option<&Classes>, holds: &Outputs) -> Option<OutputColumns> {
        let fits = match (classes, holds.element()) {
            (Some(Classes::Integers(_)), Element::I64) | (Some(Classes::Strings(_)), Element::Str) => self.is_label,
            (_, Element::F32) => !self.is_label,
            (None, Element::F64) => !self.is_label && self.factor.is_none(),
            _ => false,
        };
        match (fits, holds, self.zipped) {
            (true, Outputs::Tensor { width: 1, .. }, None) if self.is_label => Some(OutputColumns::Label),
            (true, Outputs::Tensor { width, .. }, None) if *width == targets => {
                Some(OutputColumns::Scores { places: (0..*width).collect(), factor: self.factor })
            }
            (true, Outputs::Maps { classes, .. }, Some(zipped)) if zipped.len() == targets => {
                let place = |class: &String| zipped.iter().position(|other| other == class);
                let places = classes.iter().map(place).collect::<Option<_>>()?;
                Some(OutputColumns::Scores { places, factor: self.factor })
            }
            _ => None,
        }
    }
}

fn zipped(node: &Node<'_>) -> Vec<String> {
    let integers = node.attribute("classlabels_int64s").map(|attribute| attribute.integers.iter().map(i64::to_string).collect());
    match node.attribute("classlabels_strings") {
        Some(strings) if !strings.strings.is_empty() => strings.strings,
        _ => integers.unwrap_or_default(),
    }
}
