//! Loading a model: reading its file, finding out what it takes and gives, and which engine fits it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::engine::{Engine, Runner};
use super::error::ModelError;
use super::file::ModelFile;
use super::kernel::{Kernel, Unfit};
use super::lenient::lenient;
use super::probe::{self, Found};
use super::runtime::{environment, plain};
use super::session::ModelSession;
use super::signature::{Port, PortError, Signature, read_inputs};
use super::tune::{RunCost, measure, measured_rows_per_run};
use crate::digest::sha256;
use crate::files::{self, MOST_MODEL_BYTES};
use crate::telemetry::Metric;

/// A loaded model: what all workers share of it.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its id in the store.
    pub id: String,
    /// Its file.
    pub path: PathBuf,
    /// SHA-256 of the file, hex.
    pub digest: String,
    /// The version that the file declares; 0 when it declares none.
    pub version: i64,
    /// What else the file says of itself.
    pub file: ModelFile,
    /// The feature names in order, when the file declares them (metadata key `features`, a JSON list).
    pub features: Option<Vec<String>>,
    /// What stands under that key where it is no such list.
    pub odd_features: Option<String>,
    /// What it takes and gives.
    pub signature: Arc<Signature>,
    /// Outputs that columns cannot hold; they are left out of the signature.
    pub unusable: Vec<PortError>,
    /// What it says to a row of zeros and empty strings, if it refuses that; then its outputs are as the file declares them.
    pub refusal: Option<String>,
    /// Why it gets one row a run, if so.
    pub single_row: Option<SingleRow>,
    /// How long loading and probing took.
    pub load_duration: Duration,
    bytes: Arc<[u8]>,
    /// The kernel that it fits.
    kernel: Result<Kernel, Unfit>,
    /// The rows per run of each engine, once measured.
    rows_per_run: Arc<[OnceLock<usize>; Engine::ALL.len()]>,
}

/// Why a model gets one row a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SingleRow {
    /// An input's first dimension is fixed: the whole of it is one row.
    FixedShape,
    /// The first dimension of the output of this name may not be that of the rows: one row's answer is longer there.
    TurnedOutput(String),
    /// Rows that shared a run were not answered as each is alone. One at a time, an answer cannot depend on the batch.
    DependsOnBatch,
    /// A row alone was answered otherwise each time.
    Random,
}

impl Model {
    /// Loads the model in a file.
    ///
    /// # Errors
    /// When it is no model, asks for what ONNX Runtime does not have, or takes or gives what columns cannot be.
    pub fn load(id: &str, path: &Path) -> Result<Self, ModelError> {
        let started = Instant::now();
        let invalid = |message: String| ModelError::Invalid { id: id.into(), path: path.into(), message };
        environment()?;
        let bytes = files::read(path, MOST_MODEL_BYTES).map_err(|error| invalid(error.to_string()))?;
        let file = ModelFile::read(&bytes).map_err(|error| invalid(error.to_string()))?;
        if !file.external.is_empty() {
            return Err(ModelError::External { id: id.into(), path: path.into(), files: file.external });
        }
        let session = open(&lenient(&bytes)).map_err(|message| match is_unknown_operator(&message) {
            true => ModelError::Opset { id: id.into(), path: path.into(), opsets: file.opset_list(), message },
            false => invalid(message),
        })?;
        let inputs = read_inputs(&session, &file).map_err(|ports| ModelError::Ports { id: id.into(), ports })?;
        if inputs.is_empty() {
            return Err(invalid("it has no inputs".into()));
        }
        let (features, odd_features) = match declared_features(&session) {
            Ok(features) => (features, None),
            Err(odd) => (None, Some(odd)),
        };
        let model = Self {
            id: id.into(),
            path: path.into(),
            digest: sha256(&bytes),
            version: declared_version(&session),
            file,
            features,
            odd_features,
            signature: Arc::new(Signature { inputs, outputs: Vec::new() }),
            unusable: Vec::new(),
            refusal: None,
            single_row: None,
            load_duration: Duration::ZERO,
            bytes: bytes.into(),
            kernel: Err(Unfit("its input takes any number of features".into())),
            rows_per_run: Arc::default(),
        };
        match model.probed(session, model.signature.inputs.clone(), started) {
            // The features of a graph will tell the width.
            Err(_) if model.is_open() => Ok(model),
            outcome => outcome,
        }
    }

