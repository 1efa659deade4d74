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

/// From 0 (nothing in common) to 1 (equal); 0 when too far apart to be a slip. Behind the same place (`str.`) the members alone tell that.
fn likeness(name: &str, candidate: &str) -> f64 {
    let whole = likeness_of_words(name, candidate);
    match (name.rsplit_once('.'), candidate.rsplit_once('.')) {
        (Some((place, member)), Some((other, near))) if place == other && likeness_of_words(member, near) == 0.0 => 0.0,
        _ => whole,
    }
}

fn likeness_of_words(name: &str, candidate: &str) -> f64 {
    /// In so short a word another letter makes another word: `sin` and `isin`, `max` and `map`.
    const SHORT: usize = 3;
    /// A third of the letters may be wrong.
    const FEW_EDITS: f64 = 0.66;
    /// One is the other's beginning, near enough.
    const SAME_START: f64 = 0.87;
    let lengths = [name.chars().count(), candidate.chars().count()];
    if lengths.iter().any(|length| *length <= SHORT) {
        let sorted = |word: &str| {
            let mut letters: Vec<char> = word.to_lowercase().chars().collect();
            letters.sort_unstable();
            letters
        };
        let is_another = match lengths[0] == lengths[1] {
            true => sorted(name) != sorted(candidate),
            false => name.chars().next() != candidate.chars().next(),
        };
        if is_another {
            return 0.0;
        }
    }
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
            ("aeg", &["age"], Some("age")),
            ("Age", &["age"], Some("age")),
            ("tpe", &["type"], Some("type")),
            ("sin", &["isin", "min"], None),
            ("max", &["map"], None),
            ("str.lowr", &["str.len", "str.lower"], Some("str.lower")),
            ("str.title", &["str.len", "str.split"], None),
            ("dt.isocalendar", &["dt.second", "dt.is_leap_year"], None),
        ] {
            assert_eq!(nearest(name, candidates.iter().copied()), meant, "{name}");
        }
    }
}
