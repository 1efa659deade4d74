//! The planned graph: everything resolved, ready to run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use super::branches::Branches;
use super::builder::Builder;
use super::topology::{self, Topology};
use super::{GraphSpec, NodeSpec, Trace, usage};
use crate::dataset::{DatasetSchema, Frozen, Phase, Rows};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document};
use crate::model::ModelStore;
use crate::nodes::{Collectors, Frame, Inputs, Slot, Source, Step};

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
    pub(super) fn collectors(self) -> Option<&'a dyn Collectors> {
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
    /// The events' schema; without one, which was reported, the rest is looked at, and there is no plan.
    pub dataset: Option<&'a DatasetSchema>,
    /// The graph's frozen statistics.
    pub frozen: Option<&'a Frozen>,
    /// Where models come from.
    pub models: &'a ModelStore,
    /// The file that names the output's columns, and where it does (RFC 6901).
    pub document: &'a Arc<Document>,
    /// The graph's columns that leave with each score; `None` for all answers of models, and what takes their places.
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
    /// Of a plan for [`Purpose::Fit`].
    branches: Option<Branches>,
}

impl Plan {
    /// Plans a graph. Every mistake goes to `diagnostics`; `None` when there is an error among them.
    pub fn build(request: &PlanRequest<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let before = diagnostics.errors();
        let topology = topology::resolve(request.spec, diagnostics)?;
        let mut builder = Builder::new(request, diagnostics);
        builder.plan_nodes(&topology);
        let outputs = match request.purpose {
            Purpose::Serve | Purpose::Trace => builder.outputs(&topology),
            Purpose::Fit(_) => Vec::new(),
        };
        let frames = std::mem::take(&mut builder.frames);
        let (mut steps, mut slots) = (std::mem::take(&mut builder.steps), builder.slots);
        if !topology.is_sound {
            // A node that fills nulls may stand where no edge leads.
            diagnostics.retain(|found| found.code != Code::NullReaches);
        }
        let dataset = request.dataset.filter(|_| diagnostics.errors() == before)?;
        // While statistics are fitted, what waits for one of them is missing.
        let failed = |frame: &Frame| frame.is_open() || frame.columns().iter().any(|column| column.source == Source::Poisoned);
        debug_assert!(
            before > 0 || matches!(request.purpose, Purpose::Fit(_)) || !frames.iter().flatten().any(failed),
            "a node failed and reported nothing: scores would leave without its columns"
        );
        let nodes = planned_nodes(request.spec, &topology, frames);
        steps.iter_mut().for_each(|step| step.node = topology.place(step.node));
        if matches!(request.purpose, Purpose::Fit(_)) {
            steps = without_idle_models(steps);
        }
        let trace = matches!(request.purpose, Purpose::Trace).then(|| Trace::plan(&nodes, &mut steps, &mut slots));
        let branches = matches!(request.purpose, Purpose::Fit(_)).then(|| Branches::of(&nodes));
        let plan = Self { nodes, steps, slots: vec![None; slots], outputs, trace, branches, ..Self::default() };
        let plan = plan.keep_what_is_needed(dataset.fields().len());
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
            let message = format!("nothing that is published needs what node `{}` makes", node.id);
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
        if let Some(branches) = &mut self.branches {
            branches.start();
        }
        let mut timings = Timings::default();
        let mut phase_started = Instant::now();
        for step in &mut self.steps {
            let is_inference = step.kernel.phase() == Phase::Inference;
            if is_inference {
                timings.graph += lap(&mut phase_started);
            }
            let fates = rows.out();
            let inputs = Inputs::new(&self.slots, &step.reads);
            match &mut self.branches {
                None => step.kernel.run(&inputs, rows, &mut self.scratch),
                Some(branches) => branches.run(step.node, &mut *step.kernel, &inputs, rows, &mut self.scratch),
            }
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
