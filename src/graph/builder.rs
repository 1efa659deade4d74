//! Planning: node after node, each on the columns of its parents, then the columns that leave the graph.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::topology::Topology;
use super::{NodeSpec, OutputColumn, PlanRequest};
use crate::dataset::DatasetSchema;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, nearest};
use crate::nodes::{self, Ancestor, Column, Frame, Origin, Planning, Shared, Slot, Source, Step, list};

/// A plan while it is made.
pub(super) struct Builder<'a> {
    request: &'a PlanRequest<'a>,
    diagnostics: &'a mut Diagnostics,
    pub(super) steps: Vec<Step>,
    pub(super) slots: usize,
    /// The columns that leave each node, by its index in the spec.
    pub(super) frames: Vec<Option<Frame>>,
    /// The models that each node's ancestors and itself put into the store, by its index in the spec.
    uploads: Vec<Vec<Arc<str>>>,
    /// Which columns that leave each node are models' answers, by its index in the spec.
    answers: Vec<Names>,
    /// The event's fields as they are decoded.
    fields: Frame,
    /// The event's fields in pandas' types, once the first node has asked for them: all starts share them.
    event: Option<Frame>,
}

/// Two different columns of one name.
type Clash = (Column, Column);

/// Names of columns.
type Names = BTreeSet<Arc<str>>;

impl<'a> Builder<'a> {
    pub(super) fn new(request: &'a PlanRequest<'a>, diagnostics: &'a mut Diagnostics) -> Self {
        let fields = request.dataset.map_or(&[][..], DatasetSchema::fields);
        let mut frame: Frame = fields.iter().enumerate().map(|(index, field)| Column::of_field(field, index)).collect();
        if request.dataset.is_none() {
            frame.set_open();
        }
        let nodes = request.spec.nodes.len();
        Self {
            request,
            diagnostics,
            steps: Vec::new(),
            slots: fields.len(),
            frames: vec![None; nodes],
            uploads: vec![Vec::new(); nodes],
            answers: vec![Names::new(); nodes],
            fields: frame,
            event: None,
        }
    }

    pub(super) fn plan_nodes(&mut self, topology: &Topology) {
        // Where an edge or a type is wrong, a model may come from an upload that does not seem to be on the way.
        let is_upload = |node: &NodeSpec| nearest(&node.type_name, ["ModelUpload"]).is_some();
        let may_upload = !topology.is_sound && self.request.spec.nodes.iter().any(is_upload);
        for index in topology.order.iter().copied() {
            let spec = &self.request.spec.nodes[index];
            let Some(kind) = nodes::by_name(&spec.type_name) else { continue };
            let parents = topology.parents[index].as_slice();
            let mut input = match parents {
                [] if kind.is_entry() => self.event(index),
                [] => Frame::new(),
                parents => {
                    let (joined, clashes) = self.join(parents);
                    // What meets by an edge that may be wrong is no mistake of its own.
                    if !topology.doubtful[index] {
                        clashes.iter().for_each(|clash| self.report_ambiguous(spec, clash));
                    }
                    joined
                }
            };
            if topology.doubtful[index] {
                input.set_open();
            }
            let mut uploads: Vec<Arc<str>> = Vec::new();
            for model in parents.iter().flat_map(|parent| &self.uploads[*parent]) {
                if !uploads.contains(model) {
                    uploads.push(Arc::clone(model));
                }
            }
            // A model may be trained after its features are fitted: what it lacks is told by `check`.
            let may_fail = kind.is_inference() && (may_upload || self.request.purpose.collectors().is_some());
            let aside = may_fail.then(|| std::mem::take(self.diagnostics));
            let mut planning = self.planning(index, input).with_uploads(uploads);
            let mut frame = kind.plan(&mut planning);
            self.uploads[index] = planning.into_uploads();
            if let Some(before) = aside
                && std::mem::replace(self.diagnostics, before).has_errors()
            {
                frame.set_open();
            }
            self.answers[index] = self.answers_behind(&spec.id, parents, &frame);
            if kind.is_inference() {
                let own = frame.columns().iter().filter(|column| column.origin.node() == spec.id);
                self.answers[index].extend(own.map(|column| Arc::clone(&column.name)));
            }
            self.frames[index] = Some(frame);
        }
    }

    /// The answers that a node passes on: each under the names that it has there, and what the node put in the place of one.
    fn answers_behind(&self, node: &str, parents: &[usize], frame: &Frame) -> Names {
        let mut names = Names::new();
        for parent in parents {
            let answers =
                self.frames[*parent].iter().flat_map(Frame::columns).filter(|column| self.answers[*parent].contains(&column.name));
            for answer in answers {
                let is_kept = |column: &&Column| keeps(&answer.origin, &column.name, &column.origin, node);
                let kept: Vec<&Column> = frame.columns().iter().filter(is_kept).collect();
                let replaced = frame.get(&answer.name).filter(|_| kept.is_empty());
                names.extend(kept.into_iter().chain(replaced).map(|column| Arc::clone(&column.name)));
            }
        }
        names
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
        let graph = &self.request.spec.nodes;
        Planning::new(&graph[index], index, input, shared).with_graph(graph)
    }