    /// The first dimension of all inputs, where it is fixed and may be that of the rows of a batch: the outputs are a multiple of it.
    pub fn fixed_rows(&self) -> Option<usize> {
        let first = |port: &Port| port.shape.first().copied().flatten().filter(|_| port.shape.len() > 1);
        let rows = self.signature.inputs.first().and_then(first).filter(|rows| *rows > 1)?;
        let all = self.signature.inputs.iter().all(|port| first(port) == Some(rows))
            && self.signature.outputs.iter().all(|output| output.holds.width().is_multiple_of(rows));
        all.then_some(rows)
    }

    /// Whether an input takes any number of features, so that only a graph's features tell what it answers: see [`Model::sized`].
    pub fn is_open(&self) -> bool {
        self.signature.inputs.iter().any(|port| port.width().is_none())
    }

    /// The model as it is for rows of these widths, one for each input, which must take them.
    ///
    /// # Errors
    /// When the model fails on rows of these widths.
    pub fn sized(&self, widths: &[usize]) -> Result<Self, ModelError> {
        let started = Instant::now();
        let session = open(&lenient(&self.bytes)).map_err(|message| self.invalid(message))?;
        let inputs = self.signature.inputs.iter().zip(widths).map(|(port, width)| port.sized(*width)).collect();
        self.probed(session, inputs, started)
    }

    /// The model with all that is found out by asking it.
    fn probed(&self, mut session: Session, inputs: Vec<Port>, started: Instant) -> Result<Self, ModelError> {
        let declared = self.features.as_ref().map(Vec::len);
        let refuses = |message: String| ModelError::Refuses { id: self.id.clone(), path: self.path.clone(), message };
        let Found { outputs, unusable, turned, refusal } = probe::outputs(&mut session, &inputs, declared, &self.file).map_err(refuses)?;
        if outputs.is_empty() {
            return Err(ModelError::Ports { id: self.id.clone(), ports: unusable });
        }
        let signature = Signature { inputs, outputs };
        let single_row = single_row(&mut session, &signature, declared, turned);
        let kernel = match single_row {
            Some(_) => Err(Unfit("it gets one row a run".into())),
            None => Kernel::read(&self.bytes, &signature).and_then(|kernel| kernel.proved(&mut session, &signature)),
        };
        let load_duration = started.elapsed();
        let (signature, rows_per_run) = (Arc::new(signature), Arc::default());
        let model = Self { signature, unusable, refusal, single_row, kernel, rows_per_run, load_duration, ..self.clone() };
        let unfit = model.unfit().map(ToString::to_string);
        tracing::info!(model = model.id, engine = model.engine().name(), unfit, ?load_duration, "model loaded");
        Ok(model)
    }

    /// What computes its answers unless a node asks for another: the kernel that gives ONNX Runtime's bits, if there is one.
    pub fn engine(&self) -> Engine {
        self.kernel.as_ref().map_or(Engine::OnnxRuntime, Kernel::engine)
    }

    /// Why no kernel serves it, if so.
    pub fn unfit(&self) -> Option<&Unfit> {
        self.kernel.as_ref().err()
    }

    /// How many rows a run serves best in an engine: a property of the model, measured when it is asked for first, and kept. One, where the
    /// model needs it.
    ///
    /// # Errors
    /// When the model does not fit the engine, or ONNX Runtime refuses, which it did not when the model was loaded.
    pub fn rows_per_run(&self, engine: Engine) -> Result<usize, ModelError> {
        let mut runner = self.runner(engine)?;
        Ok(self.measured(&mut runner))
    }

    fn measured(&self, runner: &mut Runner) -> usize {
        if self.single_row.is_some() {
            return 1;
        }
        let declared = self.features.as_ref().map(Vec::len);
        *self.rows_per_run[runner.engine() as usize].get_or_init(|| {
            let mut lenient = self.lenient_runner();
            measured_rows_per_run(lenient.as_mut().unwrap_or(runner), &self.signature, declared)
        })
    }

    /// What is measured in the place of ONNX Runtime with the model itself, where that would refuse noise.
    fn lenient_runner(&self) -> Option<Runner> {
        match lenient(&self.bytes) {
            Cow::Borrowed(_) => None,
            Cow::Owned(bytes) => open(&bytes).ok().map(|session| Runner::OnnxRuntime(Box::new(session))),
        }
    }

    /// What a row costs in each engine that it fits and in runs of each size, in about `budget` an engine.
    ///
    /// # Errors
    /// When ONNX Runtime refuses, which it did not when the model was loaded.
    pub fn costs(&self, budget: Duration) -> Result<Vec<RunCost>, ModelError> {
        let mut costs = Vec::new();
        for engine in Engine::ALL.into_iter().filter(|engine| [Engine::OnnxRuntime, self.engine()].contains(engine)) {
            let lenient = if engine == Engine::OnnxRuntime { self.lenient_runner() } else { None };
            let mut runner = lenient.map_or_else(|| self.runner(engine), Ok)?;
            costs.extend(measure(&mut runner, &self.signature, self.features.as_ref().map(Vec::len), budget));
        }
        Ok(costs)
    }

