//! The way from a model's input to its trees, and from there to its outputs.

use super::Unfit;
use super::ensemble::{Classes, Ensemble};
use super::graph::{Attribute, DOUBLE, FLOAT, Graph, INT64, Node, STRING};
use super::number::Number;
use crate::model::signature::{Outputs, Port, Signature};
use crate::model::tensor::{Element, Values};

/// What a column of an output holds.
pub(super) enum OutputColumns {
    /// The label.
    Label,
    /// These scores, each times a factor, if any.
    Scores { places: Vec<usize>, factor: Option<f32> },
}

/// The longest way from a tree to an output.
const MOST_STEPS: usize = 16;

/// The element type in which the trees take the model's input: its own, or that of a Cast between.
pub(super) fn input_element(graph: &Graph<'_>, input: &str, port: &Port) -> Result<Element, Unfit> {
    let element = match port.element {
        element @ (Element::F32 | Element::F64 | Element::I32 | Element::I64) => element,
        other => return Err(Unfit(format!("its input is {}", other.name()))),
    };
    if input == port.name {
        return Ok(element);
    }
    let between = graph.maker(input).filter(|node| node.op == "Cast" && node.inputs.first() == Some(&port.name));
    match between.and_then(|node| attribute(node, "to")).map(|to| to.integer) {
        Some(FLOAT) => Ok(Element::F32),
        Some(DOUBLE) => Ok(Element::F64),
        _ => Err(Unfit("something stands between its input and its trees".into())),
    }
}

fn attribute(node: &Node<'_>, name: &str) -> Option<Attribute> {
    node.attributes().ok()?.remove(name)
}

/// How each output of the signature comes from the trees' node.
pub(super) fn plan(graph: &Graph<'_>, trees: &Node<'_>, ensemble: &Ensemble, signature: &Signature) -> Result<Vec<OutputColumns>, Unfit> {
    let trace = |name: &str, holds: &Outputs| {
        let way = Way::back(graph, trees, ensemble.classes.is_some(), name)?;
        way.columns(ensemble, holds).ok_or_else(|| Unfit(format!("its output `{name}` holds something else than its trees give")))
    };
    signature.outputs.iter().map(|output| trace(&output.name, &output.holds)).collect()
}

/// The way from the trees to an output.
#[derive(Default)]
struct Way {
    is_label: bool,
    factor: Option<f32>,
    /// The classes of a ZipMap, as text, in its order.
    zipped: Option<Vec<String>>,
}

impl Way {
    fn back(graph: &Graph<'_>, trees: &Node<'_>, is_classifier: bool, output: &str) -> Result<Self, Unfit> {
        let (mut way, mut name) = (Self::default(), output);
        // What casts on the way make of it; only what the trees' own types are passes.
        let mut casts = Vec::new();
        for _ in 0..MOST_STEPS {
            if let Some(place) = trees.outputs.iter().position(|output| output == name) {
                way.is_label = is_classifier && place == 0;
                let passes = |to: &i64| if way.is_label { matches!(*to, INT64 | STRING) } else { *to == FLOAT };
                let fits = casts.iter().all(passes) && !(way.is_label && (way.factor.is_some() || way.zipped.is_some()));
                return if fits { Ok(way) } else { Err(Unfit(format!("a cast stands between its trees and `{output}`"))) };
            }
            let maker = graph.maker(name).ok_or_else(|| Unfit(format!("its output `{output}` does not come from its trees")))?;
            match (maker.op.as_str(), maker.inputs.as_slice()) {
                ("Identity", [from]) => name = from,
                ("Cast", [from]) => {
                    casts.push(attribute(maker, "to").map_or(0, |to| to.integer));
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
                (op, _) => return Err(Unfit(format!("{op} stands between its trees and `{output}`"))),
            }
        }
        Err(Unfit(format!("its output `{output}` is too far from its trees")))
    }

    /// `None` when the output holds something else.
    fn columns(self, ensemble: &Ensemble, holds: &Outputs) -> Option<OutputColumns> {
        let fits = match (&ensemble.classes, holds.element()) {
            (Some(Classes::Integers(_)), Element::I64) | (Some(Classes::Strings(_)), Element::Str) => self.is_label,
            (_, Element::F32) => !self.is_label,
            (None, Element::F64) => !self.is_label && self.factor.is_none(),
            _ => false,
        };
        match (fits, holds, self.zipped) {
            (true, Outputs::Tensor { width: 1, .. }, None) if self.is_label => Some(OutputColumns::Label),
            (true, Outputs::Tensor { width, .. }, None) if *width == ensemble.targets => {
                Some(OutputColumns::Scores { places: (0..*width).collect(), factor: self.factor })
            }
            (true, Outputs::Maps { classes, .. }, Some(zipped)) if zipped.len() == ensemble.targets => {
                let place = |class: &String| zipped.iter().position(|other| other == class);
                let places = classes.iter().map(place).collect::<Option<_>>()?;
                Some(OutputColumns::Scores { places, factor: self.factor })
            }
            _ => None,
        }
    }
}

fn zipped(node: &Node<'_>) -> Vec<String> {
    let integers = attribute(node, "classlabels_int64s").map(|attribute| attribute.integers.iter().map(i64::to_string).collect());
    match attribute(node, "classlabels_strings") {
        Some(strings) if !strings.strings.is_empty() => strings.strings,
        _ => integers.unwrap_or_default(),
    }
}

/// Appends a row's answer to the columns.
pub(super) fn push<T: Number>(outputs: &[OutputColumns], scores: &[T], label: i64, strings: &[String], columns: &mut [Values]) {
    let mut columns = columns.iter_mut();
    for output in outputs {
        match output {
            OutputColumns::Label => match columns.next() {
                Some(Values::I64(column)) => column.push(label),
                Some(Values::Str(column)) => {
                    column.push(usize::try_from(label).ok().and_then(|at| strings.get(at)).cloned().unwrap_or_default())
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
