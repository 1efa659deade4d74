//! A model that takes rows which the model itself refuses, so that its answers can be looked at.

use std::borrow::Cow;
use std::ops::Range;

use super::proto::{Fields, Wire};

/// The file with encoders of its main graph that answer zeros for a category that they do not know, where they would fail: a OneHotEncoder
/// with `zeros` 0, as scikit-learn's default is exported. Made-up rows hold hardly a category that it knows; the shapes of its answers are the
/// same.
pub(super) fn lenient(model: &[u8]) -> Cow<'_, [u8]> {
    let mut lenient = Cow::Borrowed(model);
    for graph in messages(model, 0..model.len(), 7) {
        for node in messages(model, graph, 1).into_iter().filter(|node| has_text(&model[node.clone()], 4, "OneHotEncoder")) {
            for attribute in messages(model, node, 5).into_iter().filter(|attribute| has_text(&model[attribute.clone()], 1, "zeros")) {
                if let Some(at) = zero(model, attribute) {
                    lenient.to_mut()[at] = 1;
                }
            }
        }
    }
    lenient
}

/// The messages in a message's field, by where they are in the file.
fn messages(model: &[u8], within: Range<usize>, field: u64) -> Vec<Range<usize>> {
    let (last, mut fields) = (within.end, Fields(&model[within]));
    let mut found = Vec::new();
    while let Some(Ok((number, wire))) = fields.next() {
        if let Wire::Bytes(message) = wire
            && number == field
        {
            let end = last - fields.0.len();
            found.push(end - message.len()..end);
        }
    }
    found
}

fn has_text(message: &[u8], field: u64, text: &str) -> bool {
    Fields(message).flatten().any(|(number, wire)| number == field && matches!(wire, Wire::Bytes(bytes) if bytes == text.as_bytes()))
}

/// Where an attribute's integer is, if it is 0: the last byte of its field.
fn zero(model: &[u8], attribute: Range<usize>) -> Option<usize> {
    let (last, mut fields) = (attribute.end, Fields(&model[attribute]));
    while let Some(Ok((number, wire))) = fields.next() {
        if number == 3 && matches!(wire, Wire::Number(0)) {
            return (last - fields.0.len()).checked_sub(1);
        }
    }
    None
}
