//! ONNX Runtime: finding its shared library and starting it, once a process.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::environment::Environment;

/// The library's file name on Linux.
const LIBRARY: &str = "libonnxruntime.so";
/// Where `scripts/setup` puts it in a checkout.
const PROJECT_FOLDER: &str = ".caz/onnxruntime";
/// The variable that names it and goes before every other place.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// Why ONNX Runtime cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The library is nowhere.
    #[error("ONNX Runtime ({LIBRARY}) is not there. Looked at: {}. Mend: run `scripts/setup run` in the project, or set {VARIABLE} to the library's path", places(.looked_at))]
    Missing {
        /// Every place that was tried.
        looked_at: Vec<PathBuf>,
    },
    /// The library is there and cannot be loaded, or is too old.
    #[error(
        "ONNX Runtime at {path} cannot be used: {message}. Mend: run `scripts/setup run` in the project, or set {VARIABLE} to another library"
    )]
    Unusable {
        /// The library.
        path: PathBuf,
        /// What the loader says.
        message: String,
    },
}

fn places(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The process's ONNX Runtime, started at the first call.
///
/// # Errors
/// When the library is missing or cannot be used; the same answer at each call.
pub fn environment() -> Result<&'static Environment, RuntimeError> {
    static STARTED: OnceLock<Result<Environment, RuntimeError>> = OnceLock::new();
    STARTED.get_or_init(start).as_ref().map_err(Clone::clone)
}

fn start() -> Result<Environment, RuntimeError> {
    let path = library()?;
    let unusable = |message: String| RuntimeError::Unusable { path: path.clone(), message };
    ort::init_from(&path)
        .map_err(|error| unusable(error.to_string()))?
        .with_name("caz")
        .with_telemetry(false)
        .build()
        .map_err(|error| unusable(error.to_string()))
}

/// The path of the library: `ORT_DYLIB_PATH`, else beside the binary, else in the project's folder above the binary or the working
/// directory.
///
/// # Errors
/// When it is at none of these places.
pub fn library() -> Result<PathBuf, RuntimeError> {
    if let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) {
        return if path.is_file() { Ok(path) } else { Err(RuntimeError::Missing { looked_at: vec![path] }) };
    }
    let looked_at = candidates();
    match looked_at.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(RuntimeError::Missing { looked_at }),
    }
}

fn candidates() -> Vec<PathBuf> {
    let binary = std::env::current_exe().ok().and_then(|path| path.parent().map(Path::to_path_buf));
    let working = std::env::current_dir().ok();
    let beside = binary.iter().map(|folder| folder.join(LIBRARY));
    let project = [&working, &binary]
        .into_iter()
        .flatten()
        .flat_map(|folder| folder.ancestors().map(|ancestor| ancestor.join(PROJECT_FOLDER).join(LIBRARY)).collect::<Vec<_>>());
    let mut places: Vec<PathBuf> = Vec::new();
    for place in beside.chain(project) {
        // The binary's folder and the working directory have ancestors in common.
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// What ONNX Runtime says, on one line and without the places in its own source.
pub(super) fn plain(message: &str) -> String {
    let mut text = message.to_owned();
    // As in `/onnxruntime_src/onnxruntime/core/x.cc:46 void onnxruntime::f(int) what is wrong`.
    while let Some(start) = text.find("/onnxruntime_src/") {
        let place = &text[start..];
        // A lambda's ends in `<lambda()> `; some have no signature.
        let signature = [") ", ")> "].into_iter().filter_map(|close| place.find(close).map(|at| at + close.len())).min();
        let end = signature.or_else(|| place.find(' ').map(|at| at + 1)).unwrap_or(place.len());
        text.replace_range(start..start + end, "");
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn places_in_the_source_of_onnx_runtime_are_left_out() {
        let file = "/onnxruntime_src/onnxruntime/core/providers/cpu/text/string_normalizer.cc:235";
        for (place, said) in [
            ("onnxruntime::Locale::Locale(const std::string&)::<lambda()> ", "Failed to construct locale with name:en_US.UTF-8"),
            ("void onnxruntime::f(int) ", "what is wrong"),
            ("", "what is wrong"),
        ] {
            assert_eq!(plain(&format!("Exception: {file} {place}{said}\n")), format!("Exception: {said}"));
        }
        assert_eq!(plain(file), "");
    }
}
