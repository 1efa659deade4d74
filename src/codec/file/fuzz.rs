//! Files of rows: the first byte chooses the format, the rest is the file.

#![allow(clippy::expect_used, clippy::panic, reason = "a target tells what it finds by panicking")]

use super::{RawRows, RowFile};
use crate::codec::Decoded;
use crate::dataset::DatasetSchema;

/// The most rows that are read of one file: a block may claim any number of rows that have no bytes.
const MOST_ROWS: usize = 2_000;

/// A file is refused with words, or its rows are told apart; rows are decoded or rejected.
pub(crate) fn file(bytes: &[u8]) {
    let Some((first, content)) = bytes.split_first() else { return };
    let extension = ["avro", "csv", "jsonl"][usize::from(*first) % 3];
    read(extension, content);
}

/// As [`file`], of Parquet.
pub(crate) fn parquet(bytes: &[u8]) {
    read("parquet", bytes);
}

fn read(extension: &str, content: &[u8]) {
    let schema = DatasetSchema::parse_avro(
        r#"{"type":"record","name":"Row","fields":[
            {"name":"s","type":["null","string"],"default":null},{"name":"l","type":["null","long"],"default":null},
            {"name":"r","type":["null",{"type":"record","name":"R","fields":[{"name":"d","type":["null","double"],"default":null}]}],
             "default":null}]}"#,
    )
    .expect("a sound schema");
    // A reader opens a path; each process has its own.
    let path = std::env::temp_dir().join(format!("caz-fuzz-{}-{:?}.{extension}", std::process::id(), std::thread::current().id()));
    std::fs::write(&path, content).expect("a writable folder");
    if let Ok(mut file) = RowFile::open(&path) {
        let (mut rows, mut decoded, mut seen) = (RawRows::default(), Decoded::default(), 0);
        let mut decoder = file.decoder(&schema, &[0, 1, 2]).ok();
        while file.read(256, &mut rows).is_ok() && !rows.is_empty() && seen < MOST_ROWS {
            seen += rows.len();
            if let Some(decoder) = &mut decoder {
                decoder.decode(&rows.payloads(), &mut decoded);
                assert_eq!(decoded.rows.len() + decoded.rejected.len(), rows.len());
            }
        }
    }
    let _ = std::fs::remove_file(&path);
}
