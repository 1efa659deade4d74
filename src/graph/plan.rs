//! The planned graph: everything resolved, ready to run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use super::topology::{self, Topology};
use super::{GraphSpec, NodeSpec, Trace, usage};
use crate::dataset::{DatasetSchema, Frozen, Phase, Rows};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document, nearest};
use crate::model::ModelStore;
use crate::nodes::{self, Collectors, Column, Frame, Inputs, Planning, Shared, Slot, Source, Step, list};

/// What a plan is for.
#[derive(Clone, Copy, Default)]
pub enum Purpose<'a> {
    /// Scoring: what no output needs is left out.
    #[default]
    Serve,
    /// Looking: every column of every node is kept, see [`Trace`].
    Trace,
    /// Fitting: statistics that are missing are collected instead of reported. There are no outputs; models run only where a statistic
    /// needs their answers, and may be missing elsewhere.
    Fit(&'a dyn Collectors),
}

impl<'a> Purpose<'a> {
    fn collectors(self) -> Option<&'a dyn Collectors> {
        match self {
            Self::Serve | Self::Trace => None,
            Self::Fit(collectors) => Some(collectors),
        }
    }
}

/// What a graph is planned against.
pub struct PlanRequest<'a> {
    /// What the plan is for.
    pub purpose: Purpose<'a>,
    /// The graph's text.
    pub spec: &'a GraphSpec,
    /// The events' schema.
    pub dataset: &'a DatasetSchema,
    /// The graph's frozen statistics.
    pub frozen: Option<&'a Frozen>,
    /// Where models come from.
    pub models: &'a ModelStore,
    /// The file that names the output's columns, and where it does (RFC 6901).
    pub document: &'a Arc<Document>,
    /// The graph's columns that leave with each score; `None` for all outputs of models.
    pub columns: Option<&'a [String]>,
    /// The event's fields that leave with each score as they came.
    pub pass_through: &'a [String],
}

/// One node of a plan, for people: what `check`, `graph` and `explain` show.
#[derive(Clone, Debug)]
pub struct PlannedNode {
    /// Its id.
    pub id: String,
    /// Its type's name.
    pub type_name: String,
    /// Indices of its parents in [`Plan::nodes`].
    pub parents: Vec<usize>,
    /// The columns that leave it.
    pub frame: Frame,
}

/// One column of the graph's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputColumn {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    pub data_type: DataType,
    /// Whether it can be null.
    pub nullable: bool,
    pub(super) slot: Slot,
}

/// How long a run took, by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// In transformations.
    pub graph: Duration,
    /// In models, features gathered and scores spread included.
    pub inference: Duration,
}

/// A planned graph. It belongs to one worker, since sessions and buffers are used by one batch at a time.
///
/// # Invariants
/// - Steps stand in an order in which each comes after those whose slots it reads; each slot is written once a batch.
/// - Only steps that an output or a trace needs, that can reject a row, or that collect statistics, are kept; only fields that those read
///   are decoded.
#[derive(Default)]
pub struct Plan {
    nodes: Vec<PlannedNode>,
    projection: Vec<usize>,
    field_slots: Vec<Slot>,
    steps: Vec<Step>,
    slots: Vec<Option<ArrayRef>>,
    outputs: Vec<OutputColumn>,
    scratch: Vec<ArrayRef>,
    trace: Option<Trace>,
}

impl Plan {
    /// Plans a graph. Every mistake goes to `diagnostics`; `None` when there is an error among them.
    pub fn build(request: &PlanRequest<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let before = diagnostics.errors();
        let topology = topology::resolve(request.spec, diagnostics)?;
        let mut builder = Builder::new(request, diagnostics);
        builder.plan_nodes(&topology);
        let outputs = match request.purpose {
            Purpose::Serve | Purpose::Trace => {
                let answer = builder.answer(&topology);
                builder.outputs(&answer)
            }
            Purpose::Fit(_) => Vec::new(),
        };
        let frames = std::mem::take(&mut builder.frames);
        let (mut steps, mut slots) = (std::mem::take(&mut builder.steps), builder.slots);
        if diagnostics.errors() > before {
            return None;
        }
        let nodes = planned_nodes(request.spec, &topology, frames);
        steps.iter_mut().for_each(|step| step.node = topology.place(step.node));
        if matches!(request.purpose, Purpose::Fit(_)) {
            steps = without_idle_models(steps);
        }
        let trace = matches!(request.purpose, Purpose::Trace).then(|| Trace::plan(&nodes, &mut steps, &mut slots));
        let plan = Self { nodes, steps, slots: vec![None; slots], outputs, trace, ..Self::default() };
        let plan = plan.keep_what_is_needed(request.dataset.fields().len());
        if matches!(request.purpose, Purpose::Serve) {
            plan.report_idle(request.spec, &topology, diagnostics);
        }
        Some(plan)
    }

