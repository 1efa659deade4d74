//! Runs one node on columns: for tests of nodes without a graph around them.

#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod graph;

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Int32Array, PrimitiveArray, StringArray, cast::AsArray,
};
use arrow_schema::{DataType, TimeUnit};
use caz::dataset::{Frozen, Rows};
use caz::diagnostic::{Diagnostics, Document};
use caz::model::ModelStore;
use caz::nodes::{Column, Frame, Inputs, NodeSpec, Planning, Shared, Slot, Source, Step, by_name};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

/// A column's values, bit for bit.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Float64(Vec<f64>),
    Float32(Vec<f32>),
    Int(Vec<i128>),
    Bool(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
    Time(Vec<Option<i64>>),
}

impl Values {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Float64(values) => values.len(),
            Self::Float32(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Time(values) => values.len(),
        }
    }

    /// So many rows, these over and over.
    pub(crate) fn repeated(&self, rows: usize) -> Self {
        fn cycle<T: Clone>(values: &[T], rows: usize) -> Vec<T> {
            values.iter().cycle().take(rows).cloned().collect()
        }
        match self {
            Self::Float64(values) => Self::Float64(cycle(values, rows)),
            Self::Float32(values) => Self::Float32(cycle(values, rows)),
            Self::Int(values) => Self::Int(cycle(values, rows)),
            Self::Bool(values) => Self::Bool(cycle(values, rows)),
            Self::Text(values) => Self::Text(cycle(values, rows)),
            Self::Time(values) => Self::Time(cycle(values, rows)),
        }
    }

    /// All but some rows.
    fn without(&self, out: &[usize]) -> Self {
        fn kept<T: Clone>(values: &[T], out: &[usize]) -> Vec<T> {
            values.iter().enumerate().filter(|(row, _)| !out.contains(row)).map(|(_, value)| value.clone()).collect()
        }
        match self {
            Self::Float64(values) => Self::Float64(kept(values, out)),
            Self::Float32(values) => Self::Float32(kept(values, out)),
            Self::Int(values) => Self::Int(kept(values, out)),
            Self::Bool(values) => Self::Bool(kept(values, out)),
            Self::Text(values) => Self::Text(kept(values, out)),
            Self::Time(values) => Self::Time(kept(values, out)),
        }
    }

    /// How many floats lie between a value and one of another column; `None` where they are no two numbers.
    pub(crate) fn ulps(&self, row: usize, other: &Self, other_row: usize) -> Option<u64> {
        let (Self::Float64(ours), Self::Float64(theirs)) = (self, other) else { return None };
        let (one, another) = (ours[row], theirs[other_row]);
        let comparable = one.is_sign_negative() == another.is_sign_negative() && !one.is_nan() && !another.is_nan();
        comparable.then(|| one.to_bits().abs_diff(another.to_bits()))
    }

    /// One value; two are equal exactly when they are shown the same.
    pub(crate) fn show(&self, row: usize) -> String {
        match self {
            Self::Float64(values) if values[row].is_nan() => "NaN".into(),
            Self::Float64(values) => format!("{:?} ({:016x})", values[row], values[row].to_bits()),
            Self::Float32(values) if values[row].is_nan() => "NaN".into(),
            Self::Float32(values) => format!("{:?} ({:08x})", values[row], values[row].to_bits()),
            Self::Int(values) => values[row].to_string(),
            Self::Bool(values) => format!("{:?}", values[row]),
            Self::Text(values) => format!("{:?}", values[row]),
            Self::Time(values) => format!("{:?}", values[row]),
        }
    }
}

