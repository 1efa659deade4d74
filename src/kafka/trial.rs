//! What is wrong with client properties, found out before anything is connected.

use std::ptr;
use std::sync::LazyLock;

use rdkafka::bindings::rd_kafka_conf_properties_show;

use super::client::NativeConfig;
use super::error::copied;
use super::{ClientProperties, Consumer, Producer, PropertyFault, PropertyProblem};

/// A property that librdkafka has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProperty {
    /// Its name, or an alias.
    pub name: String,
    /// What it takes, such as `0 .. 3600000` or `true, false`; empty for any text.
    pub range: String,
    /// Whether it takes whole numbers only, where it takes numbers.
    is_whole: bool,
}

impl KnownProperty {
    /// Whether it takes numbers.
    pub fn is_number(&self) -> bool {
        self.limits().is_some()
    }

    fn limits(&self) -> Option<(&str, &str)> {
        self.range.split_once(" .. ")
    }

    /// What is wrong with a number of which librdkafka takes a part: the digits before a unit or an exponent, those after a zero for octal
    /// ones, the lowest 32 bits.
    fn misread(&self, value: &str) -> Option<&'static str> {
        let (least, most) = self.limits()?;
        let (least, most): (f64, f64) = (least.parse().ok()?, most.parse().ok()?);
        let value = value.trim();
        let number = value.parse::<f64>().ok().filter(|_| !self.is_whole || is_whole(value));
        match (number, self.is_whole) {
            (Some(number), _) if (least..=most).contains(&number) => None,
            (Some(_), _) => Some("the number is out of range"),
            (None, true) => Some("must be a whole number in decimal digits, without a unit"),
            (None, false) => Some("must be a number, without a unit"),
        }
    }
}

/// Whether all of a text is one integer to C's `strtol`, but for a fraction of zeros. A YAML number may have one: 1e5 is 100000.0.
fn is_whole(number: &str) -> bool {
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (digits, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits && (digits == "0" || !digits.starts_with('0')) && fraction.bytes().all(|byte| byte == b'0')
}

impl ClientProperties {
    /// What librdkafka, or caz, has against each property by itself. Nothing is connected, and no library of `plugin.library.paths` loaded.
    pub fn problems(&self) -> Vec<PropertyProblem> {
        let mut tried = self.clone();
        tried.remove("plugin.library.paths");
        let mut problems = NativeConfig::new(&tried, Vec::new()).err().map_or_else(Vec::new, |error| error.problems);
        for (name, value) in tried.iter() {
            let known = known_properties().iter().find(|property| property.name == name);
            let misread = known.and_then(|property| property.misread(value));
            if let Some(message) = misread.filter(|_| problems.iter().all(|problem| problem.name != name)) {
                problems.push(PropertyProblem { fault: PropertyFault::Value, ..PropertyProblem::new(name, message) });
            }
        }
        problems
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
        let is_whole = line.ends_with("*Type: integer*");
        (!is_heading).then(|| KnownProperty { name: name.to_owned(), range: range.to_owned(), is_whole })
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
