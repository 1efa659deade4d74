//! What a node sees and fills while it is planned.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Ancestor, Column, Frame, Kernel, Origin, Slot, Source, decode};
use crate::dataset::{Frozen, Statistic};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document, Span, nearest};
use crate::model::{Model, ModelError, ModelStore};

/// A node as the graph's text places it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSpec {
    /// Its name in the graph.
    pub id: String,
    /// The name of its type.
    pub type_name: String,
    /// Its parameters, unread.
    pub params: Value,
    /// Where it stands in the document (RFC 6901), such as `/graph/nodes/3`.
    pub pointer: String,
}

/// A kernel in its place: what it reads, what it writes.
pub struct Step {
    /// Index of the node that it belongs to.
    pub node: usize,
    /// The work.
    pub kernel: Box<dyn Kernel>,
    /// What it reads, in the kernel's order.
    pub reads: Vec<Slot>,
    /// What it writes, in the kernel's order.
    pub writes: Vec<Slot>,
}

impl Step {
    /// The step that makes the array of a column that is held as codes; `None` when its array is there already, or never will be.
    ///
    /// Decoding can reject nothing, so it may count as any node's; it counts as `node`'s.
    pub fn decode(column: &Column, node: usize, into: Slot) -> Option<Self> {
        let (kernel, codes) = decode::kernel(column)?;
        Some(Self { node, kernel, reads: vec![codes], writes: vec![into] })
    }
}

/// A statistic that a node needs, of a column as it is there.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The node.
    pub node: String,
    /// The column.
    pub column: String,
    /// Its type at the node.
    pub data_type: DataType,
    /// What is asked of it.
    pub statistic: Statistic,
}

/// Collects statistics while they are fitted.
pub trait Collectors {
    /// A kernel that reads the column's array and writes none. It sees the rows as they reach the node.
    fn collector(&self, wanted: Wanted) -> Box<dyn Kernel>;
}

/// What all nodes of a graph are planned with.
pub struct Shared<'a> {
    /// Who collects the statistics that are missing; `None` when that is a mistake.
    pub collectors: Option<&'a dyn Collectors>,
    /// The file that holds the graph.
    pub document: &'a Arc<Document>,
    /// The pipeline file, which may be the same.
    pub pipeline: &'a Arc<Document>,
    /// The graph's frozen statistics.
    pub frozen: Option<&'a Frozen>,
    /// Where models come from.
    pub models: &'a ModelStore,
    /// The steps of all nodes planned so far.
    pub steps: &'a mut Vec<Step>,
    /// How many slots are taken.
    pub slots: &'a mut usize,
    /// Where mistakes go.
    pub diagnostics: &'a mut Diagnostics,
}

/// One node while it is planned.
pub struct Planning<'a> {
    node: &'a NodeSpec,
    index: usize,
    input: Frame,
    uploads: Vec<Arc<str>>,
    /// The nodes of the graph, this one among them.
    graph: &'a [NodeSpec],
    shared: Shared<'a>,
    /// Whether a statistic that is missing is asked for: not by a part of an expression whose value nobody needs.
    pub(super) asks_for_statistics: bool,
    /// The statistics that the node has asked for: column, key, and where the column's values were.
    asked: Vec<(Arc<str>, String, Source)>,
    /// The columns that slots of this node's making were made from: a long expression is walked once, not once for each of its parts.
    ancestry: RefCell<HashMap<Slot, Vec<(Slot, Ancestor)>>>,
    /// The names that were reported to be no columns.
    missed: RefCell<BTreeSet<String>>,
}

impl<'a> Planning<'a> {
    /// Planning of node number `index`, whose parents' columns are joined in `input`.
    pub fn new(node: &'a NodeSpec, index: usize, input: Frame, shared: Shared<'a>) -> Self {
        Self {
            node,
            index,
            input,
            uploads: Vec::new(),
            graph: &[],
            shared,
            asks_for_statistics: true,
            asked: Vec::new(),
            ancestry: RefCell::default(),
            missed: RefCell::default(),
        }
    }

    /// With the models that earlier nodes on the way here put into the store, by id.
    #[must_use]
    pub fn with_uploads(mut self, uploads: Vec<Arc<str>>) -> Self {
        self.uploads = uploads;
        self
    }

    /// In a graph of these nodes.
    #[must_use]
    pub fn with_graph(mut self, graph: &'a [NodeSpec]) -> Self {
        self.graph = graph;
        self
    }

