//! Tokens for SASL OAUTHBEARER: of an OAuth 2.0 token endpoint, by client credentials, or from a file.
//!
//! librdkafka can ask an endpoint by itself only when it is built with curl, which caz is not. The properties are the ones it has for
//! that; a `file:` URL, as Kafka's Java clients take it, names a file that somebody else keeps fresh, such as Kubernetes' projected token.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::Deserialize;
use serde_json::Value;
use ureq::Agent;

use super::{ClientProperties, MASK, PropertyProblem};
use crate::files;
use crate::https::{self, percent_encoded};

/// How long one request for a token may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest token, and the largest answer of an endpoint.
const MAX_TOKEN_BYTES: u64 = 64 << 10;
/// A token with less life left than this is not handed out again.
const SPENT_MS: i64 = 1_000;

const METHOD: &str = "sasl.oauthbearer.method";
const URL: &str = "sasl.oauthbearer.token.endpoint.url";
const ID: &str = "sasl.oauthbearer.client.id";
const SECRET: &str = "sasl.oauthbearer.client.secret";

/// A token, and what librdkafka must know of it.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) value: String,
    /// Who it is of, by its claim `sub`.
    pub(super) principal: String,
    /// When it is over, milliseconds since the epoch.
    pub(super) expires_ms: i64,
}

/// Where a client's tokens come from. Nothing of it is shown: there is no `Debug`.
pub(super) struct TokenSource {
    origin: Origin,
    /// Names and values in turn, for the broker.
    pub(super) extensions: Vec<String>,
    last: Mutex<Option<Token>>,
}

enum Origin {
    File(PathBuf),
    Endpoint { agent: Agent, url: String, client: String, secret: String, scope: Option<String> },
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: Option<String>,
    /// A number of seconds, which some endpoints write as text.
    expires_in: Value,
    error: Option<String>,
    error_description: Option<String>,
}

impl Answer {
    fn token(&self) -> Result<Token, String> {
        let lives = self.expires_in.as_f64().or_else(|| self.expires_in.as_str()?.parse().ok());
        Token::new(self.access_token.as_deref().unwrap_or_default(), lives)
    }
}

impl TokenSource {
    /// Takes what is caz's to do out of the properties; nothing unless the mechanism is OAUTHBEARER.
    pub(super) fn take(properties: &mut ClientProperties, problems: &mut Vec<PropertyProblem>) -> Option<Self> {
        let mechanism = properties.get("sasl.mechanism").or_else(|| properties.get("sasl.mechanisms"));
        let without_signature = properties.get("enable.sasl.oauthbearer.unsecure.jwt") == Some("true");
        if mechanism != Some("OAUTHBEARER") || without_signature {
            return None;
        }
        let known = problems.len();
        let mut problem = |name: &str, message: &str| problems.push(PropertyProblem::new(name, message));
        if properties.remove(METHOD).as_deref() != Some("oidc") {
            problem(METHOD, "must be `oidc` for OAUTHBEARER");
        }
        if properties.remove("sasl.oauthbearer.grant.type").is_some_and(|grant| grant != "client_credentials") {
            problem("sasl.oauthbearer.grant.type", "must be `client_credentials`, or left out");
        }
        let mut take = |names: [&str; 2]| names.map(|name| properties.remove(name)).into_iter().flatten().next();
        let client = take([ID, "sasl.oauthbearer.client.credentials.client.id"]);
        let secret = take([SECRET, "sasl.oauthbearer.client.credentials.client.secret"]);
        let scope = take(["sasl.oauthbearer.scope", ""]);
        let extensions = take(["sasl.oauthbearer.extensions", ""]).unwrap_or_default();
        let ca_file = take(["https.ca.location", ""]).map(PathBuf::from);
        let url = take([URL, ""]).unwrap_or_default();
        let extensions: Option<Vec<_>> = extensions.split_terminator(',').map(|pair| pair.split_once('=')).collect();
        let Some(extensions) = extensions else {
            problem("sasl.oauthbearer.extensions", "must be `name=value`, several separated by commas");
            return None;
        };
        let origin = if let Some(path) = url.strip_prefix("file://") {
            if client.is_some() || secret.is_some() {
                problem(ID, "is for a token endpoint; a token from a file needs no client");
            }
            if !path.starts_with('/') {
                problem(URL, "must name a file by its whole path: `file:///...`");
            }
            Some(Origin::File(path.into()))
        } else {
            if !(url.starts_with("https://") || url.starts_with("http://")) {
                problem(URL, "is needed for OAUTHBEARER: the token endpoint, `https://...`, or a file with a token, `file:///...`");
            }
            // Also behind the first `/`, which a password may have: messages show the URL.
            if url.contains('@') {
                problem(URL, &format!("must hold no password: use `{ID}` and `{SECRET}`"));
            }
            for (name, value) in [(ID, &client), (SECRET, &secret)] {
                if value.is_none() {
                    problem(name, "is needed at a token endpoint");
                }
            }
            let agent = https::agent(ca_file.as_deref(), TIMEOUT).map_err(|why| problem("https.ca.location", &why)).ok();
            agent.zip(client).zip(secret).map(|((agent, client), secret)| Origin::Endpoint { agent, url, client, secret, scope })
        };
        let extensions = extensions.into_iter().flat_map(|(name, value)| [name.to_owned(), value.to_owned()]).collect();
        let origin = origin.filter(|_| problems.len() == known)?;
        Some(Self { origin, extensions, last: Mutex::default() })
    }