    /// The event's fields as they enter the graph; what brings them into pandas' types counts as the first start's work.
    fn event(&mut self, start: usize) -> Frame {
        if let Some(event) = &self.event {
            return event.clone();
        }
        let fields = self.fields.clone();
        let is_open = fields.is_open();
        let mut event = nodes::event_frame(&mut self.planning(start, fields));
        if is_open {
            event.set_open();
        }
        self.event.insert(event).clone()
    }

    /// The columns of several nodes side by side. The same column by two ways is one; two different columns of one name, which are
    /// answered too, are a mistake where one of them would be taken by chance.
    fn join(&self, parents: &[usize]) -> (Frame, Vec<Clash>) {
        let (mut joined, mut clashes) = (Frame::new(), Vec::new());
        for parent in parents {
            // Of a node that cannot be planned, which was reported, nothing is known.
            let Some(frame) = self.frames[*parent].clone() else {
                joined.set_open();
                continue;
            };
            if frame.is_open() {
                joined.set_open();
            }
            for column in frame.columns() {
                match joined.get(&column.name) {
                    // Rows that were null may have been taken out on one of the ways: they are out behind both.
                    Some(present) if same(present, column) => {
                        if present.nullable && !column.nullable {
                            joined.set(column.clone());
                        }
                    }
                    Some(present) => {
                        let present = present.clone();
                        // Stand-ins are echoes of what was reported.
                        let failed = [&present, column].iter().any(|column| column.source == Source::Poisoned);
                        joined.set(Column::poisoned(&column.name, column.origin.node()));
                        if !failed {
                            clashes.push((present, column.clone()));
                        }
                    }
                    None => joined.set(column.clone()),
                }
            }
        }
        (joined, clashes)
    }

    fn report_ambiguous(&mut self, reader: &NodeSpec, (one, other): &Clash) {
        let message =
            format!("two columns named `{}` reach node `{}`: one made by `{}`, one by `{}`", one.name, reader.id, one.origin, other.origin);
        let diagnostic =
            Diagnostic::error(Code::AmbiguousColumn, message).help("rename one of them on its branch, with `rename` or `into`");
        self.diagnostics.push(diagnostic.at(&self.request.spec.document, &reader.pointer));
    }

    /// The columns that leave the graph, behind the fields that pass through.
    pub(super) fn outputs(&mut self, topology: &Topology) -> Vec<OutputColumn> {
        let (mut answer, clashes) = self.join(&topology.sinks);
        let answers: Names = topology.sinks.iter().flat_map(|sink| self.answers[*sink].iter().cloned()).collect();
        if topology.is_sound {
            clashes.iter().for_each(|clash| self.report_ambiguous_output(clash, &answers));
        } else {
            answer.set_open();
        }
        let mut outputs = self.pass_through();
        let columns: Vec<Column> = match self.request.columns {
            Some(names) => self.named_columns(&answer, names),
            None => answer.columns().iter().filter(|column| answers.contains(&column.name)).cloned().collect(),
        };
        // What a mistake took out was reported.
        let is_whole = !answer.is_open() && answer.columns().iter().all(|column| column.source != Source::Poisoned);
        if columns.is_empty() && self.request.columns.is_none() && self.request.pass_through.is_empty() && is_whole {
            let message = "nothing would be published: no column of a model's answer is left at the graph's end";
            let help = "keep one in the graph, or name columns in `output.columns`, or fields of the event in `output.pass_through`";
            self.report_output(Diagnostic::error(Code::NoModel, message).help(help), "/output");
        }
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

    /// Two columns of one name at the graph's ends, where the output would have them.
    fn report_ambiguous_output(&mut self, (one, other): &Clash, answers: &Names) {
        let pointer = match self.request.columns {
            None if answers.contains(&one.name) => "/output".to_owned(),
            None => return,
            Some(names) => match names.iter().position(|name| *name == *one.name) {
                Some(at) => format!("/output/columns/{at}"),
                None => return,
            },
        };
        let message = format!("two columns named `{}` leave the graph: one made by `{}`, one by `{}`", one.name, one.origin, other.origin);
        let help = "rename one of them on its branch, with `rename`, `into` or a model's `outputs`";
        self.report_output(Diagnostic::error(Code::AmbiguousColumn, message).help(help), &pointer);
    }

    fn pass_through(&mut self) -> Vec<OutputColumn> {
        let mut outputs = Vec::new();
        for (at, name) in self.request.pass_through.iter().enumerate() {
            match self.fields.get(name).cloned() {
                Some(field) => outputs.extend(self.output(&field)),
                None if self.fields.is_open() => {}
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

/// Whether two columns are one that came by two ways. A category and its text share their codes and are two.
fn same(one: &Column, other: &Column) -> bool {
    let is_alike = one.source == other.source && one.data_type == other.data_type && one.categories == other.categories;
    is_alike && one.source != Source::Poisoned
}

/// Whether a column of this name and origin is the one of origin `answer`, as it was or as `node` changed it under this name.
fn keeps(answer: &Origin, name: &str, origin: &Origin, node: &str) -> bool {
    let is_changed = |before: &Ancestor| *before.name == *name && keeps(answer, name, &before.origin, node);
    origin.is(answer) || (origin.node() == node && origin.parents().iter().any(is_changed))
}
