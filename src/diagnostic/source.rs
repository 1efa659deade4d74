//! A file's text as the YAML parser is given it, and the way back to the bytes of the file.

use super::Span;
use saphyr_parser::ScalarStyle;

/// The text for the parser, which counts in characters, with the byte of the file at which each character stands.
pub(super) struct Source {
    pub(super) text: String,
    bytes: Vec<usize>,
}

impl Source {
    /// YAML's `\u` escape is one whole character, JSON's may be half of a surrogate pair: in a document that starts as JSON does,
    /// pairs become YAML's `\U` escape, so that every JSON file reads as it should.
    pub(super) fn new(text: &str) -> Self {
        let json = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').starts_with(['{', '[']);
        let mut source = Self { text: String::with_capacity(text.len()), bytes: Vec::with_capacity(text.len() + 1) };
        let mut at = 0;
        while let Some(character) = text[at..].chars().next() {
            let (piece, length) = match json.then(|| escape(&text[at..])).flatten() {
                Some(Escape::Pair(pair)) => (format!("\\U{:08X}", u32::from(pair)), SURROGATE_PAIR),
                Some(Escape::Other) => (text[at..at + 2].to_owned(), 2),
                None => (character.to_string(), character.len_utf8()),
            };
            source.bytes.extend(piece.chars().map(|_| at));
            source.text.push_str(&piece);
            at += length;
        }
        source.bytes.push(text.len());
        source
    }

    /// The byte of the file at which the parser's character stands.
    pub(super) fn byte(&self, character: usize) -> usize {
        self.bytes.get(character).or(self.bytes.last()).copied().unwrap_or_default()
    }

    /// The bytes of the file between two of the parser's characters.
    pub(super) fn span(&self, characters: Span) -> Span {
        let start = self.byte(characters.start);
        start..self.byte(characters.end).max(start)
    }
}

/// Bytes of `\ud83d\ude00`.
const SURROGATE_PAIR: usize = 12;

enum Escape {
    /// A surrogate pair, as the character that it stands for.
    Pair(char),
    /// A backslash and one ASCII character.
    Other,
}

/// The escape sequence at the start of the text.
fn escape(text: &str) -> Option<Escape> {
    let escaped = text.strip_prefix('\\')?.chars().next()?;
    let unit = |start: usize| {
        let digits = text.get(start..start + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let pair = unit(0).zip(unit(6)).and_then(|(high, low)| char::decode_utf16([high, low]).next()?.ok());
    match pair {
        Some(pair) if u32::from(pair) > 0xFFFF => Some(Escape::Pair(pair)),
        _ => escaped.is_ascii().then_some(Escape::Other),
    }
}

/// The span of a scalar alone: without its anchor and tag, and without the white space and comments that the parser counts to it.
pub(super) fn scalar_span(text: &str, span: Span, style: ScalarStyle, empty: bool) -> Span {
    let Span { start, end } = without_properties(text, span);
    let scalar = &text[start..end];
    let length = match style {
        ScalarStyle::Plain if empty => 0,
        ScalarStyle::DoubleQuoted => quoted_length(scalar, '"', '\\'),
        ScalarStyle::SingleQuoted => quoted_length(scalar, '\'', '\''),
        _ => scalar.trim_end().len(),
    };
    start..start + length
}

/// The span of a value without its anchor and tag.
pub(super) fn without_properties(text: &str, Span { mut start, end }: Span) -> Span {
    while let Some(property) = text[start..end].split_whitespace().next().filter(|_| text[start..end].starts_with(['&', '!'])) {
        start = end - text[start + property.len()..end].trim_start().len();
    }
    start..end
}

/// Bytes up to and with the closing quote. `escape` takes the next character's meaning; in single quotes it is a quote itself, and
/// only then when a second one follows.
fn quoted_length(scalar: &str, quote: char, escape: char) -> usize {
    let mut characters = scalar.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        let escapes = character == escape && (escape != quote || characters.peek().is_some_and(|(_, next)| *next == quote));
        if escapes {
            characters.next();
        } else if character == quote {
            return at + 1;
        }
    }
    scalar.len()
}

#[cfg(test)]
mod tests {
    use super::{Source, scalar_span};
    use saphyr_parser::ScalarStyle;

    #[test]
    fn surrogate_pairs_become_one_escape_and_places_stay_true() {
        let text = r#"{"é": "\\ud83d \ud83d\ude00!"}"#;
        let source = Source::new(text);
        assert_eq!(source.text, r#"{"é": "\\ud83d \U0001F600!"}"#);
        let bang = source.text.chars().position(|c| c == '!').unwrap_or_default();
        assert_eq!(Some(source.byte(bang)), text.find('!'));
        assert_eq!(source.byte(usize::MAX), text.len());
    }

    #[test]
    fn yaml_text_stays_as_it_is() {
        let text = "a: '\\ud83d\\ude00'\n";
        assert_eq!(Source::new(text).text, text);
    }

    #[test]
    fn scalars_end_where_their_quotes_close() {
        for (text, style, scalar) in [
            (r#""a\"b" # "c""#, ScalarStyle::DoubleQuoted, r#""a\"b""#),
            (r#""\\" , "#, ScalarStyle::DoubleQuoted, r#""\\""#),
            ("'' # it's", ScalarStyle::SingleQuoted, "''"),
            ("&x !t 'it''s' # no", ScalarStyle::SingleQuoted, "'it''s'"),
            ("&x  12 ", ScalarStyle::Plain, "12"),
            ("&x", ScalarStyle::Plain, ""),
        ] {
            assert_eq!(&text[scalar_span(text, 0..text.len(), style, scalar.is_empty())], scalar, "{text}");
        }
    }
}