/// The golden vectors of a family of operations.
pub(crate) fn read_golden(family: &str) -> Value {
    let path = format!("{}/tests/golden/pandas/{family}.json.gz", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(golden["pandas"], "2.2.3");
    golden
}

/// The golden vectors of every family, and of the operations whose statistics are fitted.
pub(crate) fn every_golden() -> impl Iterator<Item = Value> {
    FAMILIES.into_iter().map(read_golden).chain([read_fitted()])
}

/// The calls whose statistics are fitted, with what pandas learnt as their frozen statistics.
fn read_fitted() -> Value {
    let fitted = read_golden("fitted");
    let (mut frames, mut cases) = (Vec::new(), Vec::new());
    for record in fitted["cases"].as_array().unwrap() {
        let mut params = record["params"].clone();
        let cols = if params["import"] == "get_dummies" { &mut params["kwargs"]["columns"] } else { &mut params["cols"] };
        *cols = json!(["x"]);
        let mut input = record["input"].clone();
        input["name"] = "x".into();
        let frozen = json!({"x": {(record["statistic"].as_str().unwrap()): learnt(&record["value"])}});
        cases.push(json!({"params": params, "frozen": frozen, "input": frames.len(), "output": record["output"]}));
        frames.push(json!([input]));
    }
    json!({"frames": frames, "cases": cases})
}

/// A statistic as a file holds it, from its bits.
fn learnt(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(learnt).collect(),
        Value::Object(float) => f64::from_bits(u64::from_str_radix(float["bits"].as_str().unwrap(), 16).unwrap()).into(),
        other => other.clone(),
    }
}

/// Every family of golden vectors.
pub(crate) const FAMILIES: [&str; 19] = [
    "fillna",
    "map",
    "replace",
    "to_datetime",
    "dt",
    "astype",
    "to_numeric",
    "cut",
    "get_dummies",
    "columns",
    "text",
    "text_match",
    "missing",
    "compare",
    "condition",
    "arithmetic",
    "math",
    "transcendental",
    "expressions",
];

/// One column of a case.
#[derive(Debug)]
pub(crate) struct CaseColumn {
    pub(crate) name: String,
    pub(crate) dtype: String,
    pub(crate) categories: Option<Vec<String>>,
    /// Whether the schema allows null.
    pub(crate) nullable: bool,
    pub(crate) values: Values,
}

/// One call of an operation and pandas' answer.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) params: Value,
    pub(crate) frozen: Value,
    pub(crate) rows: usize,
    pub(crate) input: Vec<CaseColumn>,
    pub(crate) output: Vec<CaseColumn>,
    pub(crate) rejected: Vec<usize>,
    pub(crate) skipped: Vec<usize>,
}

impl Case {
    /// Reads a case; its input is one of `frames`.
    pub(crate) fn read(case: &Value, frames: &[Value]) -> Self {
        let frame = &frames[case["input"].as_u64().unwrap() as usize];
        let rows = |of: &Value| of.as_array().map_or(Vec::new(), |rows| rows.iter().map(|row| row.as_u64().unwrap() as usize).collect());
        let input: Vec<CaseColumn> = frame.as_array().unwrap().iter().map(read_column).collect();
        let (rejected, skipped) = (rows(&case["rejected"]), rows(&case["skipped"]));
        let output = |column: &Value| match column.get("same") {
            None => read_column(column),
            // Came through unchanged, in the rows that stay.
            Some(_) => {
                let input = input.iter().find(|input| column["name"] == input.name.as_str()).unwrap();
                CaseColumn {
                    name: input.name.clone(),
                    dtype: input.dtype.clone(),
                    categories: input.categories.clone(),
                    nullable: input.nullable,
                    values: input.values.without(&[rejected.as_slice(), &skipped].concat()),
                }
            }
        };
        let output = case["output"].as_array().unwrap().iter().map(output).collect();
        Self {
            params: case["params"].clone(),
            frozen: case.get("frozen").cloned().unwrap_or_else(|| json!({})),
            rows: input.first().map_or(0, |column| column.values.len()),
            input,
            output,
            rejected,
            skipped,
        }
    }
}

