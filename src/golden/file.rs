//! The file of golden cases. `docs/golden.md` describes it for people; `python/` writes it from training.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dataset::DatasetSchema;
use crate::files;

/// How large a file of golden cases may be, bytes.
const MAX_BYTES: u64 = 16 << 20;
/// How many cases it may hold: they are replayed as one batch.
const MAX_CASES: usize = 4_096;
/// Where an envelope has its entity.
const ENTITY: &str = "/body/xdmEntity";

/// Events, and what training made of them at every node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Version of this format; 1.
    pub version: u32,
    /// The libraries that made the values, by name: python, pandas, numpy, scikit-learn, onnxruntime.
    #[serde(default)]
    pub libraries: BTreeMap<String, String>,
    /// How far a value may be from training's.
    #[serde(default)]
    pub tolerances: Tolerances,
    /// All different columns. A column that nodes pass on unchanged is here once.
    #[serde(default)]
    pub columns: Vec<GoldenColumn>,
    /// The nodes in the order of their recording, each with the columns that leave it.
    #[serde(default)]
    pub nodes: Vec<GoldenNode>,
    /// What each model is given and answers.
    #[serde(default)]
    pub models: Vec<GoldenModel>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// How far a value may be from training's. What no model answered, columns and features, may not: it must be equal, floats bit for bit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerances {
    /// For numbers that a model answers, and those made of them: the largest difference, times the recorded number where that is beyond 1.
    pub score: f64,
}

impl Default for Tolerances {
    fn default() -> Self {
        Self { score: 1e-6 }
    }
}

/// A column at one or several nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenColumn {
    /// Its name.
    pub name: String,
    /// Its dtype in training, for people: what is compared are the values.
    pub dtype: String,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenNode {
    /// Its id in the graph.
    pub id: String,
    /// The columns that leave it, positions in [`Golden::columns`].
    pub columns: Vec<usize>,
}

/// A model's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenModel {
    /// The node that asks it.
    pub node: String,
    /// The features in the model's order; none when they were not recorded.
    #[serde(default)]
    pub features: Vec<String>,
    /// Those of its outputs that were recorded, by the columns' names.
    #[serde(default)]
    pub outputs: Vec<String>,
}

/// An event and what becomes of it: values, or why it has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The event: an object is the event as JSON, whatever the pipeline's format; a text is the record's bytes in base64.
    pub event: Value,
    /// Who recorded it, when it was not training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The value of each of [`Golden::columns`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
    /// For each of [`Golden::models`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelValues>,
    /// Why the event is a dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<LeftOut>,
    /// Why the event is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<LeftOut>,
}

/// What a model is given and answers, in the order of its [`GoldenModel`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelValues {
    /// The features.
    #[serde(default)]
    pub features: Vec<Value>,
    /// The outputs.
    #[serde(default)]
    pub outputs: Vec<Value>,
}

/// Where and why an event has no score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Where on its way, for a rejected event: decode, graph, inference, encode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Why: from the closed set for a rejected event, the declared reason for a skipped one.
    pub reason: String,
    /// The node, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The field or column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// Why a file of golden cases cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct GoldenError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub message: String,
}

