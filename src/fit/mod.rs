//! Fitting: reads a dataset once for each level of statistics that a graph needs, and freezes them.
//!
//! A statistic is of a column as it is at its node, so a plan of the graph runs up to there, with a collector in the statistic's place. It is of
//! the rows that reach the node: what another branch takes out is there.
//! What depends on a statistic waits for the next pass: `fillna` with a median, then `qcut` of the same column, are two.
//!
//! Memory is bounded: [`MEMORY_BYTES`] for all collectors of a pass, a batch of rows, and the dataset format's own buffers. What does not
//! fit goes to temporary files in sorted runs.

mod collector;
mod mean;
mod numbers;
mod rejections;
mod spill;
mod tally;
#[cfg(test)]
mod tests;
mod time_format;

pub use collector::{MAX_CATEGORIES, StatisticFault};
pub use rejections::Rejections;
pub use time_format::FormatFault;

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::ArrayRef;
use sha2::{Digest, Sha256};

use self::collector::Collector;
use crate::codec::file::{FileError, RawRows, RowFile};
use crate::codec::{AbsentField, Decoded};
use crate::dataset::{Frozen, FrozenDataset, Rows, Statistic};
use crate::diagnostic::Diagnostics;
use crate::digest::hexadecimal;
use crate::graph::Plan;
use crate::nodes::{Collectors, Inputs, Kernel, Wanted};
use crate::stream::Assembly;

/// How much memory the collectors of a pass may take together before they write to temporary files.
pub const MEMORY_BYTES: usize = 256 << 20;

/// Rows that are decoded and run at once.
const BATCH_ROWS: usize = 8_192;

/// What a fit may do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many rows may be rejected, by the decoder or by nodes before the statistics.
    pub max_rejected: u64,
    /// How much memory the collectors of a pass may take.
    pub memory_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_rejected: 0, memory_bytes: MEMORY_BYTES }
    }
}

/// What a fit tells while it runs.
#[derive(Clone, Debug)]
pub enum News {
    /// The dataset has no column for a field that is read; told once of each.
    Absent(AbsentField),
    /// How far it is.
    Progress(Progress),
}

/// How far a fit is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The pass over the dataset, from 1.
    pub pass: usize,
    /// How many of the dataset's bytes this pass has read.
    pub bytes: u64,
    /// How many there are.
    pub of: u64,
}

/// What a fit found.
#[derive(Debug)]
pub struct Fitted {
    /// The statistics, without a date.
    pub frozen: Frozen,
    /// Each statistic in the order in which it was found: node, column, what.
    pub statistics: Vec<(String, String, Statistic)>,
    /// How often the dataset was read.
    pub passes: usize,
    /// The rows that were rejected or skipped on their way; statistics before that place hold them.
    pub rejections: Rejections,
}

/// Why a graph cannot be fitted.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// The pipeline is wrong.
    #[error("{}", .0.render(false))]
    Configuration(Diagnostics),
    /// The dataset cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A statistic cannot be frozen.
    #[error(transparent)]
    Statistic(Box<StatisticError>),
    /// More rows are rejected than are allowed.
    #[error("more than {allowed} rows of the dataset are rejected")]
    TooManyRejected {
        /// How many are.
        allowed: u64,
        /// Those that were found.
        rejections: Rejections,
    },
}

/// Why a statistic of a column cannot be frozen.
#[derive(Debug, thiserror::Error)]
#[error("node `{node}`: the {statistic} of column `{column}` cannot be frozen: {fault}")]
pub struct StatisticError {
    /// The node.
    pub node: String,
    /// The column.
    pub column: String,
    /// What was asked.
    pub statistic: &'static str,
    /// Why not.
    pub fault: StatisticFault,
}

/// Reads every statistic that the graph of `assembly` needs from `dataset`. Statistics that are frozen already are not trusted: all are
/// read anew.
///
/// # Errors
/// When the graph is wrong, the dataset cannot be read, too many of its rows are rejected, or a statistic has no value.
pub fn fit(assembly: &Assembly, dataset: &Path, options: Options, tell: &mut dyn FnMut(News)) -> Result<Fitted, FitError> {
    let mut frozen = Frozen::default();
    let mut statistics: Vec<(String, String, Statistic)> = Vec::new();
    let mut rejections = Rejections::new(options.max_rejected);
    let mut absent = Vec::new();
    for pass in 1.. {
        let wanted = Requests::default();
        let plan = assembly.plan_to_fit(&frozen, &wanted).map_err(FitError::Configuration)?;
        let requests = wanted.0.into_inner();
        if requests.is_empty() {
            frozen.dataset.sha256 = digest(dataset)?;
            frozen.dataset.path = dataset.display().to_string();
            frozen.graph = Some(assembly.statistics_digest(&frozen));
            return Ok(Fitted { frozen, statistics, passes: pass - 1, rejections });
        }
        let memory_bytes = options.memory_bytes / requests.len();
        for request in &requests {
            request.start(memory_bytes)?;
        }
        let mut run = Pass { number: pass, plan, requests: &requests, rejections: &mut rejections, absent: &mut absent };
        frozen.dataset = FrozenDataset { rows: run.read(assembly, dataset, tell)?, ..FrozenDataset::default() };
        for request in requests {
            let value = request.finish()?;
            let Wanted { node, column, statistic, .. } = request.wanted;
            frozen.set(&node, &column, &statistic, value);
            statistics.push((node, column, statistic));
        }
    }
    unreachable!("each pass freezes a statistic, and a graph has finitely many")
}