pub(crate) fn read_column(column: &Value) -> CaseColumn {
    let dtype = column["dtype"].as_str().unwrap().to_owned();
    let values = || column["values"].as_array().unwrap().iter();
    let bits = |width: usize| {
        let hex = column["bits"].as_str().unwrap();
        (0..hex.len() / width).map(move |at| u64::from_str_radix(&hex[at * width..(at + 1) * width], 16).unwrap())
    };
    let categories: Option<Vec<String>> =
        column.get("categories").map(|all| all.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect());
    let values = match dtype.as_str() {
        "float64" => Values::Float64(bits(16).map(f64::from_bits).collect()),
        "float32" => Values::Float32(bits(8).map(|bits| f32::from_bits(bits as u32)).collect()),
        "bool" => Values::Bool(column["flags"].as_str().unwrap().chars().map(|flag| (flag != '_').then_some(flag == '1')).collect()),
        "object" => Values::Text(values().map(|value| value.as_str().map(str::to_owned)).collect()),
        "category" => {
            let categories = categories.as_ref().unwrap();
            let text = |code: &Value| usize::try_from(code.as_i64().unwrap()).ok().map(|code| categories[code].clone());
            Values::Text(values().map(text).collect())
        }
        dtype if dtype.starts_with("decimal128") => Values::Text(values().map(|value| value.as_str().map(str::to_owned)).collect()),
        dtype if matches!(dtype, "date32" | "time64(µs)") || dtype.starts_with("datetime64") => {
            Values::Time(values().map(Value::as_i64).collect())
        }
        _ => Values::Int(values().map(|value| value.as_i64().map_or_else(|| value.as_u64().unwrap().into(), i128::from)).collect()),
    };
    CaseColumn { name: column["name"].as_str().unwrap().to_owned(), dtype, categories, nullable: has_null(&values), values }
}

/// The Arrow array that a node gets for a column. A float's null is a null of Arrow's, as a decoder makes it.
fn to_array(column: &CaseColumn) -> ArrayRef {
    fn ints<T: ArrowPrimitiveType<Native: TryFrom<i128>>>(values: &[i128]) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::from_iter_values(values.iter().map(|value| T::Native::try_from(*value).ok().unwrap())))
    }
    match (&column.values, column.dtype.as_str()) {
        (Values::Float64(values), _) => {
            let nullable = values.iter().map(|value| (!value.is_nan()).then_some(*value));
            Arc::new(PrimitiveArray::<Float64Type>::from_iter(nullable))
        }
        (Values::Float32(values), _) => Arc::new(PrimitiveArray::<Float32Type>::from_iter_values(values.iter().copied())),
        (Values::Int(values), "int32") => ints::<Int32Type>(values),
        (Values::Int(values), "int16") => ints::<Int16Type>(values),
        (Values::Int(values), "int8") => ints::<Int8Type>(values),
        (Values::Int(values), "uint64") => ints::<UInt64Type>(values),
        (Values::Int(values), "uint8") => ints::<UInt8Type>(values),
        (Values::Int(values), _) => ints::<Int64Type>(values),
        (Values::Bool(values), _) => Arc::new(BooleanArray::from(values.clone())),
        (Values::Text(values), "category") => {
            let categories = column.categories.as_ref().unwrap();
            let code = |text: &String| categories.iter().position(|one| one == text).unwrap() as i32;
            let codes: Int32Array = values.iter().map(|value| value.as_ref().map(code)).collect();
            Arc::new(DictionaryArray::new(codes, Arc::new(StringArray::from_iter_values(categories))))
        }
        (Values::Text(values), dtype) if dtype.starts_with("decimal128") => {
            let scale = dtype.trim_end_matches(')').rsplit(' ').next().unwrap().parse().unwrap();
            let digits = values.iter().map(|digits| digits.as_ref().map(|digits| digits.parse::<i128>().unwrap()));
            Arc::new(digits.collect::<Decimal128Array>().with_precision_and_scale(38, scale).unwrap())
        }
        (Values::Text(values), _) => Arc::new(StringArray::from(values.clone())),
        (Values::Time(micros), "time64(µs)") => Arc::new(PrimitiveArray::<Time64MicrosecondType>::from_iter(micros.iter().copied())),
        (Values::Time(days), "date32") => {
            Arc::new(days.iter().map(|day| day.map(|day| i32::try_from(day).unwrap())).collect::<PrimitiveArray<Date32Type>>())
        }
        (Values::Time(values), dtype) => {
            let array = PrimitiveArray::<TimestampNanosecondType>::from_iter(values.iter().copied());
            Arc::new(array.with_timezone_opt(zone(dtype)))
        }
    }
}

/// `datetime64[ns, UTC+05:30]` to `+05:30`.
fn zone(dtype: &str) -> Option<Arc<str>> {
    let zone = dtype.strip_prefix("datetime64[ns, ")?.strip_suffix(']')?;
    Some(if zone == "UTC" { "+00:00".into() } else { zone.strip_prefix("UTC").unwrap_or(zone).into() })
}

