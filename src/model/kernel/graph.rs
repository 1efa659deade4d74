//! The graph of a model's file, as far as kernels ask: nodes with their attributes, small constants; opsets do not matter.

use std::collections::BTreeMap;

use crate::model::proto::{Fields, Malformed, Wire, doubles, fixed, floats, integers, text};

/// A graph.
#[derive(Default)]
pub(super) struct Graph<'a> {
    /// Its nodes, in the file's order.
    pub(super) nodes: Vec<Node<'a>>,
    /// Whether the file has functions of its own, which may have the names of operators.
    pub(super) has_functions: bool,
    /// Its constants by name, as they stand in the file.
    initializers: BTreeMap<String, &'a [u8]>,
}

/// A node, its attributes not yet read.
#[derive(Default)]
pub(super) struct Node<'a> {
    /// Its operator.
    pub(super) op: String,
    /// The values that it takes, by name.
    pub(super) inputs: Vec<String>,
    /// The values that it gives.
    pub(super) outputs: Vec<String>,
    attributes: Vec<&'a [u8]>,
}

/// An attribute: whichever of the fields its type has.
#[derive(Default)]
pub(super) struct Attribute {
    /// An integer.
    pub(super) integer: i64,
    /// A string.
    pub(super) string: String,
    /// A list of floats.
    pub(super) floats: Vec<f32>,
    /// A list of integers.
    pub(super) integers: Vec<i64>,
    /// A list of strings.
    pub(super) strings: Vec<String>,
    /// A tensor's elements; floats keep their values as doubles.
    pub(super) tensor: Vec<f64>,
}

/// A node's attributes by name.
pub(super) type Attributes = BTreeMap<String, Attribute>;

/// ONNX's numbers of the element types that a constant may have here.
pub(super) const FLOAT: i64 = 1;
const UINT8: i64 = 2;
/// See [`FLOAT`].
pub(super) const INT64: i64 = 7;
/// See [`FLOAT`].
pub(super) const STRING: i64 = 8;
/// See [`FLOAT`].
pub(super) const DOUBLE: i64 = 11;

impl<'a> Graph<'a> {
    /// The graph of a model's bytes.
    pub(super) fn read(model: &'a [u8]) -> Result<Self, Malformed> {
        let mut graph = Self::default();
        for field in Fields(model) {
            let (number, Wire::Bytes(bytes)) = field? else { continue };
            graph.has_functions |= number == 25;
            let of_graph = if number == 7 { bytes } else { &[] };
            for field in Fields(of_graph) {
                match field? {
                    (1, Wire::Bytes(node)) => graph.nodes.push(Node::read(node)?),
                    (5, Wire::Bytes(tensor)) => {
                        graph.initializers.insert(tensor_name(tensor)?, tensor);
                    }
                    _ => {}
                }
            }
        }
        Ok(graph)
    }

    /// The node that gives a value.
    pub(super) fn maker(&self, value: &str) -> Option<&Node<'a>> {
        self.nodes.iter().find(|node| node.outputs.iter().any(|output| output == value))
    }

    /// The only element of a constant of one element, a float.
    pub(super) fn scalar(&self, name: &str) -> Option<f32> {
        match tensor(self.initializers.get(name)?).ok()? {
            (FLOAT, elements) if elements.len() == 1 => Some(elements[0] as f32),
            _ => None,
        }
    }
}

impl<'a> Node<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut node = Self::default();
        for field in Fields(bytes) {
            match field? {
                (1, Wire::Bytes(name)) => node.inputs.push(text(name)),
                (2, Wire::Bytes(name)) => node.outputs.push(text(name)),
                (4, Wire::Bytes(op)) => node.op = text(op),
                (5, Wire::Bytes(attribute)) => node.attributes.push(attribute),
                _ => {}
            }
        }
        Ok(node)
    }

    /// Its attributes by name.
    pub(super) fn attributes(&self) -> Result<Attributes, Malformed> {
        self.attributes.iter().map(|bytes| attribute(bytes)).collect()
    }

    /// One of its attributes.
    pub(super) fn attribute(&self, name: &str) -> Option<Attribute> {
        self.attributes().ok()?.remove(name)
    }
}

fn attribute(bytes: &[u8]) -> Result<(String, Attribute), Malformed> {
    let (mut name, mut attribute) = (String::new(), Attribute::default());
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => name = text(bytes),
            (3, Wire::Number(value)) => attribute.integer = value,
            (4, Wire::Bytes(bytes)) => attribute.string = text(bytes),
            (5, Wire::Bytes(bytes)) => attribute.tensor = tensor(bytes)?.1,
            (7, wire) => floats(&wire, &mut attribute.floats)?,
            (8, wire) => integers(&wire, &mut attribute.integers)?,
            (9, Wire::Bytes(bytes)) => attribute.strings.push(text(bytes)),
            _ => {}
        }
    }
    Ok((name, attribute))
}

fn tensor_name(bytes: &[u8]) -> Result<String, Malformed> {
    let mut name = String::new();
    for field in Fields(bytes) {
        if let (8, Wire::Bytes(bytes)) = field? {
            name = text(bytes);
        }
    }
    Ok(name)
}

/// The element type of a tensor and its elements; none of another type than float, double, uint8 or int64.
fn tensor(bytes: &[u8]) -> Result<(i64, Vec<f64>), Malformed> {
    let (mut element, mut raw) = (0, None);
    let (mut singles, mut wide, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for field in Fields(bytes) {
        match field? {
            (2, Wire::Number(of)) => element = of,
            (4, wire) => floats(&wire, &mut singles)?,
            (5 | 7, wire) => integers(&wire, &mut numbers)?,
            (9, Wire::Bytes(bytes)) => raw = Some(bytes),
            (10, wire) => doubles(&wire, &mut wide)?,
            _ => {}
        }
    }
    let elements = match (element, raw) {
        (FLOAT, Some(raw)) => fixed(raw)?.map(|bytes| f64::from(f32::from_le_bytes(bytes))).collect(),
        (DOUBLE, Some(raw)) => fixed(raw)?.map(f64::from_le_bytes).collect(),
        (UINT8, Some(raw)) => raw.iter().copied().map(f64::from).collect(),
        (INT64, Some(raw)) => fixed(raw)?.map(|bytes| i64::from_le_bytes(bytes) as f64).collect(),
        (FLOAT, None) => singles.into_iter().map(f64::from).collect(),
        (DOUBLE, None) => wide,
        (UINT8 | INT64, None) => numbers.into_iter().map(|number| number as f64).collect(),
        _ => Vec::new(),
    };
    Ok((element, elements))
}
