//! The gate: a pipeline serves only while it makes of the golden cases what training made of them.

use std::fmt;
use std::sync::Arc;

use arrow_schema::DataType;
use serde_json::Value;

use super::compare::{agree, applied, shown};
use super::{Case, Fate, Golden, LeftOut, Observed, Seen};
use crate::config::{Format, Pipeline};
use crate::dataset::{DatasetSchema, Rejection};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document, nearest};
use crate::graph::Plan;
use crate::model::Element;
use crate::nodes::list;
use crate::stream::{Assembly, Line};

/// The cases that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// How many cases.
    pub cases: usize,
    /// How many nodes they have values of.
    pub nodes: usize,
    /// How many features of models.
    pub features: usize,
    /// How many outputs of models.
    pub outputs: usize,
}

/// Replays the pipeline's golden cases, as one batch; `None` when it names no file of them.
///
/// # Errors
/// E0602 for everything in the file that does not fit the graph, else E0601 for the first node, in graph order, that makes another value.
pub fn gate(assembly: &Assembly) -> Result<Option<Passed>, Diagnostics> {
    let Some(golden) = read(assembly.pipeline(), assembly.document())? else { return Ok(None) };
    let mut divergences = Vec::new();
    let mut features = 0;
    for Batch { events, format } in batches(&golden, assembly.dataset()) {
        let mut line = assembly.tracing_line(format)?;
        let fit = Fit::new(&golden, line.plan());
        if !fit.misfits.is_empty() {
            return Err(fit.report(assembly));
        }
        features = fit.models.iter().map(|model| model.features).sum();
        divergences.extend(fit.replay(&mut line, &events));
    }
    // Of the first node in graph order the first case.
    match divergences.iter().min_by_key(|divergence| (divergence.place, divergence.case)) {
        Some(first) => Err(report(assembly, &golden, first, &divergences)),
        None => {
            let nodes = golden.nodes.iter().map(|node| &node.id).chain(golden.models.iter().map(|model| &model.node));
            let nodes = nodes.collect::<std::collections::BTreeSet<_>>().len();
            let outputs = golden.models.iter().map(|model| model.outputs.len()).sum();
            Ok(Some(Passed { cases: golden.cases.len(), nodes, features, outputs }))
        }
    }
}

/// The pipeline's golden cases; `None` when it names no file of them.
///
/// # Errors
/// E0602 when the file cannot be used.
pub fn read(pipeline: &Pipeline, document: &Arc<Document>) -> Result<Option<Golden>, Diagnostics> {
    let Some(path) = &pipeline.golden else { return Ok(None) };
    let unusable = |why: String| {
        let help = "the golden cases come from training, or from `caz explain --record`; without `golden` the pipeline serves unchecked";
        Diagnostics::from(Diagnostic::error(Code::GoldenMisfit, why).help(help).at(document, "/golden"))
    };
    let golden = Golden::read(path).map_err(|error| unusable(error.to_string()))?;
    if golden.cases.is_empty() {
        return Err(unusable(format!("{}: it holds no case, so nothing would be checked", path.display())));
    }
    Ok(Some(golden))
}

/// Events of one format, each with the number of its case.
struct Batch {
    events: Vec<(usize, Vec<u8>)>,
    /// The format that they are read in; `None` is the pipeline's own.
    format: Option<Format>,
}

/// The cases' events, by the format that they are read in.
fn batches(golden: &Golden, dataset: &DatasetSchema) -> Vec<Batch> {
    let [mut own, mut json] = [None, Some(Format::Json)].map(|format| Batch { events: Vec::new(), format });
    for (number, case) in golden.cases.iter().enumerate() {
        match case.bytes() {
            Some(bytes) => own.events.push((number, bytes)),
            None => json.events.push((number, case.json(dataset).into_bytes())),
        }
    }
    let mut batches = vec![own, json];
    batches.retain(|batch| !batch.events.is_empty());
    batches
}

/// The file's nodes, columns and models found in a graph.
pub(super) struct Fit<'g> {
    golden: &'g Golden,
    /// In graph order: the place of each node, and for each of its recorded columns the position in the file and in the node's frame.
    nodes: Vec<(usize, Vec<(usize, usize)>)>,
    models: Vec<FitModel>,
    /// What was not found, each a sentence.
    pub(super) misfits: Vec<(String, Option<String>)>,
}

