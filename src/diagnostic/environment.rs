//! Environment variables inside string scalars.
//!
//! `${NAME}` is the variable's value, `${NAME:-default}` falls back when it is unset or empty, `${NAME:?message}` refuses that with
//! a message, and `$${` is a literal `${`. What a variable brings is not looked at again.

use std::ffi::OsString;

/// Looks up one environment variable.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// A scalar with its variables filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) text: String,
    /// Whether a part of the text came from the environment: such text is never shown.
    pub(super) private: bool,
}

/// Why a scalar's variables cannot be filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FillError {
    /// The variable is not set, or is `empty` where that is not enough, and has no default; with the message of `:?`.
    Unset { name: String, empty: bool, message: Option<String> },
    /// The variable's value is no text.
    NotText { name: String },
    /// The text between `${` and `}` is not one of the forms.
    Form(&'static str),
}

/// Fills in the variables of one scalar; nothing when it has none.
pub(super) fn fill(scalar: &str, environment: Environment<'_>) -> Result<Option<Filled>, Vec<FillError>> {
    if !scalar.contains("${") {
        return Ok(None);
    }
    let mut filled = Filled { text: String::with_capacity(scalar.len()), private: false };
    let mut errors = Vec::new();
    let mut rest = scalar;
    while let Some(dollar) = rest.find("${") {
        let (before, reference) = rest.split_at(dollar);
        if let Some(escaped) = before.strip_suffix('$') {
            filled.text.push_str(escaped);
            filled.text.push_str("${");
            rest = &reference[2..];
            continue;
        }
        filled.text.push_str(before);
        let Some(close) = reference.find('}') else {
            errors.push(FillError::Form("`${` without a closing `}`"));
            return Err(errors);
        };
        rest = &reference[close + 1..];
        match expand(&reference[2..close], environment) {
            Ok((text, private)) => {
                filled.text.push_str(&text);
                filled.private |= private;
            }
            Err(error) => errors.push(error),
        }
    }
    filled.text.push_str(rest);
    if errors.is_empty() { Ok(Some(filled)) } else { Err(errors) }
}

/// The value of the reference between `${` and `}`, and whether it came from the environment.
fn expand(reference: &str, environment: Environment<'_>) -> Result<(String, bool), FillError> {
    let end = reference.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(reference.len());
    let (name, operator) = reference.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(FillError::Form("a variable's name is letters, digits and `_`, and does not start with a digit"));
    }
    let not_text = |_| FillError::NotText { name: name.to_owned() };
    let value = environment(name).map(OsString::into_string).transpose().map_err(not_text)?;
    let not_empty = value.clone().filter(|value| !value.is_empty());
    let empty = value.is_some();
    let unset = |message: Option<&str>| FillError::Unset { name: name.to_owned(), empty, message: message.map(str::to_owned) };
    if operator.is_empty() {
        return value.map(|value| (value, true)).ok_or_else(|| unset(None));
    }
    if let Some(default) = operator.strip_prefix(":-") {
        if default.contains("${") {
            return Err(FillError::Form("a default cannot contain another variable"));
        }
        return Ok(not_empty.map_or_else(|| (default.to_owned(), false), |value| (value, true)));
    }
    if let Some(message) = operator.strip_prefix(":?") {
        let message = (!message.is_empty()).then_some(message);
        return not_empty.map(|value| (value, true)).ok_or_else(|| unset(message));
    }
    Err(FillError::Form("the forms are `${NAME}`, `${NAME:-default}` and `${NAME:?message}`"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::{FillError, Filled, fill};
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};

    fn environment(name: &str) -> Option<OsString> {
        match name {
            "HOST" => Some("broker".into()),
            "EMPTY" => Some(OsString::new()),
            "TRICK" => Some("${HOST}".into()),
            "BYTES" => Some(OsString::from_vec(vec![0xff])),
            _ => None,
        }
    }

    #[test]
    fn every_form_is_filled_in() {
        let filled = |text: &str, private| Some(Filled { text: text.into(), private });
        for (scalar, expected) in [
            ("plain $HOME", None),
            ("${HOST}:9092", filled("broker:9092", true)),
            ("${NONE:-a:-b}", filled("a:-b", false)),
            ("${EMPTY:-x}${HOST:-y}", filled("xbroker", true)),
            ("${EMPTY}", filled("", true)),
            ("${NONE:-}", filled("", false)),
            ("$${HOST} $${x", filled("${HOST} ${x", false)),
            ("${TRICK}", filled("${HOST}", true)),
            ("${HOST:?must be set}", filled("broker", true)),
        ] {
            assert_eq!(fill(scalar, &environment).unwrap(), expected, "{scalar}");
        }
    }

    #[test]
    fn every_mistake_is_found() {
        let unset = |name: &str, empty, message: Option<&str>| {
            let message = message.map(str::to_owned);
            FillError::Unset { name: name.into(), empty, message }
        };
        assert_eq!(fill("${A}${B:?why}", &environment).unwrap_err(), [unset("A", false, None), unset("B", false, Some("why"))]);
        assert_eq!(fill("${EMPTY:?}", &environment).unwrap_err(), [unset("EMPTY", true, None)]);
        assert_eq!(fill("${BYTES:-x}", &environment).unwrap_err(), [FillError::NotText { name: "BYTES".into() }]);
        for scalar in ["${", "${HOST", "${}", "${1A}", "${HOST-x}", "${A:-${HOST}}", "${é}"] {
            assert!(matches!(fill(scalar, &environment).unwrap_err()[..], [FillError::Form(_)]), "{scalar}");
        }
    }
}
