//! ONNX files of a test's own, written field by field (`onnx.proto`).

// Each test binary compiles this module for itself and uses a part of it.
#![allow(dead_code, reason = "a part is used")]

/// A protobuf message being written.
#[derive(Clone, Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(crate) fn number(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    pub(crate) fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub(crate) fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }
}

pub(crate) const FLOAT: i64 = 1;
pub(crate) const INT8: i64 = 3;
pub(crate) const INT64: i64 = 7;
pub(crate) const STRING: i64 = 8;
pub(crate) const BOOL: i64 = 9;
pub(crate) const FLOAT16: i64 = 10;
pub(crate) const DOUBLE: i64 = 11;
pub(crate) const BFLOAT16: i64 = 16;

/// An input or output; a dimension of 0 is open.
pub(crate) fn value(name: &str, element: i64, shape: &[i64]) -> Message {
    let dimension = |(at, size): (usize, &i64)| match size {
        0 => Message::default().text(2, &format!("d{at}")),
        size => Message::default().number(1, *size),
    };
    let shape = shape.iter().enumerate().map(dimension).fold(Message::default(), |shape, dimension| shape.message(1, &dimension));
    let tensor = Message::default().number(1, element).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// A node of the graph.
pub(crate) fn node(kind: &str, domain: &str, inputs: &[&str], outputs: &[&str], attributes: &[Message]) -> Message {
    let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
    let node = outputs.iter().fold(node, |node, output| node.text(2, output)).text(4, kind).text(7, domain);
    attributes.iter().fold(node, |node, attribute| node.message(5, attribute))
}

/// An attribute of integers.
pub(crate) fn integers(name: &str, values: &[i64]) -> Message {
    values.iter().fold(Message::default().text(1, name).number(20, 7), |attribute, value| attribute.number(8, *value))
}

/// An attribute of floats.
pub(crate) fn floats(name: &str, values: &[f64]) -> Message {
    let packed: Vec<u8> = values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect();
    Message::default().text(1, name).number(20, 6).bytes(7, &packed)
}

/// An attribute of strings.
pub(crate) fn strings(name: &str, values: &[&str]) -> Message {
    values.iter().fold(Message::default().text(1, name).number(20, 8), |attribute, value| attribute.text(9, value))
}

/// An attribute of one string.
pub(crate) fn string(name: &str, value: &str) -> Message {
    Message::default().text(1, name).number(20, 3).text(4, value)
}

/// An attribute of one integer.
pub(crate) fn integer(name: &str, value: i64) -> Message {
    Message::default().text(1, name).number(20, 2).number(3, value)
}

/// A file with these opsets.
pub(crate) fn model(
    opsets: &[(&str, i64)],
    nodes: &[Message],
    inputs: &[Message],
    outputs: &[Message],
    initializers: &[Message],
) -> Vec<u8> {
    let graph = nodes.iter().fold(Message::default(), |graph, node| graph.message(1, node)).text(2, "test");
    let graph = initializers.iter().fold(graph, |graph, initializer| graph.message(5, initializer));
    let graph = inputs.iter().fold(graph, |graph, input| graph.message(11, input));
    let graph = outputs.iter().fold(graph, |graph, output| graph.message(12, output));
    let model = Message::default().number(1, 8).message(7, &graph);
    let opset = |(domain, version): &(&str, i64)| Message::default().text(1, domain).number(2, *version);
    opsets.iter().map(opset).fold(model, |model, opset| model.message(8, &opset)).0
}

/// A file with one node of ONNX's own from `x` to `y`, both of one element type.
pub(crate) fn unary(kind: &str, element: i64, shape: &[i64], attributes: &[Message]) -> Vec<u8> {
    let node = node(kind, "", &["x"], &["y"], attributes);
    model(&[("", 17)], &[node], &[value("x", element, shape)], &[value("y", element, &[])], &[])
}