struct FitModel {
    place: usize,
    features: usize,
    /// The position of each recorded output in the node's frame.
    outputs: Vec<usize>,
}

/// A case in which a node makes another value than training.
struct Divergence {
    case: usize,
    /// 0 is decoding, then the nodes in graph order, then encoding.
    place: usize,
    node: Option<String>,
    what: String,
}

impl<'g> Fit<'g> {
    pub(super) fn new(golden: &'g Golden, plan: &Plan) -> Self {
        let mut fit = Self { golden, nodes: Vec::new(), models: Vec::new(), misfits: Vec::new() };
        let mut missed = vec![false; golden.columns.len()];
        for node in &golden.nodes {
            let Some(place) = fit.place(plan, &node.id) else { continue };
            let mut columns = Vec::with_capacity(node.columns.len());
            // A column that several nodes pass on is missed once.
            for at in node.columns.iter().filter(|at| !missed[**at]).copied().collect::<Vec<_>>() {
                match fit.column(plan, place, &golden.columns[at].name) {
                    Some(column) => columns.push((at, column)),
                    None => missed[at] = true,
                }
            }
            fit.nodes.push((place, columns));
        }
        fit.nodes.sort_by_key(|(place, _)| *place);
        for model in &golden.models {
            let Some(place) = fit.place(plan, &model.node) else { continue };
            fit.features(plan, place, &model.features);
            let outputs: Vec<_> = model.outputs.iter().filter_map(|name| fit.column(plan, place, name)).collect();
            fit.models.push(FitModel { place, features: model.features.len(), outputs });
        }
        fit
    }

    fn place(&mut self, plan: &Plan, id: &str) -> Option<usize> {
        let place = plan.nodes().iter().position(|node| node.id == id);
        if place.is_none() {
            let near = nearest(id, plan.nodes().iter().map(|node| node.id.as_str()));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            self.misfits.push((format!("the golden cases have node `{id}`, which is not in the graph"), help));
        }
        place
    }

    fn column(&mut self, plan: &Plan, place: usize, name: &str) -> Option<usize> {
        let node = &plan.nodes()[place];
        let column = node.frame.columns().iter().position(|column| column.name.as_ref() == name);
        if column.is_none() {
            let mut help = format!("columns there: {}", list(node.frame.names()));
            if node.parents.is_empty() {
                help.push_str("; a column that events lack, as what the model predicts, stays out of the recorded frame");
            }
            let message = format!("the golden cases have column `{name}` at node `{}`, which does not make it", node.id);
            self.misfits.push((message, Some(help)));
        }
        column
    }

    fn features(&mut self, plan: &Plan, place: usize, names: &[String]) {
        if names.is_empty() {
            return;
        }
        let features = plan.trace().map(|trace| trace.feature_list(place)).unwrap_or_default();
        let given: Vec<&str> = features.iter().map(|feature| feature.name.as_ref()).collect();
        let id = &plan.nodes()[place].id;
        if let Some(at) = (0..names.len().max(given.len())).find(|at| names.get(*at).map(String::as_str) != given.get(*at).copied()) {
            let name = |name: Option<&str>| name.map_or("nothing".to_owned(), |name| format!("`{name}`"));
            let (recorded, given) = (name(names.get(at).map(String::as_str)), name(given.get(at).copied()));
            self.misfits.push((format!("feature {at} of node `{id}` is {given}; the golden cases have {recorded} there"), None));
        }
    }

