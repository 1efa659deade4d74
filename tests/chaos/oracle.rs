//! What must hold of the topics after any fault, as a pure judgement on records.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::Stored;

/// The place of an event: its partition and offset in the input topic.
pub(crate) type Place = (i32, i64);

/// What an event must become.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    /// A score: the label, and the probability of class 1.
    Score(i64, f64),
    /// A dead letter.
    DeadLetter,
}

/// One event of the input, as the topic holds it.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) key: Vec<u8>,
    pub(crate) expected: Expected,
}

/// The guarantee under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarantee {
    ExactlyOnce,
    AtLeastOnce,
}

impl Guarantee {
    /// As the pipeline file names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ExactlyOnce => "exactly_once",
            Self::AtLeastOnce => "at_least_once",
        }
    }
}

/// How far a score may be from scikit-learn's.
const TOLERANCE: f64 = 1e-5;

/// The event that a record names.
pub(crate) fn place(record: &Stored) -> Option<Place> {
    record.source().map(|source| (source.partition, source.offset))
}

/// Every violation: each event is in exactly one of scores and dead letters (at least in one, and only in one kind, for at least once), the
/// one that was expected; scores equal the reference; records of a key keep the order of their events.
pub(crate) fn judge(events: &BTreeMap<Place, Event>, scores: &[Stored], dead: &[Stored], guarantee: Guarantee) -> Vec<String> {
    let mut violations = Vec::new();
    let scored = count(scores, &mut violations);
    let dropped = count(dead, &mut violations);
    for (place, event) in events {
        let (as_score, as_letter) = (scored.get(place).copied().unwrap_or(0), dropped.get(place).copied().unwrap_or(0));
        let (right, wrong) = match event.expected {
            Expected::Score(..) => (as_score, as_letter),
            Expected::DeadLetter => (as_letter, as_score),
        };
        match (right, wrong) {
            (0, 0) => violations.push(format!("{place:?} is missing")),
            (_, 1..) => violations.push(format!("{place:?} came as the other kind")),
            (2.., 0) if guarantee == Guarantee::ExactlyOnce => violations.push(format!("{place:?} came {right} times")),
            _ => {}
        }
    }
    violations.extend(
        scored.keys().chain(dropped.keys()).filter(|place| !events.contains_key(place)).map(|place| format!("{place:?} is no event")),
    );
    violations.extend(scores.iter().filter_map(|score| wrong_score(score, events)));
    violations.extend(out_of_order(scores, events));
    violations.extend(out_of_order(dead, events));
    violations
}

/// What the metrics counted as scored, dead letters and skipped: each event once, when its commit had succeeded. They may have counted less where
/// scorers ended without a word, and never more.
pub(crate) fn miscounted(events: &BTreeMap<Place, Event>, counted: [u64; 3], told_all: bool) -> Vec<String> {
    let dead = events.values().filter(|event| event.expected == Expected::DeadLetter).count();
    let expected = [events.len() - dead, dead, 0];
    let wrong = |(counted, expected): (u64, usize)| if told_all { counted != expected as u64 } else { counted > expected as u64 };
    let kinds = ["scores", "dead letters", "skipped events"].into_iter().zip(counted.into_iter().zip(expected));
    kinds
        .filter(|(_, counts)| wrong(*counts))
        .map(|(kind, (counted, expected))| format!("the metrics count {counted} {kind}, and {expected} events became such"))
        .collect()
}

fn count(records: &[Stored], violations: &mut Vec<String>) -> BTreeMap<Place, usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        match place(record) {
            Some(place) => *counts.entry(place).or_default() += 1,
            None => violations.push(format!("record {}/{} names no event", record.partition, record.offset)),
        }
    }
    counts
}

fn wrong_score(score: &Stored, events: &BTreeMap<Place, Event>) -> Option<String> {
    let place = place(score)?;
    let Expected::Score(label, probability) = events.get(&place)?.expected else { return None };
    let value: serde_json::Value = serde_json::from_slice(score.value.as_deref()?).ok()?;
    let same = value["purchase_predicted"].as_i64() == Some(label)
        && value["probability_yes"].as_f64().is_some_and(|of| (of - probability).abs() <= TOLERANCE);
    (!same).then(|| format!("{place:?} was scored {value}, expected {label} and {probability}"))
}

/// Records of one key, each event at its first appearance, must come in the order of their events, in one partition.
fn out_of_order(records: &[Stored], events: &BTreeMap<Place, Event>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut latest: BTreeMap<&[u8], (i32, Place)> = BTreeMap::new();
    let mut violations = Vec::new();
    let mut in_order: Vec<&Stored> = records.iter().collect();
    in_order.sort_by_key(|record| (record.partition, record.offset));
    for record in in_order {
        let Some((place, event)) = place(record).and_then(|place| Some((place, events.get(&place)?))) else { continue };
        if !seen.insert(place) {
            continue;
        }
        if let Some((partition, before)) = latest.insert(&event.key, (record.partition, place))
            && (partition != record.partition || before > place)
        {
            violations.push(format!("{place:?} came behind {before:?}, a later event of its key"));
        }
    }
    violations
}