fn has_null(values: &Values) -> bool {
    match values {
        Values::Float64(values) => values.iter().any(|value| value.is_nan()),
        Values::Float32(values) => values.iter().any(|value| value.is_nan()),
        Values::Int(_) => false,
        Values::Bool(values) => values.contains(&None),
        Values::Text(values) => values.contains(&None),
        Values::Time(values) => values.contains(&None),
    }
}

fn from_array(array: &ArrayRef) -> Values {
    fn ints<T: ArrowPrimitiveType<Native: Into<i128>>>(array: &ArrayRef) -> Values {
        assert_eq!(array.null_count(), 0, "an integer column has no nulls");
        Values::Int(array.as_primitive::<T>().values().iter().map(|value| (*value).into()).collect())
    }
    match array.data_type() {
        DataType::Float64 => Values::Float64(array.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN)).collect()),
        DataType::Float32 => Values::Float32(array.as_primitive::<Float32Type>().iter().map(|value| value.unwrap_or(f32::NAN)).collect()),
        DataType::Int64 => ints::<Int64Type>(array),
        DataType::Int32 => ints::<Int32Type>(array),
        DataType::Int16 => ints::<Int16Type>(array),
        DataType::Int8 => ints::<Int8Type>(array),
        DataType::UInt64 => ints::<UInt64Type>(array),
        DataType::UInt32 => ints::<UInt32Type>(array),
        DataType::UInt16 => ints::<UInt16Type>(array),
        DataType::UInt8 => ints::<UInt8Type>(array),
        DataType::Boolean => Values::Bool(array.as_boolean().iter().collect()),
        DataType::Utf8 => Values::Text(array.as_string::<i32>().iter().map(|value| value.map(str::to_owned)).collect()),
        DataType::Dictionary(_, _) => {
            let typed = array.as_dictionary::<Int32Type>().downcast_dict::<StringArray>().unwrap();
            Values::Text(typed.into_iter().map(|value| value.map(str::to_owned)).collect())
        }
        DataType::Date32 => Values::Time(array.as_primitive::<Date32Type>().iter().map(|day| day.map(i64::from)).collect()),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Values::Time(array.as_primitive::<TimestampNanosecondType>().iter().collect()),
        other => panic!("no column has type {other}"),
    }
}

/// A node that is planned for a case's columns.
pub(crate) struct Planned {
    /// Name and dtype of each column that leaves the node.
    pub(crate) columns: Vec<(String, String)>,
    steps: Vec<Step>,
    outputs: Vec<Slot>,
    slots: usize,
}

/// What a node made of some rows.
pub(crate) struct Answer {
    pub(crate) columns: Vec<Values>,
    pub(crate) rejected: Vec<usize>,
    pub(crate) skipped: Vec<usize>,
}

impl Planned {
    /// Plans the Pandas node of a case; the text of the diagnostics when that fails.
    pub(crate) fn new(case: &Case) -> Result<Self, String> {
        Self::of("Pandas", case)
    }

    /// Plans the case's node of another type.
    pub(crate) fn of(type_name: &str, case: &Case) -> Result<Self, String> {
        let text = json!({"node": {"params": case.params}}).to_string();
        let document = Document::parse("case.json", text, &|_| None).map_err(|found| describe(&found))?;
        let spec = NodeSpec { id: "n".into(), type_name: type_name.into(), params: case.params.clone(), pointer: "/node".into() };
        let frozen: Frozen =
            serde_json::from_value(json!({"version": 1, "dataset": {"path": "", "sha256": "", "rows": 0}, "nodes": {"n": case.frozen}}))
                .unwrap();
        let (models, mut steps, mut slots, mut diagnostics) = (ModelStore::new(""), Vec::new(), case.input.len(), Diagnostics::new());
        let input: Frame = case.input.iter().enumerate().map(input_column).collect();
        let shared = Shared {
            collectors: None,
            document: &document,
            pipeline: &document,
            frozen: Some(&frozen),
            models: &models,
            steps: &mut steps,
            slots: &mut slots,
            diagnostics: &mut diagnostics,
        };
        let frame = by_name(type_name).unwrap().plan(&mut Planning::new(&spec, 0, input, shared));
        if diagnostics.has_errors() {
            return Err(describe(&diagnostics));
        }
        let mut outputs = Vec::new();
        for column in frame.columns() {
            outputs.push(match column.source {
                Source::Slot(slot) => slot,
                _ => {
                    let slot = Slot::new(slots);
                    slots += 1;
                    steps.push(Step::decode(column, 0, slot).unwrap());
                    slot
                }
            });
        }
        let columns = frame.columns().iter().map(|column| (column.name.to_string(), column.dtype())).collect();
        Ok(Self { columns, steps, outputs, slots })
    }

