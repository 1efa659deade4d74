//! Bytes as text: base64 with the standard alphabet and padding (RFC 4648, section 4).

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;

/// The text of bytes.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a text; none when it is not the one text of some bytes.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
