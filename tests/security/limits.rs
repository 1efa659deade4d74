//! What an event or a file can make grow has an end, which is said in plain words.

use std::fs::File;
use std::path::Path;

use caz::kafka::{Header, OutboundRecord, Producer};
use serde_json::json;

use super::support::car_insurance::{Example, root};
use super::support::command::{caz, example};
use super::support::{PATIENCE, properties, read_committed};

/// The first line of what `caz check` says of the example with these changes; `prepare` puts files beside it.
fn told(replacements: &[(&str, &str)], more: &str, prepare: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let text = example(replacements) + more;
    std::fs::write(folder.path().join("p.yaml"), text).unwrap();
    prepare(folder.path());
    let ended = caz(folder.path(), &["check", "p.yaml"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    ended.stderr.lines().next().unwrap_or_default().to_owned()
}

fn written(name: &'static str, text: String) -> impl FnOnce(&Path) {
    move |folder| std::fs::write(folder.join(name), text).unwrap()
}

/// A file of so many bytes that takes no space.
fn sparse(name: &'static str, bytes: u64) -> impl FnOnce(&Path) {
    move |folder| File::create(folder.join(name)).unwrap().set_len(bytes).unwrap()
}

#[test]
fn files_that_grow_are_refused() {
    let nothing = |_: &Path| {};
    let schema = format!("{}/schemas/car-insurance.avsc", root().display());
    let schema = [(schema.as_str(), "events.avsc")];
    let frozen = format!("{}/config/car-insurance.frozen.json", root().display());
    let golden = format!("{}/models/car-insurance/golden.json", root().display());
    let models = format!("{}/models", root().display());
    let bomb: String = (1..12).map(|level| format!("x{level}: &x{level} [{}]\n", vec![format!("*x{}", level - 1); 9].join(", "))).collect();
    let deep = |depth: usize| format!("deep: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    let nodes: Vec<_> = (0..1_500).map(|at| json!({"id": format!("n{at}"), "type": "Split", "params": {}})).collect();
    let dsl = |nodes: &[serde_json::Value]| json!({"edge": {"applicationDsl": {"nodes": nodes, "edges": []}}}).to_string();
    let nested = (0..70).fold(
        json!("int"),
        |inner, level| json!({"type": "record", "name": format!("R{level}"), "fields": [{"name": "f", "type": inner}]}),
    );
    let wide: Vec<_> = (0..25_000).map(|at| json!({"name": format!("f{at}"), "type": "int"})).collect();
    let wide = json!({"type": "record", "name": "R", "fields": wide}).to_string();
    let whole = example(&[]);
    let start = whole.find("\ngraph:").unwrap() + 1;
    let graph = &whole[start..start + whole[start..].find("\noutput:").unwrap()];
    let by_file = [(graph, "graph:\n  dsl: graph.json\n")];
    let all = [
        ("a pipeline file of 2 MiB", told(&[], &"# x\n".repeat(1 << 19), nothing)),
        ("aliases that stand for 9^11 values", told(&[], &format!("x0: &x0 [1, 2, 3]\n{bomb}"), nothing)),
        ("nesting of 10,000", told(&[], &deep(10_000), nothing)),
        ("a graph file of 2 MiB", told(&by_file, "", sparse("graph.json", 2 << 20))),
        ("a graph file that nests 10,000 deep", told(&by_file, "", written("graph.json", "[".repeat(10_000)))),
        ("a graph of 1,500 nodes", told(&by_file, "", written("graph.json", dsl(&nodes)))),
        ("a schema of 100 MiB", told(&schema, "", sparse("events.avsc", 100 << 20))),
        ("a schema 70 records deep", told(&schema, "", written("events.avsc", nested.to_string()))),
        ("a schema of 25,000 fields", told(&schema, "", written("events.avsc", wide))),
        ("a schema that nests 10,000 deep", told(&schema, "", written("events.avsc", "[".repeat(10_000)))),
        ("statistics of 100 MiB", told(&[(&frozen, "frozen.json")], "", sparse("frozen.json", 100 << 20))),
        ("statistics that nest 10,000 deep", told(&[(&frozen, "frozen.json")], "", written("frozen.json", "[".repeat(10_000)))),
        ("a model of 3 GiB", told(&[(&models, "."), ("car-insurance/random-forest", "m")], "", sparse("m.onnx", 3 << 30))),
    ];
    let all: Vec<String> = all.iter().map(|(what, said)| format!("{what}\n  {said}")).collect();
    insta::assert_snapshot!(all.join("\n"));
    // Golden cases are read by whoever serves.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.yaml"), example(&[(&golden, "golden.json")])).unwrap();
    sparse("golden.json", 100 << 20)(folder.path());
    let ended = caz(folder.path(), &["run", "p.yaml"]);
    assert!(ended.code == 6 && ended.stderr.contains("MiB"), "{}", ended.stderr);
}

#[test]
fn a_regular_expression_that_grows_is_refused() {
    let call = "{import: fillna, cols: carbrand, kwargs: {value: notgiven}}";
    let told = |pattern: &str| {
        let grown = format!("{{import: str.contains, cols: carbrand, kwargs: {{pat: '{pattern}'}}}}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.yaml"), example(&[(call, &grown)])).unwrap();
        caz(folder.path(), &["check", "p.yaml"]).stderr
    };
    let (large, deep) = (told("(x{1000}){1000}"), told(&format!("{}x{}", "(".repeat(2_000), ")".repeat(2_000))));
    assert!(large.contains("size limit") && deep.contains("nest"), "{large}\n{deep}");
}

/// An event may bring headers that, with the reason added, are more than the dead-letter topic takes.
#[test]
fn a_dead_letter_goes_without_headers_that_its_topic_does_not_take() {
    let example = Example::new(1, &[]);
    let producer = Producer::new(&properties().with("message.max.bytes", "2000000")).unwrap();
    let topic = producer.topic(&example.input).unwrap();
    // The topics take batches of 1,048,588 bytes. Each event fits; its dead letter has some hundred bytes more.
    let (header, other, key) = (vec![b'h'; 700_000], vec![b'o'; 300_000], vec![b'k'; 348_250]);
    let value = vec![0xff; 48_350];
    type Event<'a> = (&'a [Header<'a>], &'a [u8], &'a [u8]);
    let large = ("large", Some(header.as_slice()));
    let events: [Event<'_>; 2] =
        [(&[large, ("other", Some(&other)), ("null", None)], b"a", &value), (&[large, ("null", None)], &key, &value[..1])];
    for (headers, key, value) in events {
        let (key, value) = (Some(key), Some(value));
        let record = OutboundRecord { topic: &topic, partition: Some(0), key, value, headers, timestamp_ms: None, tag: 0 };
        producer.produce(&record, PATIENCE).unwrap();
        // One to a batch.
        producer.flush(PATIENCE).unwrap();
    }
    assert_eq!(producer.take_failures(), []);
    let mut caz = example.start();
    example.wait_for_committed(&mut caz, 2);
    caz.terminate();
    let letters = read_committed(&example.dead_letters);
    let omitted = ["caz.error.value_omitted", "caz.error.headers_omitted"];
    let omitted: Vec<_> = letters.iter().map(|letter| omitted.map(|name| letter.header(name))).collect();
    assert_eq!(omitted, [[Some("48350"), None], [Some("1"), Some("2")]]);
    let null = ("null".to_owned(), None);
    assert!(letters[0].headers.contains(&null), "as they came");
    assert_eq!(letters.iter().map(|letter| letter.key.is_some()).collect::<Vec<_>>(), [true, false]);

    // Sent back, the event has again what its letter goes without.
    let (partition, offset) = (letters[1].partition.to_string(), letters[1].offset.to_string());
    let replay = example.command(&["dead-letters", "replay", "FILE", "--partition", &partition, "--offset", &offset]);
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
    let events = read_committed(&example.input);
    let [_, first, again] = &events[..] else { panic!("{} events", events.len()) };
    assert_eq!((&again.key, &again.value, again.header("large")), (&first.key, &first.value, first.header("large")));
    assert!(again.header("caz.replay.of").is_some() && again.key.is_some() && again.headers.contains(&null));
}