    /// How many steps it has.
    pub(crate) fn steps(&self) -> usize {
        self.steps.len()
    }

    /// The arrays of some rows of a case, in their slots.
    pub(crate) fn slots(&self, case: &Case, range: Range<usize>) -> Vec<Option<ArrayRef>> {
        let mut slots: Vec<Option<ArrayRef>> = vec![None; self.slots];
        for (slot, column) in slots.iter_mut().zip(&case.input) {
            *slot = Some(to_array(column).slice(range.start, range.len()));
        }
        slots
    }

    /// Runs all steps on arrays in their slots.
    pub(crate) fn run_steps(&mut self, slots: &mut [Option<ArrayRef>], rows: &mut Rows, made: &mut Vec<ArrayRef>) {
        for step in &mut self.steps {
            step.kernel.run(&Inputs::new(slots, &step.reads), rows, made);
            assert_eq!(made.len(), step.writes.len());
            for (slot, array) in step.writes.iter().zip(made.drain(..)) {
                assert_eq!(array.len(), rows.len());
                slots[slot.index()] = Some(array);
            }
        }
    }

    /// Runs the rows of `range`.
    pub(crate) fn run(&mut self, case: &Case, range: Range<usize>) -> Answer {
        let (mut slots, mut rows) = (self.slots(case, range.clone()), Rows::default());
        rows.reset(range.len());
        self.run_steps(&mut slots, &mut rows, &mut Vec::new());
        let sorted = |mut rows: Vec<usize>| {
            rows.sort_unstable();
            rows
        };
        Answer {
            columns: self.outputs.iter().map(|slot| from_array(slots[slot.index()].as_ref().unwrap())).collect(),
            rejected: sorted(rows.rejected().map(|(row, _)| row).collect()),
            skipped: sorted(rows.skipped().map(|(row, _)| row).collect()),
        }
    }
}

/// What planning a node says, as a user sees it; `text` is the node's YAML, the columns are those of `case`.
pub(crate) fn mistakes(type_name: &str, text: &str, case: &Case) -> String {
    let document = Document::parse("node.yaml", text, &|_| None).unwrap();
    let spec = NodeSpec { id: "n".into(), type_name: type_name.into(), params: document.value()["params"].clone(), pointer: String::new() };
    let (models, mut steps, mut slots, mut diagnostics) = (ModelStore::new(""), Vec::new(), case.input.len(), Diagnostics::new());
    let input: Frame = case.input.iter().enumerate().map(input_column).collect();
    let shared = Shared {
        collectors: None,
        document: &document,
        pipeline: &document,
        frozen: None,
        models: &models,
        steps: &mut steps,
        slots: &mut slots,
        diagnostics: &mut diagnostics,
    };
    by_name(type_name).unwrap().plan(&mut Planning::new(&spec, 0, input, shared));
    diagnostics.render(false)
}

fn input_column((index, column): (usize, &CaseColumn)) -> Column {
    let data_type = to_array(column).data_type().clone();
    Column {
        name: column.name.as_str().into(),
        data_type,
        nullable: column.nullable,
        categories: column.categories.clone().map(Into::into),
        source: Source::Slot(Slot::new(index)),
        origin: "event".into(),
    }
}

fn describe(diagnostics: &Diagnostics) -> String {
    diagnostics
        .iter()
        .map(|found| format!("{} {} {:?} {:?}", found.code, found.message, found.label, found.help))
        .collect::<Vec<_>>()
        .join("; ")
}
