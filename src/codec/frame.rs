//! What stands before a datum in a record's value and tells the writer's schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::{Fault, Outcome};
use crate::dataset::Reason;
use crate::digest::hexadecimal;

/// What stands before the payload in a record's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// Nothing: the value is the payload, written with the dataset schema.
    #[default]
    None,
    /// A zero byte and the schema's id in 4 bytes, as Confluent's serializers write.
    Confluent,
    /// A zero byte and the schema's id in 8 bytes, as Apicurio's serializers write with an id handler of 8 bytes.
    Apicurio,
    /// Avro's single-object encoding: the bytes C3 01 and the CRC-64-AVRO fingerprint of the writer's schema.
    SingleObject,
}

/// What a header says of the writer's schema: the registry's id, or the fingerprint.
pub type SchemaKey = u64;

/// Where the id begins behind Confluent's and Apicurio's first byte.
const MAGIC: [u8; 1] = [0];
/// What single-object encoding begins with.
const MARK: [u8; 2] = [0xc3, 0x01];

impl Framing {
    /// How many bytes stand before the payload.
    pub fn header_bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Confluent => MAGIC.len() + 4,
            Self::Apicurio => MAGIC.len() + 8,
            Self::SingleObject => MARK.len() + 8,
        }
    }

    /// Whether the header tells an id that a registry knows.
    pub fn needs_registry(self) -> bool {
        matches!(self, Self::Confluent | Self::Apicurio)
    }

    /// Where in the header the id or the fingerprint begins.
    pub(crate) fn key_at(self) -> usize {
        match self {
            Self::None => 0,
            Self::Confluent | Self::Apicurio => MAGIC.len(),
            Self::SingleObject => MARK.len(),
        }
    }

    /// The header for a schema; Confluent's takes the lowest 32 bits of an id.
    pub fn header(self, key: SchemaKey) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Confluent => [MAGIC.as_slice(), &key.to_be_bytes()[4..]].concat(),
            Self::Apicurio => [MAGIC.as_slice(), &key.to_be_bytes()].concat(),
            Self::SingleObject => [MARK.as_slice(), &key.to_le_bytes()].concat(),
        }
    }

    /// What the header of a value says; the payload begins behind [`Framing::header_bytes`]. 0 without a header.
    #[inline]
    pub(crate) fn key(self, value: &[u8]) -> Outcome<SchemaKey> {
        match (self, value) {
            (Self::None, _) => Ok(0),
            (Self::Confluent, [0, id @ ..])
                if let Some(id) = id.first_chunk::<4>()
                    && id[0] < 0x80 =>
            {
                Ok(u32::from_be_bytes(*id).into())
            }
            (Self::Apicurio, [0, id @ ..])
                if let Some(id) = id.first_chunk::<8>()
                    && id[0] < 0x80 =>
            {
                Ok(u64::from_be_bytes(*id))
            }
            (Self::SingleObject, [0xc3, 0x01, key @ ..]) if let Some(key) = key.first_chunk::<8>() => Ok(u64::from_le_bytes(*key)),
            _ => Err(self.broken(value)),
        }
    }

    #[cold]
    fn broken(self, value: &[u8]) -> Box<Fault> {
        let mark: &[u8] = if self == Self::SingleObject { &MARK } else { &MAGIC };
        match mark.iter().zip(value).position(|(ours, theirs)| ours != theirs) {
            Some(at) => {
                let message = format!("a header of {} begins with {}, found byte {:02x}", self.name(), hexadecimal(mark), value[at]);
                Fault::new(Reason::Malformed, at, message)
            }
            // A registry's ids are Java's integers; some answer such a one as they answer a wrong address.
            None if self.needs_registry() && value.len() >= self.header_bytes() => {
                let message = format!("no schema has the id {}: it is negative", hexadecimal(&value[self.key_at()..self.header_bytes()]));
                Fault::new(Reason::UnknownSchema, self.key_at(), message)
            }
            None => {
                let message = format!("a header of {} bytes; bytes left: {}", self.header_bytes(), value.len());
                Fault::new(Reason::Truncated, 0, message)
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Confluent => "Confluent's framing",
            Self::Apicurio => "Apicurio's framing",
            Self::SingleObject => "single-object encoding",
        }
    }
}
