//! Frozen statistics: what training saw of the dataset, kept beside the graph so that no answer depends on a batch.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Statistic;
use crate::files::{self, MOST_STATISTICS_BYTES};

/// The pandas version whose semantics the operations have.
pub const PANDAS_VERSION: &str = "2.2.3";

/// The version of the file's format.
const VERSION: u32 = 1;

/// The statistics file of a graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// Version of this file's format; 1.
    pub version: u32,
    /// The dataset that the statistics were read from.
    pub dataset: FrozenDataset,
    /// The digest of the part of the graph that the statistics depend on, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// The pandas version whose semantics they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pandas: Option<String>,
    /// The day on which they were read, UTC, such as `2026-01-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Statistics by node id, then by column.
    #[serde(default)]
    pub nodes: BTreeMap<String, BTreeMap<String, FrozenColumn>>,
}

impl Default for Frozen {
    fn default() -> Self {
        let pandas = Some(PANDAS_VERSION.to_owned());
        Self { version: VERSION, dataset: FrozenDataset::default(), graph: None, pandas, date: None, nodes: BTreeMap::new() }
    }
}

/// Which dataset was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenDataset {
    /// Its path, for people.
    pub path: String,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// How many rows it has.
    pub rows: u64,
}

/// The statistics of one column at one node, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrozenColumn(BTreeMap<String, Value>);

/// Why a statistics file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FrozenError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not a statistics file of a version that this caz knows.
    #[error("{path}: {message}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

impl Frozen {
    /// Reads a statistics file.
    ///
    /// # Errors
    /// When the file cannot be read, is not such a file, or has another version.
    pub fn read(path: &Path) -> Result<Self, FrozenError> {
        let text = files::read_text(path, MOST_STATISTICS_BYTES).map_err(|source| FrozenError::Unreadable { path: path.into(), source })?;
        let invalid = |message| FrozenError::Invalid { path: path.into(), message };
        let frozen: Self = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        match frozen.version {
            VERSION => Ok(frozen),
            other => Err(invalid(format!("version {other}; this caz reads version {VERSION}"))),
        }
    }

    /// Writes the file, whole or not at all: whoever reads it meanwhile, or after a crash, finds the old one or the new one.
    ///
    /// # Errors
    /// What the system says; the old file is then as it was.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        files::replace(path, |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            file.write_all(b"\n")
        })
    }

    /// Whether two files say the same, whenever they were written and whatever path the dataset had.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let dataset = FrozenDataset { path: other.dataset.path.clone(), ..self.dataset.clone() };
        Self { date: other.date.clone(), dataset, ..self.clone() } == *other
    }

    /// The value of a statistic of one column at one node.
    pub fn get(&self, node: &str, column: &str, statistic: &Statistic) -> Option<&Value> {
        self.nodes.get(node)?.get(column)?.0.get(&statistic.to_string())
    }

    /// Freezes a statistic.
    pub fn set(&mut self, node: &str, column: &str, statistic: &Statistic, value: Value) {
        let columns = self.nodes.entry(node.to_owned()).or_default();
        columns.entry(column.to_owned()).or_default().0.insert(statistic.to_string(), value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn an_interrupted_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.frozen.json");
        let mut old = Frozen::default();
        old.set("n", "x", &Statistic::Median, 1.5.into());
        old.write(&path).unwrap();
        let interrupted = files::replace(&path, |file| {
            file.write_all(b"{\"version\": 1, \"data")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert_eq!(interrupted.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(Frozen::read(&path).unwrap(), old);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_file_of_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.frozen.json");
        std::fs::write(&path, r#"{"version": 2, "dataset": {"path": "", "sha256": "", "rows": 0}}"#).unwrap();
        assert!(Frozen::read(&path).unwrap_err().to_string().ends_with("version 2; this caz reads version 1"));
    }
}