    /// A token with life left: a new one, or the last one while a new one is not to be had. Blocks for at most 10 s.
    ///
    /// # Errors
    /// When there is none, with what to mend.
    pub(super) fn token(&self) -> Result<Token, String> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.fetch(), &*last) {
            (Ok(token), _) => Ok(last.insert(token).clone()),
            // librdkafka asks again when four fifths of what is left are over: often enough, and ever more often.
            (Err(why), Some(token)) if token.has_life() => {
                tracing::warn!(target: "caz::kafka", why, "no new token; going on with the last one");
                Ok(token.clone())
            }
            (Err(why), _) => Err(why),
        }
    }

    /// A token where the last one is over or nearly so.
    pub(super) fn due(&self, ahead: Duration) -> Result<Option<Token>, String> {
        let ahead_ms = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
        let is_due = |last: &Option<Token>| last.as_ref().is_none_or(|token| token.expires_ms < now_ms().saturating_add(ahead_ms));
        let is_due = is_due(&self.last.lock().unwrap_or_else(PoisonError::into_inner));
        is_due.then(|| self.token()).transpose()
    }

    fn fetch(&self) -> Result<Token, String> {
        match &self.origin {
            Origin::File(path) => {
                let refuse = |why: String| format!("the token in {}: {why}", path.display());
                let text = files::read_text(path, MAX_TOKEN_BYTES).map_err(|error| refuse(error.to_string()))?;
                Token::new(text.trim(), None).map_err(refuse)
            }
            Origin::Endpoint { agent, url, client, secret, scope } => {
                let credentials = BASE64_STANDARD.encode(format!("{client}:{secret}"));
                // An endpoint may repeat what it was sent.
                let refuse = |why: String| {
                    let why = why.replace(secret.as_str(), MASK).replace(&credentials, MASK);
                    format!("the token endpoint {url}: {why}")
                };
                let scope = scope.as_ref().map_or(String::new(), |scope| format!("&scope={}", percent_encoded(scope)));
                let request = agent
                    .post(url)
                    .header("Accept", "application/json")
                    .header("Authorization", format!("Basic {credentials}"))
                    .header("Content-Type", "application/x-www-form-urlencoded");
                let answer = request.send(format!("grant_type=client_credentials{scope}"));
                let (status, body) = https::read(answer, MAX_TOKEN_BYTES).map_err(refuse)?;
                let answer: Answer = serde_json::from_slice(&body).unwrap_or_default();
                if !(200..300).contains(&status) {
                    let said: Vec<String> = [answer.error, answer.error_description].into_iter().flatten().collect();
                    let mend =
                        if matches!(status, 400 | 401 | 403) { format!(". Mend: see to `{ID}` and `{SECRET}`") } else { String::new() };
                    return Err(refuse(format!("status {status} {}{mend}", said.join(": "))));
                }
                answer.token().map_err(refuse)
            }
        }
    }
}

