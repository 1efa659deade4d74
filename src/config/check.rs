//! What the form of the pipeline file cannot say: rules between values.
//!
//! Each rule looks at the values that it needs, so that a mistake in one hides no mistake in another.

use super::{
    Format, Framing,
    file::{Batch, Delivery, Guarantee, default_max_event_size, default_shutdown_timeout},
    kafka::{KafkaProperties, reserved},
    registry::default_request_timeout,
    values::{ByteSize, HumanDuration},
};
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics, Document, join, nearest, shown_part},
    kafka::{ClientProperties, MOST_RECORD_BYTES, PropertyFault, PropertyProblem, conflicts, known_properties},
};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// The largest record that librdkafka takes.
const LARGEST_EVENT: ByteSize = ByteSize::from_bytes(MOST_RECORD_BYTES as u64);

/// The shortest transaction timeout that librdkafka takes.
const SHORTEST_TRANSACTION_TIMEOUT: HumanDuration = HumanDuration::from_millis(1_000);

/// Where the consumer group stands, which librdkafka knows as `group.id`.
const GROUP: &str = "/input/group";

/// Where the transaction timeout stands, which librdkafka knows as `transaction.timeout.ms`.
const TRANSACTION_TIMEOUT: &str = "/delivery/transaction_timeout";

/// Reports what breaks a rule.
pub(super) fn rules(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    distinct_topics(document, diagnostics);
    event_size(document, diagnostics);
    delivery_times(document, diagnostics);
    timeouts(document, diagnostics);
    kafka_properties(document, diagnostics);
    framings(document, diagnostics);
    registry_auth(document, diagnostics);
}

/// A framing needs what it names schemas with.
fn framings(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let registry = is_given(document, "/registry");
    for end in ["/input", "/output"] {
        let pointer = format!("{end}/framing");
        let framing = given(document, &pointer, Framing::None);
        let format = given(document, &format!("{end}/format"), Format::default());
        let (Some(framing), Some(format)) = (framing, format) else { continue };
        let wrong = match (framing, format) {
            (Framing::SingleObject, Format::Json | Format::AvroJson) => {
                Some(("single-object encoding is Avro's own", "use `format: avro`, or no framing"))
            }
            // To the output the format itself is a mistake, which is reported.
            (framing, Format::Xdm | Format::XdmEntity) if framing != Framing::None && end == "/input" => {
                Some(("XDM has an envelope of its own, and no header", "leave `framing` out"))
            }
            (Framing::Confluent | Framing::Apicurio, Format::Json | Format::AvroJson) if end == "/output" => {
                Some(("scores in JSON have no schema that a registry could know", "use `format: avro`, or no framing"))
            }
            (Framing::Confluent | Framing::Apicurio, Format::Avro) if !registry => {
                Some(("a header with an id needs a registry that knows it", "add `registry: {url: ...}`"))
            }
            _ => None,
        };
        if let Some((message, help)) = wrong {
            diagnostics.push(Diagnostic::error(Code::WrongValue, message).at(document, &pointer).help(help));
        }
    }
    let pointer = "/input/writer_schemas";
    let has_files = document.value().pointer(pointer).and_then(Value::as_array).is_some_and(|files| !files.is_empty());
    if has_files && given(document, "/input/framing", Framing::None).is_some_and(|framing| framing != Framing::SingleObject) {
        let message = "`writer_schemas` are for `framing: single_object`";
        let help = "with `confluent` and `apicurio` the registry knows them; without a framing events have the dataset schema";
        diagnostics.push(Diagnostic::error(Code::WrongValue, message).at(document, pointer).help(help));
    }
}

fn registry_auth(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let missing = match (is_given(document, "/registry/username"), is_given(document, "/registry/password")) {
        (true, false) => "password",
        (false, true) => "username",
        _ => return,
    };
    let message = format!("basic authentication needs `{missing}` too");
    diagnostics.push(Diagnostic::error(Code::MissingKey, message).at(document, "/registry"));
}

/// The value at a pointer, or the default when it is left out; nothing when it has a mistake of form, which is reported elsewhere.
pub(super) fn given<T: DeserializeOwned + JsonSchema>(document: &Arc<Document>, pointer: &str, default: T) -> Option<T> {
    if is_given(document, pointer) || document.is_unknown(pointer) {
        return document.read_without_nulls(pointer, &mut Diagnostics::new());
    }
    Some(default)
}

/// Whether there is a value at a pointer: null stands for none.
fn is_given(document: &Document, pointer: &str) -> bool {
    document.value().pointer(pointer).is_some_and(|value| !value.is_null())
}