/// The oracle must see each kind of damage.
mod tests {
    use super::{Event, Expected, Guarantee, judge, miscounted};
    use crate::support::Stored;

    fn events() -> std::collections::BTreeMap<super::Place, Event> {
        let event = |offset: i64| {
            let expected = if offset == 3 { Expected::DeadLetter } else { Expected::Score(1, 0.75) };
            ((0, offset), Event { key: vec![u8::from(offset % 2 == 0)], expected })
        };
        (0..6).map(event).collect()
    }

    fn record(partition: i32, offset: i64, source: i64, value: &str) -> Stored {
        let header = |name: &str, value: i64| (name.to_owned(), Some(value.to_string().into_bytes()));
        let headers = vec![header("caz.source.partition", 0), header("caz.source.offset", source)];
        Stored { partition, offset, key: None, value: Some(value.into()), headers, timestamp_ms: None }
    }

    const RIGHT: &str = r#"{"purchase_predicted":1,"probability_yes":0.750001}"#;

    fn scores(sources: &[i64]) -> Vec<Stored> {
        sources.iter().zip(0..).map(|(source, offset)| record(0, offset, *source, RIGHT)).collect()
    }

    fn violations(scores: &[Stored], dead: &[i64], guarantee: Guarantee) -> Vec<String> {
        let dead: Vec<Stored> = dead.iter().zip(0..).map(|(source, offset)| record(0, offset, *source, "")).collect();
        judge(&events(), scores, &dead, guarantee)
    }

    #[test]
    fn a_clean_account_has_no_violations() {
        assert_eq!(violations(&scores(&[0, 1, 2, 4, 5]), &[3], Guarantee::ExactlyOnce), Vec::<String>::new());
        assert_eq!(violations(&scores(&[0, 1, 0, 1, 2, 4, 5]), &[3, 3], Guarantee::AtLeastOnce), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_damage_is_seen() {
        let of = |sources: &[i64], dead: &[i64]| violations(&scores(sources), dead, Guarantee::ExactlyOnce).join("; ");
        assert_eq!(of(&[0, 2, 4, 5], &[3]), "(0, 1) is missing");
        assert_eq!(of(&[0, 1, 2, 4, 5, 5], &[3]), "(0, 5) came 2 times");
        assert_eq!(of(&[0, 1, 2, 4, 5], &[3, 4]), "(0, 4) came as the other kind");
        assert_eq!(of(&[0, 1, 2, 3, 4, 5], &[]), "(0, 3) came as the other kind");
        assert_eq!(of(&[0, 1, 2, 4, 5, 9], &[3]), "(0, 9) is no event");
        assert_eq!(of(&[0, 1, 4, 2, 5], &[3]), "(0, 2) came behind (0, 4), a later event of its key");
        let wrong = [scores(&[0, 1, 2, 4]), vec![record(0, 4, 5, r#"{"purchase_predicted":0,"probability_yes":0.75}"#)]].concat();
        assert!(violations(&wrong, &[3], Guarantee::ExactlyOnce)[0].contains("was scored"));
        let elsewhere = [scores(&[0, 1, 2, 4]), vec![record(1, 0, 5, RIGHT)]].concat();
        assert_eq!(violations(&elsewhere, &[3], Guarantee::ExactlyOnce).len(), 1, "a key in two partitions");
        let nameless = [scores(&[0, 1, 2, 4, 5]), vec![Stored { headers: Vec::new(), ..record(0, 9, 0, RIGHT) }]].concat();
        assert_eq!(violations(&nameless, &[3], Guarantee::ExactlyOnce), ["record 0/9 names no event"]);
    }

    #[test]
    fn dead_letters_out_of_order_are_seen() {
        let mut events = events();
        events.get_mut(&(0, 1)).unwrap().expected = Expected::DeadLetter;
        let dead: Vec<Stored> = [3, 1].iter().zip(0..).map(|(source, offset)| record(0, offset, *source, "")).collect();
        let found = judge(&events, &scores(&[0, 2, 4, 5]), &dead, Guarantee::ExactlyOnce);
        assert_eq!(found, ["(0, 1) came behind (0, 3), a later event of its key"]);
    }

    #[test]
    fn counts_that_do_not_agree_are_seen() {
        assert_eq!(miscounted(&events(), [5, 1, 0], true), Vec::<String>::new());
        assert_eq!(miscounted(&events(), [4, 0, 0], false), Vec::<String>::new());
        assert_eq!(miscounted(&events(), [4, 1, 0], true).len(), 1);
        assert_eq!(miscounted(&events(), [6, 2, 1], false).len(), 3);
    }
}