impl Token {
    /// A token that its issuer says lives for so many seconds; without that its own claim `exp` counts.
    fn new(text: &str, expires_in: Option<f64>) -> Result<Self, String> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if text.is_empty() || !text.bytes().all(is_token) {
            return Err("there is no token in it".to_owned());
        }
        let claims = text.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok());
        let claims: Option<Claims> = claims.and_then(|json| serde_json::from_slice(&json).ok());
        let claimed = claims.as_ref().and_then(|claims| claims.exp).map(|seconds| (seconds * 1e3) as i64);
        let lives_until = expires_in.map(|seconds| now_ms().saturating_add((seconds * 1e3) as i64));
        let Some(expires_ms) = [claimed, lives_until].into_iter().flatten().min() else {
            return Err("it does not say when it is over: a JWT with the claim `exp` is needed".to_owned());
        };
        let principal = claims.and_then(|claims| claims.sub).filter(|sub| !sub.is_empty() && !sub.contains('\0'));
        let token = Self { value: text.to_owned(), principal: principal.unwrap_or_else(|| "caz".to_owned()), expires_ms };
        let at = chrono::DateTime::from_timestamp_millis(expires_ms).map(|at| at.to_rfc3339()).unwrap_or_default();
        if token.has_life() { Ok(token) } else { Err(format!("it expired at {at}. Mend: see to whoever keeps it fresh, and to the clock")) }
    }

    fn has_life(&self) -> bool {
        self.expires_ms > now_ms().saturating_add(SPENT_MS)
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    fn problems(properties: &[(&str, &str)]) -> Vec<String> {
        let mut properties: ClientProperties = properties.iter().copied().chain([("sasl.mechanism", "OAUTHBEARER")]).collect();
        let mut problems = Vec::new();
        let source = TokenSource::take(&mut properties, &mut problems);
        assert_eq!(source.is_some(), problems.is_empty());
        assert!(properties.iter().all(|(name, _)| name == "sasl.mechanism"), "{properties:?}");
        problems.into_iter().map(|problem| format!("{}: {}", problem.name, problem.message)).collect()
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_at_once() {
        assert_eq!(problems(&[(METHOD, "oidc"), (URL, "file:///run/token")]), [""; 0]);
        assert_eq!(problems(&[(METHOD, "oidc"), (URL, "https://id/token"), (ID, "caz"), (SECRET, "x")]), [""; 0]);
        insta::assert_snapshot!(problems(&[]).join("\n"), @r"
        sasl.oauthbearer.method: must be `oidc` for OAUTHBEARER
        sasl.oauthbearer.token.endpoint.url: is needed for OAUTHBEARER: the token endpoint, `https://...`, or a file with a token, `file:///...`
        sasl.oauthbearer.client.id: is needed at a token endpoint
        sasl.oauthbearer.client.secret: is needed at a token endpoint
        ");
        let with_password = problems(&[(METHOD, "oidc"), (URL, "https://caz:hunter2@id/token"), (ID, "caz"), (SECRET, "x")]);
        insta::assert_snapshot!(with_password.join("\n"), @r"
        sasl.oauthbearer.token.endpoint.url: must hold no password: use `sasl.oauthbearer.client.id` and `sasl.oauthbearer.client.secret`
        ");
        insta::assert_snapshot!(problems(&[(METHOD, "oidc"), (URL, "file://token"), (ID, "caz")]).join("\n"), @r"
        sasl.oauthbearer.client.id: is for a token endpoint; a token from a file needs no client
        sasl.oauthbearer.token.endpoint.url: must name a file by its whole path: `file:///...`
        ");
    }

    #[test]
    fn seconds_may_be_text_and_an_error_null() {
        for answer in [r#"{"access_token":"opaque","expires_in":"3599"}"#, r#"{"access_token":"opaque","expires_in":3599,"error":null}"#] {
            let token = serde_json::from_str::<Answer>(answer).unwrap().token().unwrap();
            assert!(token.expires_ms > now_ms() + 3_000_000, "{answer}");
        }
    }

    #[test]
    fn a_token_tells_whose_it_is_and_until_when() {
        let later = now_ms() / 1000 + 100;
        let token = Token::new(&jwt(&format!("{{\"sub\":\"me\",\"exp\":{later}}}")), None).unwrap();
        assert_eq!((token.principal.as_str(), token.expires_ms), ("me", later * 1000));
        // Of two ends the earlier one counts.
        assert!(Token::new(&jwt(&format!("{{\"exp\":{later}}}")), Some(10.0)).unwrap().expires_ms < later * 1000);
        assert!(Token::new("opaque", Some(10.0)).is_ok());
        for (text, expected) in [
            (String::new(), "there is no token"),
            ("<html>".to_owned(), "there is no token"),
            ("opaque".to_owned(), "`exp` is needed"),
            (jwt("{\"exp\":5}"), "it expired at 1970-01-01T00:00:05+00:00"),
        ] {
            let error = Token::new(&text, None).err().unwrap();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_last_token_is_handed_out_while_it_lives() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), jwt(&format!("{{\"exp\":{}}}", now_ms() / 1000 + 100))).unwrap();
        let source = TokenSource { origin: Origin::File(file.path().into()), extensions: Vec::new(), last: Mutex::default() };
        let first = source.token().unwrap();
        std::fs::write(file.path(), "").unwrap();
        assert_eq!(source.token().unwrap().value, first.value);
        assert!(source.due(Duration::from_secs(10)).unwrap().is_none());
        source.last.lock().unwrap().as_mut().unwrap().expires_ms = now_ms();
        assert!(source.token().is_err_and(|why| why.contains("there is no token in it")));
    }
}
