//! What a user may do, as Kafka's access control calls it.

use std::fmt;

/// An operation on a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// Such as `Read`.
    pub operation: &'static str,
    /// Such as ``topic `quotes` ``.
    pub resource: String,
}

impl Right {
    /// An operation on a topic.
    pub(super) fn on_topic(operation: &'static str, topic: &str) -> Self {
        Self { operation, resource: format!("topic `{topic}`") }
    }

    /// Reading the offsets of a consumer group, and being its member.
    pub(super) fn in_group(group: &str) -> Self {
        Self { operation: "Read", resource: format!("group `{group}`") }
    }

    /// Writing under a transactional id.
    pub(super) fn as_transactional_id(id: &str) -> Self {
        Self { operation: "Write", resource: format!("transactional id `{id}`") }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the operation {} on {}", self.operation, self.resource)
    }
}
