//! YAML 1.2 (and so JSON) to a value with places, every mistake collected.

use super::{
    Code, Span,
    environment::{Environment, FillError, fill},
    place::{Inner, Place},
    scalar,
    secret::{is_secret_key, shown_part, unparsed_secrets},
    source::{Source, scalar_span, without_properties},
};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// How deep collections may nest.
pub(super) const MAX_DEPTH: usize = 64;

/// How much all aliases together may stand for, in bytes of strings plus [`VALUE_BYTES`] a value.
const MAX_EXPANSION: usize = 1 << 20;
const VALUE_BYTES: usize = 16;

/// A mistake found while reading, by its place in the text.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) code: Code,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) label: Option<String>,
    pub(super) help: Option<String>,
}

impl Finding {
    fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), label: None, help: None }
    }

    fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// What a text says.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) value: Value,
    pub(super) place: Place,
    /// The values of secret keys.
    pub(super) secrets: Vec<Span>,
    pub(super) findings: Vec<Finding>,
    /// Whether the text was read to its end, so that further checks make sense.
    pub(super) complete: bool,
}

/// Reads a text; without an environment `${` has no meaning.
pub(super) fn load(text: &str, environment: Option<Environment<'_>>) -> Loaded {
    let source = Source::new(text);
    let mut loader =
        Loader { text, environment, loaded: Loaded::default(), open: Vec::new(), anchors: HashMap::new(), expanded: 0, documents: 0 };
    let mut parsed_to = 0;
    for event in Parser::new_from_str(&source.text) {
        let outcome = match event {
            Ok((event, span)) => {
                let span = source.span(span.start.index()..span.end.index());
                parsed_to = span.start;
                loader.event(event, span)
            }
            Err(error) => Err(syntax(text, source.byte(error.marker().index()), error.info())),
        };
        if let Err(fatal) = outcome {
            loader.loaded.findings.push(*fatal);
            let open_secrets = loader.open.iter().filter(|open| open.secret).map(|open| open.start..text.len());
            loader.loaded.secrets.extend(open_secrets);
            loader.loaded.secrets.extend(unparsed_secrets(text, parsed_to));
            return loader.loaded;
        }
    }
    loader.loaded.complete = true;
    loader.loaded
}

fn syntax(text: &str, at: usize, info: &str) -> Box<Finding> {
    let is_unended = info.starts_with("simple key expect");
    let is_tab = info.split(' ').any(|word| matches!(word, "tab" | "tabs"));
    // The parser tells where it gave up, which may be lines away.
    let at = match (is_unended, is_tab) {
        (true, _) => last_content(text, at),
        (_, true) => first_tab(text, at),
        _ => at,
    };
    let finding = Finding::new(Code::Syntax, at..at, format!("this is not valid YAML: {info}"));
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    Box::new(if line.contains("${") || text[at..].starts_with('{') && line.ends_with('$') {
        finding.help(
            "inside `[...]` and `{...}`, and before `: `, put quotes around a text with a variable: `\"${NAME}\"`; a number needs \
             a line of its own: `key: ${NAME}`",
        )
    } else if is_unended || info.starts_with("comment intercepting") {
        finding.help("between a key and its value stand a colon and a blank: `key: value`")
    } else if is_tab {
        finding.help("indent with spaces")
    } else {
        finding
    })
}

/// Where the last line begins before the one at `at` that has more than a comment; at the end of the text, the last such line of all.
fn last_content(text: &str, at: usize) -> usize {
    let is_end = text[at..].trim().is_empty();
    let mut end = if is_end { text.trim_end().len() } else { text[..at].rfind('\n').unwrap_or(0) };
    loop {
        let start = text[..end].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[start..end].trim_start();
        if start == 0 || !line.is_empty() && !line.starts_with('#') {
            return end - line.len();
        }
        end = start - 1;
    }
}

/// The first tab in the indentation of the line at `at`, or of one behind it.
fn first_tab(text: &str, at: usize) -> usize {
    let mut start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    for line in text[start..].split_inclusive('\n') {
        let indentation = &line[..line.len() - line.trim_start().len()];
        if let Some(tab) = indentation.trim_end_matches(['\r', '\n']).find('\t') {
            return start + tab;
        }
        start += line.len();
    }
    at
}

