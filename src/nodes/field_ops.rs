//! The FieldOps node: which fields there are, under which names, of which types.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::pandas::{Call, Dtype, Scalar, convert, fill, is_float, rebuild};
use super::{Column, Frame, Node, Planning, Source, list};
use crate::diagnostic::{Code, Diagnostic, join, nearest};

/// Operations on fields by dotted path.
pub(super) struct FieldOps;

/// Parameters of FieldOps. Whatever their order in the file, they are applied in this one: select, drop, copy, rename, default, cast; each
/// sees the names that those before it left.
///
/// A path names a field (`identification.ecid`), or a record and so every field beneath it (`identification`). Where a field and a record
/// around it are both named, the field's own entry counts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The fields to keep, in this order; all others leave.
    #[serde(default)]
    #[schemars(length(min = 1))]
    select: Option<Vec<String>>,
    /// The fields to take out.
    #[serde(default)]
    drop: Vec<String>,
    /// Fields to have again under another name, or under several.
    #[serde(default)]
    copy: BTreeMap<String, Names>,
    /// Old name to new name. A record's fields move to the new name together, or to the top with the empty name.
    #[serde(default)]
    rename: BTreeMap<String, String>,
    /// What a null becomes: a value of the field's type, as `fillna` of the Pandas node.
    #[serde(default)]
    default: BTreeMap<String, Scalar>,
    /// The type to convert to, as `astype` of the Pandas node; a value that cannot be converted takes its event to the dead letters.
    #[serde(default)]
    cast: BTreeMap<String, Dtype>,
}

/// One name or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Names {
    /// One.
    One(String),
    /// Several.
    List(Vec<String>),
}

impl Names {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::List(names) => names,
        }
    }
}

impl Node for FieldOps {
    fn type_name(&self) -> &'static str {
        "FieldOps"
    }

    fn summary(&self) -> &'static str {
        "Selects, drops, copies, renames, fills and converts fields"
    }

    fn parameters(&self) -> schemars::Schema {
        schemars::schema_for!(Params)
    }

    fn types(&self) -> &'static str {
        "`cast` converts as `astype` of the Pandas node does, `default` fills as its `fillna`; everything else moves columns and keeps their types."
    }

    fn nulls(&self) -> &'static str {
        "A field that has no default keeps its nulls. A null that `cast` cannot convert makes the event a dead letter."
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Frame {
        let Some(params) = planning.params::<Params>() else { return planning.open_input() };
        let frame = planning.input().clone();
        let mut call = Call::of_node(planning, frame, "FieldOps", Vec::new());
        if let Some(paths) = &params.select {
            select(&mut call, paths);
        }
        drop_fields(&mut call, &params.drop);
        copy(&mut call, &params.copy);
        rename(&mut call, &params.rename);
        each(&mut call, "default", &params.default, default);
        each(&mut call, "cast", &params.cast, |call, column, dtype| convert(call, column, *dtype));
        call.frame
    }
}

fn select(call: &mut Call<'_, '_>, paths: &[String]) {
    let mut selected = Frame::new();
    for (at, path) in paths.iter().enumerate() {
        let fields = fields(call, path, &format!("/params/select/{at}"));
        if fields.is_empty() || call.frame.is_open() {
            selected.set_open();
        }
        fields.into_iter().for_each(|field| selected.set(field));
    }
    call.frame = selected;
}

fn drop_fields(call: &mut Call<'_, '_>, paths: &[String]) {
    // Every path is looked up before the first field leaves: `a` and `a.b` may both be named.
    let gone: Vec<Column> = paths.iter().enumerate().flat_map(|(at, path)| fields(call, path, &format!("/params/drop/{at}"))).collect();
    for field in gone {
        call.frame.remove(&field.name);
    }
}

fn copy(call: &mut Call<'_, '_>, copies: &BTreeMap<String, Names>) {
    call.name = "copy";
    let mut columns = call.frame.columns().to_vec();
    for (path, targets) in copies {
        let fields = fields(call, path, &join("/params/copy", path));
        for target in targets.as_slice() {
            if target.is_empty() {
                call.wrong(&join("copy", path), "a copy needs a name", "give it one");
                continue;
            }
            if fields.is_empty() {
                columns.push(Column::poisoned(target, call.planning.id()));
            }
            let origin = call.planning.id();
            columns.extend(fields.iter().map(|field| Column { origin: origin.into(), ..moved(field, path, target) }));
        }
    }
    rebuild(call, columns, "copy");
}

