//! An example put to the trial: its node planned and run on its events.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, cast::AsArray, types::Float32Type, types::Float64Type};
use arrow_schema::DataType;
use serde_json::{Map, Value, json};

use super::Example;
use crate::codec::json::{JsonDecoder, JsonEncoder};
use crate::codec::{CodecError, Decoded, Decoder, Encoded, Encoder};
use crate::dataset::{Frozen, Rows, SchemaError};
use crate::diagnostic::{Diagnostics, Document};
use crate::model::ModelStore;
use crate::nodes::{self, Column, Frame, Inputs, NodeSpec, Planning, Shared, Slot, Source, Step};

/// The node of an example, planned on the event's fields as they enter a graph.
pub struct Trial<'a> {
    example: &'a Example,
    decoder: JsonDecoder,
    frame: Frame,
    steps: Vec<Step>,
    slots: usize,
    /// What planning found and no error.
    pub warnings: Diagnostics,
}

/// Why an example cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// No type of node has this name.
    #[error("there is no type of node `{0}`")]
    UnknownNode(String),
    /// Its fields have a type that Avro does not have.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Its events cannot be decoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Its statistics are none.
    #[error("`frozen`: {0}")]
    Frozen(serde_json::Error),
    /// Its node has mistakes.
    #[error("{}", .0.render(false))]
    Plan(Diagnostics),
}

impl<'a> Trial<'a> {
    /// Plans the example's node, of this type; `document` is the example's text.
    ///
    /// # Errors
    /// When the example, or its node, has mistakes.
    pub fn plan(example: &'a Example, type_name: &str, document: &Arc<Document>, models: &ModelStore) -> Result<Self, TrialError> {
        let node = nodes::by_name(type_name).ok_or_else(|| TrialError::UnknownNode(type_name.into()))?;
        let schema = example.schema()?;
        let all: Vec<usize> = (0..schema.fields().len()).collect();
        let decoder = JsonDecoder::new(&schema, &all)?;
        let frozen: Frozen = serde_json::from_value(json!({
            "version": 1, "dataset": {"path": "", "sha256": "", "rows": 0}, "nodes": {"example": example.frozen},
        }))
        .map_err(TrialError::Frozen)?;
        let (mut steps, mut slots, mut warnings) = (Vec::new(), all.len(), Diagnostics::new());
        let fields: Frame = schema.fields().iter().enumerate().map(|(index, field)| Column::of_field(field, index)).collect();
        let spec =
            |id: &str| NodeSpec { id: id.into(), type_name: type_name.into(), params: example.params.clone(), pointer: String::new() };
        let mut planned = |(index, id), input, plan: &dyn Fn(&mut Planning<'_>) -> Frame| {
            let (steps, slots, diagnostics) = (&mut steps, &mut slots, &mut warnings);
            let shared =
                Shared { document, pipeline: document, frozen: Some(&frozen), models, steps, slots, diagnostics, collectors: None };
            plan(&mut Planning::new(&spec(id), index, input, shared))
        };
        let event = planned((0, "event"), fields, &nodes::event_frame);
        let frame = planned((1, "example"), event, &|planning| node.plan(planning));
        if warnings.has_errors() {
            return Err(TrialError::Plan(warnings));
        }
        Ok(Self { example, decoder, frame, steps, slots, warnings })
    }

    /// The columns that leave the node.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The columns that leave the node with their types, as [`Example::types`] has them.
    pub fn types(&self) -> Map<String, Value> {
        self.frame.columns().iter().map(|column| (column.name.to_string(), column.dtype().into())).collect()
    }

