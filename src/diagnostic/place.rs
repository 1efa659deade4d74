//! Where each part of a document's value stands in its text.

use super::Span;
use std::collections::HashMap;

/// The place of one value, and of what it contains.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The value's own text; of a block collection from its first key or dash to the end of its last value.
    pub(super) value: Span,
    /// The key that leads to it, in a mapping.
    pub(super) key: Option<Span>,
    /// Whether the value is a secret or came from the environment, and must not be shown.
    pub(super) private: bool,
    /// Whether the value could not be made out, which has been reported: no further check makes sense.
    pub(super) unknown: bool,
    /// What stands there, where the value is not this text: `007` is the number 7.
    pub(super) text: Option<String>,
    /// Whether a variable in quotes was filled in: its text is never a number, a Boolean or null.
    pub(super) quoted_variable: bool,
    pub(super) inner: Inner,
}

/// What a value contains.
#[derive(Clone, Debug, Default)]
pub(super) enum Inner {
    /// Nothing, or nothing with a place of its own: what an alias stands for has its places at the anchor.
    #[default]
    Nothing,
    Sequence(Vec<Place>),
    Mapping(HashMap<String, Place>),
}

impl Place {
    /// The places along an RFC 6901 pointer, from the root as far as they go, and whether they go all the way.
    pub(super) fn along(&self, pointer: &str) -> (Vec<&Place>, bool) {
        let mut path = vec![self];
        let mut here = self;
        for segment in segments(pointer) {
            let next = match &here.inner {
                Inner::Nothing => None,
                Inner::Sequence(items) => segment.parse::<usize>().ok().and_then(|index| items.get(index)),
                Inner::Mapping(entries) => entries.get(segment.as_str()),
            };
            let Some(next) = next else { return (path, false) };
            path.push(next);
            here = next;
        }
        (path, true)
    }

    /// Whether it, or anything in it, must not be shown.
    pub(super) fn holds_private(&self) -> bool {
        self.private
            || match &self.inner {
                Inner::Nothing => false,
                Inner::Sequence(items) => items.iter().any(Self::holds_private),
                Inner::Mapping(entries) => entries.values().any(Self::holds_private),
            }
    }
}

/// The unescaped segments of an RFC 6901 pointer.
pub(super) fn segments(pointer: &str) -> impl DoubleEndedIterator<Item = String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect::<Vec<_>>().into_iter()
}

/// `pointer` with one more segment.
pub fn join(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", segment.replace('~', "~0").replace('/', "~1"))
}
