//! The schema registry, by Confluent's API: writers' schemas by id, and output schemas registered under a subject.
//!
//! Workers never call the registry. They ask [`Registry::lookup`], which answers at once; one thread of the registry's own fetches what
//! is not known yet, so a registry that hangs holds up nothing but the events that need it.
//!
//! The client is ours: `schema_registry_converter` and `schema-registry-client` are asynchronous, bring reqwest, and couple the lookup
//! with a decoder of theirs; what caz needs of the API is three requests, and states (asked, not found, not reachable) that neither tells
//! apart. It stands on ureq, with the OpenSSL that librdkafka uses already.

mod client;
mod lookup;
mod schema;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

pub use lookup::{Lookup, Registry};

/// How a registry is reached, and how long events may wait for it.
#[derive(Clone)]
pub struct RegistrySettings {
    /// The base of its Confluent API, such as `http://localhost:8081`.
    pub url: String,
    /// Name and password for basic authentication.
    pub basic_auth: Option<(String, String)>,
    /// A PEM file with the certificates to trust; the system's without one.
    pub ca_file: Option<PathBuf>,
    /// How long one request may take, name resolution and all.
    pub request_timeout: Duration,
    /// How long an id may wait for a registry that does not answer.
    pub unreachable_wait: Duration,
    /// How long an id may wait that the registry says it does not have.
    pub not_found_wait: Duration,
}

impl std::fmt::Debug for RegistrySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.basic_auth.as_ref().map(|(user, _)| user);
        f.debug_struct("RegistrySettings")
            .field("url", &self.url)
            .field("user", &user)
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

/// Why the registry did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// It does not answer, or not as a registry does; another attempt may do.
    #[error("{0}")]
    Unavailable(String),
    /// It does not know the user, or takes none without a name; another attempt does no better.
    #[error("{0}")]
    Denied(String),
    /// It knows the user, who may not have this.
    #[error("{0}")]
    Forbidden(String),
    /// It has no such schema, subject or version.
    #[error("{0}")]
    NotFound(String),
    /// A new schema does not go with the subject's earlier ones.
    #[error("{0}")]
    Incompatible(String),
    /// It answered with a schema that cannot be used.
    #[error("{0}")]
    Unusable(String),
}
