//! A linear model as its nodes in the graph describe it, checked: everything is as long as the model is wide.

use super::{Linear, Scaler};
use crate::model::kernel::Unfit;
use crate::model::kernel::graph::{Attributes, Graph, Node};
use crate::model::kernel::outputs::{Answers, Classes, MOST_TARGETS};
use crate::model::signature::{Port, Signature};
use crate::model::tensor::Element;

pub(super) fn linear(
    graph: &Graph<'_>,
    operator: &Node<'_>,
    (port, width): (&Port, usize),
    signature: &Signature,
) -> Result<Linear, Unfit> {
    if port.element != Element::F32 || width == 0 {
        return Err(Unfit(format!("its input is {}", port.element.name())));
    }
    let attributes = operator.attributes()?;
    let scaler = scaler(graph, operator, (port, width))?;
    let (coefficients, intercepts) = (floats(&attributes, "coefficients"), floats(&attributes, "intercepts"));
    let (classes, targets) = match operator.op.as_str() {
        "LinearClassifier" => {
            let classes = Classes::read(&attributes, "classlabels_ints");
            // One score for two classes, and scores without a label, are other rules of ONNX Runtime.
            if classes.len() < 2 || classes.len() != intercepts.len() {
                return Err(Unfit(format!("its classifier has {} classes and {} scores", classes.len(), intercepts.len())));
            }
            let targets = classes.len();
            (Some(classes), targets)
        }
        _ => (None, usize::try_from(attributes.get("targets").map_or(1, |targets| targets.integer)).unwrap_or(0)),
    };
    let is_whole = coefficients.len() == targets * width && [0, targets].contains(&intercepts.len());
    if !(1..=MOST_TARGETS).contains(&targets) || !is_whole {
        let (coefficients, intercepts) = (coefficients.len(), intercepts.len());
        return Err(Unfit(format!(
            "it has {coefficients} coefficients and {intercepts} intercepts for {targets} targets of {width} features"
        )));
    }
    let logistic = match attributes.get("post_transform").map_or("", |attribute| attribute.string.as_str()) {
        "" | "NONE" => false,
        "LOGISTIC" if classes.is_some() => true,
        other => return Err(Unfit(format!("it transforms by {other}"))),
    };
    let labels = classes.as_ref().map(|classes| match classes {
        Classes::Integers(labels) => labels.clone(),
        Classes::Strings(labels) => (0..).take(labels.len()).collect(),
    });
    let landmarks = scaler.as_ref().map_or_else(Vec::new, landmarks);
    let answers = Answers::plan(graph, operator, targets, classes, signature)?;
    Ok(Linear { width, scaler, coefficients, intercepts, targets, logistic, labels, answers, landmarks })
}

/// The Scaler between the model's input and its operator, if there is one.
fn scaler(graph: &Graph<'_>, operator: &Node<'_>, (port, width): (&Port, usize)) -> Result<Option<Scaler>, Unfit> {
    let input = operator.inputs.first().map_or("", String::as_str);
    if input == port.name {
        return Ok(None);
    }
    let scaler = graph.maker(input).filter(|node| node.op == "Scaler" && node.inputs.first() == Some(&port.name));
    let Some(scaler) = scaler else {
        return Err(Unfit(format!("something stands between its input and its {}", operator.op)));
    };
    let attributes = scaler.attributes()?;
    let (offsets, factors) = (floats(&attributes, "offset"), floats(&attributes, "scale"));
    if offsets.len() != width || factors.len() != width {
        return Err(Unfit(format!("its Scaler has {} offsets and {} factors for {width} features", offsets.len(), factors.len())));
    }
    Ok(Some(Scaler { offsets, factors }))
}

fn landmarks(scaler: &Scaler) -> Vec<Vec<f64>> {
    let around = |(offset, factor): (&f32, &f32)| {
        let (mean, deviation) = (f64::from(*offset), 1.0 / f64::from(factor.abs()));
        if deviation.is_finite() { vec![mean - deviation, mean, mean + deviation] } else { vec![mean] }
    };
    scaler.offsets.iter().zip(&scaler.factors).map(around).collect()
}

fn floats(attributes: &Attributes, name: &str) -> Vec<f32> {
    attributes.get(name).map_or_else(Vec::new, |attribute| attribute.floats.clone())
}
