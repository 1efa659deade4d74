//! ONNX's own operator tests as a second opinion on element types and shapes: each model through the model store, its inputs as rows, its
//! outputs compared with what ONNX expects. `tests/onnx_backend/cases.py` chooses and writes them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and counts aloud"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, cast::AsArray};

use arrow_schema::DataType;
use caz::model::{ModelStore, Tensor, Values};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    rows: usize,
    rtol: f64,
    atol: f64,
    inputs: Vec<Data>,
    outputs: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    element: String,
    #[serde(default)]
    hex: String,
    #[serde(default)]
    strings: Vec<String>,
}

impl Data {
    fn values(&self) -> Values {
        fn read<T: ArrowPrimitiveType>(hex: &str) -> Vec<T::Native> {
            let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
            let size = size_of::<T::Native>();
            let value = |chunk: &[u8]| arrow_buffer::Buffer::from(chunk).typed_data::<T::Native>()[0];
            bytes.chunks_exact(size).map(value).collect()
        }
        let hex = &self.hex;
        match self.element.as_str() {
            "float16" => Values::F16(read::<Float16Type>(hex)),
            "float32" => Values::F32(read::<Float32Type>(hex)),
            "float64" => Values::F64(read::<Float64Type>(hex)),
            "int8" => Values::I8(read::<Int8Type>(hex)),
            "int16" => Values::I16(read::<Int16Type>(hex)),
            "int32" => Values::I32(read::<Int32Type>(hex)),
            "int64" => Values::I64(read::<Int64Type>(hex)),
            "uint8" => Values::U8(read::<UInt8Type>(hex)),
            "uint16" => Values::U16(read::<UInt16Type>(hex)),
            "uint32" => Values::U32(read::<UInt32Type>(hex)),
            "uint64" => Values::U64(read::<UInt64Type>(hex)),
            "bool" => Values::Bool(read::<UInt8Type>(hex).into_iter().map(|byte| byte != 0).collect()),
            "string" => Values::Str(self.strings.clone()),
            other => panic!("element {other}"),
        }
    }
}

/// Every value of an array as text (strings, integers) or as a number to be compared within a tolerance.
enum Cells {
    Exact(Vec<String>),
    Close(Vec<f64>),
}

fn cells(array: &ArrayRef) -> Cells {
    fn integers<T: ArrowPrimitiveType>(array: &ArrayRef) -> Cells
    where
        T::Native: ToString,
    {
        Cells::Exact(array.as_primitive::<T>().values().iter().map(ToString::to_string).collect())
    }
    match array.data_type() {
        DataType::Float32 => Cells::Close(array.as_primitive::<Float32Type>().values().iter().map(|value| f64::from(*value)).collect()),
        DataType::Float64 => Cells::Close(array.as_primitive::<Float64Type>().values().to_vec()),
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => integers::<UInt64Type>(array),
        DataType::Boolean => Cells::Exact(array.as_boolean().iter().map(|value| value.unwrap().to_string()).collect()),
        DataType::Utf8 => Cells::Exact(array.as_string::<i32>().iter().map(|value| value.unwrap().to_owned()).collect()),
        other => panic!("{other}"),
    }
}

fn run(store: &ModelStore, case: &Case) -> Result<(), String> {
    let model = store.get(&case.name).map_err(|error| error.to_string())?;
    let tensor = |data: &Data| {
        let values = data.values();
        Tensor { width: values.len() / case.rows, values }
    };
    let inputs: Vec<Tensor> = case.inputs.iter().map(tensor).collect();
    for (port, tensor) in model.signature.inputs.iter().zip(&inputs) {
        if !port.takes(tensor.width) || port.is_batched() != (case.rows > 1) {
            return Err(format!("{port} does not take {} rows of {}", case.rows, tensor.width));
        }
    }
    let mut failures = Vec::new();
    let columns = model.session(None, None).unwrap().run(&inputs, |row, error| failures.push(format!("row {row}: {error}")));
    if let Some(failure) = failures.into_iter().next() {
        return Err(failure);
    }
    let mut columns = columns.into_iter();
    for data in &case.outputs {
        let expected = data.values();
        let width = expected.len() / case.rows;
        let expected = cells(&expected.into_array());
        for at in 0..width {
            let column = columns.next().ok_or("too few columns")?;
            let agree = match (&expected, cells(&column)) {
                (Cells::Exact(expected), Cells::Exact(found)) => expected.iter().skip(at).step_by(width).eq(&found),
                (Cells::Close(expected), Cells::Close(found)) => {
                    found.len() == case.rows && expected.iter().skip(at).step_by(width).zip(&found).all(|(a, b)| case.close(*a, *b))
                }
                _ => false,
            };
            if !agree {
                return Err(format!("column {at} of {width} ({}) differs: {column:?}", data.element));
            }
        }
    }
    if columns.next().is_some() { Err("too many columns".into()) } else { Ok(()) }
}

impl Case {
    fn close(&self, expected: f64, found: f64) -> bool {
        expected == found || (expected.is_nan() && found.is_nan()) || (expected - found).abs() <= self.atol + self.rtol * expected.abs()
    }
}

#[test]
fn operators_take_and_give_what_onnx_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".caz/venv/bin/python");
    assert!(python.is_file(), "{} is not there: run `scripts/setup test`", python.display());
    let folder = tempfile::tempdir().unwrap();
    let written = Command::new(python).arg(root.join("tests/onnx_backend/cases.py")).arg(folder.path()).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let lines = std::fs::read_to_string(folder.path().join("cases.jsonl")).unwrap();
    let cases: Vec<Case> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();

    // The store would lock for each load: a store for each half of the machine.
    let outcomes: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let run_all = |cases: &[Case]| {
            let store = ModelStore::new(folder.path());
            cases.iter().map(|case| run(&store, case)).collect::<Vec<_>>()
        };
        let halves: Vec<_> = cases.chunks(cases.len().div_ceil(2)).map(|half| scope.spawn(move || run_all(half))).collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    let mut ran: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (case, outcome) in cases.iter().zip(outcomes) {
        match outcome {
            Ok(()) => *ran.entry((case.inputs[0].element.as_str(), case.rows > 1)).or_default() += 1,
            Err(why) => wrong.push(format!("{}: {why}", case.name)),
        }
    }
    for ((element, rows), count) in &ran {
        println!("{element} {}: {count}", if *rows { "by rows" } else { "as one row" });
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() > 500, "only {} cases", cases.len());
    assert!(ran.keys().filter(|(_, rows)| *rows).count() >= 12, "every element type by rows: {ran:?}");
}
