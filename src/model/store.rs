//! The model store: a folder of ONNX files, each loaded once and shared by all workers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use sha2::{Digest, Sha256};

use super::runtime::{RuntimeError, environment};
use super::session::{ModelSession, probe};
use super::signature::{Port, PortError, Signature, read_inputs};
use super::tensor::Tensor;
use super::tune::best_rows_per_run;
use crate::telemetry::Metric;

/// Why a model cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ModelError {
    /// ONNX Runtime is missing.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// No such file.
    #[error("model `{id}` is not in the store: there is no {path}")]
    Missing {
        /// The model's id.
        id: String,
        /// Where its file would be.
        path: PathBuf,
        /// The ids that the store has.
        available: Vec<String>,
    },
    /// Another file has the id.
    #[error("model id `{id}` of {path} is taken by {other}")]
    Taken {
        /// The model's id.
        id: String,
        /// The file that was to have it.
        path: PathBuf,
        /// The file that has it.
        other: PathBuf,
    },
    /// The id would leave the store.
    #[error("model id `{id}` must be a path inside the store, without `..`")]
    Outside {
        /// The model's id.
        id: String,
    },
    /// The file cannot be read or is no model.
    #[error("model `{id}` at {path} cannot be loaded: {message}")]
    Invalid {
        /// The model's id.
        id: String,
        /// Its file.
        path: PathBuf,
        /// What ONNX Runtime or the system says.
        message: String,
    },
    /// Inputs or outputs that columns cannot feed or hold.
    #[error("model `{id}`: {}", .ports.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Ports {
        /// The model's id.
        id: String,
        /// Each of them.
        ports: Vec<PortError>,
    },
}

/// A loaded model: what all workers share of it.
#[derive(Debug)]
pub struct Model {
    /// Its id in the store.
    pub id: String,
    /// Its file.
    pub path: PathBuf,
    /// SHA-256 of the file, hex.
    pub digest: String,
    /// The version that the file declares; 0 when it declares none.
    pub version: i64,
    /// The feature names in order, when the file declares them (metadata key `features`, a JSON list).
    pub features: Option<Vec<String>>,
    /// What it takes and gives.
    pub signature: Arc<Signature>,
    /// How many rows a run serves best: a property of the model, measured at load.
    pub rows_per_run: usize,
    /// How long loading, probing and measuring took.
    pub load_duration: Duration,
    bytes: Vec<u8>,
}

impl Model {
    /// A session of a worker's own, with as many rows a run as given, else as measured.
    ///
    /// # Errors
    /// When ONNX Runtime refuses, which it did not when the model was loaded.
    pub fn session(&self, rows_per_run: Option<usize>) -> Result<ModelSession, ModelError> {
        let session = open(&self.bytes).map_err(|error| self.invalid(error))?;
        let labels = [("model", self.id.clone()), ("version", self.version.to_string())];
        // Published here, not at load: metrics may be switched on after the plan was made, and `check` loads models without running them.
        Metric::ModelLoadDurationSeconds.gauge(&labels).set(self.load_duration.as_secs_f64());
        let rows_per_run = rows_per_run.unwrap_or(self.rows_per_run);
        Metric::ModelRowsPerRun.gauge(&labels).set(rows_per_run as f64);
        Ok(ModelSession::new(session, Arc::clone(&self.signature), rows_per_run, labels))
    }

    fn invalid(&self, message: String) -> ModelError {
        ModelError::Invalid { id: self.id.clone(), path: self.path.clone(), message }
    }
}

/// A folder of models: the id `car-insurance/random-forest` is the file `car-insurance/random-forest.onnx` in it. Files from elsewhere can
/// be put into it; the folder itself is never written to.
#[derive(Debug)]
pub struct ModelStore {
    root: PathBuf,
    loaded: Mutex<BTreeMap<String, Loaded>>,
}

/// A model, or why it cannot be used, and its file.
#[derive(Clone, Debug)]
struct Loaded {
    path: PathBuf,
    model: Result<Arc<Model>, ModelError>,
}