impl Golden {
    /// No cases yet.
    pub fn new() -> Self {
        Self {
            version: 1,
            libraries: BTreeMap::new(),
            tolerances: Tolerances::default(),
            columns: Vec::new(),
            nodes: Vec::new(),
            models: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// Reads a file of at most 16 MiB and 4,096 cases.
    ///
    /// # Errors
    /// When it cannot be read, is larger, is not such a file, or is not consistent in itself.
    pub fn read(path: &Path) -> Result<Self, GoldenError> {
        let fail = |message: String| GoldenError { path: path.into(), message };
        let text = files::read_text(path, MAX_BYTES).map_err(|error| {
            let mend = if error.kind() == ErrorKind::FileTooLarge { "; record fewer cases" } else { "" };
            fail(format!("{error}{mend}"))
        })?;
        // A file of another version may have other fields: its version is looked at first.
        let value: Value = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
        if let Some(version) = value.get("version").filter(|version| **version != 1) {
            return Err(fail(format!("version {version}; this caz reads version 1")));
        }
        let golden: Self = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
        golden.check().map_err(fail)?;
        Ok(golden)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When [`Golden::read`] would refuse it, or the system does not take it; the old file is then as it was.
    pub fn write(&self, path: &Path) -> Result<(), GoldenError> {
        let fail = |message: String| GoldenError { path: path.into(), message };
        self.check().map_err(fail)?;
        let text = self.to_text();
        if text.len() as u64 > MAX_BYTES {
            return Err(fail(format!("it would have {} bytes; at most {MAX_BYTES} are read; record fewer cases", text.len())));
        }
        files::replace(path, |file| file.write_all(text.as_bytes())).map_err(|error| fail(error.to_string()))
    }

    /// What would make the replay meaningless.
    fn check(&self) -> Result<(), String> {
        if self.cases.len() > MAX_CASES {
            return Err(format!("it has {} cases; at most {MAX_CASES} are replayed", self.cases.len()));
        }
        if !(self.tolerances.score >= 0.0 && self.tolerances.score.is_finite()) {
            return Err("`tolerances.score` must be a number from 0 on".to_owned());
        }
        for node in &self.nodes {
            if let Some(column) = node.columns.iter().find(|column| **column >= self.columns.len()) {
                return Err(format!("node `{}` has column {column}, and `columns` has {}", node.id, self.columns.len()));
            }
        }
        for (number, case) in self.cases.iter().enumerate() {
            case.check(self).map_err(|message| format!("case {number}: {message}"))?;
        }
        Ok(())
    }

    /// The file's text: one line for each column, node, model and case, so that a change of one shows as one.
    pub fn to_text(&self) -> String {
        let mut text = format!("{{\n\"version\":{},\n", self.version);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\"libraries\":{},\n\"tolerances\":{},", json(&self.libraries), json(&self.tolerances));
        let mut list = |name: &str, lines: Vec<String>, end: &str| {
            let (open, close) = if lines.is_empty() { ("", "") } else { ("\n", "\n") };
            let _ = writeln!(text, "\"{name}\":[{open}{}{close}]{end}", lines.join(",\n"));
        };
        list("columns", self.columns.iter().map(json).collect(), ",");
        list("nodes", self.nodes.iter().map(json).collect(), ",");
        list("models", self.models.iter().map(json).collect(), ",");
        list("cases", self.cases.iter().map(json).collect(), "");
        text.push_str("}\n");
        text
    }
}

impl Default for Golden {
    fn default() -> Self {
        Self::new()
    }
}

impl Case {
    /// Whether the event has values, rather than a reason to have none.
    pub fn is_scored(&self) -> bool {
        self.rejected.is_none() && self.skipped.is_none()
    }

    /// The record's bytes, when the event is kept as such.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(self.event.as_str()?).ok()
    }

    /// The event as JSON, as it is read. A notebook has null for what is missing, and XDM leaves it out: in a case of training, what may be
    /// missing by the dataset's XDM schema is left out where it is null.
    pub fn json(&self, dataset: &DatasetSchema) -> String {
        let mut event = self.event.clone();
        let entity = if event.pointer(ENTITY).is_some() { ENTITY } else { "" };
        if let (None, Some(xdm), Some(entity)) = (&self.by, dataset.xdm(), event.pointer_mut(entity)) {
            xdm.root.drop_nulls(entity);
        }
        event.to_string()
    }

    fn check(&self, golden: &Golden) -> Result<(), String> {
        match &self.event {
            Value::Object(_) => {}
            Value::String(_) if self.bytes().is_some() => {}
            _ => return Err("`event` is an object, or bytes in base64".to_owned()),
        }
        if self.rejected.is_some() && self.skipped.is_some() {
            return Err("an event is either rejected or skipped".to_owned());
        }
        if !self.is_scored() {
            return Ok(());
        }
        if self.values.len() != golden.columns.len() {
            return Err(format!("it has {} values for {} columns", self.values.len(), golden.columns.len()));
        }
        let lengths = |values: &ModelValues| (values.features.len(), values.outputs.len());
        let fits = self.models.len() == golden.models.len()
            && self.models.iter().zip(&golden.models).all(|(case, model)| lengths(case) == (model.features.len(), model.outputs.len()));
        if fits { Ok(()) } else { Err("its `models` do not have the values that the file's `models` name".to_owned()) }
    }
}

/// Names, text, numbers and lists of them, which are always JSON.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
