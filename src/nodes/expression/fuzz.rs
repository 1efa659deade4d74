//! Expressions: any text has an answer, whose place lies within it; what is written is read as it was.

#![allow(clippy::panic, reason = "a target tells what it finds by panicking")]

use super::parse::{MAX_LENGTH, parse, parse_assignments};

/// A text, as an expression and as assignments.
pub(crate) fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    answers_within(text);
    if let Ok(expression) = parse(text) {
        let written = expression.to_string();
        match parse(&written) {
            Ok(again) => assert_eq!(again.to_string(), written, "{text}"),
            // Parentheses that were left out may make it too long, or too deep.
            Err(mistake) => assert!(written.len() > MAX_LENGTH || mistake.message.contains("deeper"), "{text}: {mistake:?} in {written}"),
        }
    }
}

/// Every answer is about a part of the text.
pub(super) fn answers_within(text: &str) {
    let within = |span: &std::ops::Range<usize>| span.start <= span.end && span.end <= text.len() && text.get(span.clone()).is_some();
    match parse(text) {
        Ok(expression) => assert!(within(&expression.span), "{text:?}"),
        Err(mistake) => assert!(within(&mistake.span), "{mistake:?} of {text:?}"),
    }
    for assignment in parse_assignments(text) {
        let span = assignment.map_or_else(|mistake| mistake.span, |(name, expression)| name.span.start..expression.span.end);
        assert!(within(&span), "{span:?} of {text:?}");
    }
}