impl ModelStore {
    /// The store in a folder; nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), loaded: Mutex::default() }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The model with this id, loaded at the first call.
    ///
    /// # Errors
    /// When it is missing, no model, or takes or gives what columns cannot be; the same answer at each call.
    pub fn get(&self, id: &str) -> Result<Arc<Model>, ModelError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = loaded.get(id) {
            return loaded.model.clone();
        }
        let path = self.path(id)?;
        let model = match path.is_file() {
            true => load(id, &path),
            false => Err(ModelError::Missing { id: id.into(), path: path.clone(), available: self.available() }),
        };
        loaded.insert(id.to_owned(), Loaded { path, model: model.clone() });
        model
    }

    /// Puts the file at `path` into the store under an id, for this process; loaded at the first call.
    ///
    /// # Errors
    /// As [`ModelStore::get`], and when another file has the id.
    pub fn put(&self, id: &str, path: &Path) -> Result<Arc<Model>, ModelError> {
        let own = self.path(id)?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let known = loaded.get(id);
        let holder = known.map(|loaded| loaded.path.clone()).or_else(|| own.is_file().then_some(own));
        if let Some(other) = holder.filter(|holder| !is_same_file(holder, path)) {
            return Err(ModelError::Taken { id: id.into(), path: path.into(), other });
        }
        if let Some(known) = known {
            return known.model.clone();
        }
        let model = load(id, path);
        loaded.insert(id.to_owned(), Loaded { path: path.into(), model: model.clone() });
        model
    }

    /// The models loaded so far, by id.
    pub fn loaded(&self) -> Vec<Arc<Model>> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.values().flat_map(|loaded| &loaded.model).cloned().collect()
    }

    fn path(&self, id: &str) -> Result<PathBuf, ModelError> {
        let inside = !id.is_empty() && Path::new(id).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let file = id.strip_suffix(".onnx").unwrap_or(id);
        if inside { Ok(self.root.join(format!("{file}.onnx"))) } else { Err(ModelError::Outside { id: id.into() }) }
    }

    /// The ids that the store has, for messages; bounded in depth and count.
    fn available(&self) -> Vec<String> {
        const MOST: usize = 100;
        const DEPTH: usize = 4;
        let mut ids = Vec::new();
        let mut folders = vec![(self.root.clone(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
                if path.is_dir() && depth < DEPTH {
                    folders.push((path, depth + 1));
                } else if path.extension().is_some_and(|extension| extension == "onnx") && ids.len() < MOST {
                    let relative = path.strip_prefix(&self.root).unwrap_or(&path).with_extension("");
                    ids.push(relative.to_string_lossy().into_owned());
                }
            }
        }
        ids.sort();
        ids
    }
}

fn load(id: &str, path: &Path) -> Result<Arc<Model>, ModelError> {
    let started = Instant::now();
    let invalid = |message: String| ModelError::Invalid { id: id.into(), path: path.into(), message };
    environment()?;
    let bytes = std::fs::read(path).map_err(|error| invalid(error.to_string()))?;
    let mut session = open(&bytes).map_err(invalid)?;
    let inputs = read_inputs(&session).map_err(|ports| ModelError::Ports { id: id.into(), ports })?;
    let features = declared_features(&session);
    let outputs = probe(&mut session, &zeros(&inputs, features.as_deref())).map_err(invalid)?;
    let version = session.metadata().ok().and_then(|metadata| metadata.version()).unwrap_or(0);
    let signature = Arc::new(Signature { inputs, outputs });
    let rows_per_run = best_rows_per_run(&mut session, &signature, features.as_ref().map(Vec::len));
    Ok(Arc::new(Model {
        id: id.into(),
        digest: hex(&Sha256::digest(&bytes)),
        version,
        features,
        signature,
        rows_per_run,
        load_duration: started.elapsed(),
        bytes,
        path: path.into(),
    }))
}

/// Whether two paths lead to one file.
fn is_same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// A session for one worker thread: one thread of its own, no spinning, no arena (it would never shrink after a large batch).
fn open(bytes: &[u8]) -> Result<Session, String> {
    let environment = environment().map_err(|error| error.to_string())?;
    let build = || -> Result<Session, ort::Error> {
        Session::builder(environment)?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_op_spinning(false)?
            .with_config_entry("session.enable_cpu_mem_arena", "0")?
            .commit_from_memory(bytes)
    };
    build().map_err(|error| error.message().to_owned())
}

fn declared_features(session: &Session) -> Option<Vec<String>> {
    serde_json::from_str(&session.metadata().ok()?.custom("features")?).ok()
}

/// One row of zeros for each input; a width that the model leaves open is the number of declared features, else 1.
pub(super) fn zeros(inputs: &[Port], features: Option<&[String]>) -> Vec<(Tensor, usize)> {
    let open_width = features.map_or(1, <[String]>::len);
    let zero = |port: &Port| {
        let mut tensor = Tensor::new(port.element, port.width.unwrap_or(open_width));
        tensor.reset(1);
        (tensor, port.rank)
    };
    inputs.iter().map(zero).collect()
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
