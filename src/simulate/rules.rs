//! Values that keep to the rules of an XDM schema.

use serde_json::Value;

use super::random::Random;
use crate::dataset::{AvroType, Bound, TextFormat, XdmKind, XdmType};

/// The most that a number is above the least that it may be.
const RANGE: f64 = 100_000.0;

/// One of the values beside null that the rules list; none when they list none.
pub(super) fn listed<'r>(rules: &'r XdmType, random: &mut Random) -> Option<&'r Value> {
    let allowed: Vec<&Value> = rules.allowed.as_ref()?.iter().filter(|value| !value.is_null()).collect();
    allowed.get(usize::try_from(random.below(allowed.len() as u64)).unwrap_or(0)).copied()
}

/// The type of a member as its values are made up: one that must be there is not null, for events leave out what is null.
pub(super) fn written<'k>(rules: Option<&XdmType>, member: usize, kind: &'k AvroType) -> &'k AvroType {
    match rules.map(|rules| &rules.kind) {
        Some(XdmKind::Object(object)) if object.members.get(member).is_some_and(|member| member.required) => kind.split_null().0,
        _ => kind,
    }
}

/// A text like `idea` that keeps to the rules; of several patterns the first.
pub(super) fn text(rules: &XdmType, idea: String, number: u64) -> String {
    let XdmKind::Text(text) = &rules.kind else { return idea };
    if let Some(pattern) = text.patterns.first().filter(|pattern| !pattern.regex.is_match(&idea)) {
        return jsonschema_regex::pattern_witness(&pattern.text).unwrap_or(idea);
    }
    let mut made = match text.format.as_ref().map(TextFormat::name) {
        Some("email" | "idn-email") => format!("someone-{number}@example.com"),
        Some("uri" | "uri-reference" | "iri" | "iri-reference") => format!("https://example.com/{number}"),
        Some("hostname" | "idn-hostname") => format!("host-{number}.example.com"),
        Some("ipv4") => format!("192.0.2.{}", number % 256),
        Some("ipv6") => format!("2001:db8::{number:x}"),
        Some("time") => "17:04:05Z".to_owned(),
        Some("uuid") => format!("00000000-0000-4000-8000-{number:012x}"),
        _ => idea,
    };
    let length = made.chars().count() as u64;
    if let Some(least) = text.min_length.filter(|least| length < *least) {
        made.extend((length..least).map(|_| 'x'));
    }
    match text.max_length.and_then(|most| made.char_indices().nth(usize::try_from(most).ok()?)) {
        Some((end, _)) => made[..end].to_owned(),
        None => made,
    }
}

/// A number within the bounds, from 0 on where they allow.
pub(super) fn number(rules: &XdmType, random: &mut Random) -> f64 {
    let XdmKind::Number { integral, bounds } = &rules.kind else { return 0.0 };
    let inset = |bound: &Bound, step: f64| if bound.keyword.starts_with("exclusive") { step } else { 0.0 };
    let limits = |end: &'static str, step: f64| {
        bounds.iter().filter(move |bound| bound.keyword.ends_with(end)).map(move |bound| bound.value + inset(bound, step))
    };
    let least = |step: f64| limits("inimum", step).reduce(f64::max);
    let most = |step: f64| limits("aximum", -step).reduce(f64::min);
    // A fraction of narrow bounds, so that something lies inside of them.
    let room = most(0.0).zip(least(0.0)).map_or(f64::INFINITY, |(most, least)| most - least);
    let step = if *integral { 1.0 } else { 0.01_f64.min(room / 4.0).max(0.0) };
    let most = most(step).unwrap_or(f64::INFINITY);
    let from = least(step).unwrap_or(f64::NEG_INFINITY).max(0.0_f64.min(most));
    // Bounds may leave no room at all.
    let to = most.min(from + RANGE).max(from);
    let drawn = from + random.unit() * (to - from);
    if *integral { drawn.round().clamp(from.ceil(), to.floor().max(from.ceil())) } else { (drawn * 100.0).round() / 100.0 }.clamp(from, to)
}

/// How many items, of at most `most` as it is.
pub(super) fn items(rules: Option<&XdmType>, drawn: u64) -> u64 {
    match rules.map(|rules| &rules.kind) {
        Some(XdmKind::Array { min_items, max_items, .. }) => drawn.max(min_items.unwrap_or(0)).min(max_items.unwrap_or(u64::MAX)),
        _ => drawn,
    }
}

/// The rules of a member, of an item or of an entry.
pub(super) fn inner(rules: Option<&XdmType>, member: usize) -> Option<&XdmType> {
    match &rules?.kind {
        XdmKind::Array { item: inner, .. } | XdmKind::Map(inner) => Some(inner),
        XdmKind::Object(object) => object.members.get(member).map(|member| member.kind.as_ref()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number_type(integral: bool, bounds: &[(&'static str, f64)]) -> XdmType {
        let bounds = bounds.iter().map(|&(keyword, value)| Bound { keyword, value, text: value.to_string() }).collect();
        XdmType { location: "#".into(), kind: XdmKind::Number { integral, bounds }, nullable: false, allowed: None }
    }

    #[test]
    fn a_number_lies_inside_of_its_bounds_however_narrow() {
        let mut random = Random::new(3);
        for (integral, bounds) in [
            (false, &[("exclusiveMinimum", 0.0), ("exclusiveMaximum", 0.01)][..]),
            (false, &[("exclusiveMinimum", 0.0), ("maximum", 0.005)]),
            (false, &[("minimum", -0.002), ("exclusiveMaximum", -0.001)]),
            (false, &[("minimum", 0.5), ("maximum", 0.5)]),
            (false, &[("exclusiveMinimum", 10.0)]),
            (false, &[("minimum", 1e6)]),
            (false, &[("maximum", -7.0)]),
            (true, &[("exclusiveMinimum", 0.0), ("exclusiveMaximum", 2.0)]),
            (true, &[("maximum", -7.0)]),
        ] {
            let rules = number_type(integral, bounds);
            let XdmKind::Number { bounds, .. } = &rules.kind else { continue };
            for _ in 0..1_000 {
                let drawn = number(&rules, &mut random);
                assert!(bounds.iter().all(|bound| bound.holds(drawn)), "{drawn} of {bounds:?}");
            }
        }
    }

    #[test]
    fn bounds_that_no_number_keeps_to_give_one_nevertheless() {
        let mut random = Random::new(3);
        for bounds in [[("minimum", 5.0), ("maximum", 3.0)], [("exclusiveMinimum", 0.0), ("exclusiveMaximum", 1.0)]] {
            assert!(number(&number_type(true, &bounds), &mut random).is_finite());
        }
        assert!(number(&number_type(false, &[("exclusiveMinimum", 1.0), ("exclusiveMaximum", 1.0)]), &mut random).is_finite());
    }
}
