//! The way from a model's input to its trees.

use crate::model::kernel::Unfit;
use crate::model::kernel::graph::{DOUBLE, FLOAT, Graph, Node};
use crate::model::signature::Port;
use crate::model::tensor::Element;

/// The element type in which the trees take the model's input: its own, or that of a Cast between.
pub(super) fn element(graph: &Graph<'_>, operator: &Node<'_>, port: &Port) -> Result<Element, Unfit> {
    let element = match port.element {
        element @ (Element::F32 | Element::F64 | Element::I32 | Element::I64) => element,
        other => return Err(Unfit(format!("its input is {}", other.name()))),
    };
    let input = operator.inputs.first().map_or("", String::as_str);
    if input == port.name {
        return Ok(element);
    }
    let between = graph.maker(input).filter(|node| node.op == "Cast" && node.inputs.first() == Some(&port.name));
    match between.and_then(|node| node.attribute("to")).map(|to| to.integer) {
        Some(FLOAT) => Ok(Element::F32),
        Some(DOUBLE) => Ok(Element::F64),
        _ => Err(Unfit(format!("something stands between its input and its {}", operator.op))),
    }
}