    /// Every misfit, at the line that names the file.
    pub(super) fn report(&self, assembly: &Assembly) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        for (message, help) in &self.misfits {
            let mut diagnostic = Diagnostic::error(Code::GoldenMisfit, message.clone());
            if let Some(help) = help {
                diagnostic = diagnostic.help(help.clone());
            }
            diagnostics.extend(at_golden(assembly, diagnostic));
        }
        diagnostics
    }

    /// The first divergence of each case that has one.
    fn replay(&self, line: &mut Line, events: &[(usize, Vec<u8>)]) -> Vec<Divergence> {
        let scored = line.score_all(events.iter().map(|(_, bytes)| Some(bytes.as_slice())));
        let Some(observed) = Observed::new(&scored, events.len()) else {
            unreachable!("`tracing_line` makes plans that keep a trace");
        };
        let first = |(at, (case, _)): (usize, &(usize, Vec<u8>))| {
            self.first(&observed, &self.golden.cases[*case], &observed.events[at]).map(|found| Divergence { case: *case, ..found })
        };
        events.iter().enumerate().filter_map(first).collect()
    }

    fn first(&self, observed: &Observed<'_>, case: &Case, seen: &Seen) -> Option<Divergence> {
        let diverges = |place, node: Option<&str>, what| Some(Divergence { case: 0, place, node: node.map(str::to_owned), what });
        let expected = LeftOut::expected(case);
        let found = LeftOut::found(&seen.fate);
        if found.as_ref() != expected {
            // Where the event leaves, or where it left: what comes first is told.
            let left = found.as_ref().map(|found| (place_of(observed, found), found.node.as_deref()));
            let stays = expected.map(|expected| (place_of(observed, expected), expected.node.as_deref()));
            if let Some((place, node)) = left.into_iter().chain(stays).min_by_key(|(place, _)| *place)
                && self.values(observed, case, seen, place).is_none()
            {
                let now = Fated(&seen.fate, found.as_ref());
                return diverges(place, node, format!("the event is {now}; recorded: {}", Expected(expected)));
            }
        }
        let (place, what) = self.values(observed, case, seen, usize::MAX)?;
        diverges(place, Some(&observed.nodes[place - 1].node.id), what)
    }

    /// The first value that is another, at the nodes before `limit`: the node's place, counted from 1, and both values.
    fn values(&self, observed: &Observed<'_>, case: &Case, seen: &Seen, limit: usize) -> Option<(usize, String)> {
        let row = seen.row.filter(|_| case.is_scored())?;
        let within = |place: usize| place < seen.passed && place + 1 < limit;
        let tolerance = |is_answer: bool, expected: &Value| is_answer.then(|| applied(self.golden.tolerances.score, expected));
        let told = |tolerance: Option<f64>| {
            // As many digits as anyone gives.
            let few = |tolerance: f64| format!("{tolerance:.3e}").parse().unwrap_or(tolerance);
            tolerance.map(few).map_or(String::new(), |tolerance| format!(" (tolerance {tolerance})"))
        };
        let columns = self.nodes.iter().filter(|(place, _)| within(*place)).find_map(|(place, columns)| {
            let node = &observed.nodes[*place];
            let differs = columns.iter().find_map(|(at, column)| {
                let column_there = &node.node.frame.columns()[*column];
                let (expected, found) = (&case.values[*at], node.value(*column, row)?);
                // What is made of a model's answers is no nearer to training's than they are.
                let tolerance = tolerance(node.is_answer(*column), expected);
                let differs = !agree(expected, &found, &column_there.data_type, tolerance);
                differs.then(|| {
                    let (expected, found) = shown(expected, &found, &column_there.data_type);
                    let (name, dtype) = (&column_there.name, column_there.dtype());
                    let trained = &self.golden.columns[*at].dtype;
                    format!("column `{name}` is {found} ({dtype}); recorded: {expected} ({trained}){}", told(tolerance))
                })
            });
            differs.map(|what| (place + 1, what))
        });
        let models = self.models.iter().zip(&case.models).filter(|(model, _)| within(model.place)).find_map(|(model, values)| {
            let node = &observed.nodes[model.place];
            let feature = node.features(row).enumerate().zip(&values.features).find_map(|((at, (feature, found)), expected)| {
                let data_type = match feature.element {
                    // Its column is of singles, which would tell the recorded number from the half that it becomes.
                    Element::F16 => DataType::Float16,
                    element => element.data_type(),
                };
                let tolerance = tolerance(node.column(&feature.name).is_some_and(|column| node.is_answer(column)), expected);
                let differs = !agree(expected, &found, &data_type, tolerance);
                differs.then(|| {
                    let (expected, found) = shown(expected, &found, &data_type);
                    let (name, element, told) = (&feature.name, feature.element.name(), told(tolerance));
                    format!("feature {at} `{name}` is {found} ({element}); recorded: {expected}{told}")
                })
            });
            let output = || {
                model.outputs.iter().zip(&values.outputs).find_map(|(column, expected)| {
                    let data_type: &DataType = &node.node.frame.columns()[*column].data_type;
                    let found = node.value(*column, row)?;
                    let tolerance = tolerance(true, expected);
                    let differs = !agree(expected, &found, data_type, tolerance);
                    differs.then(|| {
                        let (expected, found) = shown(expected, &found, data_type);
                        let name = &node.node.frame.columns()[*column].name;
                        format!("output `{name}` is {found}; recorded: {expected}{}", told(tolerance))
                    })
                })
            };
            feature.or_else(output).map(|what| (model.place + 1, what))
        });
        // Of a node with both, columns are what the model was given.
        columns.into_iter().chain(models).min_by_key(|(place, _)| *place)
    }
}

