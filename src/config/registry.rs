//! The schema registry of a pipeline.

use std::fmt;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

use super::file::optional_path;
use super::values::HumanDuration;
use crate::registry::RegistrySettings;

/// The schema registry that knows the ids in the headers of events and scores: Confluent's, or one with its API.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrySection {
    /// The base of its Confluent API, such as `http://localhost:8081`; for Apicurio it ends with `/apis/ccompat/v7`.
    #[schemars(schema_with = "url")]
    pub url: String,
    /// The name for basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub username: Option<String>,
    /// The password for basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub password: Option<Secret>,
    /// A PEM file with the certificates to trust, instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "optional_path")]
    pub ca_file: Option<PathBuf>,
    /// How long one request may take.
    #[serde(default = "default_request_timeout")]
    pub request_timeout: HumanDuration,
    /// How long an event whose schema is not known yet keeps its place while the registry does not answer; then `on_error` says what
    /// becomes of it. Meanwhile the process is not ready, and the partitions without such events go on.
    #[serde(default = "default_unreachable_wait")]
    pub unreachable_wait: HumanDuration,
    /// The same while the registry answers that it has no schema of that id: it may be registered in this time.
    #[serde(default = "default_not_found_wait")]
    pub not_found_wait: HumanDuration,
}

impl RegistrySection {
    /// As the client takes them.
    pub fn settings(&self) -> RegistrySettings {
        let basic_auth = self.username.clone().zip(self.password.clone()).map(|(user, Secret(password))| (user, password));
        RegistrySettings {
            url: self.url.clone(),
            basic_auth,
            ca_file: self.ca_file.clone(),
            request_timeout: self.request_timeout.get(),
            unreachable_wait: self.unreachable_wait.get(),
            not_found_wait: self.not_found_wait.get(),
        }
    }
}

/// A value that is never shown: `Debug` and `Serialize` show `***`.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(transparent)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

fn url(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "title": "a URL that begins with http:// or https://",
        "pattern": r"^https?://[^/\s]",
        "examples": ["http://localhost:8081"],
    })
}

pub(super) fn default_request_timeout() -> HumanDuration {
    HumanDuration::from_millis(5_000)
}

fn default_unreachable_wait() -> HumanDuration {
    HumanDuration::from_millis(300_000)
}

fn default_not_found_wait() -> HumanDuration {
    HumanDuration::from_millis(1_000)
}
