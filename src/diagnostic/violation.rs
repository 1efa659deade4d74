//! What a JSON Schema validator finds, in the words of a person.

use super::{Document, validate::quoted};
use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

/// One violation; `at` is the pointer from the validated value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Violation {
    /// The mapping at `at` has a key that is not allowed.
    UnknownKey { at: String, key: String, allowed: Vec<String> },
    /// The mapping at `at` lacks a key; `values` are those allowed for it, if they are few.
    MissingKey { at: String, key: String, values: Vec<String>, help: Vec<String> },
    /// The value at `at` is not what it must be.
    WrongValue { at: String, precision: Precision, must: String, allowed: Vec<String>, example: Option<String> },
    /// A rule that has no better words.
    Other { at: String, message: String },
}

/// How much a violation says about what was meant: of several at one place, the most precise is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precision {
    /// It has another type.
    Type,
    /// It has the right type, but not the right form.
    Form,
    /// It is not one of a few values.
    Choice,
}

impl Violation {
    fn at(&self) -> &str {
        match self {
            Self::UnknownKey { at, .. } | Self::MissingKey { at, .. } | Self::WrongValue { at, .. } | Self::Other { at, .. } => at,
        }
    }

    fn precision_at(&self, place: &str) -> Option<Precision> {
        match self {
            Self::WrongValue { at, precision, .. } if at == place => Some(*precision),
            Self::Other { at, .. } if at == place => Some(Precision::Form),
            _ => None,
        }
    }
}

/// Puts what a validator finds into words, with the schema's titles, examples and descriptions.
pub(super) struct Wording<'a> {
    pub(super) document: &'a Document,
    pub(super) base: &'a str,
    pub(super) schema: &'a Value,
}

