//! The nearest allowed name to one that is not allowed.

/// The candidate most like `name`, when one is like enough to be what the user meant: a few letters missing, swapped or wrong.
/// Letter case does not count; of candidates equally near, the first.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let mut best: Option<(f64, &'a str)> = None;
    for candidate in candidates {
        let likeness = likeness(&name, &candidate.to_lowercase());
        if likeness > best.map_or(0.0, |(likeness, _)| likeness) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// From 0 (nothing in common) to 1 (equal); 0 when too far apart to be a slip.
fn likeness(name: &str, candidate: &str) -> f64 {
    /// A third of the letters may be wrong.
    const FEW_EDITS: f64 = 0.66;
    /// One is the other's beginning, near enough.
    const SAME_START: f64 = 0.87;
    let edits = strsim::normalized_damerau_levenshtein(name, candidate);
    let start = strsim::jaro_winkler(name, candidate);
    if edits >= FEW_EDITS || start >= SAME_START { edits.midpoint(start) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_find_what_was_meant() {
        for (name, candidates, meant) in [
            ("age_bucket", &["age", "age_buckets", "gender"][..], Some("age_buckets")),
            ("topik", &["group", "topic"], Some("topic")),
            ("Workers", &["works", "workers"], Some("workers")),
            ("exactly-once", &["at_least_once", "exactly_once"], Some("exactly_once")),
            ("gruop", &["group"], Some("group")),
            ("city", &["country", "carbrand"], None),
            ("", &["a"], None),
        ] {
            assert_eq!(nearest(name, candidates.iter().copied()), meant, "{name}");
        }
    }
}