    /// What becomes of each of the example's events, as [`Example::gives`] has it.
    ///
    /// # Errors
    /// When a column is of a type that JSON does not carry.
    pub fn run(&mut self) -> Result<Vec<Value>, CodecError> {
        let events: Vec<String> = self.example.rows.iter().map(Value::to_string).collect();
        let payloads: Vec<&[u8]> = events.iter().map(String::as_bytes).collect();
        let mut decoded = Decoded::default();
        self.decoder.decode(&payloads, &mut decoded);
        let mut rows = Rows::default();
        rows.reset(decoded.rows.len());
        let columns = self.run_steps(&decoded, &mut rows);
        let mut gives = vec![Value::Null; events.len()];
        for (payload, rejection) in &decoded.rejected {
            gives[*payload as usize] = json!({"rejected": rejection.message});
        }
        for (row, rejection) in rows.rejected() {
            gives[decoded.rows[row] as usize] = json!({"rejected": rejection.message});
        }
        for (row, reason) in rows.skipped() {
            gives[decoded.rows[row] as usize] = json!({"skipped": reason});
        }
        for row in rows.iter_alive() {
            let value = |(column, array): (&Column, &ArrayRef)| Ok((column.name.to_string(), show(array, row)?));
            let values: Result<Map<String, Value>, CodecError> = self.frame.columns().iter().zip(&columns).map(value).collect();
            gives[decoded.rows[row] as usize] = values?.into();
        }
        Ok(gives)
    }

    /// The arrays of the columns that leave the node.
    fn run_steps(&mut self, decoded: &Decoded, rows: &mut Rows) -> Vec<ArrayRef> {
        let mut outputs = Vec::new();
        let mut last = Vec::new();
        let mut slots = self.slots;
        for column in self.frame.columns() {
            match column.source {
                Source::Slot(slot) => outputs.push(slot),
                _ => {
                    outputs.push(Slot::new(slots));
                    last.extend(Step::decode(column, 0, Slot::new(slots)));
                    slots += 1;
                }
            }
        }
        let mut arrays: Vec<Option<ArrayRef>> = decoded.columns.iter().cloned().map(Some).collect();
        arrays.resize(slots, None);
        let mut made = Vec::new();
        for step in self.steps.iter_mut().chain(&mut last) {
            step.kernel.run(&Inputs::new(&arrays, &step.reads), rows, &mut made);
            step.writes.iter().zip(made.drain(..)).for_each(|(slot, array)| arrays[slot.index()] = Some(array));
        }
        outputs.iter().filter_map(|slot| arrays[slot.index()].clone()).collect()
    }
}

/// A value as JSON events have it, and floats that JSON does not have.
fn show(array: &ArrayRef, row: usize) -> Result<Value, CodecError> {
    let float = match array.data_type() {
        DataType::Float64 if array.is_valid(row) => array.as_primitive::<Float64Type>().value(row),
        DataType::Float32 if array.is_valid(row) => f64::from(array.as_primitive::<Float32Type>().value(row)),
        _ => 0.0,
    };
    if float.is_nan() {
        return Ok(Value::Null);
    }
    if float.is_infinite() {
        return Ok(float.to_string().into());
    }
    let mut encoder = JsonEncoder::new(&[("value".into(), array.data_type().clone(), true)])?;
    let (mut encoded, mut refused) = (Encoded::default(), Vec::new());
    encoder.encode(std::slice::from_ref(array), &mut std::iter::once(row), &mut encoded, &mut refused);
    let object: Option<Value> = encoded.iter().next().and_then(|(_, bytes)| serde_json::from_slice(bytes).ok());
    let value = object.map_or(Value::Null, |object| object["value"].clone());
    Ok(match value {
        Value::String(time) if matches!(array.data_type(), DataType::Timestamp(_, _)) => short(&time).into(),
        value => value,
    })
}

/// An instant without the groups of three digits that are zero.
fn short(time: &str) -> String {
    let (mut digits, zone) = time.strip_suffix('Z').map_or((time, ""), |digits| (digits, "Z"));
    while let Some(fewer) = digits.strip_suffix("000").filter(|_| digits.contains('.')) {
        digits = fewer.trim_end_matches('.');
    }
    format!("{digits}{zone}")
}
