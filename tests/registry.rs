//! Events and scores whose schemas a real registry knows, against a real broker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

#[path = "support/registry.rs"]
mod schemas;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use schemas::{Gate, Refusal, confluent, dataset_schema, newer, newer_schema, register, registry, request};
use serde_json::{Value as Json, json};
use support::car_insurance::{Example, avro_events};
use support::{Stored, read_committed, unique, wait_for};

fn example(partitions: i32, settings: &str, replacements: &[(&str, &str)]) -> Example {
    let registry = format!("registry: {{url: '{}', {settings}}}\n\nkafka:\n", registry());
    let framed = [("format: avro\n", "format: avro\n  framing: confluent\n"), ("kafka:\n", registry.as_str())];
    Example::new(partitions, &[&framed, replacements].concat())
}

/// Score records by the number of their event.
fn events_of(records: &[Stored]) -> BTreeSet<usize> {
    let number = |record: &Stored| std::str::from_utf8(record.key.as_deref().unwrap()).unwrap().parse().unwrap();
    let events: BTreeSet<usize> = records.iter().map(number).collect();
    assert_eq!(events.len(), records.len(), "an event has two records");
    events
}

#[test]
fn batches_of_several_writers_are_scored_and_scores_are_registered() {
    let example = example(3, "not_found_wait: 1s", &[]);
    let subject = format!("{}-value", example.input);
    let (old, new) = (register(&subject, &dataset_schema(), &json!([])), register(&subject, &newer_schema(), &json!([])));
    assert_ne!(old, new);
    let events: Vec<Option<Vec<u8>>> = avro_events()
        .iter()
        .enumerate()
        .map(|(row, datum)| if row % 5 < 2 { confluent(new, &newer(datum)) } else { confluent(old, datum) })
        .collect();
    example.publish(3, &events);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 5_000);
    caz.terminate();
    let scores = read_committed(&example.output);
    assert_eq!(events_of(&scores).len(), 5_000);
    assert!(read_committed(&example.dead_letters).is_empty());
}

#[test]
fn scores_carry_the_id_under_which_their_schema_is_registered() {
    let example = example(1, "not_found_wait: 1s", &[("output:\n", "output:\n  framing: confluent\n")]);
    let text = std::fs::read_to_string(&example.file).unwrap();
    std::fs::write(&example.file, text.replace("format: json", "format: avro")).unwrap();
    let id = register(&format!("{}-value", example.input), &dataset_schema(), &json!([]));
    example.publish(1, &avro_events().iter().take(50).map(|datum| confluent(id, datum)).collect::<Vec<_>>());
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 50);
    caz.terminate();
    let scores = read_committed(&example.output);
    assert_eq!(scores.len(), 50);
    let (status, answer) = request("GET", &format!("/subjects/{}-value/versions/latest", example.output), &Json::Null);
    assert_eq!(status, 200, "{answer}");
    let schema = Schema::parse_str(answer["schema"].as_str().unwrap()).unwrap();
    let header = confluent(u32::try_from(answer["id"].as_u64().unwrap()).unwrap(), b"").unwrap();
    for score in &scores {
        let mut datum = score.value.as_deref().unwrap().strip_prefix(header.as_slice()).expect("the registered id");
        let value = GenericDatumReader::builder(&schema).build().unwrap().read_value(&mut datum).unwrap();
        assert!(matches!(&value, Value::Record(fields) if fields.iter().any(|(name, _)| name == "probability_yes")), "{value:?}");
        assert!(datum.is_empty());
    }
}