/// A collection that has not ended yet.
struct Open {
    kind: Kind,
    start: usize,
    /// End of the last value so far.
    end: usize,
    anchor: usize,
    /// Whether everything in it is secret.
    secret: bool,
}

enum Kind {
    Sequence { values: Vec<Value>, places: Vec<Place> },
    Mapping { entries: Map<String, Value>, places: HashMap<String, Place>, key: Option<Key>, merged: Vec<(Value, Place)> },
}

/// A key that waits for its value.
struct Key {
    name: String,
    span: Span,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    /// The same key came before: the value is read and dropped.
    Duplicate,
    /// `<<`: the value's entries join the mapping.
    Merge,
}

/// What an alias stands for.
struct Anchor {
    value: Value,
    place: Place,
    bytes: usize,
    depth: usize,
}

/// A finding after which reading makes no sense.
type Fatal = Box<Finding>;

struct Loader<'a> {
    text: &'a str,
    environment: Option<Environment<'a>>,
    loaded: Loaded,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchor>,
    expanded: usize,
    documents: usize,
}

impl Loader<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Fatal> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents == 1 {
                    return Ok(());
                }
                Err(Box::new(
                    Finding::new(Code::Syntax, span, "the file holds more than one YAML document").help("keep one, and remove the `---`"),
                ))
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &span);
                let span = scalar_span(self.text, span, style, text.is_empty());
                match self.open.last_mut() {
                    Some(Open { kind: Kind::Mapping { key: key @ None, entries, .. }, .. }) => {
                        let role = match text.as_ref() {
                            "<<" if style == ScalarStyle::Plain => Role::Merge,
                            name if entries.contains_key(name) => Role::Duplicate,
                            _ => Role::Plain,
                        };
                        let name = text.into_owned();
                        if style == ScalarStyle::Plain {
                            self.loaded.secrets.extend(without_blank(&name, &span));
                        }
                        if anchor != 0 {
                            let value = Value::from(name.as_str());
                            let (bytes, depth) = extent(&value);
                            let place = Place { value: span.clone(), ..Place::default() };
                            self.anchors.insert(anchor, Anchor { value, place, bytes, depth });
                        }
                        *key = Some(Key { name, span, role });
                        self.report_duplicate();
                    }
                    _ => self.scalar(&text, style, span, anchor),
                }
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), &span);
                self.start(Kind::Sequence { values: Vec::new(), places: Vec::new() }, span, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), &span);
                let kind = Kind::Mapping { entries: Map::new(), places: HashMap::new(), key: None, merged: Vec::new() };
                self.start(kind, span, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end(&span);
                Ok(())
            }
        }
    }

    fn refuse_tag(&mut self, tagged: bool, span: &Span) {
        if tagged {
            let finding = Finding::new(Code::Syntax, span.clone(), "YAML tags are not supported");
            self.loaded.findings.push(finding.help("remove the `!tag`; put quotes around a value to make it a string"));
        }
    }

    fn report_duplicate(&mut self) {
        let Some(Open { kind: Kind::Mapping { key: Some(key), places, .. }, .. }) = self.open.last() else { return };
        if key.role == Role::Duplicate {
            let first = places.get(&key.name).and_then(|place| place.key.clone()).unwrap_or_default();
            let line = self.text[..first.start].matches('\n').count() + 1;
            let finding = Finding::new(Code::DuplicateKey, key.span.clone(), format!("the key `{}` appears twice", key.name));
            self.loaded.findings.push(finding.label(format!("first given on line {line}")).help("keep one of the two"));
        }
    }

    fn start(&mut self, kind: Kind, span: Span, anchor: usize) -> Result<(), Fatal> {
        if matches!(self.open.last(), Some(Open { kind: Kind::Mapping { key: None, .. }, .. })) {
            return Err(Box::new(Finding::new(Code::Syntax, span, "a key must be a single value, not a list or a mapping")));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Box::new(Finding::new(Code::Syntax, span, format!("the file nests deeper than {MAX_DEPTH} levels"))));
        }
        let span = without_properties(self.text, span);
        let secret = self.in_secret();
        self.open.push(Open { kind, start: span.start, end: span.end, anchor, secret });
        Ok(())
    }

    /// Whether the next value is secret: its key says so, or a key above.
    fn in_secret(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| open.secret || matches!(&open.kind, Kind::Mapping { key: Some(key), .. } if is_secret_key(&key.name)))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span, anchor: usize) {
        let secret = self.in_secret();
        let mut place = Place { value: span.clone(), private: secret, ..Place::default() };
        let filled = self.environment.map_or(Ok(None), |environment| fill(text, environment)).unwrap_or_else(|errors| {
            place.unknown = true;
            self.loaded.findings.extend(errors.into_iter().map(|error| unfilled(error, &span)));
            None
        });
        place.quoted_variable = style != ScalarStyle::Plain && filled.is_some();
        let from_environment = filled.as_ref().is_some_and(|filled| filled.private);
        place.private |= from_environment;
        if let Some(hidden) = without_blank(text, &span).filter(|_| style == ScalarStyle::Plain) {
            self.loaded.secrets.push(hidden);
            place.private = true;
        }
        if secret {
            // What stands for a secret shows a name, and the comment behind it may show the secret.
            let shown_to = if is_one_variable(text) { span.end } else { span.start };
            self.loaded.secrets.push(shown_to..span.end);
        }
        let text = filled.map_or_else(|| text.to_owned(), |filled| filled.text);
        let value = if style == ScalarStyle::Plain && !place.unknown {
            let value = match scalar::plain(&text) {
                // A variable that is empty, or says `null`: as null it would be as if the key were left out.
                Ok(Value::Null) if from_environment => Value::from(text.as_str()),
                Ok(value) => value,
                // A text that happens to look like a number, such as a container's name of hexadecimal digits with one `e`.
                Err(_) if place.private => Value::from(text.as_str()),
                Err(what) => {
                    place.unknown = true;
                    let finding = Finding::new(Code::WrongValue, span, format!("the value is {what}"));
                    self.loaded.findings.push(finding.help("put quotes around it if it is a text"));
                    Value::Null
                }
            };
            place.text = (!value.is_null() && value.as_str() != Some(text.as_str())).then_some(text);
            value
        } else {
            Value::String(text)
        };
        self.finish(value, place, anchor);
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Fatal> {
        if matches!(self.open.last(), Some(Open { kind: Kind::Mapping { key: None, .. }, .. })) {
            return Err(Box::new(Finding::new(Code::Syntax, span, "a key must be written out, not be an alias")));
        }
        let secret = self.in_secret();
        let Some(target) = self.anchors.get(&anchor) else {
            return Err(Box::new(Finding::new(Code::Syntax, span, "the alias stands inside what it stands for")));
        };
        self.expanded += target.bytes;
        if self.expanded > MAX_EXPANSION {
            let finding = Finding::new(Code::Syntax, span, "the aliases of this file stand for too much");
            return Err(Box::new(finding.help(format!("together they may stand for {} KiB", MAX_EXPANSION / 1024))));
        }
        if self.open.len() + target.depth > MAX_DEPTH {
            return Err(Box::new(Finding::new(Code::Syntax, span, format!("the file nests deeper than {MAX_DEPTH} levels"))));
        }
        if secret {
            self.loaded.secrets.extend([target.place.value.clone(), span.end..span.end]);
        }
        let place = Place { value: span, private: secret || target.place.private, ..target.place.clone() };
        let value = target.value.clone();
        self.finish(value, place, 0);
        Ok(())
    }

    fn end(&mut self, span: &Span) {
        let Some(open) = self.open.pop() else { return };
        let end = if span.is_empty() { open.end } else { span.end };
        let (value, inner) = match open.kind {
            Kind::Sequence { values, places } => (Value::Array(values), Inner::Sequence(places)),
            Kind::Mapping { mut entries, mut places, merged, .. } => {
                for (value, place) in merged {
                    self.merge(value, &place, &mut entries, &mut places);
                }
                (Value::Object(entries), Inner::Mapping(places))
            }
        };
        let place = Place { value: open.start..end.max(open.start), private: open.secret, inner, ..Place::default() };
        self.finish(value, place, open.anchor);
    }

    /// The entries of a mapping, or of each mapping in a list, join those that are written out; these win.
    fn merge(&mut self, value: Value, place: &Place, entries: &mut Map<String, Value>, places: &mut HashMap<String, Place>) {
        let mappings = match value {
            Value::Array(mappings) => mappings,
            other => vec![other],
        };
        for mapping in mappings {
            let Value::Object(mapping) = mapping else {
                let finding = Finding::new(Code::WrongValue, place.value.clone(), "`<<` takes a mapping or a list of mappings");
                self.loaded.findings.push(finding.help("put quotes around `<<` if it is an ordinary key"));
                return;
            };
            for (key, value) in mapping {
                if !entries.contains_key(&key) {
                    places.insert(key.clone(), Place { private: place.holds_private(), inner: Inner::Nothing, ..place.clone() });
                    entries.insert(key, value);
                }
            }
        }
    }

    /// Gives a finished value to the collection that it belongs to.
    fn finish(&mut self, value: Value, mut place: Place, anchor: usize) {
        if anchor != 0 {
            let (bytes, depth) = extent(&value);
            let private = place.holds_private();
            let place = Place { value: place.value.clone(), private, unknown: place.unknown, text: place.text.clone(), ..Place::default() };
            self.anchors.insert(anchor, Anchor { value: value.clone(), place, bytes, depth });
        }
        let Some(open) = self.open.last_mut() else {
            self.loaded.value = value;
            self.loaded.place = place;
            return;
        };
        open.end = open.end.max(place.value.end);
        match &mut open.kind {
            Kind::Sequence { values, places } => {
                values.push(value);
                places.push(place);
            }
            Kind::Mapping { entries, places, key, merged } => {
                let Some(key) = key.take() else { return };
                place.key = Some(key.span);
                match key.role {
                    Role::Plain => {
                        places.insert(key.name.clone(), place);
                        entries.insert(key.name, value);
                    }
                    Role::Merge => merged.push((value, place)),
                    Role::Duplicate => {}
                }
            }
        }
    }
}

