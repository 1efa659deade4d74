//! The model store: a folder of ONNX files, each loaded once and shared by all workers.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::ModelError;
use super::load::Model;

/// A folder of models: the id `car-insurance/random-forest` is the file `car-insurance/random-forest.onnx` in it. Files from elsewhere can
/// be put into it; the folder itself is never written to.
#[derive(Debug)]
pub struct ModelStore {
    root: PathBuf,
    loaded: Mutex<BTreeMap<String, Loaded>>,
    sized: Mutex<BTreeMap<(String, Vec<usize>), Outcome>>,
}

/// A model, or why it cannot be used.
type Outcome = Result<Arc<Model>, ModelError>;

/// What came of a file.
#[derive(Clone, Debug)]
struct Loaded {
    path: PathBuf,
    model: Outcome,
}

impl ModelStore {
    /// The store in a folder; nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), loaded: Mutex::default(), sized: Mutex::default() }
    }

    /// The id that a graph means: `.onnx` at its end is the file's.
    pub fn plain_id(id: &str) -> &str {
        id.strip_suffix(".onnx").unwrap_or(id)
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
        let model = load(id, &path, || self.available());
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
        // What was asked for and is not there holds no id.
        let known = loaded.get(id).filter(|known| !matches!(known.model, Err(ModelError::Missing { .. })));
        let holder = known.map(|loaded| loaded.path.clone()).or_else(|| own.is_file().then_some(own));
        if let Some(other) = holder.filter(|holder| !is_same_file(holder, path)) {
            return Err(ModelError::Taken { id: id.into(), path: path.into(), other });
        }
        if let Some(known) = known {
            return known.model.clone();
        }
        let model = load(id, path, Vec::new);
        loaded.insert(id.to_owned(), Loaded { path: path.into(), model: model.clone() });
        model
    }

    /// A model of this store as [`Model::sized`] makes it, at the first call: like any other it is then shared by all who ask for it.
    ///
    /// # Errors
    /// When the model fails on rows of these widths; the same answer at each call.
    pub fn sized(&self, model: &Model, widths: &[usize]) -> Result<Arc<Model>, ModelError> {
        let mut sized = self.sized.lock().unwrap_or_else(PoisonError::into_inner);
        let made = sized.entry((model.id.clone(), widths.to_vec())).or_insert_with(|| model.sized(widths).map(Arc::new));
        made.clone()
    }

    /// Whether the store's folder has a file for this id.
    pub fn has_file(&self, id: &str) -> bool {
        self.path(id).is_ok_and(|path| path.is_file())
    }

    /// The models loaded so far, by id.
    pub fn loaded(&self) -> Vec<Arc<Model>> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.values().flat_map(|loaded| &loaded.model).cloned().collect()
    }

    fn path(&self, id: &str) -> Result<PathBuf, ModelError> {
        let inside = !id.is_empty() && Path::new(id).components().all(|part| matches!(part, Component::Normal(_)));
        if inside { Ok(self.root.join(format!("{id}.onnx"))) } else { Err(ModelError::Outside { id: id.into() }) }
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

/// The model of a file; where there is none, `available` are the ids that would have been right.
fn load(id: &str, path: &Path, available: impl FnOnce() -> Vec<String>) -> Result<Arc<Model>, ModelError> {
    match path.metadata() {
        Ok(found) if found.is_file() => Model::load(id, path).map(Arc::new),
        // Such as a folder that may not be entered.
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(ModelError::Invalid { id: id.into(), path: path.into(), message: error.to_string() })
        }
        _ => Err(ModelError::Missing { id: id.into(), path: path.into(), available: available() }),
    }
}

/// Whether two paths lead to one file.
fn is_same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
