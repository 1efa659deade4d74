//! Values that keep to the rules of an XDM schema.

use serde_json::Value;

use super::random::Random;
use crate::dataset::{Bound, TextFormat, XdmKind, XdmType};

/// The most that a number is above the least that it may be.
const RANGE: f64 = 100_000.0;

/// One of the values that the rules list; none when they list none.
pub(super) fn listed<'r>(rules: &'r XdmType, random: &mut Random) -> Option<&'r Value> {
    let allowed = rules.allowed.as_ref()?;
    allowed.get(usize::try_from(random.below(allowed.len() as u64)).unwrap_or(0))
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
    let step = if *integral { 1.0 } else { 0.01 };
    let inside = |bound: &Bound| if bound.keyword.starts_with("exclusive") { step } else { 0.0 };
    let least = bounds.iter().filter(|bound| bound.keyword.ends_with("inimum")).map(|bound| bound.value + inside(bound)).reduce(f64::max);
    let most = bounds.iter().filter(|bound| bound.keyword.ends_with("aximum")).map(|bound| bound.value - inside(bound)).reduce(f64::min);
    let most_or = most.unwrap_or(RANGE);
    let from = least.unwrap_or(0.0).max(0.0_f64.min(most_or));
    let from = if least.is_some_and(|least| from < least) { least.unwrap_or(from) } else { from };
    let to = most_or.min(from + RANGE);
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
