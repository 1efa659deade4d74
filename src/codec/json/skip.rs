//! Goes by the values that nobody asked for.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::fault::{Anchor, Context};
use crate::dataset::{MAX_DEPTH, Reason};

/// Goes by a value that nobody asked for, without looking at it beyond its being JSON.
pub(super) struct Skip<'a>(pub(super) &'a mut Context);

impl<'de> DeserializeSeed<'de> for Skip<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        descend(self.0)?;
        while seq.next_element_seed(Skip(self.0))?.is_some() {}
        self.0.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        descend(self.0)?;
        while map.next_key_seed(Skip(self.0))?.is_some() {
            map.next_value_seed(Skip(self.0))?;
        }
        self.0.depth -= 1;
        Ok(())
    }
}

/// Goes one array or object deeper.
pub(super) fn descend<E: Error>(context: &mut Context) -> Result<(), E> {
    context.depth += 1;
    if context.depth > MAX_DEPTH {
        return Err(context.refuse(Reason::TooDeep, format!("nested more than {MAX_DEPTH} deep"), Anchor::Open));
    }
    Ok(())
}