/// The value in a plain text such as `password:x`, of which YAML makes no key and value without a blank.
fn without_blank(text: &str, span: &Span) -> Option<Span> {
    let shown = shown_part(text).len();
    (shown < text.len()).then(|| span.start + shown + 1..span.end)
}

/// Whether the text is one variable without a default: then it shows a name and no secret.
fn is_one_variable(text: &str) -> bool {
    text.strip_prefix("${")
        .and_then(|text| text.strip_suffix('}'))
        .is_some_and(|inner| !inner.contains(['}', '$']) && !inner.contains(":-"))
}

fn unfilled(error: FillError, span: &Span) -> Finding {
    match error {
        FillError::Unset { name, empty, message } => {
            let what = if empty { "set, but empty" } else { "not set" };
            let finding = Finding::new(Code::UnsetVariable, span.clone(), format!("the environment variable `{name}` is {what}"));
            let finding = match message {
                Some(message) => finding.label(message),
                None => finding,
            };
            finding.help(format!("set it, or give a default: `${{{name}:-default}}`"))
        }
        FillError::NotText { name } => {
            Finding::new(Code::WrongValue, span.clone(), format!("the environment variable `{name}` is not UTF-8 text"))
        }
        FillError::Form(form) => Finding::new(Code::WrongValue, span.clone(), format!("this variable cannot be filled in: {form}"))
            .help("a literal `${` is written `$${`"),
    }
}

/// Bytes and depth of a value, as aliases count them.
fn extent(value: &Value) -> (usize, usize) {
    match value {
        Value::String(text) => (VALUE_BYTES + text.len(), 0),
        Value::Array(items) => collection(items.iter().map(|item| (0, extent(item)))),
        Value::Object(entries) => collection(entries.iter().map(|(key, item)| (key.len(), extent(item)))),
        _ => (VALUE_BYTES, 0),
    }
}

fn collection(items: impl Iterator<Item = (usize, (usize, usize))>) -> (usize, usize) {
    items.fold((VALUE_BYTES, 1), |(bytes, depth), (key, (item_bytes, item_depth))| (bytes + key + item_bytes, depth.max(item_depth + 1)))
}