fn rename(call: &mut Call<'_, '_>, names: &BTreeMap<String, String>) {
    call.name = "rename";
    let mut renamed: BTreeMap<Arc<str>, Column> = BTreeMap::new();
    let mut unknown = Vec::new();
    for (path, name) in names {
        let fields = fields(call, path, &join("/params/rename", path));
        if fields.is_empty() {
            unknown.push(Column::poisoned(name, call.planning.id()));
        }
        for field in fields.iter().filter(|field| !has_own(names, field, path)) {
            if name.is_empty() && *field.name == **path {
                call.wrong(&join("rename", path), format!("field `{path}` needs a name"), "only a record's fields can lose a name");
                continue;
            }
            renamed.insert(field.name.clone(), moved(field, path, name));
        }
    }
    // All at once: a name may go to a field whose own name changes too.
    let columns = call.frame.columns().iter().map(|column| renamed.remove(&column.name).unwrap_or_else(|| column.clone()));
    let columns = columns.chain(unknown).collect();
    rebuild(call, columns, "rename");
}

/// A field under the name that it has when `path` becomes `name`.
fn moved(field: &Column, path: &str, name: &str) -> Column {
    let beneath = &field.name[path.len()..];
    let name = if name.is_empty() { beneath.trim_start_matches('.').to_owned() } else { format!("{name}{beneath}") };
    Column { name: name.into(), ..field.clone() }
}

/// Plans a change of every field that an entry names, most of all by its own name.
fn each<T>(
    call: &mut Call<'_, '_>,
    name: &'static str,
    entries: &BTreeMap<String, T>,
    change: impl Fn(&mut Call<'_, '_>, &Column, &T) -> Option<Column>,
) {
    call.name = name;
    for (path, value) in entries {
        let pointer = join(&format!("/params/{name}"), path);
        for field in fields(call, path, &pointer).iter().filter(|field| !has_own(entries, field, path)) {
            // Where the operation's own messages point.
            (call.kwargs, call.cols) = (pointer.clone(), Some(vec![(field.name.to_string(), pointer.clone())]));
            let made = call.column(&field.name, &pointer).and_then(|column| change(call, &column, value));
            call.put(&field.name, made);
        }
    }
    call.kwargs = "/params".into();
}

fn default(call: &mut Call<'_, '_>, column: &Column, value: &Scalar) -> Option<Column> {
    if value.is_null_in(&column.data_type) {
        call.wrong("", "null cannot fill nulls", "give a value of the field's type");
        return None;
    }
    // A float can be NaN whatever the schema says.
    if !column.nullable && !is_float(&column.data_type) {
        return Some(column.clone());
    }
    fill(call, column, value)
}

/// Whether a field that `path` names has an entry nearer to it.
fn has_own<T>(entries: &BTreeMap<String, T>, field: &Column, path: &str) -> bool {
    entries.keys().any(|other| other.len() > path.len() && names(other, field))
}

/// Whether a path names a field, itself or as a record around it.
fn names(path: &str, field: &Column) -> bool {
    field.name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The fields that a path names; an unknown one is reported, unless it is the echo of an earlier mistake.
fn fields(call: &mut Call<'_, '_>, path: &str, pointer: &str) -> Vec<Column> {
    if let Some(field) = call.frame.get(path) {
        return vec![field.clone()];
    }
    let beneath: Vec<Column> = call.frame.columns().iter().filter(|field| names(path, field)).cloned().collect();
    let is_echo = || call.frame.columns().iter().any(|field| field.source == Source::Poisoned && path.starts_with(&*field.name));
    if beneath.is_empty() && !call.frame.is_open() && !is_echo() {
        report_unknown(call, path, pointer);
    }
    beneath
}

fn report_unknown(call: &mut Call<'_, '_>, path: &str, pointer: &str) {
    let message = format!("node `{}` names field `{path}`, which does not come to it", call.planning.id());
    let mut paths: Vec<&str> = call.frame.names().collect();
    let records = call.frame.names().flat_map(|name| name.match_indices('.').map(|(dot, _)| &name[..dot]));
    paths.extend(records);
    let diagnostic = match nearest(path, paths) {
        Some(near) => Diagnostic::error(Code::UnknownColumn, message).label(format!("did you mean `{near}`?")),
        None => Diagnostic::error(Code::UnknownColumn, message).label("no such field here"),
    };
    let help = format!("fields here: {}", list(call.frame.names()));
    call.planning.report(diagnostic.help(help), pointer);
}
