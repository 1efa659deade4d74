//! No secret shows in anything that caz writes, however much it is asked to tell.

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::registry::{behind, gate};
use super::secured::{self, Service};
use super::support::car_insurance::{Caz, Example};
use super::support::wait_for;
use super::{
    Properties, access, claims, convenient, events, example_with, least, mutual_tls, oauth_endpoint, oauth_file, password, section,
};

/// Everything that was written, by what wrote it.
#[derive(Default)]
struct Written(Vec<(String, String)>);

impl Written {
    fn add(&mut self, what: impl Into<String>, text: impl Into<String>) {
        self.0.push((what.into(), text.into()));
    }

    /// Fails when a secret is in it: as it is, in base64 as HTTP sends it, or in the escapes of logs and JSON.
    fn hides(&self, secrets: &[String]) {
        assert!(self.0.iter().all(|(_, text)| !text.is_empty()));
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            let shapes =
                [secret.clone(), BASE64_STANDARD.encode(secret), BASE64_URL_SAFE_NO_PAD.encode(secret), secret.escape_debug().to_string()];
            for (what, text) in &self.0 {
                let at = shapes.iter().find_map(|shape| text.find(shape.as_str()));
                assert!(
                    at.is_none(),
                    "{what} shows a secret:\n{}",
                    &text[at.unwrap_or(0).saturating_sub(200)..][..400.min(text.len() - at.unwrap_or(0).saturating_sub(200))]
                );
            }
        }
    }

    /// What commands that need no broker say of a pipeline.
    fn offline(&mut self, example: &Example, environment: &[(&str, &str)]) {
        for arguments in [&["check", "FILE"][..], &["check", "FILE", "--types"], &["graph", "FILE"], &["schema", "pipeline"]] {
            self.command(example, arguments, environment);
        }
    }

    fn command(&mut self, example: &Example, arguments: &[&str], environment: &[(&str, &str)]) {
        let given = arguments.iter().map(|argument| if *argument == "FILE" { example.file.as_os_str() } else { argument.as_ref() });
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_caz"));
        let ended = command.args(given).env("CAZ_LOG", "trace").envs(environment.iter().copied()).output().unwrap();
        let text = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        self.add(arguments.join(" "), format!("ended with {}\n{text}", ended.status));
    }
}

