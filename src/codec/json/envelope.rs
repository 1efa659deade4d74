//! The envelope of Adobe's streaming ingestion around an event: `{"header": {...}, "body": {"xdmMeta": {...}, "xdmEntity": {...}}}`.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fault::{Anchor, Context};
use super::skip::{Skip, descend};
use super::visit::{Event, Members, scalar_visits, unsigned, word};
use crate::codec::scalar::Found;
use crate::dataset::Reason;

/// Reads the entity out of an envelope. What the header says of schemas and datasets is not looked at: the dataset schema says what events
/// are.
pub(super) struct Envelope<'a>(pub(super) Event<'a>);

/// Whether a text is an envelope, and no entity: it has a `body` with an `xdmEntity`.
pub(super) fn is_envelope(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Outer {
        #[serde(rename = "body")]
        _body: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        #[serde(rename = "xdmEntity")]
        _entity: IgnoredAny,
    }
    // Most rows of a file are none, and are not read twice.
    text.contains("\"xdmEntity\"") && serde_json::from_str::<Outer>(text).is_ok()
}

/// A member of the envelope may be there once.
fn once<E: Error>(seen: &mut bool, name: &str, context: &mut Context) -> Result<(), E> {
    if std::mem::replace(seen, true) {
        let error = context.refuse(Reason::DuplicateKey, "the member is there twice", Anchor::Text);
        context.within(name);
        return Err(error);
    }
    Ok(())
}

/// The envelope lacks what it must have.
#[cold]
fn incomplete<E: Error>(context: &mut Context, reason: Reason) -> E {
    let (path, message) = match reason {
        Reason::MissingSourceName => (["name", "source", "header"].as_slice(), "Payload header is missing Source Name"),
        _ => (["xdmEntity", "body"].as_slice(), "Payload body is missing xdmEntity"),
    };
    let error = context.refuse(reason, message, Anchor::Close);
    path.iter().for_each(|name| context.within(name));
    error
}

impl Envelope<'_> {
    fn scalar<E: Error>(self, found: Found<'_>, anchor: Anchor) -> Result<(), E> {
        let message = format!("expected an envelope, an object with `header` and `body`, found {found}");
        Err(self.0.context.refuse(Reason::WrongType, message, anchor))
    }
}

impl<'de> DeserializeSeed<'de> for Envelope<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an envelope")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.scalar(Found::Null, Anchor::Word(4))
    }

    scalar_visits!();

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.scalar(Found::Array, Anchor::Open)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Event { object, columns, context } = self.0;
        descend(context)?;
        let (mut has_header, mut has_body) = (false, false);
        while let Some(part) = map.next_key_seed(Part(&["header", "body"]))? {
            match part {
                Some("header") => {
                    once(&mut has_header, "header", context)?;
                    let mut has_name = false;
                    map.next_value_seed(Source { path: &["source", "name"], has_name: &mut has_name, context })?;
                    if !has_name {
                        return Err(incomplete(context, Reason::MissingSourceName));
                    }
                }
                Some(_) => {
                    once(&mut has_body, "body", context)?;
                    let mut has_entity = false;
                    let event = Event { object, columns, context };
                    map.next_value_seed(Body { event, has_entity: &mut has_entity })?;
                    if !has_entity {
                        return Err(incomplete(context, Reason::MissingXdmEntity));
                    }
                }
                None => map.next_value_seed(Skip(context))?,
            }
        }
        match (has_header, has_body) {
            (false, _) => return Err(incomplete(context, Reason::MissingSourceName)),
            (_, false) => return Err(incomplete(context, Reason::MissingXdmEntity)),
            _ => {}
        }
        context.depth -= 1;
        Ok(())
    }
}

/// The header, or what is at the beginning of the path in it: looks for a text that is not empty at the end of the path.
struct Source<'a> {
    path: &'static [&'static str],
    has_name: &'a mut bool,
    context: &'a mut Context,
}

impl Source<'_> {
    fn scalar<E: Error>(self, found: Found<'_>, _: Anchor) -> Result<(), E> {
        *self.has_name |= self.path.is_empty() && matches!(found, Found::Text(text) if !text.trim().is_empty());
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Source<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Source<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a header")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    scalar_visits!();

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        Skip(self.context).visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((first, path)) = self.path.split_first() else { return Skip(self.context).visit_map(map) };
        descend(self.context)?;
        while let Some(part) = map.next_key_seed(Part(std::slice::from_ref(first)))? {
            match part {
                Some(_) => map.next_value_seed(Source { path, has_name: self.has_name, context: self.context })?,
                None => map.next_value_seed(Skip(self.context))?,
            }
        }
        self.context.depth -= 1;
        Ok(())
    }
}

/// The body: looks for the entity, which it reads.
struct Body<'a> {
    event: Event<'a>,
    has_entity: &'a mut bool,
}

impl Body<'_> {
    fn scalar<E: Error>(self, _: Found<'_>, _: Anchor) -> Result<(), E> {
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a body")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    scalar_visits!();

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        Skip(self.event.context).visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Event { object, columns, context } = self.event;
        descend(context)?;
        while let Some(part) = map.next_key_seed(Part(&["xdmEntity"]))? {
            if part.is_some() {
                once(self.has_entity, "xdmEntity", context)?;
                map.next_value_seed(Members { event: Event { object, columns, context }, null: None })?;
            } else {
                map.next_value_seed(Skip(context))?;
            }
        }
        context.depth -= 1;
        Ok(())
    }
}

/// The name of one of these members; none for any other.
struct Part(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Part {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Part {
    type Value = Option<&'static str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|part| **part == name).copied())
    }
}
