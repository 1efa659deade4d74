//! A batch of payloads, row by row: what all decoders share.

use super::Decoded;
use super::column::{Column, deliver};
use super::fault::Outcome;

/// A decoder that reads each payload as one row, straight into its columns.
pub(super) trait RowDecoder {
    /// The columns.
    fn columns(&mut self) -> &mut [Column];

    /// Adds the payload's row. A fault may leave a part of the row behind.
    fn row(&mut self, payload: &[u8]) -> Outcome<()>;
}

/// Decodes a batch in one pass: a row that meets a fault is taken back, so that it leaves no trace for its neighbours.
pub(super) fn decode_rows(decoder: &mut impl RowDecoder, payloads: &[&[u8]], into: &mut Decoded) {
    into.clear();
    decoder.columns().iter_mut().for_each(|column| column.reserve(payloads.len()));
    for (index, payload) in (0..).zip(payloads) {
        match decoder.row(payload) {
            Ok(()) => into.rows.push(index),
            Err(fault) => {
                decoder.columns().iter_mut().for_each(|column| column.truncate(into.rows.len()));
                match fault.awaited() {
                    Some(key) => into.awaiting.push((index, key)),
                    None => into.rejected.push((index, fault.rejection())),
                }
            }
        }
    }
    deliver(decoder.columns(), into);
}