impl Wording<'_> {
    /// The violations behind the errors: one for each place that is wrong, in the order of the errors.
    pub(super) fn violations<'e>(&self, errors: impl Iterator<Item = &'e ValidationError<'e>>) -> Vec<Violation> {
        let mut kept: Vec<Violation> = Vec::new();
        for violation in errors.flat_map(|error| self.violation(error)) {
            let Violation::WrongValue { at, precision, .. } = &violation else {
                if !kept.contains(&violation) {
                    kept.push(violation);
                }
                continue;
            };
            if self.document.is_unknown(&format!("{}{at}", self.base)) {
                continue;
            }
            match kept.iter_mut().find(|kept| matches!(kept, Violation::WrongValue { at: other, .. } if other == at)) {
                Some(other) if other.precision_at(at) < Some(*precision) => *other = violation,
                Some(_) => {}
                None => kept.push(violation),
            }
        }
        kept
    }

    fn violation(&self, error: &ValidationError<'_>) -> Vec<Violation> {
        let at = error.instance_path().as_str().to_owned();
        let schema = self.schema_of(error);
        let wrong = |precision, must: String, allowed| {
            vec![Violation::WrongValue { at: at.clone(), precision, must, allowed, example: examples(schema) }]
        };
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let allowed: Vec<String> = property_names(schema);
                unexpected.iter().map(|key| Violation::UnknownKey { at: at.clone(), key: key.clone(), allowed: allowed.clone() }).collect()
            }
            // Of a mapping that takes no key at all.
            ValidationErrorKind::FalseSchema => {
                let mapping = self.document.value().pointer(&format!("{}{at}", self.base)).and_then(Value::as_object);
                let keys = mapping.into_iter().flatten().map(|(key, _)| key.clone());
                keys.map(|key| Violation::UnknownKey { at: at.clone(), key, allowed: Vec::new() }).collect()
            }
            ValidationErrorKind::Required { property } => {
                let key = property.as_str().unwrap_or_default().to_owned();
                let property = schema.get("properties").and_then(|properties| properties.get(&key)).unwrap_or(&Value::Null);
                vec![Violation::MissingKey { at, help: self.help(property, &key), values: choices(self.resolve(property)), key }]
            }
            ValidationErrorKind::Type { kind } => wrong(Precision::Type, named(schema).unwrap_or_else(|| type_names(kind)), Vec::new()),
            ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. } => {
                let allowed = choices(schema);
                wrong(Precision::Choice, one_of(&allowed), allowed)
            }
            ValidationErrorKind::Pattern { pattern } => {
                let must = named(schema).unwrap_or_else(|| format!("a string of the form `{pattern}`"));
                wrong(Precision::Form, must, Vec::new())
            }
            ValidationErrorKind::Minimum { .. }
            | ValidationErrorKind::Maximum { .. }
            | ValidationErrorKind::ExclusiveMinimum { .. }
            | ValidationErrorKind::ExclusiveMaximum { .. } => wrong(Precision::Form, number_range(schema), Vec::new()),
            ValidationErrorKind::MinLength { .. } | ValidationErrorKind::MaxLength { .. } => {
                wrong(Precision::Form, length_range(schema, "a string", "minLength", "maxLength", "character"), Vec::new())
            }
            ValidationErrorKind::MinItems { .. } | ValidationErrorKind::MaxItems { .. } | ValidationErrorKind::AdditionalItems { .. } => {
                wrong(Precision::Form, length_range(schema, "a list", "minItems", "maxItems", "item"), Vec::new())
            }
            ValidationErrorKind::MinProperties { .. } | ValidationErrorKind::MaxProperties { .. } => {
                wrong(Precision::Form, length_range(schema, "a mapping", "minProperties", "maxProperties", "key"), Vec::new())
            }
            ValidationErrorKind::UniqueItems => wrong(Precision::Form, "a list without repetitions".to_owned(), Vec::new()),
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                let branches: Vec<_> = context.iter().map(|errors| self.violations(errors.iter())).collect();
                closest(&at, branches)
            }
            _ => vec![Violation::Other { at, message: error.masked_with("the value").to_string() }],
        }
    }

    /// The schema that holds the keyword of the error.
    fn schema_of(&self, error: &ValidationError<'_>) -> &Value {
        let keyword = error.schema_path().as_str();
        let holder = keyword.rsplit_once('/').map_or("", |(holder, _)| holder);
        self.schema.pointer(holder).unwrap_or(&Value::Null)
    }

    /// A property's schema behind a reference.
    fn resolve<'s>(&'s self, property: &'s Value) -> &'s Value {
        let reference = property.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
        reference.and_then(|pointer| self.schema.pointer(pointer)).unwrap_or(property)
    }

    /// What the property is: its description's first sentence, its allowed values, an example.
    fn help(&self, property: &Value, key: &str) -> Vec<String> {
        let resolved = self.resolve(property);
        let description = property.get("description").or(resolved.get("description")).and_then(Value::as_str);
        let sentence = description.and_then(|text| text.split("\n\n").next()).map(|text| {
            let sentence = text.split(". ").next().unwrap_or(text).trim_end_matches('.').replace('\n', " ");
            format!("`{key}`: {sentence}")
        });
        let values = choices(resolved);
        let values = (!values.is_empty()).then(|| format!("allowed values: {}", quoted(&values)));
        let example = examples(property).or_else(|| examples(resolved)).map(|example| format!("for example {example}"));
        sentence.into_iter().chain(values).chain(example).collect()
    }
}

/// Of the ways in which a value misses each alternative, the one that says best what was meant.
fn closest(at: &str, branches: Vec<Vec<Violation>>) -> Vec<Violation> {
    let misses_whole = |branch: &[Violation]| branch.iter().filter_map(|violation| violation.precision_at(at)).max();
    let (whole, inside): (Vec<_>, Vec<_>) = branches.into_iter().partition(|branch| misses_whole(branch).is_some());
    if inside.is_empty() {
        let precision = whole.iter().filter_map(|branch| misses_whole(branch)).max();
        let nearest = whole.into_iter().filter(|branch| misses_whole(branch) == precision);
        return any_of(nearest.flatten().filter(|violation| violation.at() == at).collect());
    }
    if let Some(common) = wrong_tag(&inside) {
        return vec![common];
    }
    let fewest = inside.iter().map(|branch| distance(at, branch)).min();
    let mut nearest = inside.into_iter().filter(|branch| Some(distance(at, branch)) == fewest);
    let mut best = nearest.next().unwrap_or_default();
    for other in nearest {
        join_keys(&mut best, &other);
    }
    best
}