    /// Leaves out the steps that nobody needs, and finds the `fields` of the dataset that the others read.
    fn keep_what_is_needed(mut self, fields: usize) -> Self {
        let traced = self.trace.iter().flat_map(Trace::slots);
        let mut needed: BTreeSet<Slot> = self.outputs.iter().map(|output| output.slot).chain(traced).collect();
        let steps = std::mem::take(&mut self.steps);
        let mut kept: Vec<Step> = Vec::with_capacity(steps.len());
        for step in steps.into_iter().rev() {
            // A step that writes nothing is there for what it sees.
            let has_effect = step.kernel.can_reject() || step.writes.is_empty();
            if has_effect || step.writes.iter().any(|slot| needed.contains(slot)) {
                needed.extend(step.reads.iter().copied());
                kept.push(step);
            }
        }
        kept.reverse();
        self.steps = kept;
        self.projection = (0..fields).filter(|field| needed.contains(&Slot::new(*field))).collect();
        self.field_slots = self.projection.iter().copied().map(Slot::new).collect();
        self
    }

    fn report_idle(&self, spec: &GraphSpec, topology: &Topology, diagnostics: &mut Diagnostics) {
        for place in usage::idle(&self.nodes, &self.steps, &self.outputs) {
            let node = &spec.nodes[topology.order[place]];
            let message = format!("no output and no other node uses what node `{}` makes", node.id);
            let help = "take it out of the graph, or name its columns in `output.columns` or in a later node";
            diagnostics.push(Diagnostic::warning(Code::UnusedNode, message).help(help).at(&spec.document, &node.pointer));
        }
    }

    /// The nodes, parents first.
    pub fn nodes(&self) -> &[PlannedNode] {
        &self.nodes
    }

    /// The dataset's fields that the decoder must deliver, by index, ascending.
    pub fn projection(&self) -> &[usize] {
        &self.projection
    }

    /// What every node made of the last batch; only of a plan for [`Purpose::Trace`].
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// The columns of the graph's answer, in the order of the output.
    pub fn outputs(&self) -> &[OutputColumn] {
        &self.outputs
    }

    /// Runs one batch: `fields` are the projected fields' arrays, each with [`Rows::len`] rows. Rows that a node rejects or skips are
    /// marked in `rows`; `into` receives the output columns, meaningful for the rows that stay alive.
    pub fn run(&mut self, fields: &[ArrayRef], rows: &mut Rows, into: &mut Vec<ArrayRef>) -> Timings {
        for (slot, array) in self.field_slots.iter().zip(fields) {
            self.slots[slot.index()] = Some(Arc::clone(array));
        }
        if let Some(trace) = &mut self.trace {
            trace.start();
        }
        let mut timings = Timings::default();
        let mut phase_started = Instant::now();
        for step in &mut self.steps {
            let is_inference = step.kernel.phase() == Phase::Inference;
            if is_inference {
                timings.graph += lap(&mut phase_started);
            }
            let fates = rows.out();
            step.kernel.run(&Inputs::new(&self.slots, &step.reads), rows, &mut self.scratch);
            if rows.out() > fates {
                rows.name_node(fates, &self.nodes[step.node].id);
                if let Some(trace) = &mut self.trace {
                    trace.leave(rows, fates, step.node);
                }
            }
            for (slot, array) in step.writes.iter().zip(self.scratch.drain(..)) {
                self.slots[slot.index()] = Some(array);
            }
            if is_inference {
                timings.inference += lap(&mut phase_started);
            }
        }
        into.clear();
        into.extend(self.outputs.iter().filter_map(|output| self.slots[output.slot.index()].clone()));
        if let Some(trace) = &mut self.trace {
            trace.finish(&self.slots);
        }
        // Arrays are dropped here, not when the next batch overwrites them: an idle worker holds no event.
        self.slots.iter_mut().for_each(|slot| *slot = None);
        timings.graph += lap(&mut phase_started);
        timings
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("steps", &self.steps).field("outputs", &self.outputs).finish_non_exhaustive()
    }
}

/// The steps without the models whose answers no later step reads.
fn without_idle_models(steps: Vec<Step>) -> Vec<Step> {
    let mut read: BTreeSet<Slot> = BTreeSet::new();
    let mut kept: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps.into_iter().rev() {
        if step.kernel.phase() != Phase::Inference || step.writes.iter().any(|slot| read.contains(slot)) {
            read.extend(step.reads.iter().copied());
            kept.push(step);
        }
    }
    kept.reverse();
    kept
}

