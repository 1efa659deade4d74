//! The rows: faults of events, models, topics and the registry, while scorers are killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use apache_avro::types::Value;

use super::onnx::{self, FLOAT, INT64, Message, node, value};
use super::oracle::Expected;
use super::oracle::Guarantee::{self, AtLeastOnce, ExactlyOnce};
use super::registry::{Gate, Refusal, confluent, dataset_schema, newer, newer_schema, register};
use super::rows::TWO_WORKERS;
use super::run::{Run, Scenario, known_rows, with_poison};
use crate::support::car_insurance::{avro_events, changed_event, root};
use crate::support::{admin, delete_topic, unique, wait_for};

/// Kills, starts, and ends in order, by turns.
fn kill_and_end(run: &mut Run) {
    for round in 0..run.rounds {
        run.start();
        let events = i64::try_from(run.random.within(1, 1_500)).unwrap();
        run.progress(events);
        run.random.pause(0, 60);
        let oldest = run.take_oldest();
        if round % 2 == 0 {
            run.kill(oldest);
        } else {
            run.terminate(oldest);
        }
    }
}

/// The hour at which the model below answers NaN, the one at which it gives no row, and the first that it fails at.
const NAN_HOUR: usize = 9;
const SHAPELESS_HOUR: usize = 13;
const FAILING_HOUR: usize = 22;

/// A model of one number, the hour: it looks it up in a table that is too short and has a NaN, and leaves one hour out of its answer.
fn faulty_model() -> Vec<u8> {
    let numbers = |name: &str, values: &[i64]| {
        let tensor = Message::default().number(1, values.len() as i64).number(2, INT64).text(8, name);
        values.iter().fold(tensor, |tensor, value| tensor.number(7, *value))
    };
    let table: Vec<u8> = (0..FAILING_HOUR).flat_map(|hour| if hour == NAN_HOUR { f32::NAN } else { hour as f32 }.to_le_bytes()).collect();
    let table = Message::default().number(1, FAILING_HOUR as i64).number(2, FLOAT).text(8, "table").bytes(9, &table);
    let axis = Message::default().text(1, "axis").number(20, 2).number(3, 0);
    let nodes = [
        node("Gather", "", &["table", "hour"], &["looked_up"], std::slice::from_ref(&axis)),
        node("Reshape", "", &["hour", "flat"], &["hours"], &[]),
        node("Equal", "", &["hours", "shapeless"], &["is_left_out"], &[]),
        node("Not", "", &["is_left_out"], &["is_kept"], &[]),
        node("Compress", "", &["looked_up", "is_kept"], &["answer"], &[axis]),
    ];
    let initializers = [table, numbers("flat", &[-1]), numbers("shapeless", &[SHAPELESS_HOUR as i64])];
    onnx::model(&[("", 17)], &nodes, &[value("hour", INT64, &[0, 1])], &[value("answer", FLOAT, &[0, 1])], &initializers)
}

/// The first of the example's features, the hour, of each of its rows.
fn hours() -> Vec<usize> {
    let bytes = std::fs::read(root().join("models/car-insurance/features.f32le")).unwrap();
    let width = bytes.len() / avro_events().len();
    bytes.chunks_exact(width).map(|row| f32::from_le_bytes(row[..4].try_into().unwrap()) as usize).collect()
}

/// A model that fails, answers NaN, or in another shape for some rows: those are dead letters, their neighbours keep their scores.
fn model(guarantee: Guarantee) {
    let store = tempfile::TempDir::new().unwrap();
    std::fs::create_dir(store.path().join("car-insurance")).unwrap();
    std::fs::copy(root().join("models/car-insurance/random-forest.onnx"), store.path().join("car-insurance/random-forest.onnx")).unwrap();
    std::fs::write(store.path().join("faulty.onnx"), faulty_model()).unwrap();
    let (known, rows) = (known_rows(), avro_events().into_iter().zip(hours()).collect::<std::collections::BTreeMap<_, _>>());
    let expect = move |value: &[u8]| match rows.get(value) {
        Some(&(NAN_HOUR | SHAPELESS_HOUR | FAILING_HOUR..)) => Expected::DeadLetter,
        _ => known(value),
    };
    let faulty = "    - {id: faulty, type: ONNXNode, params: {model_id: faulty, features: [hour]}}\n  edges:\n    - [onnx, faulty]\n";
    let scenario = Scenario { expect: Box::new(expect), ..Scenario::new("model", guarantee, 3, &[]) }
        .with(&format!("model_store: {}/models", root().display()), &format!("model_store: {}", store.path().display()))
        .with(&format!("golden: {}/models/car-insurance/golden.json\n", root().display()), "")
        .with("  edges:\n", faulty);
    Run::of(scenario, kill_and_end);
}

#[test]
fn model_exactly_once() {
    model(ExactlyOnce);
}