/// The statistics that a plan asks for.
#[derive(Default)]
struct Requests(RefCell<Vec<Request>>);

impl Collectors for Requests {
    fn collector(&self, wanted: Wanted) -> Box<dyn Kernel> {
        let shared = Arc::new(Mutex::new(State::default()));
        self.0.borrow_mut().push(Request { wanted, state: Arc::clone(&shared) });
        Box::new(Collect(shared))
    }
}

/// A statistic that is asked for, and what its kernel has collected.
struct Request {
    wanted: Wanted,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    collector: Option<Collector>,
    /// The dataset's row of each row of the batch.
    places: Arc<Vec<u64>>,
    fault: Option<StatisticFault>,
}

impl Request {
    fn with_state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn refuse(&self, fault: StatisticFault) -> FitError {
        let Wanted { node, column, statistic, .. } = &self.wanted;
        let (node, column) = (node.clone(), column.clone());
        FitError::Statistic(Box::new(StatisticError { node, column, statistic: statistic.name(), fault }))
    }

    fn start(&self, memory_bytes: usize) -> Result<(), FitError> {
        let collector = Collector::new(&self.wanted, memory_bytes).map_err(|fault| self.refuse(fault))?;
        self.with_state(|state| state.collector = Some(collector));
        Ok(())
    }

    fn take_fault(&self) -> Result<(), FitError> {
        self.with_state(|state| state.fault.take()).map_or(Ok(()), |fault| Err(self.refuse(fault)))
    }

    fn finish(&self) -> Result<serde_json::Value, FitError> {
        let collector = self.with_state(|state| state.collector.take());
        let value = collector.map_or(Err(StatisticFault::NoValues), Collector::finish);
        value.map_err(|fault| self.refuse(fault))
    }
}

/// The kernel that stands where a statistic is asked for.
struct Collect(Arc<Mutex<State>>);

impl Kernel for Collect {
    fn run(&mut self, inputs: &Inputs<'_>, rows: &mut Rows, _: &mut Vec<ArrayRef>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { collector: Some(collector), places, fault: fault @ None } = &mut *state else { return };
        *fault = collector.add(inputs.array(0), rows, places).err();
    }
}

/// One pass over the dataset.
struct Pass<'a> {
    /// From 1.
    number: usize,
    plan: Plan,
    requests: &'a [Request],
    rejections: &'a mut Rejections,
    /// What was told already.
    absent: &'a mut Vec<AbsentField>,
}

impl Pass<'_> {
    /// Reads the dataset; answers how many rows it has.
    fn read(&mut self, assembly: &Assembly, dataset: &Path, tell: &mut dyn FnMut(News)) -> Result<u64, FitError> {
        self.rejections.begin_pass();
        let mut file = RowFile::open(dataset)?;
        let mut decoder = file.decoder(assembly.dataset(), self.plan.projection())?;
        for absent in file.absent(assembly.dataset(), self.plan.projection()) {
            if !self.absent.contains(&absent) {
                self.absent.push(absent.clone());
                tell(News::Absent(absent));
            }
        }
        let (mut raw, mut decoded, mut rows, mut total) = (RawRows::default(), Decoded::default(), Rows::default(), 0);
        loop {
            file.read(BATCH_ROWS, &mut raw)?;
            if raw.is_empty() {
                return Ok(total);
            }
            decoder.decode(&raw.payloads(), &mut decoded);
            self.run(&decoded, &mut rows, total)?;
            total += raw.len() as u64;
            let (bytes, of) = file.progress();
            tell(News::Progress(Progress { pass: self.number, bytes, of }));
        }
    }

    fn run(&mut self, decoded: &Decoded, rows: &mut Rows, first: u64) -> Result<(), FitError> {
        let places: Arc<Vec<u64>> = Arc::new(decoded.rows.iter().map(|row| first + u64::from(*row)).collect());
        self.requests.iter().for_each(|request| request.with_state(|state| state.places = Arc::clone(&places)));
        rows.reset(decoded.rows.len());
        self.plan.run(&decoded.columns, rows, &mut Vec::new());
        for (row, rejection) in &decoded.rejected {
            self.rejections.reject(first + u64::from(*row), rejection);
        }
        rows.rejected().for_each(|(row, rejection)| self.rejections.reject(places[row], rejection));
        self.rejections.skip(rows.skipped().count() as u64);
        if self.rejections.are_too_many() {
            let rejections = std::mem::take(self.rejections);
            return Err(FitError::TooManyRejected { allowed: rejections.allowed(), rejections });
        }
        self.requests.iter().try_for_each(Request::take_fault)
    }
}

/// SHA-256 of a file's bytes, hex.
fn digest(path: &Path) -> Result<String, FileError> {
    let io = |source| FileError::Io { path: PathBuf::from(path), source };
    let mut file = File::open(path).map_err(io)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(io)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}