/// The time since `started`, which becomes now.
fn lap(started: &mut Instant) -> Duration {
    let now = Instant::now();
    let elapsed = now - *started;
    *started = now;
    elapsed
}

/// The nodes in planned order, parents by their place in it.
fn planned_nodes(spec: &GraphSpec, topology: &Topology, mut frames: Vec<Option<Frame>>) -> Vec<PlannedNode> {
    let planned = |node: &usize| {
        let NodeSpec { id, type_name, .. } = &spec.nodes[*node];
        let parents = topology.parents[*node].iter().map(|parent| topology.place(*parent)).collect();
        PlannedNode { id: id.clone(), type_name: type_name.clone(), parents, frame: frames[*node].take().unwrap_or_default() }
    };
    topology.order.iter().map(planned).collect()
}

/// A plan while it is made.
struct Builder<'a> {
    request: &'a PlanRequest<'a>,
    diagnostics: &'a mut Diagnostics,
    steps: Vec<Step>,
    slots: usize,
    /// The columns that leave each node, by its index in the spec.
    frames: Vec<Option<Frame>>,
    /// The models that each node's ancestors and itself put into the store, by its index in the spec.
    uploads: Vec<Vec<Arc<str>>>,
    /// The event's fields as they are decoded.
    fields: Frame,
    /// The event's fields in pandas' types, once the first node has asked for them: all starts share them.
    event: Option<Frame>,
}

impl<'a> Builder<'a> {
    fn new(request: &'a PlanRequest<'a>, diagnostics: &'a mut Diagnostics) -> Self {
        let fields = request.dataset.fields();
        let frame = fields.iter().enumerate().map(|(index, field)| Column::of_field(field, index)).collect();
        let nodes = request.spec.nodes.len();
        Self {
            request,
            diagnostics,
            steps: Vec::new(),
            slots: fields.len(),
            frames: vec![None; nodes],
            uploads: vec![Vec::new(); nodes],
            fields: frame,
            event: None,
        }
    }

    fn plan_nodes(&mut self, topology: &Topology) {
        for index in topology.order.iter().copied() {
            let spec = &self.request.spec.nodes[index];
            let Some(kind) = nodes::by_name(&spec.type_name) else { continue };
            let parents = topology.parents[index].as_slice();
            let input = match parents {
                [] if kind.is_entry() => self.event(index),
                [] => Frame::new(),
                parents => self.join(parents, Some(spec)),
            };
            let mut uploads: Vec<Arc<str>> = Vec::new();
            for model in parents.iter().flat_map(|parent| &self.uploads[*parent]) {
                if !uploads.contains(model) {
                    uploads.push(Arc::clone(model));
                }
            }
            // A model may be trained after its features are fitted: what it lacks is told by `check`.
            let may_fail = self.request.purpose.collectors().is_some() && kind.is_inference();
            let aside = may_fail.then(|| std::mem::take(self.diagnostics));
            let mut planning = self.planning(index, input).with_uploads(uploads);
            let mut frame = kind.plan(&mut planning);
            self.uploads[index] = planning.into_uploads();
            if let Some(before) = aside
                && std::mem::replace(self.diagnostics, before).has_errors()
            {
                frame.set_open();
            }
            self.frames[index] = Some(frame);
        }
    }

