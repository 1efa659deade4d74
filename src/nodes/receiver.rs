//! The Receiver node: the pipeline's input, where the graph names it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Frame, Node, Planning, Position};
use crate::diagnostic::{Code, Diagnostic};

/// Where events enter the graph. The pipeline's `input` says where they come from; what the node says of it must agree.
pub(super) struct Receiver;

/// Parameters of Receiver. All may be left out: each one given must be what the pipeline's `input` says, so that a graph does not run on
/// the events of another.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The topic that the graph is made for.
    #[serde(default)]
    topic: Option<String>,
    /// The format of its events, such as `avro` or `json`.
    #[serde(default)]
    format: Option<String>,
    /// The file of the dataset schema, relative to the file that holds the graph.
    #[serde(default)]
    schema: Option<PathBuf>,
}

impl Node for Receiver {
    fn type_name(&self) -> &'static str {
        "Receiver"
    }

    fn summary(&self) -> &'static str {
        "Lets the pipeline's events into the graph, all of their fields"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn types(&self) -> &'static str {
        "Each field becomes a column as JsonToDataframe makes it."
    }

    fn nulls(&self) -> &'static str {
        "A column can be null where the schema lets the field be null."
    }

    fn position(&self) -> Position {
        Position::Start
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        if let Some(params) = planning.params::<Params>() {
            agree(planning, "topic", params.topic, |_, given, input| given == input);
            agree(planning, "format", params.format, |_, given, input| given == input);
            agree(planning, "schema", params.schema.map(|path| path.display().to_string()), is_same_file);
        }
        planning.input().clone()
    }
}

/// Reports where a parameter is not what the pipeline's `input` says.
fn agree(planning: &mut Planning<'_>, key: &str, given: Option<String>, same: impl Fn(&Planning<'_>, &str, &str) -> bool) {
    let (pipeline, pointer) = (planning.pipeline(), format!("/input/{key}"));
    let (Some(given), Some(input)) = (given, pipeline.value().pointer(&pointer).and_then(serde_json::Value::as_str)) else { return };
    if same(planning, &given, input) {
        return;
    }
    let reads = if pipeline.is_private(&pointer) { "another".to_owned() } else { format!("`{input}`") };
    let message = format!("node `{}` is made for the {key} `{given}`, and the pipeline's input has {reads}", planning.id());
    let help = format!("change `input.{key}`, or this parameter, which may be left out");
    planning.report(Diagnostic::error(Code::WrongValue, message).help(help), &format!("/params/{key}"));
}

/// Whether two paths, one of the graph's file and one of the pipeline's, lead to one file.
fn is_same_file(planning: &Planning<'_>, given: &str, input: &str) -> bool {
    let (given, input) = (planning.resolve(given.as_ref()), planning.pipeline().resolve(input.as_ref()));
    given == input || matches!((given.canonicalize(), input.canonicalize()), (Ok(given), Ok(input)) if given == input)
}
