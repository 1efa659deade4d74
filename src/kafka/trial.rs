//! What is wrong with client properties, found out before anything is connected.

use std::ptr;
use std::sync::LazyLock;

use rdkafka::bindings::rd_kafka_conf_properties_show;

use super::client::NativeConfig;
use super::error::copied;
use super::{ClientProperties, Consumer, Producer, PropertyProblem};

/// A property that librdkafka has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProperty {
    /// Its name, or an alias.
    pub name: String,
    /// What it takes, such as `0 .. 3600000` or `true, false`; empty for any text.
    pub range: String,
}

impl ClientProperties {
    /// What librdkafka, or caz, has against each property by itself. Nothing is connected, and no library of `plugin.library.paths` loaded.
    pub fn problems(&self) -> Vec<PropertyProblem> {
        let mut tried = self.clone();
        tried.remove("plugin.library.paths");
        NativeConfig::new(&tried, Vec::new()).err().map_or_else(Vec::new, |error| error.problems)
    }
}

/// What librdkafka has against the properties of a consumer and of a producer together. It tells so when a client is made: so one of each is,
/// without brokers to connect to, and without what it would read keys, tokens and libraries for.
pub fn conflicts(consumer: &ClientProperties, producer: &ClientProperties) -> Vec<PropertyProblem> {
    let consumer = Consumer::new(&offline(consumer), "").err();
    let producer = Producer::new(&offline(producer)).err();
    let mut problems: Vec<PropertyProblem> = Vec::new();
    for problem in [consumer, producer].into_iter().flatten().flat_map(|error| error.problems) {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

fn offline(properties: &ClientProperties) -> ClientProperties {
    const OUTWARD: [&str; 2] = ["bootstrap.servers", "metadata.broker.list"];
    const SECURITY: [&str; 7] = ["security.", "ssl.", "sasl.", "https.", "enable.ssl.", "enable.sasl.", "plugin."];
    let stays = |name: &str| !OUTWARD.contains(&name) && !SECURITY.iter().any(|prefix| name.starts_with(prefix));
    let kept: ClientProperties = properties.iter().filter(|(name, _)| stays(name)).collect();
    // That no broker is known would be warned of.
    kept.with("log_level", "0")
}

/// All properties that librdkafka has, aliases too, as it lists them itself.
pub fn known_properties() -> &'static [KnownProperty] {
    static KNOWN: LazyLock<Vec<KnownProperty>> = LazyLock::new(read_properties);
    &KNOWN
}

fn read_properties() -> Vec<KnownProperty> {
    let columns = |line: &str| -> Option<KnownProperty> {
        let mut columns = line.split('|').map(str::trim);
        let (name, _roles, range) = (columns.next()?, columns.next()?, columns.next()?);
        let is_heading = name == "Property" || name.starts_with('-');
        (!is_heading).then(|| KnownProperty { name: name.to_owned(), range: range.to_owned() })
    };
    listed().lines().filter_map(columns).collect()
}

/// librdkafka's table of its properties; empty without memory for it.
fn listed() -> String {
    let (mut text, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the stream writes the two locals, which outlive it, until it is closed; closed, `text` is a terminated string that is ours to free.
    unsafe {
        let stream = libc::open_memstream(&raw mut text, &raw mut size);
        if stream.is_null() {
            return String::new();
        }
        rd_kafka_conf_properties_show(stream.cast());
        libc::fclose(stream);
        let listed = copied(text);
        libc::free(text.cast());
        listed
    }
}
