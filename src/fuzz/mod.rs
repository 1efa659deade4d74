//! Targets for fuzzing, one for each reader of bytes that a user or an event brings. A target takes any bytes and panics when it finds
//! something. `make fuzz` runs them under libFuzzer (`fuzz/`); each test run replays the corpus in `fuzz/corpus` and damages it at random.

use crate::config::Pipeline;
use crate::diagnostic::{Diagnostics, Document};
use crate::{codec, model, nodes};

#[cfg(test)]
pub(crate) mod damage;
#[cfg(test)]
mod tests;

/// A target.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 13] = [
    ("avro", codec::fuzz::avro),
    ("resolution", codec::fuzz::resolution),
    ("single_object", codec::fuzz::single_object),
    ("json", codec::fuzz::json),
    ("avro_json", codec::fuzz::avro_json),
    ("xdm", codec::fuzz::xdm),
    ("csv", codec::fuzz::csv),
    ("file", codec::file::fuzz::file),
    ("parquet", codec::file::fuzz::parquet),
    ("schema", codec::fuzz::schema),
    ("pipeline", pipeline),
    ("expression", nodes::fuzz_expression),
    ("model", model),
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

/// A pipeline file: it is refused with findings that can be shown, or read.
fn pipeline(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let environment = |name: &str| (name != "UNSET").then(|| "value".to_owned());
    let found: Diagnostics = match Document::examine("pipeline.yaml", text, &environment) {
        Err(found) => found,
        // A DSL file that it names may be any file of this machine.
        Ok((document, _)) if document.value().pointer("/graph/dsl").is_some() => return,
        Ok((document, found)) => match Pipeline::from_document(document, found) {
            Err(found) => found,
            Ok(_) => return,
        },
    };
    assert!(!found.render(false).is_empty());
    assert!(!found.render(true).is_empty());
}

/// What a model's file says of itself, and what a kernel makes of it, without ONNX Runtime.
fn model(bytes: &[u8]) {
    model::fuzz_file(bytes);
}
