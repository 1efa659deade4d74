//! The least rights: with these caz works, and without any one of them it says which.

use super::access::{self, Grant};
use super::secured;
use super::support::car_insurance::{Caz, Example};
use super::support::{Stored, read_committed};
use super::{convenient, events, example, example_with, least, password, scram, shown};

const EXACTLY_ONCE: (&str, &str) = ("guarantee: exactly_once", "guarantee: exactly_once\n  instance: one");
const AT_LEAST_ONCE: (&str, &str) = ("guarantee: exactly_once", "guarantee: at_least_once");

/// An example whose input has a good and a broken event.
fn published(replacements: &[(&str, &str)]) -> Example {
    let example = example_with(&scram(), replacements);
    example.publish(1, &[events(3), vec![Some(b"\x01".to_vec())]].concat());
    example
}

/// What is told of each, asked at the same time, for they mostly wait.
fn at_once<T: Send>(these: impl IntoIterator<Item = T>, tell: impl Fn(T) -> String + Sync) -> Vec<String> {
    let tell = &tell;
    std::thread::scope(|scope| {
        let asked: Vec<_> = these.into_iter().map(|one| scope.spawn(move || tell(one))).collect();
        asked.into_iter().map(|told| told.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

fn start(example: &Example) -> Caz {
    example.start_with(&[("CAZ_BOOTSTRAP", &secured::text("sasl"))])
}

/// Who comes, and where to.
fn environment<'a>(address: &'a str, mechanism: &'a str, user: &'a str, secret: &'a str) -> [(&'static str, &'a str); 4] {
    [("CAZ_BOOTSTRAP", address), ("CAZ_TEST_MECHANISM", mechanism), ("CAZ_TEST_USER", user), ("CAZ_TEST_PASSWORD", secret)]
}

fn command(example: &Example, arguments: &[&str]) -> (bool, String) {
    let arguments = arguments.iter().map(|argument| if *argument == "FILE" { example.file.as_os_str() } else { argument.as_ref() });
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_caz"));
    let (address, secret) = (secured::text("sasl"), secured::text("scram.password"));
    let ended = command.args(arguments).envs(environment(&address, "SCRAM-SHA-512", "caz-scram", &secret)).output().unwrap();
    let text = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (ended.status.success(), text)
}

fn works(example: &Example) -> Vec<Stored> {
    let mut caz = start(example);
    example.wait_for_committed(&mut caz, 4);
    caz.terminate();
    assert_eq!((read_committed(&example.output).len(), read_committed(&example.dead_letters).len()), (3, 1));
    read_committed(&example.dead_letters)
}

#[test]
fn the_least_rights_are_enough() {
    let exactly_once = published(&[]);
    access::grant("caz-scram", &least(&exactly_once));
    works(&exactly_once);
    let at_least_once = published(&[AT_LEAST_ONCE]);
    let mut rights = least(&at_least_once);
    rights.truncate(4);
    access::grant("caz-scram", &rights);
    works(&at_least_once);
}

/// Runs caz with all of the least rights but these, in whose place stands `instead`, and shows how it ends.
fn ends_without(lacking: &[usize], instead: Option<&'static str>, guarantee: (&str, &str)) -> String {
    let example = published(&[guarantee]);
    let mut rights = least(&example);
    if guarantee == AT_LEAST_ONCE {
        rights.truncate(4);
    }
    let without: Vec<Grant> = lacking.iter().rev().map(|at| rights.remove(*at)).collect();
    rights.extend(without.iter().flat_map(|right| instead.map(|operation| Grant { operation, ..right.clone() })));
    access::grant("caz-scram", &[rights, convenient(&example)].concat());
    let told = shown(&start(&example).wait_for_failure(), &example);
    // A transaction whose records are refused says so at its next call; which that is is a matter of time.
    let told =
        told.replace("add offsets to the transaction: Failed to add partition(s)", "commit the transaction: Failed to add partition(s)");
    // What is committed has its records.
    let records = read_committed(&example.output).len() + read_committed(&example.dead_letters).len();
    assert!(example.committed() <= records as i64, "{} events committed, {records} records:\n{told}", example.committed());
    let without: Vec<String> =
        without.iter().map(|right| format!("{} on {} {}", right.operation, right.kind, shown(&right.name, &example))).collect();
    let kept = instead.map(|operation| format!(", {operation} in its place")).unwrap_or_default();
    format!("without {}{kept}:\n{told}", without.join(", "))
}

#[test]
fn a_right_that_is_lacking_is_named_exactly_once() {
    let absent = [0, 1, 2, 3, 4].map(|lacking| (lacking, None));
    let described = [0, 2, 3].map(|lacking| (lacking, Some("Describe")));
    let told = at_once(absent.into_iter().chain(described), |(lacking, instead)| ends_without(&[lacking], instead, EXACTLY_ONCE));
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_right_that_is_lacking_is_named_at_least_once() {
    let lacking =
        [(&[1][..], None), (&[0], Some("Describe")), (&[2], Some("Describe")), (&[3], Some("Describe")), (&[2, 3], Some("Describe"))];
    let mut told = at_once(lacking, |(lacking, instead)| ends_without(lacking, instead, AT_LEAST_ONCE));
    // Of two it names the one whose refusal comes first.
    let both = told.pop().unwrap();
    insta::assert_snapshot!(told.join("\n\n"));
    assert!(["OUTPUT", "DEAD-LETTERS"].iter().any(|topic| both.ends_with(&format!("the operation Write on topic `{topic}`"))), "{both}");
}

/// Rights that are taken away while caz runs end it, and are named.
#[test]
fn a_right_that_is_taken_away_is_named() {
    let told = at_once([EXACTLY_ONCE, AT_LEAST_ONCE], |guarantee| {
        let example = published(&[guarantee]);
        access::grant("caz-scram", &least(&example));
        let mut caz = start(&example);
        example.wait_for_committed(&mut caz, 4);
        access::deny("caz-scram", &[Grant::new("Write", "topic", &example.output), Grant::new("Describe", "topic", &example.output)]);
        example.publish(1, &events(3));
        let told = shown(&caz.wait_for_failure(), &example);
        assert_eq!(example.committed(), 4, "{told}");
        // Which call meets the refusal first is a matter of time: the producer's next look at its topics, a delivery, a commit.
        let (call, refusal) = told.split_once("Broker: ").unwrap_or_default();
        assert!(
            ["produce: ", "deliver: ", "add offsets ", "commit "].iter().any(|start| call["error: ".len()..].starts_with(start)),
            "{told}"
        );
        format!("{}:\n{refusal}", guarantee.1.lines().next().unwrap_or_default())
    });
    insta::assert_snapshot!(told.join("\n\n"));
}

/// The rights that a command needs.
type Needed = fn(&Example) -> Vec<Grant>;

/// A command, the rights that it needs, and that it names each that is lacking.
fn needs(arguments: &[&str], needed: Needed) -> String {
    let mechanism = ["${CAZ_TEST_MECHANISM}", "${CAZ_TEST_USER}", "${CAZ_TEST_PASSWORD}"];
    let example = example(&password(mechanism[0], mechanism[1], mechanism[2]));
    example.publish(1, &[events(3), vec![Some(b"\x01".to_vec())]].concat());
    // What there is to look at was done by another user.
    access::grant("caz-plain", &[least(&example), convenient(&example)].concat());
    let mut caz = example.start_with(&environment(&secured::text("sasl"), "PLAIN", "caz-plain", &secured::text("plain.password")));
    example.wait_for_committed(&mut caz, 4);
    caz.terminate();
    let mut told = vec![arguments.join(" ")];
    let count = needed(&example).len();
    // Each time one right more: the next one that is lacking is named, and with all of them the command succeeds.
    for known in 0..count {
        let (succeeds, text) = command(&example, arguments);
        assert!(!succeeds, "{arguments:?} with {known} rights:\n{text}");
        told.push(format!("  with {known}: {}", shown(&text, &example)));
        access::grant("caz-scram", &needed(&example)[known..=known]);
    }
    let (succeeds, text) = command(&example, arguments);
    assert!(succeeds, "{arguments:?} with all rights:\n{text}");
    told.join("\n")
}

#[test]
fn commands_name_the_rights_that_they_lack() {
    let commands: [(&[&str], Needed); 5] = [
        (&["audit", "FILE"], |example| {
            vec![
                Grant::new("Read", "topic", &example.output),
                Grant::new("Read", "topic", &example.dead_letters),
                Grant::new("Read", "topic", &example.input),
                Grant::new("Describe", "group", &example.group),
            ]
        }),
        (&["dead-letters", "list", "FILE"], |example| vec![Grant::new("Read", "topic", &example.dead_letters)]),
        (&["dead-letters", "replay", "FILE", "--all"], |example| {
            let id = format!("{}/replay/{}", example.group, example.dead_letters);
            vec![
                Grant::new("Write", "transactional id", &id),
                Grant::new("Read", "topic", &example.dead_letters),
                Grant::new("Write", "topic", &example.dead_letters),
                Grant::new("Write", "topic", &example.input),
            ]
        }),
        (&["explain", "FILE", "--offset", "0"], |example| vec![Grant::new("Read", "topic", &example.input)]),
        (&["simulate", "FILE", "--count", "5"], |example| vec![Grant::new("Write", "topic", &example.input)]),
    ];
    let told = at_once(commands, |(arguments, needed)| needs(arguments, needed));
    insta::assert_snapshot!(told.join("\n\n"));
}

/// Without Read or Write, Describe alone does not let a user read what it looks at.
#[test]
fn describe_is_not_enough_to_look() {
    let example = example(&scram());
    example.publish(1, &events(1));
    access::grant("caz-scram", &[Grant::new("Describe", "topic", &example.input)]);
    let (succeeds, text) = command(&example, &["explain", "FILE", "--offset", "0"]);
    assert!(!succeeds && shown(&text, &example).contains("grant the user the operation Read on topic `INPUT`"), "{text}");
}