    fn planning(&mut self, index: usize, input: Frame) -> Planning<'_> {
        let shared = Shared {
            collectors: self.request.purpose.collectors(),
            document: &self.request.spec.document,
            pipeline: self.request.document,
            frozen: self.request.frozen,
            models: self.request.models,
            steps: &mut self.steps,
            slots: &mut self.slots,
            diagnostics: self.diagnostics,
        };
        Planning::new(&self.request.spec.nodes[index], index, input, shared)
    }

    /// The event's fields as they enter the graph; what brings them into pandas' types counts as the first start's work.
    fn event(&mut self, start: usize) -> Frame {
        if let Some(event) = &self.event {
            return event.clone();
        }
        let fields = self.fields.clone();
        let event = nodes::event_frame(&mut self.planning(start, fields));
        self.event.insert(event).clone()
    }

    /// The columns of several nodes side by side. The same column by two ways is one; two different columns of one name are a mistake
    /// where `reader` would take one of them by chance.
    fn join(&mut self, parents: &[usize], reader: Option<&NodeSpec>) -> Frame {
        let mut joined = Frame::new();
        for parent in parents {
            let Some(frame) = self.frames[*parent].clone() else { continue };
            if frame.is_open() {
                joined.set_open();
            }
            for column in frame.columns() {
                match joined.get(&column.name) {
                    Some(present) if same(present, column) => {}
                    Some(present) => {
                        let present = present.clone();
                        if let Some(reader) = reader {
                            self.report_ambiguous(reader, &present, column);
                        }
                        joined.set(Column::poisoned(&column.name, column.origin.node()));
                    }
                    None => joined.set(column.clone()),
                }
            }
        }
        joined
    }

    fn report_ambiguous(&mut self, reader: &NodeSpec, one: &Column, other: &Column) {
        let message =
            format!("two columns named `{}` reach node `{}`: one made by `{}`, one by `{}`", one.name, reader.id, one.origin, other.origin);
        let diagnostic =
            Diagnostic::error(Code::AmbiguousColumn, message).help("rename one of them on its branch, with `rename` or `into`");
        self.diagnostics.push(diagnostic.at(&self.request.spec.document, &reader.pointer));
    }

    /// The columns that leave the graph.
    fn answer(&mut self, topology: &Topology) -> Frame {
        self.join(&topology.sinks, None)
    }

    fn outputs(&mut self, answer: &Frame) -> Vec<OutputColumn> {
        let mut outputs = self.pass_through();
        let columns = match self.request.columns {
            Some(names) => self.named_columns(answer, names),
            None => answer.columns().iter().filter(|column| self.is_made_by_a_model(column)).cloned().collect(),
        };
        for column in columns {
            if outputs.iter().any(|output| output.name == column.name.as_ref()) {
                let message = format!("the output would have two fields named `{}`", column.name);
                let help = "leave it out of `columns` or of `pass_through`";
                self.report_output(Diagnostic::error(Code::AmbiguousColumn, message).help(help), "/output");
                continue;
            }
            if let Some(output) = self.output(&column) {
                outputs.push(output);
            }
        }
        outputs
    }

    fn pass_through(&mut self) -> Vec<OutputColumn> {
        let mut outputs = Vec::new();
        for (at, name) in self.request.pass_through.iter().enumerate() {
            match self.fields.get(name).cloned() {
                Some(field) => outputs.extend(self.output(&field)),
                None => {
                    let fields = self.fields.clone();
                    let message = format!("the event has no field `{name}` to pass through");
                    self.report_unknown(message, name, &fields, &format!("/output/pass_through/{at}"));
                }
            }
        }
        outputs
    }

    fn named_columns(&mut self, answer: &Frame, names: &[String]) -> Vec<Column> {
        let mut columns = Vec::new();
        for (at, name) in names.iter().enumerate() {
            match answer.get(name) {
                Some(column) => columns.push(column.clone()),
                None if answer.is_open() => {}
                None => {
                    let message = format!("the output names column `{name}`, which the graph does not make");
                    self.report_unknown(message, name, answer, &format!("/output/columns/{at}"));
                }
            }
        }
        columns
    }

    fn is_made_by_a_model(&self, column: &Column) -> bool {
        let maker = self.request.spec.nodes.iter().find(|node| node.id == column.origin.node());
        maker.and_then(|node| nodes::by_name(&node.type_name)).is_some_and(nodes::Node::is_inference)
    }

    fn output(&mut self, column: &Column) -> Option<OutputColumn> {
        let slot = match column.source {
            Source::Slot(slot) => slot,
            Source::Poisoned => return None,
            Source::Indicator { .. } | Source::Codes { .. } => {
                let slot = Slot::new(self.slots);
                self.slots += 1;
                self.steps.extend(Step::decode(column, 0, slot));
                slot
            }
        };
        Some(OutputColumn { name: column.name.to_string(), data_type: column.data_type.clone(), nullable: column.nullable, slot })
    }

    fn report_unknown(&mut self, message: String, name: &str, among: &Frame, pointer: &str) {
        let mut diagnostic = Diagnostic::error(Code::UnknownColumn, message);
        if let Some(near) = nearest(name, among.names()) {
            diagnostic = diagnostic.label(format!("did you mean `{near}`?"));
        }
        self.report_output(diagnostic.help(format!("there are: {}", list(among.names()))), pointer);
    }

    fn report_output(&mut self, diagnostic: Diagnostic, pointer: &str) {
        self.diagnostics.push(diagnostic.at(self.request.document, pointer));
    }
}

/// Whether two columns are one that came by two ways.
fn same(one: &Column, other: &Column) -> bool {
    one.source == other.source && one.source != Source::Poisoned
}
