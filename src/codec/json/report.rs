//! What an event breaks of its XDM schema, told as Adobe's streaming validation documents it.

use serde::Serialize;

/// One broken rule.
#[derive(Debug)]
pub(super) struct Violation {
    /// Where the rule stands in the schema.
    pub(super) location: String,
    pub(super) keyword: &'static str,
    pub(super) message: String,
}

/// The most violations that are told of one event.
const MOST: usize = 5;
/// The longest pointer, or member's name, that is told, in characters: its keys are the event's.
pub(super) const LONGEST: usize = 200;

/// All that an event breaks, while it is read.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    #[serde(rename = "_validationErrors")]
    errors: Vec<Told>,
    /// Where the reader is.
    #[serde(skip)]
    pointer: String,
    /// The length of the pointer at each step around.
    #[serde(skip)]
    around: Vec<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    schema_location: String,
    pointer_to_violation: String,
    causing_exceptions: [(); 0],
    keyword: &'static str,
    message: String,
}

impl Report {
    pub(super) fn new() -> Self {
        Self { errors: Vec::new(), pointer: "#".to_owned(), around: Vec::new() }
    }

    /// Goes into a member, an entry or an item.
    pub(super) fn enter(&mut self, step: &str) {
        self.around.push(self.pointer.len());
        // What is behind the longest is not told, and is not copied for each of a million items.
        if self.pointer.chars().count() <= LONGEST {
            let beginning: String = step.chars().take(LONGEST).collect();
            self.pointer += &crate::diagnostic::join("", &beginning);
        }
    }

    /// Goes back out of it.
    pub(super) fn leave(&mut self) {
        self.pointer.truncate(self.around.pop().unwrap_or(1));
    }

    pub(super) fn add(&mut self, violations: Vec<Violation>) {
        for Violation { location, keyword, message } in violations {
            if self.errors.len() < MOST {
                let pointer_to_violation = shortened(&self.pointer, LONGEST);
                self.errors.push(Told { schema_location: location, pointer_to_violation, causing_exceptions: [], keyword, message });
            }
        }
    }

    /// The report; none when nothing is broken.
    pub(super) fn finish(self) -> Option<String> {
        if self.errors.is_empty() { None } else { serde_json::to_string(&self).ok() }
    }
}

/// The beginning of a text that an event brought.
pub(super) fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LONGEST, Report, Violation, shortened};

    proptest! {
        #[test]
        fn a_pointer_is_told_as_if_it_were_kept_whole(steps in proptest::collection::vec("[a~/é]{0,150}", 1..5), back in 0_usize..4) {
            let mut report = Report::new();
            steps.iter().for_each(|step| report.enter(step));
            let back = back.min(steps.len());
            (0..back).for_each(|_| report.leave());
            report.add(vec![Violation { location: String::new(), keyword: "type", message: String::new() }]);
            let whole = steps[..steps.len() - back].iter().fold("#".to_owned(), |whole, step| crate::diagnostic::join(&whole, step));
            prop_assert_eq!(&report.errors[0].pointer_to_violation, &shortened(&whole, LONGEST));
        }
    }
}