/// The text at a pointer, also where a variable's looks like a number.
fn text<'d>(document: &'d Document, pointer: &str) -> Option<&'d str> {
    let written = || document.is_private(pointer).then(|| document.written(pointer)).flatten();
    document.value().pointer(pointer).and_then(Value::as_str).or_else(written)
}

/// Scores or dead letters in the input topic would be read as events, again and again.
fn distinct_topics(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let topics = ["/input/topic", "/output/topic", "/dead_letters/topic"];
    let name = |pointer: &str| text(document, pointer).filter(|_| !document.is_unknown(pointer));
    for (index, pointer) in topics.into_iter().enumerate() {
        let same = topics[..index].iter().find(|earlier| name(pointer).is_some() && name(earlier) == name(pointer));
        if let Some(earlier) = same {
            let message = format!("{} is the same topic as {}", dotted(pointer), dotted(earlier));
            let diagnostic = Diagnostic::error(Code::WrongValue, message).at(document, pointer);
            diagnostics.push(diagnostic.help("events, scores and dead letters each need a topic of their own"));
        }
    }
}

fn event_size(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let pointer = "/input/max_event_size";
    let size = given(document, pointer, default_max_event_size());
    if size.is_some_and(|size| !(ByteSize::from_bytes(1)..=LARGEST_EVENT).contains(&size)) {
        let message = format!("`max_event_size` must be from 1B to {LARGEST_EVENT}");
        diagnostics.push(Diagnostic::error(Code::WrongValue, message).at(document, pointer));
    }
}

fn delivery_times(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let [interval_at, timeout_at, linger_at] = ["/delivery/commit_interval", TRANSACTION_TIMEOUT, "/batch/linger"];
    let defaults = Delivery::default();
    let interval = given(document, interval_at, defaults.commit_interval);
    let timeout = given(document, timeout_at, defaults.transaction_timeout);
    let linger = given(document, linger_at, Batch::default().linger);
    if interval.is_some_and(is_zero) {
        let diagnostic = Diagnostic::error(Code::WrongValue, "`commit_interval` must be longer than 0");
        diagnostics.push(diagnostic.at(document, interval_at).help("a drained input commits at once, whatever the interval"));
    }
    let Some(timeout) = timeout else { return };
    if timeout < SHORTEST_TRANSACTION_TIMEOUT {
        let message = format!("`transaction_timeout` must be at least {SHORTEST_TRANSACTION_TIMEOUT}");
        diagnostics.push(Diagnostic::error(Code::WrongValue, message).at(document, timeout_at));
    } else if let Some(interval) = interval.filter(|interval| timeout <= *interval) {
        let message = "`transaction_timeout` must be longer than `commit_interval`, or the broker aborts what is about to commit";
        // At the one of the two that is in the file.
        let place = if is_given(document, timeout_at) { timeout_at } else { interval_at };
        let diagnostic = Diagnostic::error(Code::WrongValue, message).at(document, place);
        diagnostics.push(diagnostic.label(format!("a timeout of {timeout} against a commit interval of {interval}")));
    }
    if linger.is_some_and(|linger| linger >= timeout) {
        let diagnostic = Diagnostic::error(Code::WrongValue, "`linger` must be shorter than `delivery.transaction_timeout`");
        diagnostics.push(diagnostic.at(document, linger_at).label(format!("against a timeout of {timeout}")));
    }
}

fn timeouts(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let timeouts = [("/shutdown_timeout", default_shutdown_timeout()), ("/registry/request_timeout", default_request_timeout())];
    for (pointer, default) in timeouts {
        if given(document, pointer, default).is_some_and(is_zero) {
            let name = pointer.rsplit('/').next().unwrap_or_default();
            diagnostics.push(Diagnostic::error(Code::WrongValue, format!("`{name}` must be longer than 0")).at(document, pointer));
        }
    }
}

fn is_zero(duration: HumanDuration) -> bool {
    duration.get() == Duration::ZERO
}

