//! The schemas of the targets: between them every type.

use crate::dataset::DatasetSchema;

pub(super) const TEXTS: [&str; 5] = [
    r#"{"type":"record","name":"Flat","fields":[
        {"name":"b","type":"boolean"},{"name":"i","type":"int"},{"name":"l","type":"long"},{"name":"f","type":"float"},
        {"name":"d","type":"double"},{"name":"s","type":"string"}]}"#,
    r#"{"type":"record","name":"Optional","fields":[
        {"name":"l","type":["null","long"],"default":null},{"name":"s","type":["string","null"]},
        {"name":"r","type":["null",{"type":"record","name":"Inner","fields":[
            {"name":"d","type":["null","double"],"default":null},{"name":"b","type":"boolean"},
            {"name":"t","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}]}],"default":null},
        {"name":"i","type":"int","default":7}]}"#,
    r#"{"type":"record","name":"Nested","fields":[
        {"name":"a","type":{"type":"array","items":["null","int"]}},{"name":"m","type":{"type":"map","values":"string"}},
        {"name":"aa","type":{"type":"array","items":{"type":"array","items":"boolean"}}},
        {"name":"ar","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
            {"name":"k","type":"string"},{"name":"v","type":["null","double"]}]}}}]}"#,
    r#"{"type":"record","name":"Unions","fields":[
        {"name":"u","type":["null","string","long","boolean"]},{"name":"v","type":["double",{"type":"array","items":"long"}]},
        {"name":"w","type":["null",{"type":"map","values":"boolean"},"string"]}]}"#,
    r#"{"type":"record","name":"Logical","fields":[
        {"name":"y","type":"bytes"},{"name":"x","type":{"type":"fixed","name":"X","size":3}},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["a","bc","def"]}},{"name":"day","type":{"type":"int","logicalType":"date"}},
        {"name":"tm","type":{"type":"int","logicalType":"time-millis"}},{"name":"tu","type":{"type":"long","logicalType":"time-micros"}},
        {"name":"ts","type":{"type":"long","logicalType":"timestamp-micros"}},
        {"name":"tl","type":{"type":"long","logicalType":"local-timestamp-nanos"}},
        {"name":"p","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
        {"name":"u","type":["null",{"type":"fixed","name":"U","size":12,"logicalType":"duration"}]}]}"#,
];

/// A writer's schema and the reader's, for each rule of resolution.
pub(super) const PAIRS: [(&str, &str); 3] = [
    // Promotions, another order, a field that is gone, defaults.
    (
        r#"{"type":"record","name":"Event","fields":[
            {"name":"i","type":"int"},{"name":"gone","type":{"type":"map","values":["null","int","string"]}},
            {"name":"l","type":"long"},{"name":"f","type":"float"},{"name":"s","type":"string"},{"name":"y","type":"bytes"}]}"#,
        r#"{"type":"record","name":"Event","fields":[
            {"name":"y","type":"string"},{"name":"s","type":"bytes"},{"name":"f","type":"double"},{"name":"l","type":["null","double"]},
            {"name":"i","type":"long"},{"name":"new","type":{"type":"array","items":"string"},"default":["p","q"]}]}"#,
    ),
    // Unions on one side or the other; enums.
    (
        r#"{"type":"record","name":"Event","fields":[
            {"name":"u","type":["null","int","string"]},{"name":"o","type":"string"},
            {"name":"e","type":{"type":"enum","name":"E","symbols":["x","z"]}},{"name":"n","type":["null","long"]}]}"#,
        r#"{"type":"record","name":"Event","fields":[
            {"name":"u","type":["null","long"]},{"name":"o","type":["null","string"]},
            {"name":"e","type":{"type":"enum","name":"E","symbols":["y","x"],"default":"y"}},{"name":"n","type":"long"}]}"#,
    ),
    // Records within arrays, skipped and read.
    (
        r#"{"type":"record","name":"Event","fields":[
            {"name":"a","type":{"type":"array","items":{"type":"record","name":"R","fields":[
                {"name":"skip","type":{"type":"array","items":"string"}},{"name":"x","type":"int"}]}}},
            {"name":"away","type":{"type":"array","items":{"type":"map","values":"R"}}},{"name":"r","type":["null","R"]}]}"#,
        r#"{"type":"record","name":"Event","fields":[
            {"name":"r","type":["null",{"type":"record","name":"R","fields":[{"name":"x","type":"double"}]}]},
            {"name":"a","type":{"type":"array","items":"R"}}]}"#,
    ),
];

/// A schema of the target's own, which is sound.
pub(super) fn dataset(text: &str) -> DatasetSchema {
    DatasetSchema::parse_avro(text).expect("a sound schema")
}

/// The case that the first byte of the input names, and the rest.
pub(super) fn choose<'c, 'b, T>(cases: &'c mut [T], bytes: &'b [u8]) -> Option<(&'c mut T, &'b [u8])> {
    let (first, rest) = bytes.split_first()?;
    let at = usize::from(*first) % cases.len();
    Some((&mut cases[at], rest))
}
