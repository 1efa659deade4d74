//! What must hold of any bytes that a decoder is given, and the targets that ask it of bytes in fixed schemas; `tests` ask it of random ones.
//!
//! Whatever the bytes: no panic, no more memory than rows and bytes account for, neighbours untouched. What is decoded, apache-avro and
//! serde_json read as the same values, where they define the answer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a target tells what it finds by panicking")]

mod apache;
mod avro;
mod json;
mod schemas;
mod text;
mod xdm;

pub(crate) use apache::{at_path, is_value};
#[cfg(test)]
pub(crate) use avro::{agrees_with_apache_avro, behind_a_header};
pub(crate) use avro::{avro, resolution, single_object};
#[cfg(test)]
pub(crate) use json::agrees_with_serde_json;
pub(crate) use json::{avro_json, json};
pub(crate) use text::{csv, schema};
pub(crate) use xdm::xdm;
#[cfg(test)]
pub(crate) use xdm::{xdm_schema, xdm_validator};

use super::{Decoded, Decoder};

/// Decodes a batch and checks what holds of every batch: each payload is there once, and memory is bounded by rows and bytes.
pub(crate) fn decode(decoder: &mut dyn Decoder, payloads: &[&[u8]]) -> Decoded {
    let mut decoded = Decoded::default();
    decoder.decode(payloads, &mut decoded);
    assert_eq!(decoded.rows.len() + decoded.rejected.len(), payloads.len(), "a payload is lost or there twice");
    assert!(decoded.columns.iter().all(|column| column.len() == decoded.rows.len()));
    let bytes: usize = payloads.iter().map(|payload| payload.len()).sum();
    let took: usize = decoded.columns.iter().map(|column| column.get_array_memory_size()).sum();
    let bound = decoded.columns.len() * (4096 + 64 * payloads.len()) + 256 * bytes;
    assert!(took <= bound, "{took} bytes for {bytes} bytes in {} columns", decoded.columns.len());
    decoded
}

/// The payload among others: one that is cut, and itself again. It must fare the same beside them.
fn beside_others(payload: &[u8]) -> [&[u8]; 3] {
    [payload, &payload[..payload.len() / 2], payload]
}

/// Whether the first and the third payload of a batch fared the same.
fn is_treated_alike(decoded: &Decoded) -> bool {
    let rejection = |index: u32| decoded.rejected.iter().find(|(at, _)| *at == index).map(|(_, rejection)| rejection);
    let row = |index: u32| decoded.rows.iter().position(|at| *at == index);
    let same_row = |first: usize, third: usize| {
        decoded.columns.iter().all(|column| {
            let (first, third) = (column.slice(first, 1), column.slice(third, 1));
            first.to_data() == third.to_data() || format!("{first:?}") == format!("{third:?}")
        })
    };
    match (row(0), row(2)) {
        (Some(first), Some(third)) => same_row(first, third),
        (None, None) => rejection(0) == rejection(2),
        _ => false,
    }
}