fn kafka_properties(document: &Arc<Document>, diagnostics: &mut Diagnostics) {
    let properties = document.value().get("kafka").and_then(Value::as_object);
    for property in properties.into_iter().flat_map(serde_json::Map::keys) {
        if let Some(reason) = reserved(property) {
            let diagnostic = Diagnostic::error(Code::KafkaProperty, format!("caz sets `{property}` itself: {reason}"));
            diagnostics.push(diagnostic.at_key(document, &join("/kafka", property)).help("remove this line"));
        }
    }
    let is_free = |name: &str| reserved(name).is_none();
    let known = known_properties();
    for name in properties.into_iter().flatten().filter(|(_, value)| value.is_null()).map(|(name, _)| name) {
        // A property without a value is as if it were left out, but for a name that is none.
        if is_free(name) && !known.iter().any(|property| property.name == *name) {
            diagnostics.push(unknown(document, name));
        }
    }
    // Those that have a form: a mistake in another hides none in them.
    let is_formed = |name: &str, value: &Value| {
        is_free(name)
            && !document.is_unknown(&join("/kafka", name))
            && !matches!(value, Value::Null | Value::Array(_) | Value::Object(_))
            && *value != ""
    };
    let formed = properties.into_iter().flatten().filter(|(name, value)| is_formed(name, value));
    let formed = Value::Object(formed.map(|(name, value)| (name.clone(), value.clone())).collect());
    let Ok(properties) = serde_json::from_value::<KafkaProperties>(formed) else { return };
    let properties = properties.written_in(document);
    let tried: ClientProperties = properties.iter().collect();
    let mut consumer = tried.clone();
    // One that is missing is told by the form.
    consumer.set("group.id", text(document, GROUP).filter(|group| !group.is_empty()).unwrap_or("caz"));
    let mut problems = consumer.problems();
    if problems.is_empty() {
        problems = conflicts(&consumer, &producer(document, tried));
    }
    problems.iter().for_each(|problem| diagnostics.push(refused(document, problem)));
}

/// The properties of a worker's producer, as far as the rest of the file tells them.
fn producer(document: &Arc<Document>, mut properties: ClientProperties) -> ClientProperties {
    let delivery = Delivery::default();
    let timeout = given(document, TRANSACTION_TIMEOUT, delivery.transaction_timeout);
    let guarantee = given(document, "/delivery/guarantee", delivery.guarantee);
    if let (Some(timeout), Some(Guarantee::ExactlyOnce)) = (timeout.filter(|timeout| *timeout >= SHORTEST_TRANSACTION_TIMEOUT), guarantee) {
        properties.set("transactional.id", "caz");
        properties.set("transaction.timeout.ms", timeout.get().as_millis().to_string());
    }
    properties
}

/// What there is to say against a property.
fn refused(document: &Arc<Document>, problem: &PropertyProblem) -> Diagnostic {
    let PropertyProblem { name, fault, message } = problem;
    let refuse = |message| Diagnostic::error(Code::KafkaProperty, message);
    if name.is_empty() {
        return refuse(message.clone()).at_key(document, &mentioned(document, message));
    }
    let (shown, pointer) = place(name);
    let value = document.value().pointer(&pointer).and_then(Value::as_str).filter(|value| !value.is_empty());
    let may_quote = *fault == PropertyFault::Value || value.is_some_and(|value| message.contains(value));
    let known = known_properties();
    match fault {
        PropertyFault::Unknown => unknown(document, name),
        _ if may_quote && document.is_private(&pointer) => {
            refuse(format!("`{shown}` has a value that cannot be used, and is not shown")).at(document, &pointer)
        }
        PropertyFault::Value => {
            let wrong = refuse(format!("`{shown}`: {message}")).at(document, &pointer);
            match known.iter().find(|property| property.name == *name && !property.range.is_empty()) {
                Some(property) => wrong.help(format!("it takes {}", property.range)),
                None => wrong,
            }
        }
        // It may be one that is missing.
        PropertyFault::Rule => refuse(format!("`{shown}`: {message}")).at_key(document, &pointer),
    }
}

/// A property that librdkafka does not have.
fn unknown(document: &Arc<Document>, name: &str) -> Diagnostic {
    let shown = shown_part(name);
    let message = format!("librdkafka has no property `{shown}`");
    let unknown = Diagnostic::error(Code::KafkaProperty, message).at_key(document, &join("/kafka", name));
    if shown.len() < name.len() {
        return unknown.label("a blank is missing behind the colon");
    }
    let known = known_properties();
    let allowed = known.iter().map(|property| property.name.as_str()).filter(|name| reserved(name).is_none());
    match nearest(name, allowed) {
        Some(near) => unknown.label(format!("did you mean `{near}`?")),
        None => unknown.help("its CONFIGURATION.md lists them; they are written in lower case"),
    }
}

/// What the file calls a property of librdkafka, and where it stands there.
fn place(property: &str) -> (&str, String) {
    match property {
        "group.id" => ("input.group", GROUP.to_owned()),
        "transaction.timeout.ms" => ("delivery.transaction_timeout", TRANSACTION_TIMEOUT.to_owned()),
        property => (property, join("/kafka", property)),
    }
}

/// Where the first property stands that the file has of those in a message.
fn mentioned(document: &Arc<Document>, message: &str) -> String {
    let mut places = message.split('`').skip(1).step_by(2).map(|property| place(property).1);
    places.find(|pointer| document.value().pointer(pointer).is_some()).unwrap_or_else(|| "/kafka".to_owned())
}

/// "`output.topic`"
fn dotted(pointer: &str) -> String {
    format!("`{}`", pointer.trim_start_matches('/').replace('/', "."))
}
