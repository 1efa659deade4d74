//! The registry behind TLS and basic authentication.

use super::example_with;
use super::secured::{self, Service};
use super::support::car_insurance::Example;
use super::support::read_committed;

const USER: &str = "caz-registry";
const PASSWORD: &str = "registry-password-5b1c";

fn registry() -> String {
    std::env::var("CAZ_TEST_REGISTRY").unwrap_or_else(|_| {
        panic!("CAZ_TEST_REGISTRY names no registry: run `make test`, or put `scripts/with-registry` before the command")
    })
}

/// The example with events that the registry behind the gate knows, as seen with this password and authority.
pub(crate) fn behind(gate: &Service, password: &str, authority: &str, more: &str) -> Example {
    let path = registry();
    let path = path.strip_prefix("http://").unwrap().split_once('/').unwrap().1.to_owned();
    let section = format!(
        "registry: {{url: 'https://127.0.0.1:{}/{path}', username: {USER}, password: '{password}', ca_file: '{}', unreachable_wait: 1s}}\n\n{more}",
        gate.port,
        secured::path(authority)
    );
    let section = format!("{section}\nkafka:\n");
    example_with(&[], &[("format: avro\n", "format: avro\n  framing: confluent\n"), ("kafka:\n", &section)])
}

pub(crate) fn gate() -> Service {
    Service::registry_gate(&registry(), USER, PASSWORD)
}

#[test]
fn schemas_come_through_tls_with_a_name_and_a_password() {
    let gate = gate();
    let example = behind(&gate, PASSWORD, "ca.pem", "");
    let published = example.command(&["simulate", "FILE", "--count", "20"]);
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 20);
    caz.terminate();
    assert_eq!(read_committed(&example.output).len() + read_committed(&example.dead_letters).len(), 20);
    let log = gate.log();
    assert!(log.iter().any(|line| line.contains("POST /")) && log.iter().any(|line| line.contains("/schemas/ids/")), "{log:?}");
}

#[test]
fn a_registry_that_does_not_let_caz_in_is_explained() {
    let gate = gate();
    let told = |password: &str, authority: &str| {
        let ended = behind(&gate, password, authority, "").command(&["simulate", "FILE", "--count", "20"]);
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).unwrap().replace(&gate.port.to_string(), "PORT")
    };
    insta::assert_snapshot!("password", told("wrong-password-5", "ca.pem"));
    // Also where nothing is registered: the scores are JSON, and there is no event yet.
    let log = behind(&gate, "wrong-password-5", "ca.pem", "").start().wait_for_failure();
    assert!(log.contains("refuses the user: status 401") && log.contains("Mend: see to `registry.username`"), "{log}");
    let authority = told(PASSWORD, "stranger.pem");
    assert!(authority.contains("certificate verify failed"), "{authority}");
}
