//! Why a model cannot be used, and what to do about it.

use std::path::PathBuf;

use super::engine::Engine;
use super::kernel::Unfit;
use super::runtime::RuntimeError;
use super::signature::PortError;

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
    /// It could not be asked what its outputs hold.
    #[error("model `{id}` at {path} fails on a row of zeros and empty strings, and does not declare its outputs' widths: {message}")]
    Refuses {
        /// The model's id.
        id: String,
        /// Its file.
        path: PathBuf,
        /// What ONNX Runtime says.
        message: String,
    },
    /// ONNX Runtime does not know an operator or its version.
    #[error("model `{id}` at {path} asks for what this ONNX Runtime does not have: {message}")]
    Opset {
        /// The model's id.
        id: String,
        /// Its file.
        path: PathBuf,
        /// The operator sets that it asks for.
        opsets: String,
        /// What ONNX Runtime says.
        message: String,
    },
    /// The weights are in other files.
    #[error("model `{id}` at {path} keeps its weights in other files: {}", .files.join(", "))]
    External {
        /// The model's id.
        id: String,
        /// Its file.
        path: PathBuf,
        /// The other files.
        files: Vec<String>,
    },
    /// Another engine than ONNX Runtime is asked for, which does not fit.
    #[error("model `{id}` cannot run in the engine `{}`: {reason}", .engine.name())]
    Engine {
        /// The model's id.
        id: String,
        /// The engine.
        engine: Engine,
        /// Why not.
        reason: Unfit,
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

impl ModelError {
    /// How to mend it, where there is more to say than the error itself does.
    pub fn mend(&self) -> Option<String> {
        match self {
            Self::Runtime(_) | Self::Outside { .. } | Self::Missing { .. } => None,
            Self::Taken { .. } => Some("give the file another `model_id` where it is uploaded, or another name".into()),
            Self::Invalid { message, .. } if message.contains("construct locale") => Some(
                "its text operator needs this locale on the machine (`locale -a` lists those that are there), or export the vectorizer with \
                 `lowercase=False`, and put `str.lower` before the model"
                    .into(),
            ),
            Self::Refuses { .. } => Some("export it with the shapes of its outputs, the rows being their only open dimension".into()),
            // What the system says says it all.
            Self::Invalid { message, .. } if message.contains("(os error ") => None,
            Self::Invalid { message, .. } if message.contains("Could not find an implementation for") => Some(
                "ONNX Runtime has no such operator for these element types: export the model with float inputs (`FloatTensorType`), or do \
                 its work in the graph, as `fillna` does an imputer's"
                    .into(),
            ),
            Self::Invalid { message, .. } if message.contains("Unsupported model IR version") => {
                Some("export it with an older file format (`model.ir_version`), or use a newer ONNX Runtime".into())
            }
            Self::Invalid { .. } => Some("`onnx.checker.check_model(path, full_check=True)` in Python says what a file lacks".into()),
            Self::Opset { opsets, .. } => Some(format!(
                "it asks for {opsets}: export it for an older opset (`target_opset`) or without custom operators, or use a newer ONNX Runtime"
            )),
            Self::External { .. } => Some(
                "caz reads a model from one file, so that one digest covers all of it: `onnx.save_model(onnx.load(path), path)` puts the \
                 weights into it"
                    .into(),
            ),
            Self::Engine { .. } => Some("leave `engine` out: then the engine is chosen when the model is loaded".into()),
            Self::Ports { .. } => Some("change the model, or cut it with `onnx.utils.extract_model`".into()),
        }
    }
}