fn keeps_its_place(refusal: Refusal) {
    let new = register(&unique("other"), &newer_schema(), &json!([]));
    let gate = Gate::new(new, refusal);
    let through = format!("url: '{}'", gate.url());
    let direct = format!("url: '{}'", registry());
    let waits = "request_timeout: 1s, unreachable_wait: 5m, not_found_wait: 5m";
    let example = example(2, waits, &[(direct.as_str(), through.as_str())]);
    let old = register(&format!("{}-value", example.input), &dataset_schema(), &json!([]));
    let good = avro_events();
    let event = |row: usize| match row {
        20 | 40 => confluent(new, &newer(&good[row])),
        _ => confluent(old, &good[row]),
    };
    example.publish(2, &(0..200).map(event).collect::<Vec<_>>());
    let mut caz = example.start();
    // Partition 0 has the even events: 0 to 18 of them come before the first that waits.
    example.wait_for_committed(&mut caz, 110);
    wait_for("not ready", || (caz.get("/readyz").is_some_and(|(status, _)| status != 200)).then_some(()));
    let scored = events_of(&read_committed(&example.output));
    assert_eq!(scored, (0..200).filter(|event| event % 2 == 1 || *event < 20).collect());
    assert_eq!(example.committed(), 110);
    // Nothing is fetched of a partition that stands still; what waits there is known all the same.
    example.publish_from(200, 2, &(200..300).map(event).collect::<Vec<_>>());
    example.wait_for_committed(&mut caz, 160);
    let lag = format!("caz_consumer_lag{{topic=\"{}\",partition=\"0\"}} 140", example.input);
    wait_for("the lag", || {
        // Whoever asks without a pause takes the broker's turns.
        std::thread::sleep(Duration::from_millis(200));
        caz.get("/metrics")?.1.lines().any(|line| line == lag).then_some(())
    });
    gate.open();
    example.wait_for_committed(&mut caz, 300);
    wait_for("ready", || (caz.get("/readyz").is_some_and(|(status, _)| status == 200)).then_some(()));
    caz.terminate();
    let scores = read_committed(&example.output);
    assert_eq!(events_of(&scores), (0..300).collect());
    // The n-th event of a partition is the n-th score of it.
    for partition in [0, 1] {
        let of = |record: &&Stored| record.source().unwrap().partition == partition;
        let to: BTreeSet<i32> = scores.iter().filter(of).map(|record| record.partition).collect();
        for output in to {
            let offsets = scores.iter().filter(of).filter(|record| record.partition == output);
            let offsets: Vec<i64> = offsets.map(|record| record.source().unwrap().offset).collect();
            assert!(offsets.is_sorted(), "{offsets:?}");
        }
    }
    assert!(read_committed(&example.dead_letters).is_empty());
}

#[test]
fn an_id_that_appears_later_keeps_its_place_while_other_partitions_go_on() {
    keeps_its_place(Refusal::NotFound);
}

#[test]
fn an_id_keeps_its_place_while_the_registry_hangs() {
    keeps_its_place(Refusal::Hang);
}

#[test]
fn a_registry_that_begins_to_refuse_the_user_ends_the_process_and_the_event_keeps_its_place() {
    let new = register(&unique("other"), &newer_schema(), &json!([]));
    let gate = Gate::new(new, Refusal::Denied);
    let (direct, through) = (format!("url: '{}'", registry()), format!("url: '{}'", gate.url()));
    let example = example(1, "unreachable_wait: 5m", &[(direct.as_str(), through.as_str())]);
    let old = register(&format!("{}-value", example.input), &dataset_schema(), &json!([]));
    let good = avro_events();
    let event = |row: usize| if row == 20 { confluent(new, &newer(&good[row])) } else { confluent(old, &good[row]) };
    example.publish(1, &(0..40).map(event).collect::<Vec<_>>());
    let log = example.start().wait_for_failure();
    assert!(log.contains("refuses the user: status 401, who are you?. Mend: see to `registry.username`"), "{log}");
    assert_eq!(example.committed(), 20);
    gate.open();
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 40);
    caz.terminate();
    assert_eq!(events_of(&read_committed(&example.output)), (0..40).collect());
    assert!(read_committed(&example.dead_letters).is_empty());
}

/// There is nothing to finish yet, however long the registry may be waited for.
#[test]
fn a_signal_while_the_registry_is_awaited_at_the_start_ends_the_process_at_once() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let (direct, through) = (format!("url: '{}'", registry()), format!("url: 'http://{}'", silent.local_addr().unwrap()));
    let framed = [(direct.as_str(), through.as_str()), ("output:\n", "output:\n  framing: confluent\n"), ("format: json", "format: avro")];
    let example = example(1, "request_timeout: 30s", &framed);
    let caz = example.start();
    // The knock, whose connection is ended, then the registration of the scores' schema, which has no answer.
    let request = |what| {
        wait_for(what, || {
            std::thread::sleep(Duration::from_millis(5));
            silent.accept().ok()
        })
    };
    drop(request("the knock"));
    let _registration = request("the registration");
    let took = caz.terminate();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn an_id_that_stays_unknown_is_a_dead_letter() {
    let example = example(1, "not_found_wait: 300ms", &[]);
    let id = register(&format!("{}-value", example.input), &dataset_schema(), &json!([]));
    let good = avro_events();
    let event = |row: usize| if row % 10 == 3 { confluent(900_000 + row as u32, &good[row]) } else { confluent(id, &good[row]) };
    example.publish(1, &(0..100).map(event).collect::<Vec<_>>());
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 100);
    caz.terminate();
    assert_eq!(events_of(&read_committed(&example.output)), (0..100).filter(|row| row % 10 != 3).collect());
    let dead = read_committed(&example.dead_letters);
    assert_eq!(events_of(&dead), (0..100).filter(|row| row % 10 == 3).collect());
    assert_eq!(dead[0].header("caz.error.reason"), Some("unknown_schema"));
    assert_eq!(dead[0].header("caz.error.phase"), Some("decode"));
    assert_eq!(dead[0].header("caz.error.byte"), Some("1"));
}

