//! The requests of Confluent's API that caz makes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

use super::{RegistryError, RegistrySettings};
use crate::https::{self, percent_encoded};

/// The most bytes of an answer that are read.
const MAX_ANSWER_BYTES: u64 = 8 << 20;
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// A connection to a registry; requests block, at most for the settings' timeout.
pub(super) struct Client {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

/// A schema as the registry tells it.
#[derive(Debug, Deserialize)]
pub(super) struct SchemaAnswer {
    pub(super) schema: String,
    #[serde(rename = "schemaType")]
    pub(super) schema_type: Option<String>,
    #[serde(default)]
    pub(super) references: Vec<Reference>,
}

/// A schema that another one names.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) subject: String,
    pub(super) version: i64,
}

#[derive(Deserialize)]
struct IdAnswer {
    id: u32,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorAnswer {
    error_code: u32,
    message: String,
}

impl Client {
    /// # Errors
    /// When the URL is none, or the file of certificates cannot be read.
    pub(super) fn new(settings: &RegistrySettings) -> Result<Self, RegistryError> {
        let url = &settings.url;
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        match rest.filter(|rest| !rest.is_empty() && !rest.starts_with('/')) {
            None => return Err(RegistryError::Settings("the registry's `url` must begin with http:// or https://".into())),
            // Also behind the first `/`, which a password may have: messages show the URL.
            Some(rest) if rest.contains('@') => {
                return Err(RegistryError::Settings("the registry's `url` must hold no password: use `username` and `password`".into()));
            }
            Some(_) => {}
        }
        let agent = https::agent(settings.ca_file.as_deref(), settings.request_timeout).map_err(RegistryError::Settings)?;
        let authorization =
            settings.basic_auth.as_ref().map(|(user, password)| format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
        Ok(Self { agent, base: url.trim_end_matches('/').to_owned(), authorization })
    }

    /// Asks for nothing that matters, to know whether the registry lets the user in; one that does not answer may yet.
    pub(super) fn knock(&self) -> Result<(), RegistryError> {
        match self.get::<Value>("/schemas/types") {
            Err(denied @ RegistryError::Denied(_)) => Err(denied),
            _ => Ok(()),
        }
    }

    /// The schema of an id.
    pub(super) fn schema(&self, id: u64) -> Result<SchemaAnswer, RegistryError> {
        self.get(&format!("/schemas/ids/{id}"))
    }

    /// The schema that a reference names.
    pub(super) fn referenced(&self, reference: &Reference) -> Result<SchemaAnswer, RegistryError> {
        self.get(&format!("/subjects/{}/versions/{}", percent_encoded(&reference.subject), reference.version))
    }

    /// Registers a schema under a subject, unless it is there already, and tells its id.
    pub(super) fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        let body = json!({ "schema": schema });
        match self.post::<IdAnswer>(&format!("/subjects/{}/versions", percent_encoded(subject)), &body) {
            Err(RegistryError::Incompatible(why)) => {
                let details = self.differences(subject, &body);
                Err(RegistryError::Incompatible(if details.is_empty() { why } else { details.join("\n") }))
            }
            answer => Ok(answer?.id),
        }
    }

    /// The id of a schema that is registered under a subject.
    pub(super) fn registered(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        self.post::<IdAnswer>(&format!("/subjects/{}", percent_encoded(subject)), &json!({ "schema": schema })).map(|answer| answer.id)
    }

    /// What of a schema does not go with the subject's latest, in the registry's words; nothing when it does not say.
    fn differences(&self, subject: &str, body: &Value) -> Vec<String> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            messages: Vec<String>,
        }
        let path = format!("/compatibility/subjects/{}/versions/latest?verbose=true", percent_encoded(subject));
        self.post::<Answer>(&path, body).map(|answer| answer.messages).unwrap_or_default()
    }

    fn get<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T, RegistryError> {
        let mut request = self.agent.get(format!("{}{path}", self.base)).header("Accept", MEDIA_TYPE);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        self.answer(request.call())
    }

    fn post<T: for<'de> Deserialize<'de>>(&self, path: &str, body: &Value) -> Result<T, RegistryError> {
        let mut request = self.agent.post(format!("{}{path}", self.base)).header("Accept", MEDIA_TYPE).header("Content-Type", MEDIA_TYPE);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        self.answer(request.send(body.to_string()))
    }

    fn answer<T: for<'de> Deserialize<'de>>(&self, response: Result<Response<ureq::Body>, ureq::Error>) -> Result<T, RegistryError> {
        let unavailable = |why: &dyn std::fmt::Display| RegistryError::Unavailable(format!("the schema registry at {}: {why}", self.base));
        let (status, bytes) = https::read(response, MAX_ANSWER_BYTES).map_err(|why| unavailable(&why))?;
        if (200..300).contains(&status) {
            return serde_json::from_slice(&bytes).map_err(|error| unavailable(&format!("not a registry's answer: {error}")));
        }
        // An error without a code of the registry's own is a proxy's, or of something that is no registry.
        let error: ErrorAnswer = serde_json::from_slice(&bytes).unwrap_or_default();
        match (status, error.error_code) {
            (404, 40_401..=40_403) => Err(RegistryError::NotFound(error.message)),
            (409, _) => Err(RegistryError::Incompatible(error.message)),
            (422, _) => Err(RegistryError::Unusable(error.message)),
            (401 | 403, _) => {
                let why = if error.message.is_empty() { "without a reason" } else { error.message.as_str() };
                let said = |refuses: &str, mend: &str| {
                    format!("the schema registry at {} {refuses}: status {status}, {why}. Mend: {mend}", self.base)
                };
                Err(match status {
                    401 => RegistryError::Denied(said("refuses the user", "see to `registry.username` and `registry.password`")),
                    _ => RegistryError::Forbidden(said("keeps this from the user", "grant the user its subject, to read or to write")),
                })
            }
            _ if error.message.is_empty() => Err(unavailable(&format!("status {status}"))),
            _ => Err(unavailable(&format!("status {status}: {}", error.message))),
        }
    }
}
