//! Parameters on a page: a JSON Schema as a table.

use serde_json::{Map, Value};

use super::table::{Table, code};

/// The table of an object's properties; `None` when it has none.
pub(super) fn table(schema: &Value, head: &str) -> Option<Table> {
    let properties = schema.get("properties").and_then(Value::as_object).filter(|properties| !properties.is_empty())?;
    let definitions = schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    let required: Vec<&str> = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut table = Table::new(&[head, "type", "default", "meaning"]);
    for (name, property) in properties {
        let default = match property.get("default") {
            _ if required.contains(&name.as_str()) => "required".into(),
            None | Some(Value::Null) => String::new(),
            Some(value) => code(&show(value)),
        };
        let kind = kinds(property, &definitions, 0);
        table.row(vec![code(name), joined(&kind), default, meaning(property, &definitions)]);
    }
    Some(table)
}

/// A default as YAML writes it.
fn show(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// "a, b or c".
fn joined(kinds: &[String]) -> String {
    match kinds {
        [first @ .., second, last] if !first.is_empty() => format!("{}, {second} or {last}", first.join(", ")),
        few => few.join(" or "),
    }
}

/// What a property says of itself, and each of its choices of itself.
fn meaning(property: &Value, definitions: &Map<String, Value>) -> String {
    let mut lines = vec![description(property).to_owned()];
    let choices = resolve(property, definitions);
    // Of many choices the names say enough.
    for choice in alternatives(choices).filter(|choices| choices.len() <= 8).into_iter().flatten() {
        if let Some(value) = choice.get("const").filter(|_| !description(choice).is_empty()) {
            lines.push(format!("{}: {}", code(&show(value)), description(choice)));
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.join("<br>")
}

fn description(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array)
}

/// What a reference stands for, seen through the `anyOf` that only allows null.
fn resolve<'a>(schema: &'a Value, definitions: &'a Map<String, Value>) -> &'a Value {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/")) {
        return definitions.get(target).map_or(schema, |target| resolve(target, definitions));
    }
    let others: Vec<&Value> = alternatives(schema).into_iter().flatten().filter(|schema| !is_null(schema)).collect();
    match others.as_slice() {
        [only] if alternatives(schema).is_some_and(|all| all.len() == 2) => resolve(only, definitions),
        _ => schema,
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// The kinds of value that a schema allows, in words.
fn kinds(schema: &Value, definitions: &Map<String, Value>, depth: usize) -> Vec<String> {
    let schema = resolve(schema, definitions);
    if depth > 3 {
        return vec!["any value".into()];
    }
    if let Some(value) = schema.get("const") {
        return vec![code(&show(value))];
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(|value| code(&show(value))).collect();
    }
    if let Some(all) = alternatives(schema) {
        let (merged, together) = comparisons(all, definitions, depth).unwrap_or_default();
        let others = all.iter().enumerate().filter(|(at, _)| !merged.contains(at));
        let mut found: Vec<String> = Vec::new();
        for kind in others.flat_map(|(_, schema)| kinds(schema, definitions, depth)).chain(together) {
            if kind != "null" && !found.contains(&kind) {
                found.push(kind);
            }
        }
        return shortened(found);
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => return vec!["any value".into()],
    };
    types.into_iter().map(|name| kind(name, schema, definitions, depth)).collect()
}

/// Choices of one key each, whose values are of the same kind, are one: which choices, and what they are together.
fn comparisons(all: &[Value], definitions: &Map<String, Value>, depth: usize) -> Option<(Vec<usize>, Option<String>)> {
    let single = |(at, schema)| single(schema, definitions, depth).map(|(name, kind)| (at, name, kind));
    let keys: Vec<(usize, &String, String)> = all.iter().enumerate().filter_map(single).collect();
    let (_, _, kind) = keys.last()?;
    let alike = || keys.iter().filter(|(_, _, other)| other == kind);
    let names: Vec<&str> = alike().map(|(_, name, _)| name.as_str()).collect();
    (names.len() > 1).then(|| (alike().map(|(at, ..)| *at).collect(), Some(format!("{{{}: {kind}}}", names.join("/")))))
}

/// The key of a mapping that has one, and the kind of its value.
fn single<'a>(schema: &'a Value, definitions: &Map<String, Value>, depth: usize) -> Option<(&'a String, String)> {
    let properties = schema.get("properties").and_then(Value::as_object).filter(|properties| properties.len() == 1)?;
    let (name, value) = properties.iter().next()?;
    Some((name, joined(&kinds(value, definitions, depth + 1))))
}

/// Kinds that are said shorter together.
fn shortened(mut kinds: Vec<String>) -> Vec<String> {
    const CONSTANT: [&str; 4] = ["boolean", "integer", "number", "text"];
    let has = |kinds: &[String], kind: &str| kinds.iter().any(|known| known == kind);
    if CONSTANT.iter().all(|kind| has(&kinds, kind)) {
        kinds.retain(|kind| !CONSTANT.contains(&kind.as_str()));
        kinds.insert(0, "constant".into());
    }
    if has(&kinds, "number") {
        kinds.retain(|kind| kind != "integer");
    }
    for (plural, short) in [("list of ", "a list of these"), ("mapping to ", "a mapping to these")] {
        let (collections, singles): (Vec<String>, Vec<String>) = kinds.iter().cloned().partition(|kind| kind.starts_with(plural));
        let those: Vec<&String> = singles.iter().filter(|kind| !kind.starts_with("a ") && !kind.starts_with("list")).collect();
        let those = joined(&those.into_iter().cloned().collect::<Vec<_>>());
        if collections.len() == 1 && singles.len() > 1 && collections[0] == format!("{plural}{those}") {
            kinds = singles.into_iter().chain([short.to_owned()]).collect();
        }
    }
    kinds
}

fn kind(name: &str, schema: &Value, definitions: &Map<String, Value>, depth: usize) -> String {
    match name {
        "string" => "text".into(),
        "integer" | "number" => {
            let (least, greatest) = (schema.get("minimum"), schema.get("maximum"));
            match (least, greatest) {
                (Some(least), Some(greatest)) => format!("{name} from {least} to {greatest}"),
                (Some(least), None) if least.as_f64() != Some(0.0) => format!("{name} from {least}"),
                _ => name.into(),
            }
        }
        "array" => {
            let items = schema.get("items").map_or_else(|| vec!["any value".into()], |items| kinds(items, definitions, depth + 1));
            format!("list of {}", joined(&items))
        }
        "object" => object(schema, definitions, depth),
        other => other.into(),
    }
}

fn object(schema: &Value, definitions: &Map<String, Value>, depth: usize) -> String {
    let properties = schema.get("properties").and_then(Value::as_object).filter(|properties| !properties.is_empty());
    match (properties, schema.get("additionalProperties")) {
        (Some(properties), _) if properties.len() > 3 => "mappings".into(),
        (Some(properties), _) => {
            let member = |(name, schema): (&String, &Value)| format!("{name}: {}", joined(&kinds(schema, definitions, depth + 1)));
            format!("{{{}}}", properties.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        (None, Some(values @ Value::Object(_))) => format!("mapping to {}", joined(&kinds(values, definitions, depth + 1))),
        _ => "mapping".into(),
    }
}
