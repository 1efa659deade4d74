//! Values with units, as people write them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

/// A length of time with its unit: `100ms`, `5s`, `2m`, `1h`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanDuration(Duration);

/// Milliseconds of each unit, the largest first.
const DURATION_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A number of bytes with its unit: `512B`, `512KB` (of 1000), `16MiB` (of 1024).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// Bytes of each unit; sizes are written with the first that keeps them whole.
const SIZE_UNITS: [(&str, u64); 7] =
    [("GB", 1_000_000_000), ("GiB", 1 << 30), ("MB", 1_000_000), ("MiB", 1 << 20), ("KB", 1_000), ("KiB", 1 << 10), ("B", 1)];

impl HumanDuration {
    /// A whole number of milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// The length of time.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl ByteSize {
    /// A number of bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// The number in front of one of the units, in the smallest unit.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (_, factor) = units.iter().find(|(unit, _)| *unit == text[digits.len()..].trim_start_matches(' '))?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

/// The number with the largest unit that keeps it whole.
fn write(f: &mut fmt::Formatter<'_>, number: u64, units: &[(&str, u64)]) -> fmt::Result {
    let whole = units.iter().find(|(_, factor)| number != 0 && number.is_multiple_of(*factor)).or(units.last());
    match whole {
        Some((unit, factor)) => write!(f, "{}{unit}", number / factor),
        None => write!(f, "{number}"),
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX), &DURATION_UNITS)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, &SIZE_UNITS)
    }
}

impl FromStr for HumanDuration {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, &DURATION_UNITS).map(Self::from_millis).ok_or("a duration is a whole number with a unit: `ms`, `s`, `m` or `h`")
    }
}

impl FromStr for ByteSize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, &SIZE_UNITS).map(Self).ok_or("a size is a whole number with a unit: `B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`")
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "a duration with its unit (`ms`, `s`, `m` or `h`)",
            "pattern": "^[0-9]{1,9} ?(ms|s|m|h)$",
            "examples": ["100ms", "5s", "2m"],
        })
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "a size with its unit (`B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`)",
            "pattern": "^[0-9]{1,9} ?(B|KB|MB|GB|KiB|MiB|GiB)$",
            "examples": ["512KB", "16MiB"],
        })
    }
}

/// `Debug`, `Serialize` and `Deserialize` by way of the text.
macro_rules! as_text {
    ($type:ty) => {
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

as_text!(HumanDuration);
as_text!(ByteSize);

#[cfg(test)]
mod tests {
    use super::{ByteSize, HumanDuration};
    use std::time::Duration;

    #[test]
    fn units_are_read_and_written() {
        for (text, millis, written) in
            [("100ms", 100, "100ms"), ("5s", 5_000, "5s"), ("90 s", 90_000, "90s"), ("120m", 7_200_000, "2h"), ("0s", 0, "0ms")]
        {
            let duration = text.parse::<HumanDuration>();
            assert_eq!(duration, Ok(HumanDuration::from_millis(millis)), "{text}");
            assert_eq!(duration.map(HumanDuration::get), Ok(Duration::from_millis(millis)));
            assert_eq!(HumanDuration::from_millis(millis).to_string(), written);
        }
        for (text, bytes, written) in [("16MiB", 16 << 20, "16MiB"), ("512KB", 512_000, "512KB"), ("0B", 0, "0B"), ("1024 B", 1024, "1KiB")]
        {
            assert_eq!(text.parse::<ByteSize>().map(ByteSize::bytes), Ok(bytes), "{text}");
            assert_eq!(ByteSize::from_bytes(bytes).to_string(), written);
        }
    }

    #[test]
    fn numbers_without_a_unit_are_refused() {
        for text in ["", "5", "ms", "-5s", "1.5s", "5 seconds", "5é", "99999999999999999999s", "18446744073709551615h"] {
            assert!(text.parse::<HumanDuration>().is_err(), "{text}");
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
