//! Every way in: events are scored, each once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::secured::{self, Service};
use super::support::car_insurance::Example;
use super::support::{read_committed, wait_for};
use super::{Properties, access, claims, convenient, events, example, least, mutual_tls, oauth_endpoint, oauth_file, password, scram, tls};

const EVENTS: usize = 40;

/// Scores events as `user` at a listener and accounts for each.
fn scores(user: &str, listener: &str, properties: &Properties) -> Example {
    let example = example(properties);
    access::grant(user, &[least(&example), convenient(&example)].concat());
    example.publish(1, &events(EVENTS));
    let mut caz = example.start_with(&[("CAZ_BOOTSTRAP", &secured::text(listener))]);
    example.wait_for_committed(&mut caz, EVENTS as i64);
    caz.terminate();
    let scores = read_committed(&example.output);
    let keys: BTreeSet<_> = scores.iter().map(|score| score.key.clone()).collect();
    assert_eq!((scores.len(), keys.len()), (EVENTS, EVENTS));
    assert!(read_committed(&example.dead_letters).is_empty());
    example
}

#[test]
fn tls_that_trusts_the_authority() {
    scores("ANONYMOUS", "tls", &tls());
}

#[test]
fn mutual_tls_with_a_sealed_key() {
    scores("caz-tls", "mtls", &mutual_tls());
}

#[test]
fn plain() {
    scores("caz-plain", "sasl", &password("PLAIN", "caz-plain", &secured::text("plain.password")));
}

#[test]
fn scram_with_either_digest() {
    scores("caz-scram", "sasl", &password("SCRAM-SHA-256", "caz-scram", &secured::text("scram.password")));
    scores("caz-scram", "sasl", &scram());
}

#[test]
fn oauthbearer_with_a_token_from_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), secured::token(&claims(3600))).unwrap();
    scores("caz-oauth", "sasl", &oauth_file(file.path()));
}

#[test]
fn oauthbearer_with_tokens_that_are_renewed_before_they_are_over() {
    // librdkafka looks once a second whether a token is due, and the broker ends the session of one that is over.
    const LIFETIME_S: u32 = 20;
    let (identity, started) = (Service::identity(LIFETIME_S), Instant::now());
    let example = example(&oauth_endpoint(identity.port, &secured::text("client.secret")));
    access::grant("caz-oauth", &[least(&example), convenient(&example)].concat());
    example.publish(1, &events(EVENTS));
    let mut caz = example.start_with(&[("CAZ_BOOTSTRAP", &secured::text("sasl"))]);
    example.wait_for_committed(&mut caz, EVENTS as i64);
    let first = identity.log().len();
    wait_for("the first tokens are over", || {
        std::thread::sleep(Duration::from_millis(50));
        (started.elapsed() > Duration::from_secs(LIFETIME_S.into()) && identity.log().len() >= first + 2).then_some(())
    });
    example.publish(1, &events(EVENTS));
    example.wait_for_committed(&mut caz, 2 * EVENTS as i64);
    caz.terminate();
    assert!(identity.log().iter().all(|line| line.contains("200")), "{:?}", identity.log());
    assert_eq!(read_committed(&example.output).len(), 2 * EVENTS);
}
