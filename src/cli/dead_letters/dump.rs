//! Bytes for people.

use std::fmt::Write as _;

/// Bytes of a line.
const WIDTH: usize = 16;
/// The most bytes that are shown.
const SHOWN: usize = 512;

/// A value that may be text or anything else, in one line.
pub(super) fn text_or_hex(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.iter().take(SHOWN).fold("0x".to_owned(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    }
}

/// Lines of offset, bytes and characters; `mark` is the byte in brackets, around which is shown what there is room for.
pub(super) fn hex(bytes: &[u8], mark: Option<usize>) -> String {
    let around = mark.unwrap_or(0).saturating_sub(SHOWN / 2) / WIDTH * WIDTH;
    let from = if bytes.len() <= SHOWN { 0 } else { around.min(bytes.len() / WIDTH * WIDTH) };
    let to = bytes.len().min(from + SHOWN);
    let mut text = String::new();
    if from > 0 {
        let _ = writeln!(text, "  ... {from} bytes before");
    }
    for start in (from..to).step_by(WIDTH) {
        let line = &bytes[start..to.min(start + WIDTH)];
        let _ = write!(text, "{start:>8} ");
        for index in 0..WIDTH {
            let is_marked = mark == Some(start + index);
            let _ = match line.get(index) {
                Some(byte) if is_marked => write!(text, "[{byte:02x}]"),
                Some(byte) => write!(text, " {byte:02x} "),
                None if is_marked && start + index == bytes.len() => write!(text, "[  ]"),
                None => write!(text, "    "),
            };
        }
        text.push(' ');
        text.extend(line.iter().map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' }));
        text.push('\n');
    }
    if to < bytes.len() {
        let _ = writeln!(text, "  ... {} bytes behind", bytes.len() - to);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{hex, text_or_hex};

    #[test]
    fn the_byte_is_marked_and_long_values_are_cut_around_it() {
        let short: Vec<u8> = (0..20).chain(*b"vw golf").collect();
        let long: Vec<u8> = (0..=255).cycle().take(2000).collect();
        let shown = [hex(&short, Some(18)), hex(&short, Some(27)), hex(&long, Some(1000)).lines().take(3).collect::<Vec<_>>().join("\n")];
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn text_is_text() {
        assert_eq!([text_or_hex("schön".as_bytes()), text_or_hex(b"\x00\xff"), text_or_hex(b"")], ["schön", "0x00ff", ""]);
    }
}