    /// The node of the graph, on the way here or not, that puts a model into the store under this id.
    pub fn uploader(&self, id: &str) -> Option<&'a str> {
        let uploads = |node: &&NodeSpec| super::by_name(&node.type_name).and_then(|kind| kind.upload(&node.params)).as_deref() == Some(id);
        self.graph.iter().find(uploads).map(|node| node.id.as_str())
    }

    /// The models that this node or an earlier one on the way here put into the store, by id.
    pub fn uploads(&self) -> &[Arc<str>] {
        &self.uploads
    }

    /// As [`Planning::uploads`], when the node is planned.
    pub fn into_uploads(self) -> Vec<Arc<str>> {
        self.uploads
    }

    /// The node's name in the graph.
    pub fn id(&self) -> &'a str {
        &self.node.id
    }

    /// The columns that reach the node.
    pub fn input(&self) -> &Frame {
        &self.input
    }

    /// What leaves a node whose parameters cannot be read: the columns that reach it, and perhaps others, so that nothing is missed there.
    pub fn open_input(&self) -> Frame {
        let mut frame = self.input.clone();
        frame.set_open();
        frame
    }

    /// The frozen value of a statistic of `column` as it is now. `None` when there is none: that is reported at `pointer`, or, while
    /// statistics are fitted, collected; the caller then poisons what it would have made.
    pub fn statistic(&mut self, column: &Column, statistic: &Statistic, pointer: &str) -> Option<&'a Value> {
        if !self.asks_for_statistics {
            return self.frozen(&column.name, statistic);
        }
        let key = statistic.to_string();
        let before = self.asked.iter().find(|(name, asked, _)| *name == column.name && *asked == key).map(|(.., source)| source.clone());
        match before {
            None => self.asked.push((Arc::clone(&column.name), key, column.source.clone())),
            // The file has one place for both.
            Some(source) if source != column.source => {
                let message = format!(
                    "node `{}` needs the {} of column `{}` twice, before and after it changes",
                    self.id(),
                    statistic.name(),
                    column.name
                );
                self.report(Diagnostic::error(Code::NotFrozen, message).help("put the second step into a node of its own"), pointer);
                return None;
            }
            // It is collected already, or was in an earlier pass.
            Some(_) if self.shared.collectors.is_some() => return self.frozen(&column.name, statistic),
            Some(_) => {}
        }
        let value = self.shared.frozen.and_then(|frozen| frozen.get(&self.node.id, &column.name, statistic));
        match (value, self.shared.collectors) {
            (None, Some(collectors)) if !column.origin.node().is_empty() => self.collect(collectors, column, statistic.clone()),
            (None, _) => self.report_not_frozen(column, statistic, pointer),
            _ => {}
        }
        value
    }

    /// The frozen value of a statistic that the answer can do without; nothing is reported, nor collected.
    pub fn frozen(&self, column: &str, statistic: &Statistic) -> Option<&'a Value> {
        self.shared.frozen?.get(&self.node.id, column, statistic)
    }

    fn collect(&mut self, collectors: &dyn Collectors, column: &Column, statistic: Statistic) {
        let slot = self.array(column);
        let wanted = Wanted { node: self.id().into(), column: column.name.to_string(), data_type: column.data_type.clone(), statistic };
        let kernel = collectors.collector(wanted);
        self.shared.steps.push(Step { node: self.index, kernel, reads: vec![slot], writes: Vec::new() });
    }

    fn report_not_frozen(&mut self, column: &Column, statistic: &Statistic, pointer: &str) {
        let (id, what, name) = (self.id(), statistic.name(), &column.name);
        let message = format!("node `{id}` needs the {what} of column `{name}`, which would depend on the batch and is not frozen");
        // A part of an expression has no name in the statistics file.
        let help = match column.origin.node() {
            "" => "give it in the expression, such as the format 'ISO8601', or make the column in a node before",
            _ => "`caz fit FILE --dataset DATASET` reads it from the training data and freezes it",
        };
        self.report(Diagnostic::error(Code::NotFrozen, message).help(help), pointer);
    }

    /// Where models come from.
    pub fn models(&self) -> &'a ModelStore {
        self.shared.models
    }

    /// Puts the ONNX file at `path`, relative to the file that holds the graph, into the model store under `id`, else under its own name
    /// without `.onnx`.
    ///
    /// # Errors
    /// As [`ModelStore::put`]; its id counts among the uploads all the same, for those that ask for it.
    pub fn upload(&mut self, path: &Path, id: Option<&str>) -> Result<Arc<Model>, ModelError> {
        let path = self.resolve(path);
        let id: Arc<str> = upload_id(&path, id).into();
        if !self.uploads.contains(&id) {
            self.uploads.push(Arc::clone(&id));
        }
        self.models().put(&id, &path)
    }

    /// A path of the graph's file, from the working directory.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.shared.document.resolve(path)
    }

    /// The pipeline file, which holds the graph or names its file.
    pub fn pipeline(&self) -> &'a Document {
        self.shared.pipeline
    }

    /// The node's parameters; `None` when they are wrong, which is then reported.
    pub fn params<T: DeserializeOwned + JsonSchema>(&mut self) -> Option<T> {
        self.read_at("/params")
    }

    /// The part of the node's text at `pointer` (relative to the node, such as `/params/kwargs`); `None` when it is wrong, which is then
    /// reported. A part that is not there reads as an empty mapping.
    pub fn read_at<T: DeserializeOwned + JsonSchema>(&mut self, pointer: &str) -> Option<T> {
        self.shared.document.read_as(&self.pointer(pointer), self.shared.diagnostics)
    }

    fn pointer(&self, relative: &str) -> String {
        format!("{}{relative}", self.node.pointer)
    }

    /// Reports a mistake at `pointer`, relative to the node.
    pub fn report(&mut self, diagnostic: Diagnostic, pointer: &str) {
        let pointer = self.pointer(pointer);
        self.shared.diagnostics.push(diagnostic.at(self.shared.document, &pointer));
    }

    /// Reports a mistake in a part of the text at `pointer`, relative to the node; `part` in bytes of the text. Where the file does not hold the
    /// text as it reads, the part is shown below the message.
    pub fn report_within(&mut self, diagnostic: Diagnostic, pointer: &str, part: Span) {
        let whole = self.pointer(pointer);
        let document = self.shared.document;
        let diagnostic = match (document.span_within(&whole, part.clone()), document.value().pointer(&whole)) {
            (Some(span), _) => Diagnostic { location: Some((Arc::clone(document), span)), ..diagnostic },
            (None, Some(Value::String(text))) if !document.is_private(&whole) => {
                diagnostic.at(document, &whole).help(underlined(text, part))
            }
            _ => diagnostic.at(document, &whole),
        };
        self.shared.diagnostics.push(diagnostic);
    }

    /// The input column of this name; `None` when there is none, which is then reported at `pointer` with the nearest name, or when
    /// planning it failed before, which was.
    pub fn column(&mut self, name: &str, pointer: &str) -> Option<Column> {
        // The frame stands aside while a mistake in it is reported.
        let input = std::mem::take(&mut self.input);
        let column = self.column_of(&input, name, pointer);
        self.input = input;
        column
    }

    /// As [`Planning::column`], in a frame that the node is building.
    pub fn column_of(&mut self, frame: &Frame, name: &str, pointer: &str) -> Option<Column> {
        match frame.get(name) {
            Some(Column { source: Source::Poisoned, .. }) => None,
            Some(column) => Some(column.clone()),
            None => {
                if !frame.is_open() {
                    let diagnostic = self.unknown_column(frame, name);
                    self.report(diagnostic, pointer);
                }
                None
            }
        }
    }

    /// What there is to say of a name that no column of `frame` has.
    pub fn unknown_column(&self, frame: &Frame, name: &str) -> Diagnostic {
        let message = format!("node `{}` reads column `{name}`, which no earlier node makes", self.id());
        let diagnostic = Diagnostic::error(Code::UnknownColumn, message);
        self.missed.borrow_mut().insert(name.to_owned());
        let is_there = |column: &&Column| column.source != Source::Poisoned || !column.origin.node().is_empty();
        let names = || frame.columns().iter().filter(is_there).map(|column| &*column.name);
        let diagnostic = match nearest(name, names()).and_then(|near| frame.get(near)) {
            Some(near) => diagnostic.label(format!("did you mean `{}` (made by `{}`)?", near.name, near.origin)),
            None => diagnostic.label("no such column here"),
        };
        diagnostic.help(format!("columns here: {}", list(names())))
    }

    /// What stands for a column that could not be made; of nobody's making where it would take the place of one that is not there.
    pub fn stand_in(&self, name: &str) -> Column {
        let is_missed = self.missed.borrow().contains(name);
        Column::poisoned(name, if is_missed { "" } else { self.id() })
    }

    /// Adds a kernel; answers the slots that it writes.
    pub fn step(&mut self, kernel: impl Kernel + 'static, reads: &[Slot], writes: usize) -> Vec<Slot> {
        let first = *self.shared.slots;
        *self.shared.slots += writes;
        let writes: Vec<Slot> = (first..first + writes).map(Slot::new).collect();
        let (node, reads) = (self.index, reads.to_vec());
        self.shared.steps.push(Step { node, kernel: Box::new(kernel), reads, writes: writes.clone() });
        writes
    }

    /// Adds a kernel that writes one array; answers its slot.
    pub fn step_one(&mut self, kernel: impl Kernel + 'static, reads: &[Slot]) -> Slot {
        self.step(kernel, reads, 1)[0]
    }

    /// The steps of all nodes planned so far.
    pub(super) fn steps(&mut self) -> &mut Vec<Step> {
        self.shared.steps
    }

    /// How many slots are taken.
    pub(super) fn slots(&self) -> usize {
        *self.shared.slots
    }

    /// The slot of a column's array, made from its codes where it is held as codes. The column must not be poisoned.
    pub fn array(&mut self, column: &Column) -> Slot {
        if let Source::Slot(slot) = column.source {
            return slot;
        }
        let slot = Slot::new(*self.shared.slots);
        *self.shared.slots += 1;
        self.shared.steps.extend(Step::decode(column, self.index, slot));
        slot
    }

    /// A column of this node's making.
    pub fn made(&self, name: &str, data_type: DataType, nullable: bool, slot: Slot) -> Column {
        self.made_from(&self.input, name, data_type, nullable, slot)
    }

    /// As [`Planning::made`], with the columns of a frame that the node is building among those that it can be made from.
    pub fn made_from(&self, frame: &Frame, name: &str, data_type: DataType, nullable: bool, slot: Slot) -> Column {
        let origin = Origin::made(self.id(), self.parents(frame, slot));
        Column { name: name.into(), data_type, nullable, categories: None, source: Source::Slot(slot), origin }
    }

    /// The columns that this node's steps read on the way to `slot`.
    fn parents(&self, frame: &Frame, slot: Slot) -> Vec<Ancestor> {
        let made = slot;
        let (mut parents, mut seen, mut open) = (Vec::new(), BTreeSet::new(), vec![slot]);
        let mut ancestry = self.ancestry.borrow_mut();
        while let Some(slot) = open.pop() {
            if !seen.insert(slot) {
                continue;
            }
            let mut columns = frame.columns().iter().chain(self.input.columns());
            if let Some(column) = columns.find(|column| column.slot() == Some(slot)) {
                parents.push((slot, column.as_ancestor()));
            } else if let Some(known) = ancestry.get(&slot) {
                parents.extend(known.iter().filter(|(slot, _)| seen.insert(*slot)).cloned());
            } else {
                let mut own = self.shared.steps.iter().rev().take_while(|step| step.node == self.index);
                open.extend(own.find(|step| step.writes.contains(&slot)).into_iter().flat_map(|step| step.reads.iter().rev().copied()));
            }
        }
        let ancestors = parents.iter().map(|(_, ancestor)| ancestor.clone()).collect();
        ancestry.insert(made, parents);
        ancestors
    }
}

/// The id that a file gets in the model store: the one that it is given, else its name.
pub(super) fn upload_id(path: &Path, given: Option<&str>) -> String {
    let id = given.map_or_else(|| path.file_stem().unwrap_or_default().to_string_lossy(), Cow::Borrowed);
    ModelStore::plain_id(&id).to_owned()
}

/// A text's line with marks under a part of it.
fn underlined(text: &str, part: Span) -> String {
    let before = text.get(..part.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let marked = text.get(part.start..part.end.min(line_start + line.len())).map_or(1, |marked| marked.chars().count().max(1));
    let column = before.get(line_start..).map_or(0, |before| before.chars().count());
    format!("in the expression, at column {}:\n{line}\n{}{}", column + 1, " ".repeat(column), "^".repeat(marked))
}

/// Names in a message, bounded.
pub fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 24;
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => "none".into(),
        n if n <= SHOWN => names.join(", "),
        n => format!("{}, ... ({n} in all)", names[..SHOWN].join(", ")),
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step").field("node", &self.node).field("reads", &self.reads).field("writes", &self.writes).finish()
    }
}
