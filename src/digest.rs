//! Digests as people compare them: SHA-256 in lower-case hexadecimal digits.

use sha2::{Digest, Sha256};

/// The SHA-256 of bytes, 64 digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as lower-case hexadecimal digits, two each.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