#[test]
fn a_pipeline_that_is_to_stop_stops_before_the_event_and_goes_on_from_there() {
    let example = example(1, "not_found_wait: 0s", &[("dead_letters:\n", "on_error: stop\n\ndead_letters:\n")]);
    let id = register(&format!("{}-value", example.input), &dataset_schema(), &json!([]));
    let good = avro_events();
    let event = |row: usize| if row == 60 { Some(b"\x01junk".to_vec()) } else { confluent(id, &good[row]) };
    example.publish(1, &(0..100).map(event).collect::<Vec<_>>());
    let caz = example.start();
    let log = caz.wait_for_failure();
    assert!(log.contains("[0]@60 cannot be scored (decode, malformed, byte 0)"), "{log}");
    assert_eq!(events_of(&read_committed(&example.output)), (0..60).collect());
    assert_eq!(example.committed(), 60);
    let text = std::fs::read_to_string(&example.file).unwrap();
    std::fs::write(&example.file, text.replace("on_error: stop", "on_error: skip")).unwrap();
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 100);
    caz.terminate();
    assert_eq!(events_of(&read_committed(&example.output)), (0..100).filter(|event| *event != 60).collect());
    assert!(read_committed(&example.dead_letters).is_empty());
}

#[test]
fn a_subject_that_refuses_the_scores_schema_is_told_at_the_start() {
    let example = example(1, "not_found_wait: 0s, unreachable_wait: 5s", &[("output:\n", "output:\n  framing: confluent\n")]);
    let text = std::fs::read_to_string(&example.file).unwrap();
    std::fs::write(&example.file, text.replace("format: json", "format: avro")).unwrap();
    let subject = format!("{}-value", example.output);
    let (status, answer) = request("PUT", &format!("/config/{subject}"), &json!({"compatibility": "BACKWARD"}));
    assert_eq!(status, 200, "{answer}");
    register(&subject, r#"{"type":"record","name":"Score","fields":[{"name":"probability_yes","type":"string"}]}"#, &json!([]));
    let (status, answer) = request("PUT", &format!("/config/{subject}"), &json!({"compatibility": "BACKWARD"}));
    assert_eq!(status, 200, "{answer}");
    let log = example.start().wait_for_failure();
    assert!(log.contains(&format!("the schema does not go with the latest of subject `{subject}`")), "{log}");
}

#[test]
fn a_schema_with_references_is_put_together() {
    let example = example(1, "not_found_wait: 1s", &[]);
    // The same datums, written as a record around a type of another subject.
    let mut schema: Json = serde_json::from_str(&dataset_schema()).unwrap();
    let field = schema["fields"].as_array_mut().unwrap().iter_mut().find(|field| field["name"] == "ecid").unwrap();
    field["type"] = json!("caz.example.Ecid");
    let ecid = unique("ecid");
    register(&ecid, r#"{"type":"enum","name":"Ecid","namespace":"caz.example","symbols":["a"]}"#, &json!([]));
    let references = json!([{"name": "caz.example.Ecid", "subject": ecid, "version": 1}]);
    let id = register(&format!("{}-value", example.input), &schema.to_string(), &references);
    // An enum cannot be read as the dataset's string: the message shows that the reference was resolved.
    example.publish(1, &[confluent(id, b"\0")]);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 1);
    caz.terminate();
    let dead = read_committed(&example.dead_letters);
    assert_eq!(dead[0].header("caz.error.reason"), Some("incompatible_schema"));
    let message = dead[0].header("caz.error.message").unwrap();
    assert!(message.contains("field `ecid`: the writer's enum cannot be read as the dataset's string"), "{message}");
}