/// A choice that every alternative fails at the same place, or a key that each lacks and would have its own value for: the tag.
fn wrong_tag(branches: &[Vec<Violation>]) -> Option<Violation> {
    let (first, others) = branches.split_first()?;
    first.iter().find_map(|violation| {
        let mut tags = vec![violation.clone()];
        for branch in others {
            let same = branch.iter().find(|other| match (violation, other) {
                (Violation::WrongValue { at, precision: Precision::Choice, .. }, other) => {
                    other.precision_at(at) == Some(Precision::Choice)
                }
                (Violation::MissingKey { at, key, values, .. }, Violation::MissingKey { at: there, key: same, values: theirs, .. }) => {
                    at == there && key == same && !values.is_empty() && !theirs.is_empty()
                }
                _ => false,
            })?;
            tags.push(same.clone());
        }
        match violation {
            Violation::WrongValue { precision: Precision::Choice, .. } => any_of(tags).pop(),
            Violation::MissingKey { at, key, values, .. } if !values.is_empty() => {
                let mut all = Vec::new();
                for tag in &tags {
                    if let Violation::MissingKey { values, .. } = tag {
                        push_new(&mut all, values);
                    }
                }
                let help = vec![format!("allowed values: {}", quoted(&all))];
                Some(Violation::MissingKey { at: at.clone(), key: key.clone(), values: all, help })
            }
            _ => None,
        }
    })
}

/// How far a value is from an alternative: a wrong choice first, because a tag tells which alternative was meant; then the value's own
/// keys, which tell it however much is wrong below them.
fn distance(at: &str, branch: &[Violation]) -> (usize, usize, usize) {
    let count = |counts: &dyn Fn(&Violation) -> bool| branch.iter().filter(|violation| counts(violation)).count();
    let choices = count(&|violation| matches!(violation, Violation::WrongValue { precision: Precision::Choice, .. }));
    let is_key = |violation: &Violation| matches!(violation, Violation::UnknownKey { .. } | Violation::MissingKey { .. });
    (choices, count(&|violation| is_key(violation) && violation.at() == at), branch.len())
}

/// The violations at one place, of which none need be: one that allows what any of them allows.
fn any_of(violations: Vec<Violation>) -> Vec<Violation> {
    let (mut musts, mut all, mut first_example) = (Vec::new(), Vec::new(), None);
    let mut joined = None;
    for violation in &violations {
        if let Violation::WrongValue { at, precision, must, allowed, example } = violation {
            joined.get_or_insert((at.clone(), *precision));
            push_new(&mut musts, std::slice::from_ref(must));
            push_new(&mut all, allowed);
            first_example = first_example.or_else(|| example.clone());
        }
    }
    let Some((at, precision)) = joined else { return violations.into_iter().take(1).collect() };
    if musts.len() > 1 {
        musts.retain(|must| must != NOTHING);
    }
    let must = if precision == Precision::Choice { one_of(&all) } else { alternatives(&musts) };
    vec![Violation::WrongValue { at, precision, must, allowed: all, example: first_example }]
}

