//! Client properties: what the `kafka:` section of a pipeline gives to librdkafka.

use std::fmt;

use crate::diagnostic::is_secret_key;

/// What is shown in place of a secret's value.
pub const MASK: &str = "***";

/// An ordered map of librdkafka properties. Its `Debug` shows no secret.
///
/// Setting a name again replaces its value in place.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientProperties {
    entries: Vec<(String, String)>,
}

impl ClientProperties {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a property and returns its former value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) -> Option<String> {
        let (name, value) = (name.into(), value.into());
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => Some(std::mem::replace(known, value)),
            None => {
                self.entries.push((name, value));
                None
            }
        }
    }

    /// [`set`](Self::set), for chains.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a property that has no value yet.
    pub fn set_default(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.set(name, value);
        }
    }

    /// The value of a property.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a property that is a number of bytes. As a YAML number it may have a fraction of zeros.
    pub fn bytes(&self, name: &str) -> Option<usize> {
        self.get(name)?.trim().split('.').next()?.parse().ok()
    }

    /// Takes a property out.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let index = self.entries.iter().position(|(known, _)| known == name)?;
        Some(self.entries.remove(index).1)
    }

    /// Names and values in the order they were first set. The values may be secrets: see [`is_secret_key`].
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The text with every secret value in it replaced by [`MASK`]: librdkafka quotes wrong values.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in self.iter() {
            if is_secret_key(name) && !value.is_empty() {
                text = text.replace(value, MASK);
            }
        }
        text
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for ClientProperties {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let mut properties = Self::new();
        for (name, value) in entries {
            properties.set(name, value);
        }
        properties
    }
}

impl fmt::Debug for ClientProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(name, value)| (name, if is_secret_key(name) { MASK } else { value }));
        f.debug_map().entries(shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_masks_secrets_and_keeps_order() {
        let properties = ClientProperties::new()
            .with("bootstrap.servers", "kafka:9092")
            .with("sasl.password", "hunter2")
            .with("ssl.key.pem", "-----BEGIN PRIVATE KEY-----")
            .with("bootstrap.servers", "kafka:9093");
        assert_eq!(format!("{properties:?}"), r#"{"bootstrap.servers": "kafka:9093", "sasl.password": "***", "ssl.key.pem": "***"}"#);
    }

    #[test]
    fn redacts_quoted_secrets() {
        let properties = ClientProperties::new().with("sasl.password", "hunter2").with("sasl.username", "sasl");
        assert_eq!(properties.redact("cannot use hunter2 of sasl.password"), "cannot use *** of sasl.password");
    }
}