#[test]
#[ignore = "long: make chaos"]
fn model_at_least_once() {
    model(AtLeastOnce);
}

/// Some scores are too large for their topic: they are dead letters, and the requests that they would have been part of go through.
fn too_large(guarantee: Guarantee) {
    let large = changed_event(0, "city", Value::Union(1, Box::new(Value::String("x".repeat(5_000)))));
    let make = with_poison(53, move |_| large.clone());
    let scenario = Scenario { make, output: &[("max.message.bytes", "2000")], ..Scenario::new("too_large", guarantee, 3, &[]) }
        .with("pass_through: [ecid]", "pass_through: [ecid, city]");
    Run::of(scenario, kill_and_end);
}

#[test]
#[ignore = "long: make chaos"]
fn too_large_exactly_once() {
    too_large(ExactlyOnce);
}

#[test]
#[ignore = "long: make chaos"]
fn too_large_at_least_once() {
    too_large(AtLeastOnce);
}

/// The dead-letter topic is deleted while scorers run and events fail, and is made again: the events that fail wait for it.
fn dead_letters_deleted(guarantee: Guarantee) {
    let is_poisoned = Arc::new(AtomicBool::new(false));
    let (told, poisoned, sound) =
        (Arc::clone(&is_poisoned), with_poison(53, |row| row[..3].to_vec()), with_poison(usize::MAX, <[u8]>::to_vec));
    let make = Arc::new(move |number: usize| if told.load(Ordering::Relaxed) { poisoned(number) } else { sound(number) });
    let scenario = Scenario { make, ..Scenario::new("dead_letters_deleted", guarantee, 1, &[TWO_WORKERS]) };
    Run::of(scenario, |run| {
        run.start();
        run.progress(1_000);
        run.faults += 1;
        let topic = run.example.dead_letters.clone();
        delete_topic(&topic);
        wait_for("the topic is gone", || admin().describe_topic(&topic).unwrap().is_none().then_some(()));
        is_poisoned.store(true, Ordering::Relaxed);
        run.random.pause(2_000, 5_000);
        wait_for("the topic is there again", || admin().create_topic(&topic, 1, None, &[]).is_ok().then_some(()));
        run.progress(2_000);
    });
}

#[test]
fn dead_letters_deleted_exactly_once() {
    dead_letters_deleted(ExactlyOnce);
}

#[test]
fn dead_letters_deleted_at_least_once() {
    dead_letters_deleted(AtLeastOnce);
}

/// The registry goes away and comes back while events come with an id that no scorer has seen: they keep their place, and the known ids go on.
fn registry(guarantee: Guarantee) {
    let (old, new) = (
        register(&unique("old"), &dataset_schema(), &serde_json::json!([])),
        register(&unique("new"), &newer_schema(), &serde_json::json!([])),
    );
    let gate = Gate::new(new, Refusal::Away);
    gate.open();
    let is_newer = Arc::new(AtomicBool::new(false));
    let (told, rows) = (Arc::clone(&is_newer), avro_events());
    let make = Arc::new(move |number: usize| {
        let row = &rows[number % rows.len()];
        let value =
            if number.is_multiple_of(5) && told.load(Ordering::Relaxed) { confluent(new, &newer(row)) } else { confluent(old, row) };
        value.unwrap()
    });
    let known = known_rows();
    let expect = move |value: &[u8]| match &value[1..5] {
        id if id == old.to_be_bytes() => known(&value[5..]),
        _ => known(&value[5 + newer(&[]).len()..]),
    };
    let section = format!("registry: {{url: '{}', request_timeout: 1s, unreachable_wait: 5m, not_found_wait: 5m}}\n\nkafka:\n", gate.url());
    let scenario = Scenario { make, expect: Box::new(expect), ..Scenario::new("registry", guarantee, 2, &[TWO_WORKERS]) }
        .with("format: avro\n", "format: avro\n  framing: confluent\n")
        .with("kafka:\n", &section);
    Run::of(scenario, |run| {
        run.start();
        run.progress(500);
        for _ in 0..run.rounds {
            run.faults += 1;
            gate.close();
            is_newer.store(true, Ordering::Relaxed);
            run.random.pause(500, 2_000);
            let oldest = run.take_oldest();
            run.kill(oldest);
            // Without the registry this one knows no schema at all.
            run.start();
            wait_for("it holds partitions", || run.is_ready().is_some_and(|ready| !ready && run.is_holding()).then_some(()));
            run.random.pause(1_000, 2_000);
            gate.open();
            run.progress(500);
            wait_for("it is ready", || run.is_ready().filter(|ready| *ready).map(drop));
        }
    });
}

#[test]
#[ignore = "long: make chaos"]
fn registry_exactly_once() {
    registry(ExactlyOnce);
}

#[test]
#[ignore = "long: make chaos"]
fn registry_at_least_once() {
    registry(AtLeastOnce);
}