fn push_new(names: &mut Vec<String>, more: &[String]) {
    for name in more {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
}

/// Adds the keys that an equally near alternative allows, and drops the missing keys that it does not ask for.
fn join_keys(best: &mut [Violation], other: &[Violation]) {
    let lacks = |branch: &[Violation], place: &str, name: &str| {
        branch.iter().any(|violation| matches!(violation, Violation::MissingKey { at, key, .. } if at == place && key == name))
    };
    let mut alternatives: Vec<(String, String)> = Vec::new();
    for violation in other {
        match violation {
            Violation::UnknownKey { at, key, allowed } => {
                let same = best.iter_mut().find_map(|ours| match ours {
                    Violation::UnknownKey { at: place, key: name, allowed } if place == at && name == key => Some(allowed),
                    _ => None,
                });
                if let Some(ours) = same {
                    push_new(ours, allowed);
                }
            }
            Violation::MissingKey { at, key, .. } if !lacks(best, at, key) => alternatives.push((at.clone(), key.clone())),
            _ => {}
        }
    }
    for violation in best.iter_mut() {
        if let Violation::MissingKey { at, key, help, .. } = violation
            && !lacks(other, at, key)
        {
            for (_, alternative) in alternatives.iter().filter(|(place, _)| place == at) {
                help.push(format!("or `{alternative}` instead"));
            }
        }
    }
}

/// The schema's own name for its values: its title, when it has examples of them.
fn named(schema: &Value) -> Option<String> {
    schema.get("examples")?;
    schema.get("title").and_then(Value::as_str).map(str::to_owned)
}

/// "`100ms` or `5s`"
fn examples(schema: &Value) -> Option<String> {
    let examples: Vec<String> = schema.get("examples")?.as_array()?.iter().map(|example| format!("`{}`", plain(example))).collect();
    (!examples.is_empty()).then(|| alternatives(&examples))
}

/// The few values that a schema allows.
fn choices(schema: &Value) -> Vec<String> {
    let constant = schema.get("const").map(std::slice::from_ref);
    let listed = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice);
    if let Some(values) = constant.or(listed) {
        return values.iter().filter(|value| !value.is_null()).map(plain).collect();
    }
    let branches = schema.get("oneOf").or(schema.get("anyOf")).and_then(Value::as_array);
    let values: Vec<_> = branches.into_iter().flatten().map(choices).collect();
    if values.iter().any(Vec::is_empty) { Vec::new() } else { values.concat() }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn property_names(schema: &Value) -> Vec<String> {
    schema.get("properties").and_then(Value::as_object).map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

fn one_of(allowed: &[String]) -> String {
    alternatives(&allowed.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>())
}

/// "a, b or c"
fn alternatives(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

/// What messages call null. That a value may be left out goes without saying.
const NOTHING: &str = "nothing";

fn type_names(kind: &TypeKind) -> String {
    let types: Vec<_> = match kind {
        TypeKind::Single(single) => vec![single.to_string()],
        TypeKind::Multiple(several) => several.iter().map(|one| one.to_string()).collect(),
    };
    let any_number = types.iter().any(|name| name == "number");
    let named = types.iter().filter(|name| types.len() == 1 || !(*name == "null" || *name == "integer" && any_number));
    let named = named.map(|name| match name.as_str() {
        "null" => NOTHING,
        "boolean" => "true or false",
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a string",
        "array" => "a list",
        _ => "a mapping",
    });
    alternatives(&named.map(str::to_owned).collect::<Vec<_>>())
}

fn number_range(schema: &Value) -> String {
    let limit = |keyword: &str| schema.get(keyword).filter(|limit| limit.is_number());
    let least = limit("minimum").map(|limit| format!("at least {limit}"));
    let most = limit("maximum").map(|limit| format!("at most {limit}"));
    let above = limit("exclusiveMinimum").map(|limit| format!("more than {limit}"));
    let below = limit("exclusiveMaximum").map(|limit| format!("less than {limit}"));
    if let (Some(minimum), Some(maximum)) = (limit("minimum"), limit("maximum")) {
        return format!("from {minimum} to {maximum}");
    }
    [least, above, most, below].into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

fn length_range(schema: &Value, what: &str, least: &str, most: &str, unit: &str) -> String {
    let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
    let count = |limit: u64| format!("{limit} {unit}{}", if limit == 1 { "" } else { "s" });
    match (limit(least), limit(most)) {
        (Some(1), None) => format!("{what} that is not empty"),
        (Some(least), Some(most)) if least == most => format!("{what} of {}", count(most)),
        (Some(least), Some(most)) => format!("{what} of {least} to {}", count(most)),
        (Some(least), None) => format!("{what} of at least {}", count(least)),
        (None, Some(most)) => format!("{what} of at most {}", count(most)),
        (None, None) => what.to_owned(),
    }
}
