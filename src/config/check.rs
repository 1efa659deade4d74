//! What the form of the pipeline file cannot say: rules between values.
//!
//! Each rule looks at the sections that it needs, so that a mistake in one section hides no mistake in another.

use super::{
    file::{Batch, DeadLetters, Delivery, Input, Output},
    kafka::reserved,
    values::{ByteSize, HumanDuration},
};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document, join};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};

/// The largest record that librdkafka takes.
const LARGEST_EVENT: ByteSize = ByteSize::from_bytes(1_000_000_000);

/// The shortest transaction timeout that librdkafka takes.
const SHORTEST_TRANSACTION_TIMEOUT: HumanDuration = HumanDuration::from_millis(1_000);

/// Reports what breaks a rule.
pub(super) fn rules(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    distinct_topics(document, diagnostics);
    event_size(document, diagnostics);
    delivery_times(document, diagnostics);
    shutdown_timeout(document, diagnostics);
    kafka_properties(document, diagnostics);
}

/// A section, when it has no mistakes of form; those are reported elsewhere. A section that is left out has its defaults.
fn section<T: DeserializeOwned + JsonSchema>(document: &Arc<Document>, pointer: &str) -> Option<T> {
    document.read_as(pointer, &mut Diagnostics::new())
}

/// Scores or dead letters in the input topic would be read as events, again and again.
fn distinct_topics(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let topics = [
        ("/input/topic", section::<Input>(document, "/input").map(|input| input.topic)),
        ("/output/topic", section::<Output>(document, "/output").map(|output| output.topic)),
        ("/dead_letters/topic", section::<DeadLetters>(document, "/dead_letters").map(|dead_letters| dead_letters.topic)),
    ];
    for (index, (pointer, topic)) in topics.iter().enumerate() {
        let same = topics[..index].iter().find(|(_, earlier)| topic.is_some() && earlier == topic);
        if let Some((earlier, _)) = same {
            let message = format!("{} is the same topic as {}", dotted(pointer), dotted(earlier));
            let diagnostic = Diagnostic::error(Code::WrongValue, message).at(document, pointer);
            diagnostics.push(diagnostic.help("events, scores and dead letters each need a topic of their own"));
        }
    }
}

fn event_size(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let Some(input) = section::<Input>(document, "/input") else { return };
    if !(ByteSize::from_bytes(1)..=LARGEST_EVENT).contains(&input.max_event_size) {
        let message = format!("`max_event_size` must be from 1B to {LARGEST_EVENT}");
        diagnostics.push(Diagnostic::error(Code::WrongValue, message).at(document, "/input/max_event_size"));
    }
}

fn delivery_times(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let Some(delivery) = section::<Delivery>(document, "/delivery") else { return };
    let timeout = delivery.transaction_timeout;
    if delivery.commit_interval.get() == Duration::ZERO {
        let diagnostic = Diagnostic::error(Code::WrongValue, "`commit_interval` must be longer than 0");
        diagnostics
            .push(diagnostic.at(document, "/delivery/commit_interval").help("a drained input commits at once, whatever the interval"));
    }
    if timeout < SHORTEST_TRANSACTION_TIMEOUT {
        let message = format!("`transaction_timeout` must be at least {SHORTEST_TRANSACTION_TIMEOUT}");
        diagnostics.push(Diagnostic::error(Code::WrongValue, message).at(document, "/delivery/transaction_timeout"));
    } else if timeout <= delivery.commit_interval {
        let message = "`transaction_timeout` must be longer than `commit_interval`, or the broker aborts what is about to commit";
        // At the one of the two that is in the file.
        let pointer =
            ["/delivery/transaction_timeout", "/delivery/commit_interval"].into_iter().find(|at| document.value().pointer(at).is_some());
        let diagnostic = Diagnostic::error(Code::WrongValue, message).at(document, pointer.unwrap_or("/delivery"));
        diagnostics.push(diagnostic.label(format!("{timeout} against a commit interval of {}", delivery.commit_interval)));
    }
    let Some(batch) = section::<Batch>(document, "/batch") else { return };
    if batch.linger >= timeout {
        let diagnostic = Diagnostic::error(Code::WrongValue, "`linger` must be shorter than `delivery.transaction_timeout`");
        diagnostics.push(diagnostic.at(document, "/batch/linger").label(format!("against a timeout of {timeout}")));
    }
}

fn shutdown_timeout(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let pointer = "/shutdown_timeout";
    let zero = document
        .value()
        .pointer(pointer)
        .and_then(|_| section::<HumanDuration>(document, pointer))
        .is_some_and(|time| time.get() == Duration::ZERO);
    if zero {
        diagnostics.push(Diagnostic::error(Code::WrongValue, "`shutdown_timeout` must be longer than 0").at(document, pointer));
    }
}

fn kafka_properties(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let properties = document.value().get("kafka").and_then(serde_json::Value::as_object);
    for property in properties.into_iter().flat_map(serde_json::Map::keys) {
        if let Some(reason) = reserved(property) {
            let diagnostic = Diagnostic::error(Code::KafkaProperty, format!("caz sets `{property}` itself: {reason}"));
            diagnostics.push(diagnostic.at_key(document, &join("/kafka", property)).help("remove this line"));
        }
    }
}

/// "`output.topic`"
fn dotted(pointer: &str) -> String {
    format!("`{}`", pointer.trim_start_matches('/').replace('/', "."))
}
