//! The model store: a folder of ONNX files, each loaded once and shared by all workers.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::ModelError;
use super::load::Model;

/// A folder of models: the id `car-insurance/random-forest` is the file `car-insurance/random-forest.onnx` in it.
#[derive(Debug)]
pub struct ModelStore {
    root: PathBuf,
    loaded: Mutex<BTreeMap<String, Result<Arc<Model>, ModelError>>>,
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
        loaded.entry(id.to_owned()).or_insert_with(|| self.load(id).map(Arc::new)).clone()
    }

    /// The models loaded so far, by id.
    pub fn loaded(&self) -> Vec<Arc<Model>> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.values().flatten().cloned().collect()
    }

    fn load(&self, id: &str) -> Result<Model, ModelError> {
        let path = self.path(id)?;
        if !path.is_file() {
            return Err(ModelError::Missing { id: id.into(), path, available: self.available() });
        }
        Model::load(id, &path)
    }

    fn path(&self, id: &str) -> Result<PathBuf, ModelError> {
        let inside = !id.is_empty() && Path::new(id).components().all(|part| matches!(part, Component::Normal(_)));
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
