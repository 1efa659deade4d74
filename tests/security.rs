//! TLS, authentication, rights and secrets, against a broker that insists on them: `scripts/with-kafka --secured`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "security/access.rs"]
mod access;
#[path = "security/limits.rs"]
mod limits;
#[path = "security/mechanisms.rs"]
mod mechanisms;
#[path = "security/refusals.rs"]
mod refusals;
#[path = "security/registry.rs"]
mod registry;
#[path = "security/rights.rs"]
mod rights;
#[path = "security/secrets.rs"]
mod secrets;
#[path = "security/secured.rs"]
mod secured;
mod support;

use std::time::{SystemTime, UNIX_EPOCH};

use access::Grant;
use serde_json::{Value, json};
use support::car_insurance::{Example, avro_events};

/// Properties of a listener, as a pipeline file has them under `kafka`.
pub(crate) type Properties = Vec<(&'static str, String)>;

/// TLS that trusts the test authority.
pub(crate) fn tls() -> Properties {
    vec![("security.protocol", "ssl".into()), ("ssl.ca.location", secured::path("ca.pem"))]
}

/// TLS with a client's certificate.
pub(crate) fn mutual_tls() -> Properties {
    let mut properties = tls();
    properties.push(("ssl.certificate.location", secured::path("client.pem")));
    properties.push(("ssl.key.location", secured::path("client.key")));
    properties.push(("ssl.key.password", secured::text("key.password")));
    properties
}

/// SASL inside TLS.
pub(crate) fn sasl(mechanism: &str, more: &[(&'static str, String)]) -> Properties {
    let mut properties = tls();
    properties[0].1 = "sasl_ssl".into();
    properties.push(("sasl.mechanism", mechanism.into()));
    properties.extend(more.iter().cloned());
    properties
}

/// A user with a password.
pub(crate) fn password(mechanism: &str, user: &str, password: &str) -> Properties {
    sasl(mechanism, &[("sasl.username", user.into()), ("sasl.password", password.into())])
}

/// The user of the tests that are about something else.
pub(crate) fn scram() -> Properties {
    password("SCRAM-SHA-512", "caz-scram", &secured::text("scram.password"))
}

/// OAUTHBEARER with tokens of an endpoint.
pub(crate) fn oauth_endpoint(port: u16, secret: &str) -> Properties {
    sasl(
        "OAUTHBEARER",
        &[
            ("sasl.oauthbearer.method", "oidc".into()),
            ("sasl.oauthbearer.token.endpoint.url", format!("https://127.0.0.1:{port}/token")),
            ("sasl.oauthbearer.client.id", "caz-oauth".into()),
            ("sasl.oauthbearer.client.secret", secret.into()),
            ("sasl.oauthbearer.scope", "score events".into()),
            ("https.ca.location", secured::path("ca.pem")),
        ],
    )
}

/// OAUTHBEARER with a token in a file.
pub(crate) fn oauth_file(path: &std::path::Path) -> Properties {
    sasl(
        "OAUTHBEARER",
        &[("sasl.oauthbearer.method", "oidc".into()), ("sasl.oauthbearer.token.endpoint.url", format!("file://{}", path.display()))],
    )
}

/// The claims of a token that lives so many seconds from now.
pub(crate) fn claims(lives_s: i64) -> Value {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    json!({"sub": "caz-oauth", "aud": "kafka", "iss": "https://identity.test", "iat": now - 10, "exp": now + lives_s})
}

/// Lines for the pipeline file's `kafka` section.
pub(crate) fn section(properties: &[(&'static str, String)]) -> String {
    let lines: Vec<String> = properties.iter().map(|(name, value)| format!("  {name}: {}\n", json!(value))).collect();
    format!("kafka:\n{}", lines.concat())
}

/// The example at a listener, with more replacements in its file.
pub(crate) fn example_with(properties: &[(&'static str, String)], replacements: &[(&str, &str)]) -> Example {
    let section = section(properties);
    Example::new(1, &[&[("kafka:\n", section.as_str())], replacements].concat())
}

pub(crate) fn example(properties: &[(&'static str, String)]) -> Example {
    example_with(properties, &[])
}

/// The first so many events.
pub(crate) fn events(count: usize) -> Vec<Option<Vec<u8>>> {
    avro_events().into_iter().take(count).map(Some).collect()
}

/// The rights of `caz run`, exactly once; without the last one, at least once.
pub(crate) fn least(example: &Example) -> Vec<Grant> {
    vec![
        Grant::new("Read", "topic", &example.input),
        Grant::new("Read", "group", &example.group),
        Grant::new("Write", "topic", &example.output),
        Grant::new("Write", "topic", &example.dead_letters),
        Grant { prefixed: true, ..Grant::new("Write", "transactional id", &example.group) },
    ]
}

/// What may be done besides, and need not.
pub(crate) fn convenient(example: &Example) -> Vec<Grant> {
    [&example.output, &example.dead_letters].map(|topic| Grant::new("DescribeConfigs", "topic", topic)).into()
}

/// The text with the names of this run replaced by what they stand for, and without what comes before the first error.
pub(crate) fn shown(log: &str, example: &Example) -> String {
    let start = log.rfind("\nerror: ").unwrap_or_default();
    let mut text = log[start..].trim().to_owned();
    let names =
        [(&example.input, "INPUT"), (&example.output, "OUTPUT"), (&example.dead_letters, "DEAD-LETTERS"), (&example.group, "GROUP")];
    for (name, stands_for) in names {
        text = text.replace(name.as_str(), stands_for);
    }
    for (listener, stands_for) in [("tls", "TLS"), ("mtls", "MTLS"), ("sasl", "SASL")] {
        text = text
            .replace(&secured::text(listener), stands_for)
            .replace(&secured::text(listener).replace("127.0.0.1", "localhost"), stands_for);
    }
    without_times(&text).replace("sslv3 alert", "ssl/tls alert")
}

/// The text without librdkafka's remarks such as ` (after 88ms in state SSL_HANDSHAKE, 1 identical error(s) suppressed)`.
fn without_times(text: &str) -> String {
    let mut parts = text.split(" (after ");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let part = part.replacen("error(s)", "errors", 1);
        shown.push_str(part.split_once(')').map_or("", |(_, rest)| rest));
    }
    shown
}
