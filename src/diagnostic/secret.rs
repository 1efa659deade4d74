//! Keeping secrets out of messages and of rendered source lines.

use super::Span;

/// Words in a key's name that make its value a secret.
const SECRET_WORDS: [&str; 10] = [
    "password",
    "passphrase",
    "passwd",
    "secret",
    "token",
    "credential",
    "jaas",
    "private",
    "oauthbearer.config",
    "oauthbearer.extensions",
];

/// Ends of a key's name that make its value a secret: a `key` alone may be anything.
const SECRET_ENDS: [&str; 5] = ["ssl.key", "api.key", "apikey", "access.key", ".pem"];

/// Words at the end of a key's name that make its value a place, not the secret itself.
const PLACE_ENDS: [&str; 5] = ["location", "path", "url", "uri", "file"];

/// Whether the value of a key of this name must not be shown: passwords, tokens, PEM keys and the like.
pub fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['_', '-'], ".");
    let last = key.rsplit('.').next().unwrap_or(&key);
    if PLACE_ENDS.contains(&last) {
        return false;
    }
    SECRET_ENDS.iter().any(|end| key.ends_with(end))
        || SECRET_WORDS.iter().any(|word| key.contains(word))
        || key.split('.').any(|part| SECRET_WORDS.iter().any(|word| is_slip(part, word)))
}

/// Whether a word is another one with a letter missing, swapped or wrong; short words are too near to others, as `taken` is to `token`.
fn is_slip(part: &str, word: &str) -> bool {
    word.len() >= 6 && part.len().abs_diff(word.len()) <= 1 && strsim::osa_distance(part, word) == 1
}

/// What of a plain text may be shown: it is all of it, but for `password:x`, where the blank is missing that would make two of it.
pub(crate) fn shown_part(text: &str) -> &str {
    match text.split_once(':') {
        Some((key, value)) if !value.is_empty() && is_secret_key(key) => key,
        _ => text,
    }
}

/// The text with each span and the comment behind it, and the user and password of each URL, replaced by `*`, byte for byte, so that
/// places stay true.
pub(super) fn mask(text: &str, spans: &[Span]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for span in spans {
        // What follows the value on its line is a comment at most, and may hold the value of last week.
        let end = text[span.end..].find('\n').map_or(text.len(), |newline| span.end + newline);
        let comment = text[span.end..end].trim_start();
        cover(&mut bytes, span.clone());
        if comment.starts_with('#') {
            cover(&mut bytes, end - comment.len()..end);
        }
    }
    let mut start = 0;
    for word in text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')) {
        // A password may have a `/` or a comma, as one in base64 does, though a URL then means something else.
        if let Some(at) = word.rfind('@') {
            match word[..at].find("://") {
                Some(scheme) => cover(&mut bytes, start + scheme + 3..start + at),
                // A URL whose scheme was forgotten.
                None if word[..at].contains(':') => cover(&mut bytes, start..start + at),
                None => {}
            }
        }
        start += word.len();
    }
    String::from_utf8(bytes).unwrap_or_default()
}

fn cover(bytes: &mut [u8], span: Span) {
    for byte in &mut bytes[span] {
        if !matches!(byte, b'\n' | b'\r') {
            *byte = b'*';
        }
    }
}

/// The values of secret keys in text that could not be parsed, from byte `start` on: to the end of the line, and the lines that are
/// indented deeper.
pub(super) fn unparsed_secrets(text: &str, start: usize) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut deeper_than = None;
    let mut line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    for line in text[line_start..].split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let line_end = line_start + line.len();
        if deeper_than.is_some_and(|outer| indent > outer || line.trim().is_empty()) {
            spans.push(line_start..line_end);
        } else {
            deeper_than = None;
            if let Some(value) = secret_value(line) {
                spans.push(line_start + value..line_end);
                deeper_than = Some(indent);
            }
        }
        line_start = line_end;
    }
    spans
}

/// Where the value of the line's first secret key starts.
fn secret_value(line: &str) -> Option<usize> {
    line.match_indices(':').map(|(colon, _)| colon).find_map(|colon| {
        let before = line[..colon].trim_end_matches(['"', '\'', ' ']);
        let key = before.rsplit(|c: char| !(c.is_alphanumeric() || "._-".contains(c))).next()?;
        is_secret_key(key).then_some(colon + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::{is_secret_key, mask, unparsed_secrets};

    #[test]
    fn secret_keys_are_known_by_name() {
        for key in [
            "sasl.password",
            "ssl.key.password",
            "ssl.key.pem",
            "ssl.certificate.pem",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.extensions",
            "ssl_key",
            "API-KEY",
            "sasl.jaas.config",
            "sasl.pasword",
            "sasl.passwrod",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in [
            "bootstrap.servers",
            "ssl.key.location",
            "sasl.oauthbearer.token.endpoint.url",
            "key",
            "monkey",
            "primary_key",
            "sasl.username",
            "pass_through",
            "taken",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn masks_keep_every_byte_in_its_place() {
        let text = "p: hünter # was: old\nq: 1\nr: ${X} # old\nurl: https://me:pw@registry/x\nurl: 'https://me:a/b,c@registry/x'\n\
                    url: me:pw@registry:8081\nto: me@registry\n";
        let masked = mask(text, &[3..10, 25..26, 34..34]);
        let expected = "p: ******* **********\nq: *\nr: ${X} *****\nurl: https://*****@registry/x\nurl: 'https://********@registry/x'\n\
                        url: *****@registry:8081\nto: me@registry\n";
        assert_eq!(masked, expected);
    }

    #[test]
    fn text_that_was_not_parsed_hides_its_secrets() {
        let text = "a: 1\nkafka:\n  sasl.password: \"one\n   two\n  x: 1\n{\"ssl_key\": \"three\", b: 2}\n";
        let masked = mask(text, &unparsed_secrets(text, 6));
        assert!(!masked.contains("one") && !masked.contains("two") && !masked.contains("three"), "{masked}");
        assert!(masked.contains("  x: 1\n"));
    }
}
