//! Pipeline files, right and wrong.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{Guarantee, HumanDuration, Pipeline, json_schema};
use crate::diagnostic::{Diagnostics, Document};
use serde_json::{Value, json};
use std::{fs, path::Path, sync::Arc};

/// The smallest pipeline file.
const SMALLEST: &str = "\
name: quotes
input: {topic: events, group: scorers, format: avro, schema: schema.avsc}
graph:
  nodes:
    - {id: start, type: JsonToDataframe}
output: {topic: scores}
dead_letters: {topic: dead}
kafka: {bootstrap.servers: localhost:9092}
";

fn environment(name: &str) -> Option<String> {
    match name {
        "PASSWORD" => Some("hunter2".to_owned()),
        "WORKERS" => Some("3".to_owned()),
        "DIGITS" => Some("007".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn load(text: &str) -> Result<(Pipeline, Arc<Document>), Diagnostics> {
    let (document, diagnostics) = Document::examine("pipelines/test.yaml", text, &environment)?;
    Pipeline::from_document(document, diagnostics)
}

fn loaded(text: &str) -> Pipeline {
    load(text).map_err(|found| found.render(false)).unwrap().0
}

fn refused(text: &str) -> String {
    load(text).map(|_| ()).unwrap_err().render(false)
}

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn what_is_left_out_has_its_default() {
    let pipeline = loaded(SMALLEST);
    insta::assert_debug_snapshot!(pipeline);
}

#[test]
fn everything_can_be_given() {
    let pipeline = loaded(
        "name: quotes
input: {topic: events, group: scorers, format: json, framing: confluent, schema: /schemas/quotes.avsc, max_event_size: 64KB}
model_store: ../models
graph: {frozen: quotes.json, nodes: [{id: a, type: Pandas, params: {cols: x}}, {id: b, type: ONNXNode}], edges: [[a, b], {from: a, to: b}]}
golden: quotes.golden.json
output: {topic: scores, format: avro, framing: apicurio, subject: quotes-scored, register: false, columns: [label], pass_through: [ecid], headers: separate}
delivery: {guarantee: at_least_once, commit_interval: 1s, transaction_timeout: 1m, instance: scorer-0}
dead_letters: {topic: dead}
on_error: stop
registry: {url: 'https://registry:8081/', username: caz, password: '${PASSWORD}', ca_file: /ca.pem, request_timeout: 1s, unreachable_wait: 1m, not_found_wait: 0s}
batch: {max_batch: 64, linger: 5ms}
workers: ${WORKERS}
metrics: {address: '[::]:9464'}
kafka: {bootstrap.servers: 'a:1,b:2', sasl.password: '${PASSWORD}', fetch.min.bytes: 1, log.connection.close: false}
shutdown_timeout: 30s
",
    );
    assert_eq!(pipeline.kafka.get("sasl.password"), Some("hunter2"));
    assert_eq!((pipeline.workers, pipeline.delivery.guarantee), (3, Guarantee::AtLeastOnce));
    assert_eq!(pipeline.shutdown_timeout, HumanDuration::from_millis(30_000));
    assert!(!format!("{pipeline:?}").contains("hunter2"));
    insta::assert_debug_snapshot!(pipeline);
}

/// As `${VAR:-}` is; the schema for editors agrees.
#[test]
fn null_stands_for_what_is_left_out() {
    let nulls = "
name: quotes
input: {topic: events, group: scorers, format: avro, framing: ~, schema: schema.avsc,
  writer_schemas: ~, max_event_size: ~}
model_store: ~
graph:
  frozen: ~
  nodes:
    - {id: start, type: JsonToDataframe, params: ~}
  edges: ~
golden: ~
output: {topic: scores, format: ~, framing: ~, subject: ~, register: ~, columns: ~,
  pass_through: ~, headers: ~}
delivery: {guarantee: ~, commit_interval: ~, transaction_timeout: ~, instance: ~}
dead_letters: {topic: dead}
on_error: ~
registry: ~
batch: {max_batch: ~, linger: ~}
workers: ${NONE:-}
metrics: {address: ~}
kafka: {bootstrap.servers: localhost:9092, client.rack: ~}
shutdown_timeout: ~
";
    let sections = format!("{SMALLEST}delivery: ~\nbatch: ~\nmetrics: ~\n");
    let (validator, smallest) = (jsonschema::validator_for(&json_schema()).unwrap(), loaded(SMALLEST));
    for text in [nulls, &sections] {
        let (pipeline, document) = load(text).map_err(|found| found.render(false)).unwrap();
        assert_eq!((&pipeline.graph.nodes[0].params, pipeline.graph.edges.len()), (&json!({}), 0));
        let pipeline = Pipeline { graph: smallest.graph.clone(), ..pipeline };
        assert_eq!(format!("{pipeline:#?}"), format!("{smallest:#?}"));
        assert!(validator.is_valid(document.value()));
    }
    for (found, null, key) in [("topic: scores", "topic: ~", "topic"), ("name: quotes", "name: ~", "name"), ("id: start", "id: ~", "id")] {
        let told = refused(&format!("{}workers: ~\n", SMALLEST.replace(found, null)));
        assert!(told.contains(&format!("`{key}` must be ")) && told.contains("found nothing") && told.ends_with("\n1 error\n"), "{told}");
    }
}

#[test]
fn a_variable_in_quotes_that_should_be_a_number_is_told() {
    let help = "a variable in quotes is always text";
    for line in ["workers: \"${NONE:-2}\"", "workers: '${WORKERS}'", "delivery: {instance: \"${NONE:-}\"}"] {
        assert!(refused(&format!("{SMALLEST}{line}\n")).contains(help), "{line}");
    }
    for line in
        ["workers: '2'", "workers: \"${NONE:-two}\"", "delivery: {instance: \"${EMPTY}\"}", "delivery: {commit_interval: \"${NONE:-5}\"}"]
    {
        assert!(!refused(&format!("{SMALLEST}{line}\n")).contains(help), "{line}");
    }
}

#[test]
fn ten_mistakes_are_ten_reports() {
    insta::assert_snapshot!(refused(
        "nmae: quotes
input: {topic: events, group: '', format: arvo, max_event_size: 100}
graph:
  nodes:
    - {id: start, typ: JsonToDataframe}
  edges: [[start]]
output: {topic: events, columns: []}
delivery: {guarantee: exactly-once, commit_interval: 20s}
batch: {max_batch: 0, linger: 5}
workers: ${HOW_MANY}
metrics: {address: localhost:9464}
kafka: {sasl.password: hunter2, enable.auto.commit: true}
"
    ));
}

#[test]
fn mistakes_between_values() {
    let text = SMALLEST.replace("topic: scores", "topic: events").replace("topic: dead", "topic: events").replace(
        "localhost:9092}",
        "localhost:9092, transactional.id: x, group.id: y, isolation.level: read_uncommitted, enable.idempotence: false}
delivery: {commit_interval: 0s, transaction_timeout: 500ms}
batch: {linger: 1s}
shutdown_timeout: 0s",
    );
    let first = refused(&text.replace("schema.avsc", "schema.avsc, max_event_size: 2GB"));
    let second = refused(&format!("{SMALLEST}delivery: {{commit_interval: 20s}}\n"));
    let framed = SMALLEST.replace("schema.avsc", "schema.avsc, framing: confluent, writer_schemas: [old.avsc]");
    let framed = framed.replace("topic: scores", "topic: scores, framing: single_object");
    let framed = refused(&framed);
    let without_password = refused(&format!("{SMALLEST}registry: {{url: 'http://user:hunter2@registry', username: caz}}\n"));
    let third =
        refused(&format!("{SMALLEST}delivery: {{transaction_timeout: 1s, commit_interval: 1s}}\nmetrics: {{address: 999.0.0.1:80}}\n"));
    insta::assert_snapshot!([first, second, framed, without_password, third].join("\n"));
}

#[test]
fn properties_that_librdkafka_refuses() {
    let text = SMALLEST.replace("group: scorers", "group: \"score\\0rs\"").replace(
        "{bootstrap.servers: localhost:9092}",
        "
  bootstrap.servers: localhost:9092
  Acks: 1
  fetch.min.bytes: many
  fetch.min.byte: '${PASSWORD}'
  security.protocol: '${PASSWORD}'
  auto.offset.reset: first
  sasl.mechanism: OAUTHBEARER
  sasl.oauthbearer.method: '${PASSWORD}'
  plugin.library.paths: ./nowhere.so",
    );
    insta::assert_snapshot!(refused(&text));
}

#[test]
fn a_mistake_in_one_property_hides_none_in_another() {
    let properties = "{bootstrap.servers: [h], sasl.username: '${UNSET}', fetch.min.byte: , sasl.pasword: hunter2, securty.protocol: ssl, \
                      fetch.min.bytes: many, sasl.password:hunter2}";
    let message = refused(&SMALLEST.replace("{bootstrap.servers: localhost:9092}", properties));
    assert!(!message.contains("hunter2"), "{message}");
    insta::assert_snapshot!(message);
}

#[test]
fn secrets_under_misspelt_keys_are_masked() {
    let registries =
        ["{url: 'http://registry', username: caz, password:hunter2}", "{url: 'http://registry', passwrd: hunter2}", "\n  password:hunter2"];
    for registry in registries {
        let message = refused(&format!("{SMALLEST}registry: {registry}\n"));
        assert!(!message.contains("hunter2") && message.contains("password"), "{message}");
    }
}

/// A word that is nearly a secret one is masked, so none of librdkafka's own may be.
#[test]
fn no_property_is_taken_for_a_misspelt_secret() {
    let words = ["password", "passphrase", "passwd", "secret", "token", "credential", "jaas", "private", "oauthbearer.config"];
    let is_named = |name: &str| {
        words.iter().any(|word| name.contains(word)) || [".pem", "_pem", "ssl_key", "extensions"].iter().any(|end| name.ends_with(end))
    };
    for property in crate::kafka::known_properties() {
        let name = property.name.as_str();
        assert!(!crate::diagnostic::is_secret_key(name) || is_named(name), "{name}");
    }
}

#[test]
fn properties_that_librdkafka_refuses_together() {
    let text = SMALLEST.replace(
        "{bootstrap.servers: localhost:9092}",
        "
  bootstrap.servers: localhost:9092
  session.timeout.ms: 600000
  socket.timeout.ms: 60000
  security.protocol: ssl
  ssl.ca.location: nowhere.pem",
    );
    insta::assert_snapshot!(refused(&text));
}

#[test]
fn a_text_that_looks_like_a_number_stays_as_it_is() {
    let text = SMALLEST.replace(
        "{bootstrap.servers: localhost:9092}",
        "
  bootstrap.servers: localhost:9092
  sasl.username: &digits ${DIGITS}
  sasl.password: *digits
  client.id: 12e4
  client.rack: '1.50'
  fetch.min.bytes: 1
  queued.min.messages: 1e5
delivery:
  instance: ${DIGITS}
registry:
  url: http://localhost:8081
  username: ${DIGITS}
  password: ${DIGITS}",
    );
    let pipeline = loaded(&text);
    let property = |name| pipeline.kafka.get(name).unwrap();
    let properties = ["sasl.username", "sasl.password", "client.id", "client.rack", "fetch.min.bytes", "queued.min.messages"].map(property);
    assert_eq!(properties, ["007", "007", "12e4", "1.50", "1", "100000.0"], "librdkafka would take 1e5 for 1");
    let input = "{topic: events, group: scorers, format: avro, schema: schema.avsc}";
    let of_digits = text.replace(input, "\n  topic: events\n  group: ${DIGITS}\n  format: avro\n  schema: schema.avsc");
    assert_eq!(loaded(&of_digits).input.group, "007");
    assert_eq!(pipeline.delivery.instance.as_deref(), Some("007"));
    assert_eq!(pipeline.registry.unwrap().settings().basic_auth, Some(("007".to_owned(), "007".to_owned())));
    assert!(refused(&text.replace("instance: ${DIGITS}", "instance: 7")).contains("`instance` must be a name"));
}

/// It would be as if the key were left out: golden cases unchecked, a process without a name, a registry asked by nobody.
#[test]
fn an_empty_variable_is_refused() {
    for (lines, key) in [
        ("golden: ${EMPTY}\n", "golden"),
        ("delivery:\n  instance: ${EMPTY}\n", "instance"),
        ("registry:\n  url: http://localhost:8081\n  ca_file: ${EMPTY}\n", "ca_file"),
        ("registry:\n  url: http://localhost:8081\n  username: ${EMPTY}\n  password: x\n", "username"),
    ] {
        let told = refused(&format!("{SMALLEST}{lines}"));
        assert!(told.contains(&format!("`{key}` must be")) && told.contains("found an empty string"), "{told}");
    }
    for (found, empty, key) in [
        ("  nodes:", "  frozen: ${EMPTY}\n  nodes:", "frozen"),
        ("{bootstrap.servers: localhost:9092}", "\n  bootstrap.servers: localhost:9092\n  client.rack: ${EMPTY}", "client.rack"),
    ] {
        let told = refused(&SMALLEST.replace(found, empty));
        assert!(told.contains(&format!("`{key}` must be a string that is not empty")), "{told}");
    }
    assert_eq!(loaded(&format!("{SMALLEST}golden: ${{EMPTY:-}}\n")).golden, None);
}

#[test]
fn a_number_of_which_librdkafka_would_take_a_part_is_refused() {
    let with = |property, value| SMALLEST.replace("localhost:9092}", &format!("localhost:9092, {property}: {value}}}"));
    for (property, value, message) in [
        ("socket.timeout.ms", "60s", "must be a whole number in decimal digits, without a unit"),
        ("batch.size", "1MB", "must be a whole number in decimal digits, without a unit"),
        ("fetch.min.bytes", "1_000_000", "must be a whole number in decimal digits, without a unit"),
        ("session.timeout.ms", "1.5", "must be a whole number in decimal digits, without a unit"),
        ("retry.backoff.ms", "'010'", "must be a whole number in decimal digits, without a unit"),
        ("queued.min.messages", "'1e5'", "must be a whole number in decimal digits, without a unit"),
        ("linger.ms", "5ms", "must be a number, without a unit"),
        ("queued.max.messages.kbytes", "4294967297", "the number is out of range"),
    ] {
        let told = refused(&with(property, value));
        assert!(told.contains(&format!("error[E0501]: `{property}`: {message}\n")) && told.contains("= help: it takes "), "{told}");
    }
    for (property, value) in [
        ("socket.timeout.ms", "10000"),
        ("queued.min.messages", "1e5"),
        ("linger.ms", "2.5"),
        ("fetch.min.bytes", "0x10"),
        ("retries", "'7'"),
    ] {
        loaded(&with(property, value));
    }
}

#[test]
fn the_password_of_a_url_is_never_quoted() {
    for url in ["htps://caz:hunter2@registry:8081", "caz:hunter2@registry:8081"] {
        let told = refused(&format!("{SMALLEST}registry: {{url: '{url}'}}\n"));
        assert!(told.contains("`url` must be a URL") && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_subject_may_have_a_context_and_be_as_long_as_a_topic_and_a_type() {
    let subject = format!(":.quotes:{}-com.example.Score", "t".repeat(200));
    let pipeline = loaded(&SMALLEST.replace("topic: scores", &format!("topic: scores, subject: '{subject}'")));
    assert_eq!(pipeline.output.subject, Some(subject));
}

#[test]
fn a_format_that_is_not_for_scores_is_told_once() {
    let told = refused(&SMALLEST.replace("topic: scores", "topic: scores, format: xdm, framing: confluent"));
    assert!(told.contains("`format` must be") && told.ends_with("\n1 error\n"), "{told}");
}

#[test]
fn a_timeout_of_nothing_is_refused() {
    let told = refused(&format!("{SMALLEST}registry: {{url: 'http://localhost:8081', request_timeout: 0s}}\n"));
    assert!(told.contains("`request_timeout` must be longer than 0"), "{told}");
}

#[test]
fn mistakes_of_form_in_single_values() {
    let reports: Vec<_> = [
        ("topic: scores", "topic: 'no spaces'"),
        ("topic: scores", "topic: .."),
        ("name: quotes", "name: ' '"),
        ("kafka: {bootstrap.servers: localhost:9092}", "kafka: {ssl.key.location: [a]}"),
        ("kafka: {bootstrap.servers: localhost:9092}", "kafka:"),
        ("- {id: start, type: JsonToDataframe}", "- start"),
        ("- {id: start, type: JsonToDataframe}", "- {id: start, type: Pandas, params: [a]}"),
        ("graph:\n  nodes:\n    - {id: start, type: JsonToDataframe}\n", "graph: {dsl: missing.json}\n"),
        ("graph:\n  nodes:\n    - {id: start, type: JsonToDataframe}\n", "graph: {dsl: a.json, nodes: []}\n"),
        ("graph:\n  nodes:\n    - {id: start, type: JsonToDataframe}\n", "graph: {}\n"),
        ("graph:\n  nodes:\n    - {id: start, type: JsonToDataframe}\n", "graph: dsl.json\n"),
    ]
    .map(|(right, wrong)| refused(&SMALLEST.replace(right, wrong)))
    .into();
    insta::assert_snapshot!(reports.join("\n"));
}

#[test]
fn a_dsl_file_gives_the_graph() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = folder.path().join("pipeline.yaml");
    let graph = "graph:\n  nodes:\n    - {id: start, type: JsonToDataframe}\n";
    fs::write(&pipeline, SMALLEST.replace(graph, "graph: {dsl: graph.json, frozen: frozen.json}\n")).unwrap();
    let dsl = folder.path().join("graph.json");
    let nodes = json!([{"id": "a", "type": "Pandas", "params": {"cols": "x"}}, {"id": "b", "type": "ONNXNode"}]);
    let written = json!({"edge": {"applicationDsl": {"nodes": nodes, "edges": [["a", "b"]]}}});
    fs::write(&dsl, serde_json::to_string_pretty(&written).unwrap()).unwrap();

    let (loaded, _) = Pipeline::load(&pipeline).map_err(|found| found.render(false)).unwrap();
    assert_eq!(loaded.graph.document.name(), dsl.display().to_string());
    assert_eq!(loaded.graph.frozen, Some(folder.path().join("frozen.json")));
    assert_eq!(loaded.graph.document.value().pointer(&format!("{}/params", loaded.graph.nodes[0].pointer)), Some(&json!({"cols": "x"})));
    assert_eq!(loaded.graph.document.value().pointer(&loaded.graph.edges[0].pointer), Some(&json!(["a", "b"])));

    fs::write(&dsl, "{\"edge\": {\"applicationDsl\": {\"nodes\": [{\"id\": 5, \"type\": \"Pandas\"}], \"edge\": []}}}").unwrap();
    let rendered = Pipeline::load(&pipeline).map(|_| ()).unwrap_err().render(false);
    insta::assert_snapshot!(rendered.replace(&folder.path().display().to_string(), "FOLDER"));
}

#[test]
fn the_digest_is_of_what_determines_scores() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("schema.avsc"), "{}").unwrap();
    fs::write(folder.path().join("frozen.json"), "{}").unwrap();
    let text = SMALLEST.replace("graph:\n", "graph:\n  frozen: frozen.json\n");
    let digest = |text: &str| {
        let file = folder.path().join("pipeline.yaml");
        fs::write(&file, text).unwrap();
        Pipeline::load(&file).map_err(|found| found.render(false)).unwrap().0.digest().map_err(|found| found.render(false))
    };
    let first = digest(&text).unwrap();
    assert_eq!((first.as_str().len(), first.short().len()), (64, 16));
    for same in
        [text.replace("topic: scores", "topic: other"), text.replace("localhost:9092", "broker:9092"), format!("{text}workers: 4\n")]
    {
        assert_eq!(digest(&same).unwrap(), first, "{same}");
    }
    for other in [
        text.replace("id: start", "id: begin"),
        text.replace("topic: scores", "topic: scores, columns: [a]"),
        text.replace("topic: scores", "topic: scores, format: avro"),
        text.replace("type: JsonToDataframe", "type: JsonToDataframe, params: {a: 1}"),
        text.replace("  frozen: frozen.json\n", ""),
    ] {
        assert_ne!(digest(&other).unwrap(), first, "{other}");
    }
    fs::write(folder.path().join("frozen.json"), "{ }").unwrap();
    assert_ne!(digest(&text).unwrap(), first);
    fs::remove_file(folder.path().join("schema.avsc")).unwrap();
    let rendered = digest(&text).unwrap_err();
    assert!(rendered.starts_with("error[E0001]: cannot read the dataset schema"), "{rendered}");
}

#[test]
fn the_example_is_a_pipeline() {
    let (pipeline, _) = Pipeline::load(&repository("config/car-insurance.yaml")).map_err(|found| found.render(false)).unwrap();
    assert_eq!(pipeline.input.schema, repository("config/../schemas/car-insurance.avsc"));
    assert!(!pipeline.graph.nodes.is_empty());
}

#[test]
fn editors_accept_the_example_as_it_is_written() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    let text = fs::read_to_string(repository("config/car-insurance.yaml")).unwrap();
    // Variables are left as they are: an editor does not fill them in.
    let escaped = text.replace("${", "$${").replace("workers: 2", "workers: \"$${WORKERS}\"");
    let document = Document::parse("car-insurance.yaml", escaped, &environment).map_err(|found| found.render(false)).unwrap();
    let errors: Vec<_> = validator.iter_errors(document.value()).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let mut wrong = document.value().clone();
    wrong["workers"] = "2".into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn the_schema_file_is_fresh() {
    let path = repository("schemas/pipeline.schema.json");
    let fresh = format!("{:#}\n", json_schema());
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == fresh, "schemas/pipeline.schema.json is not what the program says: `make docs` writes it");
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap()["title"], "caz pipeline");
}
