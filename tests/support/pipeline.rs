//! A pipeline of a test's own: JSON events of some fields through a small graph, in a folder that goes away.

use std::cell::OnceCell;
use std::path::PathBuf;

use caz::diagnostic::Diagnostics;
use caz::stream::Assembly;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A pipeline file with its schema.
pub(crate) struct Pipeline {
    pub(crate) file: PathBuf,
    loaded: OnceCell<Result<(Assembly, Diagnostics), Diagnostics>>,
    _folder: TempDir,
}

/// What became of one event.
#[derive(Debug, PartialEq)]
pub(crate) enum Fate {
    Scored(Map<String, Value>),
    /// Reason, field and message.
    Rejected(&'static str, Option<String>, String),
}

impl Pipeline {
    /// `fields` are names with Avro's name of their type, `?` behind it where null may stand, or a type of Avro's as it stands in a schema;
    /// `nodes` stand in a line, each with its type and parameters.
    pub(crate) fn new(fields: &Map<String, Value>, store: &str, nodes: &[(&str, Value)]) -> Self {
        let field = |(name, kind): (&String, &Value)| match kind.as_str().and_then(|kind| kind.strip_suffix('?')) {
            Some(kind) => json!({"name": name, "type": ["null", kind]}),
            None => json!({"name": name, "type": kind}),
        };
        let schema = json!({"type": "record", "name": "Event", "fields": fields.iter().map(field).collect::<Vec<_>>()});
        let mut placed = vec![json!({"id": "events", "type": "JsonToDataframe"})];
        placed.extend(
            nodes.iter().enumerate().map(|(at, (kind, params))| json!({"id": format!("node{at}"), "type": kind, "params": params})),
        );
        let edges: Vec<Value> = placed.windows(2).map(|pair| json!([pair[0]["id"], pair[1]["id"]])).collect();
        let pipeline = json!({
            "name": "test",
            "input": {"topic": "events", "group": "test", "format": "json", "schema": "events.avsc"},
            "model_store": store,
            "graph": {"nodes": placed, "edges": edges},
            "output": {"topic": "scores", "format": "json"},
            "dead_letters": {"topic": "dead-letters"},
            "kafka": {"bootstrap.servers": "localhost:9092"},
        });
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("pipeline.json");
        std::fs::write(folder.path().join("events.avsc"), schema.to_string()).expect("a writable folder");
        std::fs::write(&file, format!("{pipeline:#}")).expect("a writable folder");
        Self { file, loaded: OnceCell::new(), _folder: folder }
    }

    fn loaded(&self) -> &Result<(Assembly, Diagnostics), Diagnostics> {
        self.loaded.get_or_init(|| Assembly::load(&self.file))
    }

    /// What loading it finds wrong, as text without colours.
    pub(crate) fn findings(&self) -> String {
        let (Ok((_, found)) | Err(found)) = self.loaded();
        found.render(false)
    }

    /// Scores events, `batch` at a time; one fate for each.
    pub(crate) fn score(&self, events: &[Value], batch: usize) -> Vec<Fate> {
        let (assembly, _) = self.loaded().as_ref().unwrap_or_else(|found| panic!("{}", found.render(false)));
        let mut line = assembly.line().unwrap_or_else(|found| panic!("{}", found.render(false)));
        let events: Vec<Vec<u8>> = events.iter().map(|event| event.to_string().into_bytes()).collect();
        let mut fates = Vec::new();
        for events in events.chunks(batch) {
            let scored = line.score(events.iter().map(|event| Some(event.as_slice())));
            let mut here: Vec<Option<Fate>> = (0..events.len()).map(|_| None).collect();
            for (place, score) in scored.scores() {
                here[place.event] = Some(Fate::Scored(serde_json::from_slice(score).expect("an object")));
            }
            for (place, why) in scored.rejected() {
                let field = why.field.as_ref().map(ToString::to_string);
                here[place.event] = Some(Fate::Rejected(why.reason.name(), field, why.message.to_string()));
            }
            fates.extend(here.into_iter().map(|fate| fate.expect("a fate for every event")));
        }
        fates
    }
}

/// Events out of columns.
pub(crate) fn events(columns: &Map<String, Value>) -> Vec<Value> {
    let rows = columns.values().next().and_then(Value::as_array).map_or(0, Vec::len);
    let event = |row: usize| columns.iter().map(|(name, values)| (name.clone(), values[row].clone())).collect::<Map<_, _>>();
    (0..rows).map(|row| Value::Object(event(row))).collect()
}
