//! The car-insurance graph up to its model, on the dataset's rows: what the benchmarks of kernels run.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampNanosecondType};
use arrow_array::{ArrayRef, PrimitiveArray, StringArray};
use arrow_schema::DataType;
use caz::dataset::{DatasetSchema, Frozen, Rows};
use caz::diagnostic::Diagnostics;
use caz::graph::GraphSpec;
use caz::nodes::{Column, Frame, Inputs, Planning, Shared, Slot, Source, Step, by_name};
use caz::stream::Assembly;

/// The graph up to the model, and the features that the model would get.
pub(crate) fn without_inference(graph: &GraphSpec) -> (GraphSpec, Vec<String>) {
    let mut spec = graph.clone();
    let model = spec.nodes.pop().filter(|node| node.type_name == "ONNXNode").expect("the model stands last");
    spec.edges.retain(|edge| edge.to != model.id);
    let features = model.params["features"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    (spec, features)
}

/// The dataset's rows as a decoder delivers them, one array a field.
pub(crate) fn events(dataset: &DatasetSchema, file: &Path) -> Vec<ArrayRef> {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |field: &caz::dataset::DatasetField| -> ArrayRef {
        let at = names.iter().position(|name| *name == field.path).unwrap();
        let texts = records.iter().map(|record| Some(&record[at]).filter(|text| !text.is_empty()));
        match &field.data_type {
            DataType::Utf8 => Arc::new(texts.collect::<StringArray>()),
            DataType::Float64 => {
                Arc::new(texts.map(|text| text.map(|text| text.parse().unwrap())).collect::<PrimitiveArray<Float64Type>>())
            }
            DataType::Int32 => Arc::new(texts.map(|text| text.map(|text| text.parse().unwrap())).collect::<PrimitiveArray<Int32Type>>()),
            DataType::Int64 => Arc::new(texts.map(|text| text.map(|text| text.parse().unwrap())).collect::<PrimitiveArray<Int64Type>>()),
            DataType::Timestamp(_, zone) => {
                let ns = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap();
                let times = texts.map(|text| text.map(ns)).collect::<PrimitiveArray<TimestampNanosecondType>>();
                Arc::new(times.with_timezone_opt(zone.clone()))
            }
            other => panic!("a field of {other}"),
        }
    };
    dataset.fields().iter().map(column).collect()
}

/// The graph up to the model on batches of the dataset: what [`caz::graph::Plan`] runs, without the model that it insists on.
pub(crate) struct Graph {
    steps: Vec<Step>,
    slots: usize,
    pub(crate) fields: Vec<ArrayRef>,
    outputs: Vec<Slot>,
    rows: Rows,
    scratch: Vec<ArrayRef>,
    pub(crate) made: Vec<ArrayRef>,
    /// What each node took; filled when it is asked for.
    pub(crate) spent: Vec<Duration>,
}

impl Graph {
    pub(crate) fn new(assembly: &Assembly, spec: &GraphSpec, frozen: &Frozen, features: &[String], fields: Vec<ArrayRef>) -> Self {
        let column = |(index, field): (usize, &caz::dataset::DatasetField)| Column {
            name: field.path.as_str().into(),
            data_type: field.data_type.clone(),
            nullable: field.nullable,
            categories: None,
            source: Source::Slot(Slot::new(index)),
            origin: "event".into(),
        };
        let mut frame: Frame = assembly.dataset().fields().iter().enumerate().map(column).collect();
        let (mut steps, mut slots, mut diagnostics) = (Vec::<Step>::new(), fields.len(), Diagnostics::new());
        for (index, node) in spec.nodes.iter().enumerate() {
            let shared = Shared {
                collectors: None,
                document: &spec.document,
                pipeline: &spec.document,
                frozen: Some(frozen),
                models: assembly.models(),
                steps: &mut steps,
                slots: &mut slots,
                diagnostics: &mut diagnostics,
            };
            frame = by_name(&node.type_name).unwrap().plan(&mut Planning::new(node, index, frame, shared));
        }
        assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
        let last = spec.nodes.len() - 1;
        let mut output = |name: &String| {
            let column = frame.get(name).unwrap();
            if let Source::Slot(slot) = column.source {
                return slot;
            }
            slots += 1;
            let slot = Slot::new(slots - 1);
            steps.push(Step::decode(column, last, slot).unwrap());
            slot
        };
        let outputs: Vec<Slot> = features.iter().map(&mut output).collect();
        // What no feature needs is left out, as in a plan.
        let mut needed: Vec<Slot> = outputs.clone();
        let mut kept: Vec<Step> = Vec::new();
        for step in steps.into_iter().rev() {
            if step.kernel.can_reject() || step.writes.iter().any(|slot| needed.contains(slot)) {
                needed.extend(&step.reads);
                kept.push(step);
            }
        }
        kept.reverse();
        let spent = vec![Duration::ZERO; spec.nodes.len()];
        Self { steps: kept, slots, fields, outputs, rows: Rows::default(), scratch: Vec::new(), made: Vec::new(), spent }
    }

    pub(crate) fn run<const TIMED: bool>(&mut self, batch: &[ArrayRef]) {
        self.rows.reset(batch[0].len());
        let mut arrays: Vec<Option<ArrayRef>> = batch.iter().map(|array| Some(Arc::clone(array))).collect();
        arrays.resize(self.slots, None);
        for step in &mut self.steps {
            let started = TIMED.then(Instant::now);
            step.kernel.run(&Inputs::new(&arrays, &step.reads), &mut self.rows, &mut self.scratch);
            if let Some(started) = started {
                self.spent[step.node] += started.elapsed();
            }
            step.writes.iter().zip(self.scratch.drain(..)).for_each(|(slot, array)| arrays[slot.index()] = Some(array));
        }
        self.made.clear();
        self.made.extend(self.outputs.iter().filter_map(|slot| arrays[slot.index()].clone()));
    }

    pub(crate) fn batches(&self, rows: usize, batches: usize) -> Vec<Vec<ArrayRef>> {
        let last = self.fields[0].len() - rows + 1;
        (0..batches).map(|batch| self.fields.iter().map(|field| field.slice(batch * rows % last, rows)).collect()).collect()
    }
}
