//! `caz audit` and `caz dead-letters` against a real broker: each deliberate damage is found, and letters go back once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation is a failed test")]

mod support;

use std::process::Output;
use std::time::Duration;

use caz::audit::{Scope, Stage};
use caz::kafka::{Consumer, Header, OutboundRecord, Producer};
use serde_json::Value;
use support::car_insurance::{Example, avro_events};
use support::{PATIENCE, Stored, properties, read_committed};

const PARTITIONS: i32 = 2;
/// Headers that are forged one by one.
const SEPARATE: (&str, &str) = ("pass_through: [ecid]", "pass_through: [ecid]\n  headers: separate");

/// The example after caz scored so many events, every tenth of them poison.
fn scored(events: usize, replacements: &[(&str, &str)]) -> Example {
    let example = Example::new(PARTITIONS, &[&[SEPARATE], replacements].concat());
    let poisoned = |(row, datum): (usize, Vec<u8>)| Some(if row % 10 == 3 { datum[..9].to_vec() } else { datum });
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().take(events).enumerate().map(poisoned).collect();
    example.publish(PARTITIONS, &events);
    run_until(&example, i64::try_from(events.len()).unwrap());
    example
}

fn run_until(example: &Example, committed: i64) {
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, committed);
    caz.terminate();
}

