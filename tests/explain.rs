//! `caz explain` as a user meets it: from a file, and from a real broker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use apache_avro::types::Value as Avro;
use caz::kafka::{BareRecord, Producer};
use serde_json::{Value, json};
use support::car_insurance::{Example, avro_events, changed_event};
use support::command::{Ended, caz, caz_with, example};
use support::{PATIENCE, bootstrap, properties, read_committed, unique};

const EVENT: &str = r#"{"ecid":"02795872730816925086584892076963071764","km":null,"cartype":"Estate","age":null,"gender":null,"carbrand":"VW","leasing":"dataLayerNull","city":"Köln","country":"FRANCE","nationality":null,"primaryuser":null,"purchase":null,"pricequote":551.77,"timestamp":"2020-03-01T02:23:53.943Z"}"#;

/// The example in a folder, and an event beside it.
fn with_event(event: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), example(&[])).unwrap();
    std::fs::write(folder.path().join("event.json"), event).unwrap();
    folder
}

fn explain(folder: &Path, more: &[&str]) -> Ended {
    caz(folder, &[&["explain", "pipeline.yaml", "--event", "event.json"], more].concat())
}

#[test]
fn an_event_as_a_table() {
    let folder = with_event(EVENT);
    let ended = explain(folder.path(), &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    insta::assert_snapshot!("table", ended.stdout);
    let all = explain(folder.path(), &["--all"]);
    // Every node with all of its columns: 14 at the start, 16 at `age_to_int`, 67 at `dummies`, and three more.
    assert_eq!(all.stdout.lines().filter(|line| line.contains(" pricequote ")).count(), 17 + 1);
}

#[test]
fn an_event_as_json() {
    let folder = with_event(EVENT);
    let ended = explain(folder.path(), &["--json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut explanation: Value = serde_json::from_str(&ended.stdout).unwrap();
    // Three nodes stand for all: the first, one that fills a null, the model's.
    let nodes = explanation["nodes"].as_array_mut().unwrap();
    assert_eq!(nodes.len(), 17);
    nodes.retain(|node| ["json_df", "age_fillna"].contains(&node["id"].as_str().unwrap()));
    let features = explanation["models"][0]["features"].as_array_mut().unwrap();
    assert_eq!(features.len(), 60);
    features.truncate(3);
    insta::assert_snapshot!("json", format!("{explanation:#}"));
}

#[test]
fn rejected_events_say_where_and_why() {
    let mut shown = Vec::new();
    for event in [
        r#"{"ecid": "1", "pricequote": 5, "timestamp"#.to_owned(),
        r#"{"ecid": "1", "pricequote": "5", "timestamp": 0}"#.to_owned(),
        // Beyond what nanoseconds hold: the first node rejects it.
        EVENT.replace("\"2020-03-01T02:23:53.943Z\"", "9223372036854775"),
        // A text that would move a terminal's cursor.
        EVENT.replace("\"Köln\"", "\"K\\u001b[2J\\u009bln\""),
        String::new(),
    ] {
        let folder = with_event(&event);
        let ended = explain(folder.path(), &[]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(!ended.stdout.contains('\u{1b}'));
        let lines = ended.stdout.lines().filter(|line| !line.contains("float") && !line.contains("bool"));
        shown.push(lines.filter(|line| !line.contains("object") || line.contains("city")).collect::<Vec<_>>().join("\n"));
    }
    insta::assert_snapshot!("rejected", shown.join("\n---\n"));
}

#[test]
fn a_field_that_no_score_needs_may_be_broken() {
    let folder = with_event(&EVENT.replace("\"nationality\":null", "\"nationality\":5"));
    let ended = explain(folder.path(), &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    insta::assert_snapshot!("unneeded", ended.stdout);
    let recorded = explain(folder.path(), &["--record", "cases.json"]);
    assert_eq!(recorded.code, 1);
    assert!(!folder.path().join("cases.json").exists());
}

#[test]
fn avro_comes_as_the_bytes_of_a_record() {
    let folder = with_event(EVENT);
    std::fs::write(folder.path().join("event.avro"), &avro_events()[3]).unwrap();
    let file = caz(folder.path(), &["explain", "pipeline.yaml", "--event", "event.avro", "--json"]);
    let stdin = caz_with(folder.path(), &["explain", "pipeline.yaml", "--event", "-", "--json"], &[], &avro_events()[3]);
    let [file, stdin] = [file, stdin].map(|ended| serde_json::from_str::<Value>(&ended.stdout).unwrap());
    assert_eq!(file["nodes"], stdin["nodes"]);
    assert_eq!(file["outcome"]["fate"], "scored");
    let price = &file["models"][0]["features"][1];
    assert_eq!(*price, json!({"input": "float_input", "name": "pricequote", "element": "float", "value": 697.93}));
}

#[test]
fn json_under_another_name_is_told() {
    let folder = with_event(EVENT);
    std::fs::copy(folder.path().join("event.json"), folder.path().join("events.jsonl")).unwrap();
    let ended = caz(folder.path(), &["explain", "pipeline.yaml", "--event", "events.jsonl"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("rejected     decode: ") && ended.stderr.contains("events.jsonl is read as the bytes of an Avro record"));
    assert_eq!(explain(folder.path(), &[]).stderr, "");
}

#[test]
fn a_recorded_event_is_a_case_that_passes_until_something_changes() {
    let folder = with_event(EVENT);
    let pipeline = |replacements: &[(&str, &str)]| {
        let golden = format!("golden: {}/models/car-insurance/golden.json", support::car_insurance::root().display());
        let text = example(&[&[(golden.as_str(), "golden: cases.json")], replacements].concat());
        std::fs::write(folder.path().join("pipeline.yaml"), text).unwrap();
    };
    pipeline(&[]);
    let cases = || std::fs::read_to_string(folder.path().join("cases.json")).unwrap();
    // A new file, a second event that parts columns which were the same, one that is rejected, and raw bytes.
    let first = explain(folder.path(), &["--record"]);
    assert_eq!((first.code, first.stderr.trim()), (0, "golden case 0 added to cases.json"));
    let line = cases().lines().find(|line| line.starts_with("{\"event\"")).unwrap().to_owned();
    std::fs::write(folder.path().join("event.json"), EVENT.replace("\"VW\"", "null").replace("\"km\":null", "\"km\":5")).unwrap();
    assert_eq!(explain(folder.path(), &["--record"]).code, 0);
    std::fs::write(folder.path().join("event.json"), r#"{"ecid": 5}"#).unwrap();
    assert_eq!(explain(folder.path(), &["--record"]).code, 0);
    std::fs::write(folder.path().join("event.avro"), &avro_events()[3]).unwrap();
    assert_eq!(caz(folder.path(), &["explain", "pipeline.yaml", "--event", "event.avro", "--record", "cases.json"]).code, 0);
    assert_eq!(cases().lines().filter(|line| line.starts_with("{\"event\"")).count(), 4);
    assert!(line.contains("\"by\":\"caz "), "{line}");
    let passed = caz(folder.path(), &["check", "pipeline.yaml"]);
    assert_eq!(passed.code, 0, "{}", passed.stderr);
    assert!(passed.stdout.contains("golden   4 cases pass: 17 nodes, 60 features"), "{}", passed.stdout);
    pipeline(&[("vw, value: volkswagen", "vw, value: Others")]);
    let diverged = caz(folder.path(), &["check", "pipeline.yaml"]);
    assert_eq!(diverged.code, 6);
    insta::assert_snapshot!("diverged", diverged.stderr);
    let other = folder.path().join("event.json");
    std::fs::write(other, EVENT).unwrap();
    std::fs::write(folder.path().join("cases.json"), cases().replace("\"id\":\"hour\"", "\"id\":\"hours\"")).unwrap();
    let misfit = explain(folder.path(), &["--record"]);
    assert_eq!(misfit.code, 6);
    assert!(misfit.stderr.contains("error[E0602]: the golden cases have node `hours`"), "{}", misfit.stderr);
}

/// Avro's JSON is not the JSON of an object in a golden case, and neither has the header of a topic's events.
#[test]
fn a_recorded_event_is_replayed_by_the_rules_that_it_was_read_by() {
    let avro_json = r#"{"ecid":"1","km":null,"cartype":{"string":"Estate"},"age":{"int":36},"gender":null,"carbrand":{"string":"VW"},"leasing":null,"city":{"string":"Graz"},"country":{"string":"AUSTRIA"},"nationality":null,"primaryuser":null,"purchase":null,"pricequote":551.77,"timestamp":1583029433943}"#;
    let confluent = [&b"\0\0\0\0\x07"[..], EVENT.as_bytes()].concat();
    let apicurio = [&b"\0\0\0\0\0\0\0\0\x07"[..], EVENT.as_bytes()].concat();
    for (format, in_topic) in [
        ("format: avro_json", avro_json.as_bytes()),
        ("format: json", EVENT.as_bytes()),
        ("format: json\n  framing: confluent", confluent.as_slice()),
        ("format: json\n  framing: apicurio", apicurio.as_slice()),
    ] {
        let folder = with_event(EVENT);
        let golden = format!("golden: {}/models/car-insurance/golden.json", support::car_insurance::root().display());
        let text = example(&[(golden.as_str(), "golden: cases.json"), ("format: avro", format)]);
        std::fs::write(folder.path().join("pipeline.yaml"), text).unwrap();
        std::fs::write(folder.path().join("blanks.json"), EVENT.replace(",\"", ",\n \"")).unwrap();
        std::fs::write(folder.path().join("in-topic"), in_topic).unwrap();
        for (number, event) in ["event.json", "blanks.json", "in-topic"].into_iter().enumerate() {
            let recorded = caz(folder.path(), &["explain", "pipeline.yaml", "--event", event, "--record", "--json"]);
            let told = (recorded.code, recorded.stderr.trim());
            assert_eq!(told, (0, format!("golden case {number} added to cases.json").as_str()), "{format} {event}");
            let case = caz(folder.path(), &["explain", "pipeline.yaml", "--case", &number.to_string(), "--json"]);
            for explained in [&recorded, &case] {
                let explained: Value = serde_json::from_str(&explained.stdout).unwrap();
                assert_eq!(explained["outcome"]["fate"], "scored", "{format} {event}: {}", explained["outcome"]);
            }
        }
        let checked = caz(folder.path(), &["check", "pipeline.yaml"]);
        assert_eq!(checked.code, 0, "{format}: {}", checked.stderr);
        assert!(checked.stdout.contains("golden   3 cases pass"), "{format}: {}", checked.stdout);
    }
}

/// Whoever looks pays for it, whoever serves does not.
#[test]
fn serving_keeps_only_what_scores_need() {
    let folder = with_event(EVENT);
    let (assembly, _) = caz::stream::Assembly::load(&folder.path().join("pipeline.yaml")).unwrap();
    let (serving, looking) = (assembly.line().unwrap(), assembly.tracing_line(None).unwrap());
    let steps = |line: &caz::stream::Line| format!("{:?}", line.plan()).matches("Step {").count();
    assert_eq!((serving.plan().projection().len(), looking.plan().projection().len()), (10, 14));
    assert!(serving.plan().trace().is_none() && looking.plan().trace().is_some());
    // 58 dummies are 58 arrays for people, and none for the model; the features are gathered once more.
    assert!(steps(&looking) > steps(&serving) + 58, "{} {}", steps(&looking), steps(&serving));
}

#[test]
fn wrong_questions_have_answers() {
    let folder = with_event(EVENT);
    let nothing = caz(folder.path(), &["explain", "pipeline.yaml"]);
    assert_eq!(nothing.code, 2);
    let case = caz(folder.path(), &["explain", "pipeline.yaml", "--case", "32"]);
    assert_eq!((case.code, case.stderr.trim()), (1, "error: there is no golden case 32: there are 32, counted from 0"));
    let file = caz(folder.path(), &["explain", "pipeline.yaml", "--event", "none.json"]);
    assert_eq!((file.code, file.stderr.trim()), (1, "error: none.json: No such file or directory (os error 2)"));
    for place in [["--topic", "t"], ["--partition", "2"]] {
        for event in [["--event", "event.json"], ["--case", "0"]] {
            let both = caz(folder.path(), &[&["explain", "pipeline.yaml"], &event[..], &place].concat());
            assert_eq!(both.code, 2, "{}", both.stderr);
        }
    }
}

/// `caz explain` of a record in the broker.
fn explain_record(example: &Example, topic: &str, offset: i64, more: &[&str]) -> Ended {
    let offset = offset.to_string();
    let file = example.file.to_str().unwrap();
    let arguments = [&["explain", file, "--topic", topic, "--offset", &offset], more].concat();
    let mut ended = caz_with(example.file.parent().unwrap(), &arguments, &[("CAZ_BOOTSTRAP", &bootstrap())], b"");
    ended.stderr = ended.stderr.replace(topic, "TOPIC");
    ended
}

#[test]
fn a_record_and_its_dead_letter() {
    let pipeline = Example::new(1, &[]);
    let events =
        [avro_events()[0].clone(), changed_event(1, "timestamp", Avro::TimestampMillis(i64::MAX / 1_000)), avro_events()[2].clone()];
    pipeline.publish(1, &events.clone().map(Some));
    let mut caz = pipeline.start();
    pipeline.wait_for_committed(&mut caz, 3);
    caz.terminate();

    let scored = explain_record(&pipeline, &pipeline.input, 0, &["--json"]);
    assert_eq!(scored.code, 0, "{}", scored.stderr);
    let scored: Value = serde_json::from_str(&scored.stdout).unwrap();
    assert_eq!(scored["event"]["origin"]["topic"], pipeline.input.as_str());
    assert_eq!((&scored["event"]["origin"]["key"], &scored["dead_letter"]), (&json!("0"), &Value::Null));
    let published: Value = serde_json::from_str(read_committed(&pipeline.output)[0].text()).unwrap();
    assert_eq!(scored["outcome"]["score"], published, "what is explained is what was published");

    let letter = &read_committed(&pipeline.dead_letters)[0];
    let shown = explain_record(&pipeline, &pipeline.dead_letters, letter.offset, &[]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let shown = shown.stdout.replace(&pipeline.dead_letters, "DEAD-LETTERS").replace(&pipeline.input, "INPUT");
    insta::assert_snapshot!("dead_letter", shown);

    // The letter becomes a golden case, which expects the rejection.
    let folder = pipeline.file.parent().unwrap();
    let recorded = explain_record(&pipeline, &pipeline.dead_letters, letter.offset, &["--record", "cases.json"]);
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    let text = std::fs::read_to_string(&pipeline.file).unwrap();
    let golden = text.lines().find(|line| line.starts_with("golden: ")).unwrap();
    std::fs::write(folder.join("gated.yaml"), text.replace(golden, "golden: cases.json")).unwrap();
    let checked = support::command::caz(folder, &["check", "gated.yaml"]);
    assert!(checked.code == 0 && checked.stdout.contains("golden   1 cases pass"), "{}{}", checked.stdout, checked.stderr);

    // The transaction's end is a record of the output's too, but no event.
    let last = read_committed(&pipeline.output).last().unwrap().offset;
    let marker = explain_record(&pipeline, &pipeline.output, last + 1, &[]);
    assert_eq!(marker.code, 1);
    assert!(marker.stderr.contains("holds no event: it is a transaction's control record"), "{}", marker.stderr);
}

#[test]
fn places_without_an_event_are_told_apart() {
    let pipeline = Example::new(1, &[]);
    let producer = Producer::new(&properties().with("transactional.id", unique("explain"))).unwrap();
    let topic = producer.topic(&pipeline.input).unwrap();
    let event = avro_events()[0].clone();
    let record = BareRecord { partition: Some(0), key: None, value: Some(&event), tag: 0 };
    producer.init_transactions(PATIENCE).unwrap();
    // Offset 0 is aborted, 1 its marker, 2 an event, 3 its marker, 4 in a transaction that stays open.
    for commit in [Some(false), Some(true), None] {
        producer.begin().unwrap();
        producer.produce_batch(&topic, &[record], PATIENCE).unwrap();
        producer.flush(PATIENCE).unwrap();
        match commit {
            Some(true) => producer.commit(PATIENCE).unwrap(),
            Some(false) => producer.abort(PATIENCE).unwrap(),
            None => {}
        }
    }
    let told: Vec<String> = (0..=5)
        .map(|offset| explain_record(&pipeline, &pipeline.input, offset, &[]))
        .filter(|ended| ended.code != 0)
        .map(|ended| ended.stderr)
        .collect();
    let none = explain_record(&pipeline, &unique("no-such-topic"), 0, &[]);
    let partition = explain_record(&pipeline, &pipeline.input, 0, &["--partition", "7"]);
    insta::assert_snapshot!("no_event", format!("{}{}{}", told.concat(), none.stderr, partition.stderr));
    producer.abort(PATIENCE).unwrap();
}
