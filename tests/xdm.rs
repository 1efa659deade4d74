//! XDM events against a real broker: in envelopes, one and several in a record, good and bad.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::process::Output;

use serde_json::{Value, json};
use support::car_insurance::{Example, expected_scores, root};
use support::{Stored, read_committed};

/// The example's pipeline for events of the XDM schema, whose fields the first nodes bring to the dataset's names.
fn pipeline(format: &str) -> Example {
    pipeline_with(format, "exactly_once")
}

fn pipeline_with(format: &str, guarantee: &str) -> Example {
    let flat = "    - id: flat
      type: FieldOps
      params:
        rename:
          _experienceplatform.identification: ''
          _experienceplatform.visitor: ''
          _experienceplatform.car: ''
          _experienceplatform.quote: ''
    - id: to_datetime\n";
    Example::new(
        2,
        &[
            ("format: avro", &format!("format: {format}")),
            ("guarantee: exactly_once", &format!("guarantee: {guarantee}")),
            ("car-insurance.avsc", "car-insurance.xdm.json"),
            ("    - id: to_datetime\n", flat),
            ("[json_df, to_datetime]", "[json_df, flat]\n    - [flat, to_datetime]"),
            ("pass_through: [ecid]", "pass_through: [_experienceplatform.identification.ecid, timestamp]"),
            // They are of the other graph.
            ("golden: ", "# golden: "),
        ],
    )
}

/// The dataset's rows as XDM entities.
fn entities() -> Vec<Value> {
    let mut reader = csv::Reader::from_path(root().join("datasets/car-insurance.csv")).unwrap();
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let entity = |(number, row): (usize, &BTreeMap<String, String>)| {
        let given = |names: &[&str]| {
            let there = names.iter().filter(|name| !row[**name].is_empty());
            there.map(|name| ((*name).to_owned(), json!(row[*name]))).collect::<serde_json::Map<_, _>>()
        };
        let number_of = |name: &str| row[name].parse::<f64>().ok();
        let mut visitor = given(&["gender", "city", "nationality"]);
        visitor.extend(row["age"].parse::<i64>().ok().map(|age| ("age".to_owned(), json!(age))));
        let mut car = given(&["cartype", "carbrand", "leasing", "country", "primaryuser"]);
        car.extend(row["km"].parse::<i64>().ok().map(|km| ("km".to_owned(), json!(km))));
        json!({
            "_id": format!("event-{number}"),
            "timestamp": row["timestamp"],
            "_experienceplatform": {
                "identification": {"ecid": row["ecid"]}, "visitor": visitor, "car": car, "quote": {"pricequote": number_of("pricequote")},
            },
            "identityMap": {"ECID": [{"id": row["ecid"], "authenticatedState": "ambiguous", "primary": true}]},
        })
    };
    rows.iter().enumerate().map(entity).collect()
}

fn envelope(entity: &Value) -> Value {
    let id =
        json!({"id": "https://ns.example.com/schemas/car-insurance-quote", "contentType": "application/vnd.adobe.xed-full+json;version=1"});
    json!({
        "header": {"schemaRef": id, "imsOrgId": "A@AdobeOrg", "datasetId": "d", "source": {"name": "test"}},
        "body": {"xdmMeta": {"schemaRef": id}, "xdmEntity": entity},
    })
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    Some(value.to_string().into_bytes())
}

fn run_until(example: &Example, committed: i64) {
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, committed);
    caz.terminate();
}

/// Partition, offset and message of the event that a record tells of.
fn source(record: &Stored) -> (i32, i64, Option<u32>) {
    let source = record.source().unwrap();
    (source.partition, source.offset, source.message)
}

fn audit(example: &Example) -> (Value, Option<i32>) {
    let output = example.command(&["audit", "FILE", "--json"]);
    (serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output))), output.status.code())
}