fn audit(example: &Example, arguments: &[&str]) -> (Value, Option<i32>) {
    let output = example.command(&[&["audit", "FILE", "--json"], arguments].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    (report, output.status.code())
}

fn sum(report: &Value, what: &str) -> u64 {
    let value = |partition: &Value| partition[what].as_u64().or(partition[what]["count"].as_u64()).unwrap();
    report["partitions"].as_array().unwrap().iter().map(value).sum()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Writes a record to a topic with the source coordinates of `like`, at another offset if given.
fn forge(topic: &str, like: &Stored, offset: Option<&str>) {
    let producer = Producer::new(&properties()).unwrap();
    let topic = producer.topic(topic).unwrap();
    let headers: Vec<Header<'_>> = like
        .headers
        .iter()
        .map(|(name, value)| match offset {
            Some(offset) if name == "caz.source.offset" => (name.as_str(), Some(offset.as_bytes())),
            _ => (name.as_str(), value.as_deref()),
        })
        .collect();
    let (partition, key, value) = (Some(like.partition), like.key.as_deref(), like.value.as_deref());
    let record = OutboundRecord { topic: &topic, partition, key, value, headers: &headers, timestamp_ms: like.timestamp_ms, tag: 0 };
    producer.produce(&record, PATIENCE).unwrap();
    producer.flush(PATIENCE).unwrap();
}

#[test]
fn a_clean_run_is_clean() {
    let example = scored(300, &[]);
    let (report, code) = audit(&example, &[]);
    assert_eq!((code, &report["clean"]), (Some(0), &Value::Bool(true)), "{report:#}");
    assert_eq!(["events", "scored", "dead_letters", "skipped"].map(|what| sum(&report, what)), [300, 270, 30, 0]);
    let (part, code) = audit(&example, &["--partition", "1", "--from", "10", "--to", "50"]);
    assert_eq!((code, sum(&part, "events")), (Some(0), 40), "{part:#}");
    let (nothing, code) = audit(&Example::new(1, &[]), &[]);
    assert_eq!((code, sum(&nothing, "events")), (Some(0), 0));
}

#[test]
fn scores_with_one_header_are_accounted_for_too() {
    let example = scored(100, &[("headers: separate", "headers: packed")]);
    let scores = read_committed(&example.output);
    let names = |score: &Stored| score.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert!(scores.iter().all(|score| names(score) == ["caz.score"]), "{:?}", scores[0].headers);
    let (report, code) = audit(&example, &[]);
    assert_eq!((code, sum(&report, "scored"), sum(&report, "dead_letters")), (Some(0), 90, 10), "{report:#}");
    forge(&example.output, &scores[5], None);
    let (report, code) = audit(&example, &[]);
    assert_eq!((code, sum(&report, "doubled")), (Some(5), 1), "{report:#}");
}

#[test]
fn scores_without_headers_are_not_audited() {
    let example = scored(100, &[("headers: separate", "headers: none")]);
    let scores = read_committed(&example.output);
    assert_eq!((scores.len(), scores.iter().all(|score| score.headers.is_empty())), (90, true));
    assert!(read_committed(&example.dead_letters).iter().all(|letter| letter.headers.iter().any(|(name, _)| name == "caz.source.offset")));
    let answer = example.command(&["audit", "FILE"]);
    assert_eq!(answer.status.code(), Some(1));
    insta::assert_snapshot!(text(&answer));
}

#[test]
fn doubled_unknown_and_disordered_records_are_found() {
    let example = scored(100, &[]);
    let scores = read_committed(&example.output);
    forge(&example.output, &scores[5], None);
    let (report, code) = audit(&example, &[]);
    assert_eq!((code, sum(&report, "doubled"), sum(&report, "missing")), (Some(5), 1, 0), "{report:#}");

    // A score and a dead letter of one event are a double too.
    forge(&example.dead_letters, &Stored { partition: 0, ..scores[6].clone() }, None);
    let (report, _) = audit(&example, &[]);
    assert_eq!(sum(&report, "doubled"), 2);

    // Nothing of this input: another pipeline's record.
    let mut foreign = scores[7].clone();
    foreign.headers.iter_mut().filter(|(name, _)| name == "caz.source.topic").for_each(|(_, value)| *value = Some(b"other".to_vec()));
    forge(&example.output, &foreign, None);
    let (report, _) = audit(&example, &[]);
    assert_eq!((sum(&report, "doubled"), report["foreign_records"].as_u64()), (2, Some(1)));
    let answer = example.command(&["audit", "FILE"]);
    assert!(text(&answer).contains("doubled: offsets"), "{}", text(&answer));
}

#[test]
fn missing_and_late_events_are_found() {
    let example = Example::new(1, &[]);
    let events: Vec<Option<Vec<u8>>> = avro_events().into_iter().take(20).map(Some).collect();
    example.publish(1, &events);
    // Nobody scored them, but the range is asked for.
    let (report, code) = audit(&example, &["--to", "20"]);
    assert_eq!((code, sum(&report, "missing")), (Some(5), 20), "{report:#}");

    // Scores of another run are written by hand, the first two in the wrong order, none for the last.
    let other = Example::new(1, &[SEPARATE]);
    other.publish(1, &events);
    run_until(&other, 20);
    let mut scores = read_committed(&other.output);
    for score in &mut scores {
        let input = example.input.clone().into_bytes();
        score.headers.iter_mut().filter(|(name, _)| name == "caz.source.topic").for_each(|(_, value)| *value = Some(input.clone()));
    }
    scores.swap(0, 1);
    scores.truncate(19);
    scores.iter().for_each(|score| forge(&example.output, score, None));
    let (report, code) = audit(&example, &["--to", "20"]);
    assert_eq!((code, sum(&report, "missing"), sum(&report, "out_of_order")), (Some(5), 1, 1), "{report:#}");
    assert_eq!(report["partitions"][0]["missing"]["first"], serde_json::json!([19]));

    // A record for an offset that holds no event: a control record's, after a transaction.
    let producer = Producer::new(&properties().with("transactional.id", support::unique("input"))).unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin().unwrap();
    let topic = producer.topic(&example.input).unwrap();
    let record =
        OutboundRecord { topic: &topic, partition: Some(0), key: None, value: Some(b""), headers: &[], timestamp_ms: None, tag: 0 };
    producer.produce(&record, PATIENCE).unwrap();
    producer.commit(PATIENCE).unwrap();
    forge(&example.output, &scores[0], Some("21"));
    let (report, _) = audit(&example, &["--to", "22"]);
    assert_eq!((sum(&report, "unknown"), sum(&report, "missing")), (1, 2), "{report:#}");
}

#[test]
fn skipped_events_are_accounted_for_by_scoring_them_again() {
    let drop = "params: {import: dropna, kwargs: {subset: [gender]}}";
    // Another graph than the one whose golden cases are recorded.
    let graph = [("params: {import: fillna, cols: gender, kwargs: {value: notgiven}}", drop), ("golden: ", "# golden: ")];
    let example = scored(200, &graph);
    let (report, code) = audit(&example, &[]);
    assert_eq!((code, sum(&report, "missing")), (Some(0), 0), "{report:#}");
    let skipped = sum(&report, "skipped");
    assert!(skipped > 0);
    assert_eq!(sum(&report, "scored") + sum(&report, "dead_letters") + skipped, 200);
}

#[test]
fn a_hung_transaction_is_found() {
    let example = scored(20, &[]);
    let producer = Producer::new(&properties().with("transactional.id", support::unique("hung"))).unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin().unwrap();
    let topic = producer.topic(&example.output).unwrap();
    let record =
        OutboundRecord { topic: &topic, partition: Some(1), key: None, value: Some(b"x"), headers: &[], timestamp_ms: None, tag: 0 };
    producer.produce(&record, PATIENCE).unwrap();
    support::wait_for("the record is there", || {
        (producer.flush(Duration::from_secs(1)).is_ok() && producer.in_flight() == 0).then_some(())
    });
    let (report, code) = audit(&example, &["--wait", "1"]);
    assert_eq!((code, &report["clean"]), (Some(5), &Value::Bool(false)), "{report:#}");
    let hung: Vec<&Value> = report["ends"].as_array().unwrap().iter().filter(|end| end["hung"] != 0).collect();
    assert_eq!(hung.len(), 1);
    assert_eq!((&hung[0]["topic"], &hung[0]["partition"]), (&Value::from(example.output.as_str()), &Value::from(1)));
    producer.abort(PATIENCE).unwrap();
    assert_eq!(audit(&example, &["--wait", "30"]).1, Some(0));
}

/// As on a busy pipeline, where some transaction always holds offsets that are not committed yet.
#[test]
fn an_open_commit_of_offsets_keeps_no_audit_waiting() {
    let example = scored(20, &[]);
    let consumer = Consumer::new(&properties().with("group.id", example.group.as_str()), &example.input).unwrap();
    let producer = Producer::new(&properties().with("transactional.id", support::unique("open"))).unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin().unwrap();
    producer.send_offsets(&[(0, 1)], &example.input, &consumer.group_metadata().unwrap(), PATIENCE).unwrap();
    let (report, code) = audit(&example, &[]);
    assert_eq!((code, sum(&report, "scored") + sum(&report, "dead_letters")), (Some(0), 20), "{report:#}");
    producer.abort(PATIENCE).unwrap();
}

/// A topic at its retention loses its oldest events while an audit is under way.
#[test]
fn events_that_expire_during_an_audit_are_not_audited() {
    let example = scored(300, &[]);
    let assembly = assembly(&example);
    let mut is_to_expire = true;
    let report = caz::audit::audit(&assembly, &Scope { patience: PATIENCE, ..Scope::default() }, &mut |stage, _| {
        if stage == Stage::Output && std::mem::take(&mut is_to_expire) {
            support::expire(&example.input, 1, 100);
        }
    })
    .unwrap();
    assert!(report.clean, "{report:?}");
    assert_eq!(report.partitions.iter().map(|partition| (partition.from, partition.events)).collect::<Vec<_>>(), [(0, 150), (100, 50)]);
}

#[test]
fn dead_letters_are_listed_shown_and_sent_back_once() {
    let example = scored(50, &[]);
    let list = example.command(&["dead-letters", "list", "FILE", "--json"]);
    let letters: Vec<Value> = text(&list).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(letters.len(), 5);
    assert!(letters.iter().all(|letter| letter["reason"] == "truncated" && letter["phase"] == "decode"));
    let none = example.command(&["dead-letters", "list", "FILE", "--reason", "conversion"]);
    assert_eq!(text(&none).trim(), "no dead letters");
    let summary = text(&example.command(&["dead-letters", "list", "FILE", "--summary"]));
    assert!(summary.lines().nth(1).is_some_and(|line| line.split_whitespace().take(3).eq(["5", "decode", "truncated"])), "{summary}");

    let offset = letters[0]["offset"].to_string();
    let shown = text(&example.command(&["dead-letters", "show", "FILE", "--partition", "0", "--offset", &offset]));
    assert!(shown.contains("reason     truncated") && shown.contains("9 bytes") && shown.contains("[4c]"), "{shown}");
    let absent = example.command(&["dead-letters", "show", "FILE", "--partition", "0", "--offset", "99999"]);
    assert_eq!(absent.status.code(), Some(1));

    let unnamed = example.command(&["dead-letters", "replay", "FILE"]);
    assert!(unnamed.status.code() == Some(2) && text(&unnamed).contains("--all"));
    let swapped = example.command(&["audit", "FILE", "--from", "2000", "--to", "1000"]);
    assert!(swapped.status.code() == Some(2) && text(&swapped).contains("it must be more than --from, 2000"), "{}", text(&swapped));
    let dry = example.command(&["dead-letters", "replay", "FILE", "--all", "--dry-run"]);
    assert!(text(&dry).contains("would send 5 events"), "{}", text(&dry));
    let one = example.command(&["dead-letters", "replay", "FILE", "--partition", "0", "--offset", &offset]);
    assert!(text(&one).contains("sent 1 events back"), "{}", text(&one));
    for sent in ["sent 4 events back", "sent 0 events back"] {
        let rest = example.command(&["dead-letters", "replay", "FILE", "--reason", "truncated"]);
        assert!(text(&rest).contains(sent), "{}", text(&rest));
    }
    assert_eq!(text(&example.command(&["dead-letters", "list", "FILE"])).trim(), "no dead letters");
    let misspelt = text(&example.command(&["dead-letters", "list", "FILE", "--reason", "truncatd"]));
    assert!(misspelt.contains("a similar value exists: 'truncated'"), "{misspelt}");
    let nowhere = text(&example.command(&["dead-letters", "list", "FILE", "--partition", "99"]));
    assert!(nowhere.contains("has no partition 99"), "{nowhere}");

    // The events came back as they were: key, value, partition.
    let events = read_committed(&example.input);
    let replayed: Vec<&Stored> = events.iter().filter(|event| event.header("caz.replay.of").is_some()).collect();
    assert_eq!(replayed.len(), 5);
    for again in replayed {
        let first = events.iter().find(|event| event.key == again.key).unwrap();
        assert_eq!((&first.value, first.partition, first.timestamp_ms), (&again.value, again.partition, again.timestamp_ms));
    }

    // Still broken, they become letters again, and the account stays clean. The transactions' control records take offsets too.
    let ends: i64 = (0..PARTITIONS).map(|partition| support::admin().watermarks(&example.input, partition).unwrap().high).sum();
    let behind_controls = |caz: &mut support::car_insurance::Caz| {
        support::wait_for("the letters come again", || {
            let again = read_committed(&example.dead_letters).iter().filter(|letter| letter.header("caz.error.reason").is_some()).count();
            assert!(caz.is_running(), "{}", caz.log());
            (again == 10 && example.committed() <= ends).then_some(())
        });
    };
    let mut caz = example.start();
    behind_controls(&mut caz);
    caz.terminate();
    let (report, code) = audit(&example, &[]);
    assert_eq!((code, sum(&report, "dead_letters"), report["foreign_records"].as_u64()), (Some(0), 10, Some(0)), "{report:#}");
}

fn assembly(example: &Example) -> caz::stream::Assembly {
    let text = std::fs::read_to_string(&example.file).unwrap().replace("${CAZ_BOOTSTRAP:-localhost:9092}", &support::bootstrap());
    let file = example.file.with_file_name("replay.yaml");
    std::fs::write(&file, text).unwrap();
    caz::stream::Assembly::load(&file).unwrap().0
}

/// A transaction that is open before them hides the marks of a replay, though they are committed.
#[test]
fn a_replay_waits_for_open_transactions() {
    let example = scored(50, &[]);
    let (assembly, filter) = (assembly(&example), caz::dead_letters::Filter::default());
    let replay = |patience| {
        let replay = caz::dead_letters::Replay::new(&assembly).unwrap();
        caz::dead_letters::DeadLetters::open_settled(&assembly, patience).map(|letters| replay.run(&letters, &filter).unwrap().sent)
    };
    let replay_now = caz::dead_letters::Replay::new(&assembly).unwrap();
    let letters = caz::dead_letters::DeadLetters::open_settled(&assembly, PATIENCE).unwrap();
    let scorer = Producer::new(&properties().with("transactional.id", support::unique("scorer"))).unwrap();
    scorer.init_transactions(PATIENCE).unwrap();
    scorer.begin().unwrap();
    let topic = scorer.topic(&example.dead_letters).unwrap();
    let letter =
        OutboundRecord { topic: &topic, partition: Some(0), key: None, value: Some(b"open"), headers: &[], timestamp_ms: None, tag: 0 };
    scorer.produce(&letter, PATIENCE).unwrap();
    scorer.flush(PATIENCE).unwrap();
    assert_eq!(replay_now.run(&letters, &filter).unwrap().sent, 5);
    let refused = replay(Duration::ZERO).unwrap_err().to_string();
    assert!(refused.contains("may hide which letters were sent back: none was sent now"), "{refused}");
    scorer.abort(PATIENCE).unwrap();
    assert_eq!(replay(PATIENCE).unwrap(), 0);
}

/// Compressed the event fits into its topic, and by itself it does not: the others go back all the same.
#[test]
fn a_letter_that_is_too_large_for_the_input_is_named() {
    let example = Example::new(1, &[SEPARATE]);
    let input = support::create_topic_with("small-input", 1, &[("max.message.bytes", "2000")]);
    let file = std::fs::read_to_string(&example.file).unwrap();
    std::fs::write(&example.file, file.replace(&example.input, &input)).unwrap();
    let producer = Producer::new(&properties().with("compression.type", "gzip")).unwrap();
    let topic = producer.topic(&input).unwrap();
    for value in [&[b'x'; 5_000][..], b"small"] {
        let event =
            OutboundRecord { topic: &topic, partition: None, key: None, value: Some(value), headers: &[], timestamp_ms: None, tag: 0 };
        producer.produce(&event, PATIENCE).unwrap();
        producer.flush(PATIENCE).unwrap();
    }
    let caz = example.start();
    support::wait_for("both are letters", || (read_committed(&example.dead_letters).len() == 2).then_some(()));
    caz.terminate();
    let answer = example.command(&["dead-letters", "replay", "FILE", "--all"]);
    assert!(text(&answer).contains("sent 1 events back"), "{}", text(&answer));
    assert!(text(&answer).contains("1 letters are of events larger than the input takes"), "{}", text(&answer));
}

/// The second one's event had another length: the topic was made anew since.
#[test]
fn a_letter_without_its_value_takes_no_other_events() {
    let example = Example::new(1, &[]);
    example.publish(1, &[Some(b"event".to_vec())]);
    let producer = Producer::new(&properties()).unwrap();
    let topic = producer.topic(&example.dead_letters).unwrap();
    for bytes in ["5", "6"] {
        let headers: [Header<'_>; 4] = [
            ("caz.source.topic", Some(example.input.as_bytes())),
            ("caz.source.partition", Some(b"0".as_slice())),
            ("caz.source.offset", Some(b"0".as_slice())),
            ("caz.error.value_omitted", Some(bytes.as_bytes())),
        ];
        let letter =
            OutboundRecord { topic: &topic, partition: Some(0), key: None, value: None, headers: &headers, timestamp_ms: None, tag: 0 };
        producer.produce(&letter, PATIENCE).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let answer = text(&example.command(&["dead-letters", "replay", "FILE", "--all"]));
    assert!(answer.contains("sent 1 events back") && answer.contains("1 letters have no value any more"), "{answer}");
}

/// The input was made anew with fewer partitions: letters of the ones that are gone go back by their keys.
#[test]
fn letters_of_a_partition_that_is_gone_are_sent_back() {
    let example = scored(100, &[]);
    support::make_topic_anew(&example.input, 1);
    let answer = text(&example.command(&["dead-letters", "replay", "FILE", "--all"]));
    assert!(answer.contains("sent 10 events back"), "{answer}");
    assert_eq!(read_committed(&example.input).len(), 10);
}

/// Its records may take longer than a transaction, which a replay is all the same.
#[test]
fn letters_of_an_at_least_once_pipeline_are_sent_back() {
    let at_least_once = ("guarantee: exactly_once", "guarantee: at_least_once");
    let example = scored(10, &[at_least_once, ("kafka:\n", "kafka:\n  message.timeout.ms: 300000\n")]);
    let answer = text(&example.command(&["dead-letters", "replay", "FILE", "--all"]));
    assert!(answer.contains("sent 1 events back"), "{answer}");
}

/// Each transaction leaves a record of its end in the partition.
#[test]
fn a_transaction_sends_back_only_so_many_bytes() {
    let example = Example::new(1, &[]);
    let producer = Producer::new(&properties()).unwrap();
    let topic = producer.topic(&example.dead_letters).unwrap();
    let value = "x".repeat(900_000);
    for offset in 0..20 {
        let offset = offset.to_string();
        let headers: [Header<'_>; 3] = [
            ("caz.source.topic", Some(example.input.as_bytes())),
            ("caz.source.partition", Some(b"0".as_slice())),
            ("caz.source.offset", Some(offset.as_bytes())),
        ];
        let value = Some(value.as_bytes());
        let letter = OutboundRecord { topic: &topic, partition: Some(0), key: None, value, headers: &headers, timestamp_ms: None, tag: 0 };
        producer.produce(&letter, PATIENCE).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let answer = example.command(&["dead-letters", "replay", "FILE", "--all"]);
    assert!(text(&answer).contains("sent 20 events back"), "{}", text(&answer));
    let admin = support::admin();
    support::wait_for("20 events and the ends of two transactions", || {
        (admin.watermarks(&example.input, 0).unwrap().high == 22).then_some(())
    });
}

#[test]
fn a_second_replay_ends_the_first() {
    let example = scored(50, &[]);
    let (assembly, filter) = (assembly(&example), caz::dead_letters::Filter::default());
    let first = caz::dead_letters::Replay::new(&assembly).unwrap();
    let letters = caz::dead_letters::DeadLetters::open(&assembly).unwrap();
    let second = caz::dead_letters::Replay::new(&assembly).unwrap();
    let letters_of_second = caz::dead_letters::DeadLetters::open(&assembly).unwrap();
    assert_eq!(second.run(&letters_of_second, &filter).unwrap().sent, 5);
    assert!(first.run(&letters, &filter).is_err(), "a fenced replay sends nothing");
    let replayed = read_committed(&example.input).iter().filter(|event| event.header("caz.replay.of").is_some()).count();
    assert_eq!(replayed, 5);
}