/// Where an event left: 0 is decoding, then the nodes from 1 on in graph order, then encoding.
fn place_of(observed: &Observed<'_>, left: &LeftOut) -> usize {
    match (left.phase.as_deref(), &left.node) {
        (Some("decode"), _) => 0,
        (_, Some(node)) => observed.place(node).map_or(usize::MAX, |place| place + 1),
        _ => observed.nodes.len() + 1,
    }
}

impl LeftOut {
    fn expected(case: &Case) -> Option<&Self> {
        case.rejected.as_ref().or(case.skipped.as_ref())
    }

    /// Why an event has no score.
    pub(super) fn found(fate: &Fate) -> Option<Self> {
        match fate {
            Fate::Scored => None,
            Fate::Rejected(Rejection { phase, reason, field, node, .. }) => Some(Self {
                phase: Some(phase.name().to_owned()),
                reason: reason.name().to_owned(),
                node: node.clone(),
                field: field.as_ref().map(ToString::to_string),
            }),
            Fate::Skipped { node, reason } => Some(Self { phase: None, reason: reason.clone(), node: Some(node.clone()), field: None }),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.phase {
            Some(phase) => write!(f, "rejected ({phase}: {}", self.reason)?,
            None => write!(f, "skipped ({}", self.reason)?,
        }
        for (what, name) in [("field", &self.field), ("node", &self.node)] {
            if let Some(name) = name {
                write!(f, ", {what} `{name}`")?;
            }
        }
        f.write_str(")")
    }
}

/// What training has an event.
struct Expected<'a>(Option<&'a LeftOut>);

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(left) => left.fmt(f),
            None => f.write_str("scored"),
        }
    }
}

/// What becomes of an event now, in the rejection's own words.
struct Fated<'a>(&'a Fate, Option<&'a LeftOut>);

impl fmt::Display for Fated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Fate::Rejected(rejection), Some(left)) => write!(f, "{left}: {}", rejection.message),
            (_, left) => Expected(left).fmt(f),
        }
    }
}

/// The first divergence at its node, and how many others there are.
fn report(assembly: &Assembly, golden: &Golden, first: &Divergence, all: &[Divergence]) -> Diagnostics {
    let graph = &assembly.pipeline().graph;
    let case = format!("golden case {}", first.case);
    let message = match &first.node {
        Some(node) => format!("node `{node}` is the first that diverges: in {case}, {}", first.what),
        None => format!("{case} diverges: {}", first.what),
    };
    let mut diagnostic = Diagnostic::error(Code::GoldenDiverges, message);
    let spec = first.node.as_ref().and_then(|id| graph.nodes.iter().find(|node| node.id == *id));
    diagnostic = match spec {
        Some(spec) => diagnostic.at(&graph.document, &format!("{}/id", spec.pointer)),
        None => diagnostic.at(assembly.document(), "/golden"),
    };
    let here = all.iter().filter(|other| other.place == first.place).count();
    diagnostic = diagnostic.label(format!("{here} of {} cases diverge here first, {} in all", golden.cases.len(), all.len()));
    if let Some(by) = golden.cases.get(first.case).and_then(|case| case.by.as_ref()) {
        diagnostic = diagnostic.help(format!("case {} was recorded by {by}", first.case));
    } else if !golden.libraries.is_empty() {
        let libraries: Vec<String> = golden.libraries.iter().map(|(name, version)| format!("{name} {version}")).collect();
        diagnostic = diagnostic.help(format!("recorded with {}", libraries.join(", ")));
    }
    let help = format!("`caz explain {} --case {}` shows every node's values", assembly.document().name(), first.case);
    diagnostic.help(help).into()
}

fn at_golden(assembly: &Assembly, diagnostic: Diagnostic) -> Diagnostics {
    diagnostic.at(&Arc::clone(assembly.document()), "/golden").into()
}