fn sum(report: &Value, what: &str) -> u64 {
    report["partitions"].as_array().unwrap().iter().map(|partition| partition[what].as_u64().unwrap()).sum()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The score of a row is that of scikit-learn, and its instant has all digits.
fn assert_score(record: &Stored, row: usize, entity: &Value) {
    let score: Value = serde_json::from_str(record.text()).unwrap();
    let (label, probability) = expected_scores()[row];
    assert_eq!(score["purchase_predicted"], label, "row {row}");
    assert!((score["probability_yes"].as_f64().unwrap() - probability).abs() < 1e-5, "row {row}: {score} and {probability}");
    assert_eq!(score["_experienceplatform.identification.ecid"], entity["_experienceplatform"]["identification"]["ecid"]);
}

#[test]
fn single_envelopes_good_and_bad() {
    let example = pipeline("xdm");
    let entities = entities();
    let mut events: Vec<Option<Vec<u8>>> = entities[..300].iter().map(|entity| bytes(&envelope(entity))).collect();
    let mut wrong_type = envelope(&entities[7]);
    wrong_type["body"]["xdmEntity"]["_experienceplatform"]["visitor"]["age"] = json!("old");
    wrong_type["body"]["xdmEntity"]["_experienceplatform"]["car"]["firstRegistration"] = json!("2020-13-01");
    events[7] = bytes(&wrong_type);
    let mut no_entity = envelope(&entities[8]);
    no_entity["body"].as_object_mut().unwrap().remove("xdmEntity");
    events[8] = bytes(&no_entity);
    let mut no_source = envelope(&entities[9]);
    no_source["header"]["source"] = json!({});
    events[9] = bytes(&no_source);
    example.publish(2, &events);
    run_until(&example, 300);

    let scores = read_committed(&example.output);
    assert_eq!(scores.len(), 297);
    for score in &scores {
        let row: usize = std::str::from_utf8(score.key.as_deref().unwrap()).unwrap().parse().unwrap();
        assert_score(score, row, &entities[row]);
        assert_eq!(score.source().unwrap().message, None);
    }
    let letters = read_committed(&example.dead_letters);
    let mut told: Vec<String> = letters
        .iter()
        .map(|letter| {
            let header = |name| letter.header(name).unwrap_or("-").to_owned();
            let said = ["caz.error.phase", "caz.error.reason", "caz.error.field", "caz.error.message", "caz.error.violations"].map(header);
            let at = &letter.text()[header("caz.error.byte").parse::<usize>().unwrap()..];
            format!("{}\n    at {}", said.join("\n    "), at.chars().take(12).collect::<String>())
        })
        .collect();
    told.sort();
    insta::assert_snapshot!(told.join("\n"));
    let (report, code) = audit(&example);
    assert_eq!((code, sum(&report, "scored"), sum(&report, "dead_letters")), (Some(0), 297, 3), "{report:#}");
}

#[test]
fn each_message_of_a_batch_is_an_event() {
    let example = pipeline("xdm");
    let entities = entities();
    let mut messages: Vec<Value> = entities[..10].iter().map(envelope).collect();
    messages[3]["body"]["xdmEntity"]["_experienceplatform"]["visitor"]["age"] = json!("old");
    messages[5]["header"]["source"]["name"] = json!("");
    let whole = json!({"messages": messages}).to_string();
    let events = [
        Some(whole.clone().into_bytes()),
        bytes(&envelope(&entities[10])),
        // Cut off: nothing of it can be told apart from the rest.
        Some(whole.as_bytes()[..whole.len() - 1].to_vec()),
        bytes(&json!({"messages": []})),
    ];
    example.publish(1, &events);
    run_until(&example, 4);

    let scores = read_committed(&example.output);
    let scored: Vec<_> = scores.iter().map(source).collect();
    let expected = [0, 1, 2, 4, 6, 7, 8, 9].map(|message| (0, 0, Some(message))).into_iter().chain([(0, 1, None)]);
    assert_eq!(scored, expected.collect::<Vec<_>>());
    for (score, row) in scores.iter().zip([0, 1, 2, 4, 6, 7, 8, 9, 10]) {
        assert_score(score, row, &entities[row]);
    }
    let letters = read_committed(&example.dead_letters);
    let told: Vec<_> = letters.iter().map(|letter| (source(letter), letter.header("caz.error.reason").unwrap())).collect();
    assert_eq!(
        told,
        [
            ((0, 0, Some(3)), "xdm_violation"),
            ((0, 0, Some(5)), "missing_source_name"),
            ((0, 2, None), "truncated"),
            ((0, 3, None), "empty"),
        ]
    );
    // A letter has the message alone, so that it can be sent back without its neighbours.
    assert_eq!(letters[0].text(), messages[3].to_string());
    let (report, code) = audit(&example);
    assert_eq!((code, sum(&report, "events"), sum(&report, "scored"), sum(&report, "dead_letters")), (Some(0), 13, 9, 4), "{report:#}");

    let unnamed = example.command(&["explain", "FILE", "--offset", "0"]);
    assert!(!unnamed.status.success() && text(&unnamed).contains("holds 10 messages"), "{}", text(&unnamed));
    let beyond = example.command(&["explain", "FILE", "--offset", "0", "--message", "10"]);
    assert!(text(&beyond).contains("there is no message 10"), "{}", text(&beyond));
    let explained = example.command(&["explain", "FILE", "--offset", "0", "--message", "4"]);
    assert!(text(&explained).contains("offset 0, message 4") && text(&explained).contains("score  "), "{}", text(&explained));
    let explained = example.command(&["explain", "FILE", "--offset", "0", "--message", "3"]);
    let said = "#/_experienceplatform/visitor/age: expected type: Integer, found: String";
    assert!(text(&explained).contains(said), "{}", text(&explained));

    let replayed = example.command(&["dead-letters", "replay", "FILE", "--reason", "xdm_violation"]);
    assert!(text(&replayed).contains("sent 1 events back"), "{}", text(&replayed));
    let mut caz = example.start();
    support::wait_for("the letter comes again", || {
        assert!(caz.is_running(), "{}", caz.log());
        let again = read_committed(&example.dead_letters);
        again.iter().any(|letter| letter.header("caz.error.reason").is_some() && source(letter).1 > 3).then_some(())
    });
    caz.terminate();
    assert_eq!(read_committed(&example.output).len(), scores.len(), "a neighbour was scored again");
    let (report, code) = audit(&example);
    assert_eq!((code, sum(&report, "events"), sum(&report, "dead_letters")), (Some(0), 14, 5), "{report:#}");
}

#[test]
fn a_record_of_messages_that_is_too_large_is_one_event() {
    let example = pipeline("xdm");
    let text = std::fs::read_to_string(&example.file).unwrap();
    std::fs::write(&example.file, text.replace("input:\n", "input:\n  max_event_size: 1000B\n")).unwrap();
    let messages: Vec<Value> = entities()[..10].iter().map(envelope).collect();
    example.publish(1, &[bytes(&json!({"messages": messages}))]);
    run_until(&example, 1);
    let (report, code) = audit(&example);
    assert_eq!((code, sum(&report, "events"), sum(&report, "dead_letters")), (Some(0), 1, 1), "{report:#}");
}

/// The process ends when all of a record's messages are written and nothing is committed: none of them is there, or all of them come again.
#[test]
fn messages_of_a_record_commit_at_once() {
    for (guarantee, point, written, in_all) in [("exactly_once", "before_commit", 0, 1), ("at_least_once", "after_flush", 1, 2)] {
        let example = pipeline_with("xdm", guarantee);
        let mut messages: Vec<Value> = entities()[..10].iter().map(envelope).collect();
        messages[3]["header"]["source"]["name"] = json!("");
        example.publish(1, &[bytes(&json!({"messages": messages}))]);
        let counts = || {
            let records = [read_committed(&example.output), read_committed(&example.dead_letters)].concat();
            let mut counts = [0; 10];
            records.iter().for_each(|record| counts[source(record).2.unwrap() as usize] += 1);
            counts
        };
        example.start_with(&[("CAZ_FAULT", &format!("crash@{point}:1"))]).wait_for_crash();
        assert_eq!((counts(), example.committed()), ([written; 10], 0), "{guarantee}");
        run_until(&example, 1);
        assert_eq!(counts(), [in_all; 10], "{guarantee}");
    }
}

/// Whether it comes from the topic, a file, or golden cases, an event must keep to the schema; an envelope may be around it where the topic
/// has envelopes.
#[test]
fn what_people_write_is_held_against_the_schema() {
    for format in ["xdm", "xdm_entity"] {
        let example = pipeline(format);
        let folder = example.file.parent().unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        let (mut good, mut bad) = (entities()[0].clone(), entities()[1].clone());
        good["_experienceplatform"]["visitor"].as_object_mut().unwrap().remove("city");
        let mut null = good.clone();
        null["_experienceplatform"]["visitor"]["age"] = Value::Null;
        // No node asks for it.
        bad["_experienceplatform"]["car"]["firstRegistration"] = json!("2020-13-01");
        let violation = json!("xdm_violation");
        let of_envelope = if format == "xdm" { Value::Null } else { violation.clone() };
        let envelopes = [(envelope(&good), of_envelope), (envelope(&bad), violation.clone())];
        let events = [vec![(good, Value::Null), (bad, violation.clone()), (null, violation)], envelopes.to_vec()].concat();
        for (event, reason) in &events {
            std::fs::write(path("event.json"), event.to_string()).unwrap();
            let (event_file, cases) = (path("event.json"), path("cases.json"));
            let explained = example.command(&["explain", "FILE", "--event", &event_file, "--json", "--record", &cases]);
            let explanation: Value =
                serde_json::from_slice(&explained.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&explained)));
            assert_eq!(explanation["outcome"]["reason"], *reason, "{format} {event}: {}", explanation["outcome"]);
        }
        if format == "xdm" {
            let messages = json!({"messages": [events[4].0, events[3].0]});
            std::fs::write(path("event.json"), messages.to_string()).unwrap();
            let explain = |more: &[&str]| text(&example.command(&[&["explain", "FILE", "--event", &path("event.json")], more].concat()));
            assert!(explain(&[]).contains("the event holds 2 messages. Mend: say which with --message"), "{}", explain(&[]));
            assert!(explain(&["--message", "0"]).contains("rejected     decode: xdm_violation"), "{}", explain(&["--message", "0"]));
            assert!(explain(&["--message", "1"]).contains("score  "), "{}", explain(&["--message", "1"]));
        }
        // A notebook has null for what is missing, and does not say who it is; what caz recorded is the event as it came.
        let mut golden: Value = serde_json::from_str(&std::fs::read_to_string(path("cases.json")).unwrap()).unwrap();
        let case = &mut golden["cases"][0];
        case["event"]["_experienceplatform"]["visitor"]["city"] = Value::Null;
        case.as_object_mut().unwrap().remove("by").unwrap();
        std::fs::write(path("cases.json"), golden.to_string()).unwrap();
        let pipeline = std::fs::read_to_string(&example.file).unwrap().replace("# golden: ", "golden: cases.json # ");
        std::fs::write(path("gated.yaml"), pipeline).unwrap();
        let checked = example.command(&["check", &path("gated.yaml")]);
        assert!(checked.status.success() && text(&checked).contains("golden   5 cases pass"), "{}", text(&checked));

        // So have rows of files, which need not keep to the schema's rules.
        let mut row = events[1].0.clone();
        row["_experienceplatform"]["visitor"]["age"] = Value::Null;
        std::fs::write(path("rows.jsonl"), format!("{}\n{row}\n", events[0].0)).unwrap();
        let scored = example.command(&["score", "FILE", "--input", &path("rows.jsonl"), "--output", &path("scores.jsonl")]);
        assert!(text(&scored).contains("2 rows: 2 scored, 0 rejected, 0 skipped"), "{}", text(&scored));
    }
}

#[test]
fn what_the_simulator_makes_up_is_scored() {
    for format in ["xdm", "xdm_entity"] {
        let example = pipeline(format);
        let published = example.command(&["simulate", "FILE", "--count", "500"]);
        assert!(published.status.success(), "{}", text(&published));
        run_until(&example, 500);
        let letters = read_committed(&example.dead_letters);
        let reasons: Vec<_> = letters.iter().map(|letter| (letter.header("caz.error.message"), letter.text())).take(3).collect();
        assert_eq!((read_committed(&example.output).len(), letters.len()), (500, 0), "{reasons:?}");
    }
}
