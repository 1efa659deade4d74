//! Frozen statistics: what training saw of the dataset, kept beside the graph so that no answer depends on a batch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The statistics file of a graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// Version of this file's format; 1.
    pub version: u32,
    /// The dataset that the statistics were read from.
    pub dataset: FrozenDataset,
    /// The pandas version whose semantics they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pandas: Option<String>,
    /// Statistics by node id, then by column.
    #[serde(default)]
    pub nodes: BTreeMap<String, BTreeMap<String, FrozenColumn>>,
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

/// The statistics of one column at one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenColumn {
    /// Median of the non-null values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// Mean of the non-null values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Most frequent value, the smallest of equals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<serde_json::Value>,
    /// The distinct non-null values, sorted as pandas sorts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<serde_json::Value>>,
}

/// Why a statistics file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FrozenError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
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
        let text = std::fs::read_to_string(path).map_err(|source| FrozenError::Unreadable { path: path.into(), source })?;
        let invalid = |message| FrozenError::Invalid { path: path.into(), message };
        let frozen: Self = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        match frozen.version {
            1 => Ok(frozen),
            other => Err(invalid(format!("version {other}; this caz reads version 1"))),
        }
    }

    /// The statistics of one column at one node.
    pub fn column(&self, node: &str, column: &str) -> Option<&FrozenColumn> {
        self.nodes.get(node)?.get(column)
    }
}
