//! What is told when the broker does not let caz in: at once, with what to mend.

use serde_json::json;

use super::secured::{self, Service};
use super::{Properties, claims, example, mutual_tls, oauth_endpoint, oauth_file, password, scram, shown, tls};

/// What `caz run` ends with at a listener.
fn refusal(listener: &str, properties: &Properties) -> String {
    let example = example(properties);
    let caz = example.start_with(&[("CAZ_BOOTSTRAP", &secured::text(listener))]);
    shown(&caz.wait_for_failure(), &example)
}

fn with(mut properties: Properties, name: &str, value: &str) -> Properties {
    properties.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, known)| value.clone_into(known));
    properties
}

#[test]
fn a_certificate_that_is_not_trusted() {
    insta::assert_snapshot!(refusal("tls", &with(tls(), "ssl.ca.location", &secured::path("stranger.pem"))));
}

#[test]
fn a_client_without_a_certificate() {
    insta::assert_snapshot!(refusal("mtls", &tls()));
}

#[test]
fn a_wrong_password() {
    insta::assert_snapshot!("plain", refusal("sasl", &password("PLAIN", "caz-plain", "wrong-password-1")));
    insta::assert_snapshot!("scram", refusal("sasl", &password("SCRAM-SHA-512", "caz-scram", "wrong-password-2")));
}

#[test]
fn a_key_that_its_password_does_not_open() {
    let example = example(&with(mutual_tls(), "ssl.key.password", "wrong-password-3"));
    let ended = example.command(&["run", "FILE"]);
    insta::assert_snapshot!(shown(&String::from_utf8_lossy(&ended.stderr), &example).replace(&secured::path(""), "SECURITY/"));
}

#[test]
fn a_token_that_is_over_or_not_for_this_broker() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let refused = |claims: &serde_json::Value| {
        std::fs::write(file.path(), secured::token(claims)).unwrap();
        refusal("sasl", &oauth_file(file.path())).replace(&file.path().display().to_string(), "TOKEN")
    };
    let mut over = claims(0);
    over["exp"] = json!(1_700_000_000);
    insta::assert_snapshot!("expired", refused(&over));
    let mut foreign = claims(3600);
    foreign["aud"] = json!("another");
    insta::assert_snapshot!("audience", refused(&foreign));
}

#[test]
fn a_client_that_the_token_endpoint_does_not_know() {
    let identity = Service::identity(60);
    let refused = refusal("sasl", &oauth_endpoint(identity.port, "wrong-secret"));
    insta::assert_snapshot!(refused.replace(&identity.port.to_string(), "PORT"));
    let port = identity.port;
    drop(identity);
    let refused = refusal("sasl", &oauth_endpoint(port, "unheard"));
    insta::assert_snapshot!("no_endpoint", refused.replace(&port.to_string(), "PORT"));
}

#[test]
fn commands_that_look_are_told_the_same() {
    let example = example(&with(scram(), "sasl.password", "wrong-password-4"));
    for arguments in [&["audit", "FILE"][..], &["dead-letters", "list", "FILE"], &["explain", "FILE", "--offset", "0"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_caz"));
        let arguments = arguments.iter().map(|argument| if *argument == "FILE" { example.file.as_os_str() } else { argument.as_ref() });
        let ended = command.args(arguments).env("CAZ_BOOTSTRAP", secured::text("sasl")).output().unwrap();
        let error = String::from_utf8_lossy(&ended.stderr);
        assert!(
            !ended.status.success()
                && error.contains("see to `sasl.mechanism` under `kafka`, and to the user's name and password, or to the token"),
            "{error}"
        );
    }
}
