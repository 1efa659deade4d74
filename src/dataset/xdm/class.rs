//! What Adobe defines and schemas refer to by its address: the class ExperienceEvent and the field group of identities.

use std::sync::LazyLock;

use serde_json::{Value, json};

/// The class of events.
pub(super) const EXPERIENCE_EVENT: &str = "https://ns.adobe.com/xdm/context/experienceevent";
/// The field group of identities.
const IDENTITY_MAP: &str = "https://ns.adobe.com/xdm/context/identitymap";

/// Fields that ExperienceEvent requires, by the two names that an event may write each by.
pub(super) const REQUIRED: [[&str; 2]; 2] = [["_id", "@id"], ["timestamp", "xdm:timestamp"]];

static CLASS: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "_id": {"type": "string", "description": "A unique name of the event."},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "eventType": {"type": "string", "description": "What happened."},
            "producedBy": {"type": "string", "description": "Who caused it."},
        },
    })
});

static IDENTITIES: LazyLock<Value> = LazyLock::new(|| {
    let identity = json!({
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "authenticatedState": {"type": "string", "enum": ["ambiguous", "authenticated", "loggedOut"]},
            "primary": {"type": "boolean"},
        },
    });
    json!({
        "type": "object",
        "properties": {
            "identityMap": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": identity},
                "description": "The identities of whom the event is about, by namespace.",
            },
        },
    })
});

/// The schema at an address of Adobe's; none for one that is not known here.
pub(super) fn defined(address: &str) -> Option<&'static Value> {
    match address.trim_end_matches('#') {
        EXPERIENCE_EVENT => Some(&CLASS),
        IDENTITY_MAP => Some(&IDENTITIES),
        _ => None,
    }
}