    fn runner(&self, engine: Engine) -> Result<Runner, ModelError> {
        let unfit = |reason| Err(ModelError::Engine { id: self.id.clone(), engine, reason });
        match &self.kernel {
            _ if engine == Engine::OnnxRuntime => {
                Ok(Runner::OnnxRuntime(Box::new(open(&self.bytes).map_err(|message| self.invalid(message))?)))
            }
            Ok(kernel) if kernel.engine() == engine => Ok(kernel.runner()),
            Ok(kernel) => unfit(Unfit(format!("it is one for `{}`", kernel.engine().name()))),
            Err(reason) => unfit(reason.clone()),
        }
    }

    fn invalid(&self, message: String) -> ModelError {
        ModelError::Invalid { id: self.id.clone(), path: self.path.clone(), message }
    }

    /// A session of a worker's own, in the engine that is given, else in the model's own, with as many rows a run as given, else as
    /// measured; always one where the model needs it.
    ///
    /// # Errors
    /// When the model does not fit the engine, or ONNX Runtime refuses, which it did not when the model was loaded.
    pub fn session(&self, engine: Option<Engine>, rows_per_run: Option<usize>) -> Result<ModelSession, ModelError> {
        let mut runner = self.runner(engine.unwrap_or(self.engine()))?;
        let labels = [("model", self.id.clone()), ("version", self.version.to_string())];
        // Published here, not at load: metrics may be switched on after the plan was made, and `check` loads models without running them.
        Metric::ModelLoadDurationSeconds.gauge(&labels).set(self.load_duration.as_secs_f64());
        let engine = runner.engine();
        let rows_per_run = rows_per_run.filter(|_| self.single_row.is_none()).unwrap_or_else(|| self.measured(&mut runner));
        let with_engine = [labels[0].clone(), labels[1].clone(), ("engine", engine.name().to_owned())];
        Metric::ModelRowsPerRun.gauge(&with_engine).set(rows_per_run as f64);
        Ok(ModelSession::new(runner, Arc::clone(&self.signature), rows_per_run, labels))
    }

    /// The size of its file in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// `turned`: an output whose first dimension may not be that of the rows.
fn single_row(session: &mut Session, signature: &Signature, declared: Option<usize>, turned: Option<String>) -> Option<SingleRow> {
    if !signature.inputs.iter().all(Port::is_batched) {
        return Some(SingleRow::FixedShape);
    }
    if turned.is_some() {
        return turned.map(SingleRow::TurnedOutput);
    }
    probe::dependence(session, signature, declared)
}

/// A session for one worker thread: one thread of its own, no spinning, no arena (it would never shrink after a large batch). It logs
/// nothing: errors are returned, and warnings are of shapes that exporters declare and models do not keep.
fn open(bytes: &[u8]) -> Result<Session, String> {
    let environment = environment().map_err(|error| error.to_string())?;
    let build = || -> Result<Session, ort::Error> {
        Session::builder(environment)?
            .with_log_level(LogLevel::Fatal)?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_op_spinning(false)?
            .with_config_entry("session.enable_cpu_mem_arena", "0")?
            .commit_from_memory(bytes)
    };
    build().map_err(|error| plain(error.message()))
}

/// ONNX Runtime has one code for all that is wrong with a model, so its words must do.
fn is_unknown_operator(message: &str) -> bool {
    ["is not a registered function/op", "is under development", "No opset import for domain", "NOT_IMPLEMENTED", "No Op registered for"]
        .iter()
        .any(|words| message.contains(words))
}

/// ONNX Runtime answers the greatest integer for a file without a version.
fn declared_version(session: &Session) -> i64 {
    session.metadata().ok().and_then(|metadata| metadata.version()).filter(|version| *version != i64::MAX).unwrap_or(0)
}

/// The names under the key `features`, or what stands there in the place of a list.
fn declared_features(session: &Session) -> Result<Option<Vec<String>>, String> {
    let Some(text) = session.metadata().ok().and_then(|metadata| metadata.custom("features")) else { return Ok(None) };
    let names: Result<Vec<String>, serde_json::Error> = serde_json::from_str(&text);
    names.map(Some).map_err(|_| shown(&text))
}

/// The beginning of a foreign text, on one line.
fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let cut = if text.chars().count() > LONGEST { "..." } else { "" };
    let beginning: String = text.chars().take(LONGEST).collect();
    format!("`{}`{cut}", beginning.escape_debug())
}
