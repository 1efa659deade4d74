//! What a model's file says of itself and ONNX Runtime does not tell: its opsets, the files it refers to, the classes of its ZipMaps, which
//! inputs have no shape. The file is a protobuf message (`onnx.proto`).

use super::proto::{Fields, Malformed, Wire, integers, text};

/// Protobuf's own limit of messages in messages is reached at fewer graphs in graphs.
const DEEPEST: usize = 100;

/// What a model's file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFile {
    /// The version of the file format.
    pub ir_version: i64,
    /// The program that wrote it, with its version; empty when it is not told.
    pub producer: String,
    /// The operator sets it asks for, by domain (ONNX's own is empty), each with its version.
    pub opsets: Vec<(String, i64)>,
    /// The other files that hold its weights.
    pub external: Vec<String>,
    /// The classes of each output that a ZipMap makes.
    pub(super) zip_maps: Vec<ZipMap>,
    /// The inputs that declare no shape; ONNX Runtime tells them like scalars, whose shape has no dimensions.
    pub(super) shapeless: Vec<String>,
}

/// The classes of one ZipMap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ZipMap {
    /// The output that it makes.
    pub(super) output: String,
    /// The classes, in its order, as text.
    pub(super) classes: Vec<String>,
    /// Whether they are integers rather than strings.
    pub(super) integers: bool,
}

impl ModelFile {
    /// Reads a file's bytes.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut file = Self::default();
        let (mut version, mut has_graph) = (String::new(), false);
        for field in Fields(bytes) {
            match field? {
                (1, Wire::Number(number)) => file.ir_version = number,
                (2, Wire::Bytes(name)) => file.producer = text(name),
                (3, Wire::Bytes(number)) => version = text(number),
                (7, Wire::Bytes(graph)) => {
                    file.read_graph(graph, 0)?;
                    has_graph = true;
                }
                (25, Wire::Bytes(function)) => {
                    for field in Fields(function) {
                        if let (7, Wire::Bytes(node)) = field? {
                            file.read_node(node, 0)?;
                        }
                    }
                }
                (8, Wire::Bytes(opset)) => file.opsets.push(read_opset(opset)?),
                _ => {}
            }
        }
        if !has_graph || file.opsets.is_empty() {
            return Err(Malformed);
        }
        if !version.is_empty() {
            file.producer = format!("{} {version}", file.producer);
        }
        file.opsets.sort();
        file.opsets.dedup();
        file.external.sort();
        file.external.dedup();
        Ok(file)
    }

    fn read_graph(&mut self, bytes: &[u8], depth: usize) -> Result<(), Malformed> {
        if depth > DEEPEST {
            return Err(Malformed);
        }
        for field in Fields(bytes) {
            match field? {
                (1, Wire::Bytes(node)) => {
                    self.zip_maps.extend(read_zip_map(node)?);
                    self.read_node(node, depth)?;
                }
                (5, Wire::Bytes(initializer)) => self.read_tensor(initializer)?,
                (11, Wire::Bytes(input)) if depth == 0 => self.shapeless.extend(read_shapeless(input)?),
                (15, Wire::Bytes(initializer)) => self.read_sparse_tensor(initializer)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A node's attributes may hold tensors, and graphs of their own, such as the branches of If.
    fn read_node(&mut self, bytes: &[u8], depth: usize) -> Result<(), Malformed> {
        for field in Fields(bytes) {
            let (5, Wire::Bytes(attribute)) = field? else { continue };
            for field in Fields(attribute) {
                match field? {
                    (5 | 10, Wire::Bytes(tensor)) => self.read_tensor(tensor)?,
                    (6 | 11, Wire::Bytes(graph)) => self.read_graph(graph, depth + 1)?,
                    (22 | 23, Wire::Bytes(tensor)) => self.read_sparse_tensor(tensor)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn read_sparse_tensor(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        for field in Fields(bytes) {
            if let (1 | 2, Wire::Bytes(tensor)) = field? {
                self.read_tensor(tensor)?;
            }
        }
        Ok(())
    }

    fn read_tensor(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        for field in Fields(bytes) {
            let (13, Wire::Bytes(entry)) = field? else { continue };
            let (mut key, mut value) = (String::new(), String::new());
            for field in Fields(entry) {
                match field? {
                    (1, Wire::Bytes(bytes)) => key = text(bytes),
                    (2, Wire::Bytes(bytes)) => value = text(bytes),
                    _ => {}
                }
            }
            if key == "location" {
                self.external.push(value);
            }
        }
        Ok(())
    }

    /// The opsets as a person writes them: `ai.onnx 18, ai.onnx.ml 3`.
    pub fn opset_list(&self) -> String {
        let name = |domain: &str| if domain.is_empty() { "ai.onnx".to_owned() } else { domain.to_owned() };
        self.opsets.iter().map(|(domain, version)| format!("{} {version}", name(domain))).collect::<Vec<_>>().join(", ")
    }
}

fn read_opset(bytes: &[u8]) -> Result<(String, i64), Malformed> {
    let mut opset = (String::new(), 0);
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(domain)) => opset.0 = text(domain),
            (2, Wire::Number(version)) => opset.1 = version,
            _ => {}
        }
    }
    Ok(opset)
}

/// The name of an input whose tensors have no shape; `None` for all others.
fn read_shapeless(bytes: &[u8]) -> Result<Option<String>, Malformed> {
    let (mut name, mut is_shapeless) = (String::new(), false);
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => name = text(bytes),
            (2, Wire::Bytes(kind)) => {
                for field in Fields(kind) {
                    let (1, Wire::Bytes(tensor)) = field? else { continue };
                    is_shapeless = true;
                    for field in Fields(tensor) {
                        is_shapeless &= !matches!(field?, (2, _));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(is_shapeless.then_some(name))
}

/// `None` for a node of another type.
fn read_zip_map(bytes: &[u8]) -> Result<Option<ZipMap>, Malformed> {
    let mut map = ZipMap::default();
    let mut is_zip_map = false;
    for field in Fields(bytes) {
        match field? {
            (2, Wire::Bytes(output)) => map.output = text(output),
            (4, Wire::Bytes(kind)) => is_zip_map = kind == b"ZipMap",
            (5, Wire::Bytes(attribute)) => map.read_attribute(attribute)?,
            _ => {}
        }
    }
    Ok(is_zip_map.then_some(map))
}

impl ZipMap {
    fn read_attribute(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let (mut name, mut numbers, mut strings) = (String::new(), Vec::new(), Vec::new());
        for field in Fields(bytes) {
            match field? {
                (1, Wire::Bytes(bytes)) => name = text(bytes),
                (8, wire) => integers(&wire, &mut numbers)?,
                (9, Wire::Bytes(bytes)) => strings.push(text(bytes)),
                _ => {}
            }
        }
        match name.as_str() {
            "classlabels_int64s" => (self.classes, self.integers) = (numbers.iter().map(i64::to_string).collect(), true),
            "classlabels_strings" => (self.classes, self.integers) = (strings, false),
            _ => {}
        }
        Ok(())
    }
}
