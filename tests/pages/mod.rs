//! Pipelines written as their differences from `docs/errors/base.yaml`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use caz::diagnostic::Diagnostics;
use caz::stream::Assembly;

/// The folder of the pages.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors")
}

/// The top-level keys of a YAML text with the lines of each.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with(|first: char| first.is_ascii_lowercase()) {
            sections.push((line.split(':').next().unwrap().to_owned(), String::new()));
        }
        let (_, lines) = sections.last_mut().unwrap();
        *lines += &format!("{line}\n");
    }
    sections
}

/// What is found in an example, completed by the base, with these files beside it. The project's folder is written as `ROOT`, that of the
/// pipeline as `HERE`.
pub(crate) fn findings<R>(example: &str, files: &[(String, String)], look: impl FnOnce(&Diagnostics, &dyn Fn(String) -> String) -> R) -> R {
    let own = sections(example);
    let base = std::fs::read_to_string(folder().join("base.yaml")).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).display().to_string();
    let models = format!("{root}/docs/examples/models");
    let rest = sections(&base).into_iter().filter(|(key, _)| own.iter().all(|(given, _)| given != key));
    let rest: String = rest.map(|(_, lines)| lines.replace("../examples/models", &models)).collect();
    let scratch = tempfile::tempdir().unwrap();
    std::fs::copy(folder().join("events.avsc"), scratch.path().join("events.avsc")).unwrap();
    for (file, text) in files {
        std::fs::write(scratch.path().join(file), text).unwrap();
    }
    let path = scratch.path().join("pipeline.yaml");
    std::fs::write(&path, format!("{example}{rest}")).unwrap();
    let found = match Assembly::load(&path) {
        Ok((assembly, mut warnings)) => {
            if let Err(found) = caz::golden::gate(&assembly) {
                warnings.extend(found);
            }
            warnings
        }
        Err(found) => found,
    };
    let here = scratch.path().display().to_string();
    look(&found, &|text: String| text.replace(&here, "HERE").replace(&root, "ROOT"))
}
