//! Reads an XDM JSON Schema: `allOf` put together, `$ref` followed, every mistake reported at its place.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::class;
use super::keywords;
use super::layer::{Layer, Member, add_required, allowed, bounds, is_of_class, least};
use super::types::{Extra, Pattern, TextFormat, TextRules, XdmKind, XdmMember, XdmObject, XdmType};
use crate::dataset::avro_type::{MAX_DEPTH, MAX_TYPES};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Document, join, nearest};

/// Reads a schema of objects.
///
/// # Errors
/// Every mistake in it.
pub(crate) fn read(document: &Arc<Document>) -> Result<XdmType, Diagnostics> {
    let mut reader = Reader {
        document,
        found: Diagnostics::new(),
        told: HashSet::new(),
        active: vec!["#".to_owned()],
        around: 0,
        chain: Vec::new(),
        is_event: false,
        types: 0,
    };
    let root = Layer { schema: document.value(), pointer: String::new(), is_ours: true };
    let read = reader.read(vec![root], "#", 0);
    match read {
        Some(root) if !reader.found.has_errors() => match &root.kind {
            XdmKind::Object(object) if !object.members.is_empty() => Ok(root),
            _ => Err(reader.mistaken("", "an event is an object with `properties`, and this schema has none")),
        },
        _ => Err(reader.mistaken("", "this is no schema of events")),
    }
}

struct Reader<'a> {
    document: &'a Arc<Document>,
    found: Diagnostics,
    /// What was reported: a part that is referred to twice has its mistakes once.
    told: HashSet<(String, String)>,
    /// The references that lead here: the first `around` to the types around this one, the others to its own layers.
    active: Vec<String>,
    around: usize,
    /// The references that lead from layer to layer to the one that is being read.
    chain: Vec<String>,
    /// Whether the schema is of the class ExperienceEvent.
    is_event: bool,
    types: usize,
}