/// What the running process serves at a path.
fn served(caz: &Caz, path: &str) -> String {
    let port = wait_for("the endpoint's address", || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let log = caz.log();
        let line = log.lines().find(|line| line.contains("serving /metrics"))?;
        Some(line.split("127.0.0.1:").nth(1)?.chars().take_while(char::is_ascii_digit).collect::<String>())
    });
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: caz\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Runs the example with these properties, the named ones filled in from the environment, everything logged; then with a mistake.
fn all_that_is_written(user: &str, listener: &str, properties: &Properties, secret: &[&str]) -> Written {
    let mut written = Written::default();
    let names: Vec<String> = (0..secret.len()).map(|number| format!("CAZ_TEST_SECRET_{number}")).collect();
    let mut named: Properties = properties.clone();
    let mut values: Vec<(String, String)> = Vec::new();
    for (property, value) in &mut named {
        if let Some(at) = secret.iter().position(|name| name == property) {
            values.push((names[at].clone(), std::mem::replace(value, format!("${{{}}}", names[at]))));
        }
    }
    assert_eq!(values.len(), secret.len());
    named.push(("debug", "all".into()));
    let example = example_with(&named, &[]);
    access::grant(user, &[least(&example), convenient(&example)].concat());
    example.publish(1, &[events(3), vec![Some(b"\x01".to_vec())]].concat());
    let address = secured::text(listener);
    let mut environment: Vec<(&str, &str)> = vec![("CAZ_BOOTSTRAP", &address), ("CAZ_LOG", "trace")];
    environment.extend(values.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut caz = example.start_with(&environment);
    example.wait_for_committed(&mut caz, 4);
    for path in ["/", "/metrics", "/healthz", "/readyz"] {
        written.add(path, served(&caz, path));
    }
    let log = caz.log();
    caz.terminate();
    assert!(log.contains("DEBUG") && log.contains("SSL"), "librdkafka tells of TLS:\n{log}");
    written.add("run", log);
    written.offline(&example, &environment);
    for arguments in [&["audit", "FILE"][..], &["dead-letters", "list", "FILE"], &["explain", "FILE", "--offset", "0"]] {
        written.command(&example, arguments, &environment);
    }
    // The same in the file itself, with mistakes around it, as messages quote lines.
    let plain = example_with(properties, &[]);
    let text = std::fs::read_to_string(&plain.file).unwrap();
    for (what, broken) in [
        ("wrong key", text.replace("workers: 1", "workerz: 1")),
        ("wrong property", text.replace("kafka:\n", "kafka:\n  no.such.property: 1\n  enable.auto.commit: true\n")),
        ("no YAML", text.replace(&section(properties), &format!("{}   : [\n", section(properties)))),
        ("wrong type", text.replace(&section(properties), &section(properties).replacen(": \"", ": [\"", 20).replace("\"\n", "\"]\n"))),
    ] {
        std::fs::write(&plain.file, broken).unwrap();
        written.command(&plain, &["check", "FILE"], &environment);
        written.0.last_mut().unwrap().0 = format!("check, {what}");
        written.command(&plain, &["run", "FILE"], &environment);
        written.0.last_mut().unwrap().0 = format!("run, {what}");
    }
    written
}

#[test]
fn passwords_show_nowhere() {
    let secret = secured::text("scram.password");
    let properties = password("SCRAM-SHA-512", "caz-scram", &secret);
    all_that_is_written("caz-scram", "sasl", &properties, &["sasl.password"]).hides(&[secret]);
    let secret = secured::text("plain.password");
    let properties = password("PLAIN", "caz-plain", &secret);
    all_that_is_written("caz-plain", "sasl", &properties, &["sasl.password"]).hides(&[secret]);
}

#[test]
fn the_password_of_a_key_and_the_key_show_nowhere() {
    let secret = secured::text("key.password");
    let written = all_that_is_written("caz-tls", "mtls", &mutual_tls(), &["ssl.key.password"]);
    let key = secured::text("client.key");
    written.hides(&[secret, key.lines().nth(1).unwrap().to_owned()]);
}

#[test]
fn tokens_and_the_secret_for_them_show_nowhere() {
    let identity = Service::identity(3600);
    let secret = secured::text("client.secret");
    let properties = oauth_endpoint(identity.port, &secret);
    let basic = BASE64_STANDARD.encode(format!("caz-oauth:{secret}"));
    let mut written = all_that_is_written("caz-oauth", "sasl", &properties, &["sasl.oauthbearer.client.secret"]);
    // A provider that repeats what it was sent.
    let wrong = example_with(&oauth_endpoint(identity.port, "wrong-client-secret"), &[]);
    written.command(&wrong, &["run", "FILE"], &[("CAZ_BOOTSTRAP", &secured::text("sasl"))]);
    // What every token begins with: its head.
    let head = secured::token(&claims(60)).split('.').next().unwrap().to_owned();
    let wrong_basic = BASE64_STANDARD.encode("caz-oauth:wrong-client-secret");
    written.hides(&[secret, basic, head, "wrong-client-secret".to_owned(), wrong_basic]);

    let file = tempfile::NamedTempFile::new().unwrap();
    let token = secured::token(&claims(3600));
    std::fs::write(file.path(), &token).unwrap();
    let written = all_that_is_written("caz-oauth", "sasl", &oauth_file(file.path()), &[]);
    written.hides(&[token.clone(), token.split('.').next_back().unwrap().to_owned()]);
}

#[test]
fn the_registrys_password_shows_nowhere() {
    let gate = gate();
    let mut written = Written::default();
    let secret = "registry-password-5b1c";
    let example = behind(&gate, "${CAZ_TEST_SECRET}", "ca.pem", "");
    let bootstrap = super::support::bootstrap();
    let environment = |value: &'static str| vec![("CAZ_BOOTSTRAP", bootstrap.as_str()), ("CAZ_TEST_SECRET", value), ("CAZ_LOG", "trace")];
    written.command(&example, &["simulate", "FILE", "--count", "5"], &environment(secret));
    written.command(&example, &["simulate", "FILE", "--count", "5"], &environment("wrong-registry-password"));
    written.offline(&example, &environment(secret));
    let mut caz = example.start_with(&environment(secret));
    example.wait_for_committed(&mut caz, 5);
    written.add("/metrics", served(&caz, "/metrics"));
    let log = caz.log();
    caz.terminate();
    written.add("run", log);
    for more in ["workerz: 1\n", "nothing: [\n"] {
        written.command(&behind(&gate, secret, "ca.pem", more), &["check", "FILE"], &environment(secret));
    }
    let basic = |password: &str| BASE64_STANDARD.encode(format!("caz-registry:{password}"));
    written.hides(&[secret.into(), basic(secret), "wrong-registry-password".into(), basic("wrong-registry-password")]);
}

/// The search itself, for each shape that it looks for.
#[test]
fn a_secret_that_shows_is_found() {
    let secret = "open \"sesame\"".to_owned();
    for shown in [secret.clone(), format!("Basic {}", BASE64_STANDARD.encode(&secret)), format!("{secret:?}")] {
        let mut written = Written::default();
        written.add("a log", format!("one line\npassword={shown} and more"));
        assert!(std::panic::catch_unwind(|| written.hides(std::slice::from_ref(&secret))).is_err(), "{shown}");
    }
    let mut written = Written::default();
    written.add("a log", "password=***");
    written.hides(&[secret]);
}