impl<'a> Reader<'a> {
    fn report(&mut self, pointer: &str, message: impl Into<String>, help: Option<String>) {
        let message = message.into();
        if self.told.insert((pointer.to_owned(), message.clone())) {
            let diagnostic = Diagnostic::error(Code::Schema, message).at(self.document, pointer);
            self.found.push(match help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            });
        }
    }

    /// What was reported, or this when it was nothing.
    fn mistaken(mut self, pointer: &str, message: &str) -> Diagnostics {
        if !self.found.has_errors() {
            self.report(pointer, message, None);
        }
        self.found
    }

    /// The type that all of the layers allow; none after a mistake that leaves no type.
    fn read(&mut self, layers: Vec<Layer<'a>>, location: &str, depth: usize) -> Option<XdmType> {
        let (mut all, outer, own) = (Vec::new(), self.around, self.active.len());
        self.around = own;
        layers.into_iter().for_each(|layer| self.expand(layer, &mut all));
        self.types += 1;
        let read = if depth > MAX_DEPTH || self.types > MAX_TYPES {
            let pointer = all.first().map_or_else(String::new, |layer| layer.pointer.clone());
            self.report(&pointer, format!("the schema nests deeper than {MAX_DEPTH} types or has more than {MAX_TYPES}"), None);
            None
        } else {
            self.put_together(&all, location, depth)
        };
        self.active.truncate(own);
        self.around = outer;
        read
    }

    /// A layer with all that it refers to.
    fn expand(&mut self, layer: Layer<'a>, into: &mut Vec<Layer<'a>>) {
        match layer.schema {
            Value::Object(_) => {}
            Value::Bool(true) => return into.push(layer),
            Value::Bool(false) => return self.report(&layer.pointer, "no value is allowed here", Some("leave the property out".into())),
            _ => return self.report(&layer.pointer, "a schema is an object", None),
        }
        if layer.is_ours {
            for (pointer, message, help) in keywords::mistakes(layer.schema, &layer.pointer) {
                self.report(&pointer, message, help);
            }
        }
        into.push(layer.clone());
        if let Some(reference) = layer.get("$ref") {
            self.follow(&reference, into);
        }
        let parts = layer.get("allOf");
        for (index, part) in parts.iter().flat_map(|parts| parts.schema.as_array()).flatten().enumerate() {
            let part = parts.as_ref().map(|parts| parts.within(&index.to_string(), part));
            part.into_iter().for_each(|part| self.expand(part, into));
        }
    }

    fn follow(&mut self, reference: &Layer<'a>, into: &mut Vec<Layer<'a>>) {
        let Some(target) = reference.schema.as_str() else { return };
        if let Some(schema) = class::defined(target) {
            self.is_event |= target.starts_with(class::EXPERIENCE_EVENT);
            into.push(Layer { schema, pointer: reference.pointer.clone(), is_ours: false });
            return;
        }
        let Some(pointer) = target.strip_prefix('#') else {
            let help = "bring it under `definitions` and refer to it by `#/definitions/NAME`";
            return self.report(&reference.pointer, format!("`{target}` is not in this file"), Some(help.into()));
        };
        let Some(schema) = self.document.value().pointer(pointer) else {
            let near = self.near(pointer).map(|near| format!("did you mean `{near}`?"));
            return self.report(&reference.pointer, format!("`{target}` is not in this file"), near);
        };
        let (around, own) = self.active.split_at(self.around.min(self.active.len()));
        if around.iter().chain(&self.chain).any(|active| active == target) {
            return self.report(&reference.pointer, format!("`{target}` contains itself, and an event cannot be endless"), None);
        }
        // Two parts may refer to the same third.
        if own.iter().any(|active| active == target) {
            return;
        }
        self.active.push(target.to_owned());
        self.chain.push(target.to_owned());
        self.expand(Layer { schema, pointer: pointer.to_owned(), is_ours: true }, into);
        self.chain.pop();
    }

    /// The definition whose name is nearest to a wrong one.
    fn near(&self, pointer: &str) -> Option<String> {
        let (folder, name) = pointer.rsplit_once('/')?;
        let names = self.document.value().pointer(folder)?.as_object()?.keys();
        nearest(name, names.map(String::as_str)).map(|near| format!("#{folder}/{near}"))
    }

    fn put_together(&mut self, layers: &[Layer<'a>], location: &str, depth: usize) -> Option<XdmType> {
        if location == "#" {
            self.is_event |= layers.iter().any(|layer| is_of_class(layer.schema));
        }
        let (json, nullable) = self.json_type(layers)?;
        let said = self.xdm_type(layers, json);
        let kind = match json {
            "string" => XdmKind::Text(self.text(layers, said)),
            "boolean" => XdmKind::Boolean,
            "integer" | "number" => XdmKind::Number { integral: json == "integer", bounds: bounds(layers, json, said) },
            "array" => self.array(layers, location, depth)?,
            _ => self.object(layers, location, depth)?,
        };
        let listed = layers.iter().find_map(|layer| layer.get("enum").or(layer.get("const")));
        if let (Some(listed), "array" | "object") = (listed, json) {
            self.report(&listed.pointer, "only single values can be listed", None);
        }
        Some(XdmType { location: location.to_owned(), kind, nullable, allowed: allowed(layers) })
    }

    /// The one JSON type that all layers allow, and whether null is allowed beside it.
    fn json_type(&mut self, layers: &[Layer<'a>]) -> Option<(&'static str, bool)> {
        let mut chosen: Option<(&'static str, bool)> = None;
        for layer in layers {
            let Some(said) = layer.get("type") else { continue };
            let names: Vec<&str> = match said.schema {
                Value::String(name) => vec![name],
                Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                _ => continue,
            };
            let mut types = names.iter().filter(|name| **name != "null").filter_map(|name| keywords::json_type(name));
            let (first, more) = (types.next(), types.next());
            let (Some(first), None) = (first, more) else {
                // An unknown name is reported with the keywords.
                if names.iter().all(|name| *name == "null" || keywords::json_type(name).is_some()) {
                    let message = "a field has one type, and null beside it at most";
                    self.report(&said.pointer, message, None);
                }
                return None;
            };
            let nullable = names.contains(&"null");
            chosen = match chosen {
                None => Some((first, nullable)),
                // An integer is a number.
                Some(("number" | "integer", before)) if first == "integer" => Some(("integer", before && nullable)),
                Some(("integer", before)) if first == "number" => Some(("integer", before && nullable)),
                Some((same, before)) if same == first => Some((same, before && nullable)),
                Some((other, _)) => {
                    self.report(&said.pointer, format!("`{first}` here, and `{other}` in another part of the same schema"), None);
                    return None;
                }
            };
        }
        if let Some(chosen) = chosen {
            return Some(chosen);
        }
        let has = |keywords: &[&str]| layers.iter().any(|layer| keywords.iter().any(|keyword| layer.schema.get(*keyword).is_some()));
        let said = layers.iter().find_map(|layer| keywords::xdm_type(layer.schema.get("meta:xdmType")?.as_str()?));
        let implied = match said {
            Some((_, json)) => json,
            None if has(&["properties", "additionalProperties", "required"]) => "object",
            None if has(&["items"]) => "array",
            None if has(&["pattern", "minLength", "maxLength", "format"]) => "string",
            // What was not found may have said it, and is reported.
            None if layers.is_empty() || has(&["$ref"]) => return None,
            None => {
                let pointer = layers.first().map_or_else(String::new, |layer| layer.pointer.clone());
                self.report(&pointer, "this says no type", Some("add `\"type\"`".into()));
                return None;
            }
        };
        Some((implied, false))
    }

    /// What `meta:xdmType` says; it must go with the JSON type.
    fn xdm_type(&mut self, layers: &[Layer<'a>], json: &str) -> Option<&'static str> {
        let mut chosen = None;
        for layer in layers {
            let Some(said) = layer.get("meta:xdmType") else { continue };
            let Some((name, of)) = said.schema.as_str().and_then(keywords::xdm_type) else { continue };
            if of != json && !(of == "number" && json == "integer") {
                self.report(&said.pointer, format!("XDM's `{name}` is of type `{of}`, and this is of type `{json}`"), None);
            }
            chosen = chosen.or(Some(name));
        }
        chosen
    }

    fn text(&mut self, layers: &[Layer<'a>], said: Option<&str>) -> TextRules {
        let mut rules = TextRules::default();
        for layer in layers {
            let length = |keyword| layer.schema.get(keyword).and_then(Value::as_u64);
            rules.min_length = rules.min_length.max(length("minLength"));
            rules.max_length = least(rules.max_length, length("maxLength"));
            if let Some(format) = layer.schema.get("format").and_then(Value::as_str).and_then(TextFormat::new) {
                rules.format.get_or_insert(format);
            }
            let Some(pattern) = layer.get("pattern") else { continue };
            let Some(text) = pattern.schema.as_str() else { continue };
            match Pattern::new(text) {
                Some(pattern) => rules.patterns.push(pattern),
                None => self.report(&pattern.pointer, "this is no regular expression, or has look-around, which is not supported", None),
            }
        }
        match said {
            Some("date") => rules.format = Some(TextFormat::Date),
            Some("date-time") => rules.format = Some(TextFormat::DateTime),
            _ => {}
        }
        rules
    }

    fn array(&mut self, layers: &[Layer<'a>], location: &str, depth: usize) -> Option<XdmKind> {
        let items: Vec<Layer<'a>> = layers.iter().filter_map(|layer| layer.get("items")).collect();
        if items.is_empty() {
            let pointer = layers.first().map_or_else(String::new, |layer| layer.pointer.clone());
            self.report(&pointer, "an array says what its `items` are", None);
            return None;
        }
        let limits = |keyword| layers.iter().filter_map(move |layer| layer.schema.get(keyword)?.as_u64());
        let item = self.read(items, &format!("{location}/items"), depth + 1)?;
        Some(XdmKind::Array { item: Arc::new(item), min_items: limits("minItems").max(), max_items: limits("maxItems").min() })
    }

    fn object(&mut self, layers: &[Layer<'a>], location: &str, depth: usize) -> Option<XdmKind> {
        let mut members: Vec<Member<'a>> = Vec::new();
        for (name, layer) in layers.iter().flat_map(|layer| layer.named("properties")) {
            match members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, same)) => same.push(layer),
                None => members.push((name, vec![layer])),
            }
        }
        let is_event = location == "#" && self.is_event;
        if is_event {
            add_required(&mut members);
        }
        let extra = self.extra(layers, &mut members, location, depth);
        if members.is_empty()
            && let Extra::Each(value) = extra
        {
            return Some(XdmKind::Map(value));
        }
        let required = self.required(layers, &members);
        let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
        let members = members.into_iter().filter_map(|(name, layers)| {
            let doc = layers.iter().find_map(|layer| layer.schema.get("description").or(layer.schema.get("title"))?.as_str());
            let place = join(&format!("{location}/properties"), name);
            let kind = Arc::new(self.read(layers.clone(), &place, depth + 1)?);
            let pair = class::REQUIRED.iter().find(|pair| is_event && pair.contains(&name));
            let aliases = pair.into_iter().flatten().filter(|alias| !names.contains(*alias)).map(|alias| (*alias).to_owned()).collect();
            let required = required.contains(&name) || pair.is_some();
            Some(XdmMember { name: name.to_owned(), aliases, required, doc: doc.map(str::to_owned), kind })
        });
        Some(XdmKind::Object(XdmObject { members: members.collect(), extra }))
    }

    /// What the layers say of members that they do not name. What one layer says holds for what only others name, too.
    fn extra(&mut self, layers: &[Layer<'a>], members: &mut [Member<'a>], location: &str, depth: usize) -> Extra {
        let mut each = Vec::new();
        let mut is_closed = false;
        for layer in layers {
            let Some(additional) = layer.get("additionalProperties") else { continue };
            let names: Vec<&str> = layer.named("properties").map(|(name, _)| name).collect();
            let others = members.iter_mut().filter(|(name, _)| !names.contains(name));
            match additional.schema {
                Value::Bool(true) => {}
                Value::Bool(false) => {
                    is_closed = true;
                    let refused: Vec<String> = others.map(|(name, _)| format!("`{name}`")).collect();
                    if !refused.is_empty() {
                        let message = format!("this refuses {}, which other parts of the same schema have", refused.join(", "));
                        self.report(&additional.pointer, message, Some("close the whole, or leave it open".into()));
                    }
                }
                _ => {
                    others.for_each(|(_, layers)| layers.push(additional.clone()));
                    each.push(additional);
                }
            }
        }
        match each.is_empty() {
            _ if is_closed => Extra::None,
            true => Extra::Any,
            false => match self.read(each, &format!("{location}/additionalProperties"), depth + 1) {
                Some(kind) => Extra::Each(Arc::new(kind)),
                None => Extra::Any,
            },
        }
    }

    fn required(&mut self, layers: &[Layer<'a>], members: &[Member<'a>]) -> HashSet<&'a str> {
        let mut required = HashSet::new();
        for layer in layers {
            let Some(list) = layer.get("required") else { continue };
            for (index, name) in list.schema.as_array().into_iter().flatten().enumerate() {
                let Some(name) = name.as_str() else { continue };
                if members.iter().any(|(known, _)| *known == name) {
                    required.insert(name);
                } else {
                    let near = nearest(name, members.iter().map(|(known, _)| *known)).map(|near| format!("did you mean `{near}`?"));
                    let pointer = join(&list.pointer, &index.to_string());
                    self.report(&pointer, format!("`{name}` is required, and there is no such property"), near);
                }
            }
        }
        required
    }
}
