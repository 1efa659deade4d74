//! Values of text formats, JSON and CSV, as values of a column's type.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_schema::TimeUnit;

use super::column::Column;
use super::text::{self, DecimalText};
use super::time;
use crate::dataset::{AvroEnum, AvroType, Reason};

/// Why a value is not one of the column's, and a sentence that says so.
pub(crate) type Misfit = (Reason, Cow<'static, str>);

/// The longest part of a value that a message shows.
const SHOWN: usize = 40;

/// What stands in JSON where a value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'v> {
    Null,
    Bool(bool),
    Integer(i64),
    /// An integer that may be beyond 63 bits.
    Unsigned(u64),
    /// A number with a fraction or an exponent, or an integer beyond 64 bits.
    Float(f64),
    Text(&'v str),
    Array,
    Object,
}

/// How messages tell it.
impl std::fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            // A double may have hundreds of digits, of which 17 say which it is.
            Self::Float(value) if *value != 0.0 && !(1e-17..1e17).contains(&value.abs()) => write!(f, "{value:e}"),
            Self::Float(value) => value.fmt(f),
            Self::Text(_) => f.write_str("a string"),
            Self::Array => f.write_str("an array"),
            Self::Object => f.write_str("an object"),
        }
    }
}

/// A type of single values.
#[derive(Clone, Debug)]
pub(crate) enum Scalar {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    String,
    Enum(Arc<AvroEnum>),
    Bytes,
    Fixed(usize),
    Date,
    TimeMillis,
    TimeMicros,
    Timestamp {
        unit: TimeUnit,
        utc: bool,
    },
    Decimal {
        precision: u8,
        scale: i8,
    },
    /// A decimal as Avro's JSON has it: text with a character for each byte, as many as a fixed has.
    DecimalBytes {
        precision: u8,
        size: Option<usize>,
    },
    Uuid,
    /// A UUID as Avro's JSON has it: text with a character for each byte.
    UuidBytes,
    UnsignedInt,
}

impl Scalar {
    /// The scalar of a type without its null; none when it is an array, a map, a record or a union.
    pub(crate) fn of(kind: &AvroType) -> Option<Self> {
        Some(match kind {
            AvroType::Null => Self::Null,
            AvroType::Boolean => Self::Boolean,
            AvroType::Int => Self::Int,
            AvroType::Long => Self::Long,
            AvroType::Float => Self::Float,
            AvroType::Double => Self::Double,
            AvroType::String => Self::String,
            AvroType::UuidFixed(_) => Self::Uuid,
            AvroType::Enum(symbols) => Self::Enum(symbols.clone()),
            AvroType::Bytes => Self::Bytes,
            AvroType::Fixed(fixed) => Self::Fixed(fixed.size),
            AvroType::Date => Self::Date,
            AvroType::TimeMillis => Self::TimeMillis,
            AvroType::TimeMicros => Self::TimeMicros,
            AvroType::Timestamp { unit, utc } => Self::Timestamp { unit: *unit, utc: *utc },
            AvroType::Decimal { precision, scale, .. } => Self::Decimal { precision: *precision, scale: *scale },
            AvroType::UnsignedInt => Self::UnsignedInt,
            AvroType::Array(_) | AvroType::Map(_) | AvroType::Union(_) | AvroType::Record(_) => return None,
        })
    }

    /// What a value of it looks like, for messages.
    fn expected(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Int => "an integer of 32 bits",
            Self::Long => "an integer of 64 bits",
            Self::UnsignedInt => "an integer of 32 bits without sign",
            Self::Float | Self::Double => "a number",
            Self::String => "a string",
            Self::Enum(_) => "a symbol of the enum",
            Self::DecimalBytes { size: None, .. } | Self::Bytes => "a string of bytes, each a character up to U+00FF",
            Self::UuidBytes => "a string of 16 bytes, each a character up to U+00FF",
            Self::Fixed(size) | Self::DecimalBytes { size: Some(size), .. } => {
                return Cow::Owned(format!("a string of {size} bytes, each a character up to U+00FF"));
            }
            Self::Uuid => "a UUID such as 550e8400-e29b-41d4-a716-446655440000",
            Self::Date => "a date such as 2024-02-29, or days since 1970",
            Self::TimeMillis => "a time such as 17:04:05.250, or milliseconds since midnight",
            Self::TimeMicros => "a time such as 17:04:05.250, or microseconds since midnight",
            Self::Timestamp { unit, utc: true } => {
                return Cow::Owned(format!("an instant such as 2024-02-29T17:04:05Z, or {} since 1970", unit_name(*unit)));
            }
            Self::Timestamp { unit, utc: false } => {
                return Cow::Owned(format!("a time without zone such as 2024-02-29T17:04:05, or {} since 1970", unit_name(*unit)));
            }
            Self::Decimal { precision, scale } => {
                return Cow::Owned(format!("a decimal of at most {precision} digits, {scale} of them behind the point"));
            }
        })
    }

    #[cold]
    pub(crate) fn misfit(&self, found: impl std::fmt::Display) -> Misfit {
        (Reason::WrongType, format!("expected {}, found {found}", self.expected()).into())
    }

    #[cold]
    fn out_of_range(&self, found: impl std::fmt::Display) -> Misfit {
        (Reason::OutOfRange, format!("expected {}, found {found}, which does not fit", self.expected()).into())
    }

    /// Whether a value is a text that is no symbol of the enum, so that its default stands for it, if it has one.
    pub(crate) fn is_unknown_symbol(&self, found: Found<'_>) -> bool {
        matches!((self, found), (Self::Enum(symbols), Found::Text(text)) if !symbols.symbols.iter().any(|symbol| symbol == text))
    }

    /// A value of JSON.
    #[inline]
    pub(crate) fn push(&self, found: Found<'_>, column: &mut Column) -> Result<(), Misfit> {
        match found {
            Found::Bool(value) => self.push_bool(value, column),
            Found::Integer(value) => self.push_integer(value, column),
            Found::Unsigned(value) => self.push_unsigned(value, column),
            Found::Float(value) => self.push_float(value, column),
            Found::Text(value) => self.push_string(value, column),
            Found::Null | Found::Array | Found::Object => Err(self.misfit(found)),
        }
    }

    fn push_bool(&self, value: bool, column: &mut Column) -> Result<(), Misfit> {
        match self {
            Self::Boolean => column.push_bool(value),
            _ => return Err(self.misfit(value)),
        }
        Ok(())
    }

    pub(crate) fn push_integer(&self, value: i64, column: &mut Column) -> Result<(), Misfit> {
        let narrow = || i32::try_from(value).map_err(|_| self.out_of_range(value));
        match self {
            Self::Int | Self::Date => column.push_i32(narrow()?),
            Self::TimeMillis => column.push_i32(narrow()?),
            Self::Long | Self::TimeMicros | Self::Timestamp { .. } => column.push_i64(value),
            Self::UnsignedInt => column.push_i64(u32::try_from(value).map_err(|_| self.out_of_range(value))?.into()),
            #[expect(clippy::cast_precision_loss, reason = "the nearest float is what a number stands for")]
            Self::Float => column.push_f32(value as f32),
            #[expect(clippy::cast_precision_loss, reason = "the nearest double is what a number stands for")]
            Self::Double => column.push_f64(value as f64),
            Self::Decimal { .. } => return self.push_decimal(&value.to_string(), column),
            _ => return Err(self.misfit(value)),
        }
        Ok(())
    }

    /// An integer that may be beyond 63 bits.
    pub(crate) fn push_unsigned(&self, value: u64, column: &mut Column) -> Result<(), Misfit> {
        match (i64::try_from(value), self) {
            (Ok(value), _) => self.push_integer(value, column),
            (Err(_), Self::Decimal { .. }) => self.push_decimal(&value.to_string(), column),
            #[expect(clippy::cast_precision_loss, reason = "the nearest double is what a number stands for")]
            (Err(_), _) => self.push_float(value as f64, column),
        }
    }

    /// Pushes a float into a column of floats that has room for it; whether it did.
    #[inline]
    pub(crate) fn keeps_float(&self, value: f64, column: &mut Column) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "the nearest float is what a number stands for")]
        let narrow = value as f32;
        match self {
            Self::Double => column.push_f64(value),
            Self::Float if !narrow.is_infinite() => column.push_f32(narrow),
            _ => return false,
        }
        true
    }

    /// Pushes all of these numbers; whether it did, else some may be there.
    pub(crate) fn push_floats(&self, values: &[f64], column: &mut Column) -> bool {
        match self {
            Self::Double => {
                column.extend_f64(values.iter().copied());
                true
            }
            #[expect(clippy::cast_possible_truncation, reason = "the nearest float is what a number stands for")]
            Self::Float => {
                column.extend_f32(values.iter().map(|value| *value as f32));
                !values.iter().any(|value| (*value as f32).is_infinite())
            }
            _ => values.iter().all(|value| self.push_float(*value, column).is_ok()),
        }
    }

    /// A number with a fraction or an exponent, or an integer beyond 64 bits.
    pub(crate) fn push_float(&self, value: f64, column: &mut Column) -> Result<(), Misfit> {
        /// Integers below are exact in a double; from here on the text may have said another.
        const INEXACT: f64 = 9_007_199_254_740_992.0;
        /// Any two numbers of so many digits are different doubles; of more, the text may have said another. A longer text whose nearest
        /// double has so few is taken for that: the parser keeps no text, and to read each number twice would cost every event.
        const EXACT_DIGITS: usize = 15;
        let found = Found::Float(value);
        match self {
            Self::Double | Self::Float if self.keeps_float(value, column) => {}
            Self::Double | Self::Float => return Err(self.out_of_range(found)),
            Self::Int | Self::Long | Self::UnsignedInt | Self::Date | Self::TimeMillis | Self::TimeMicros | Self::Timestamp { .. } => {
                if value.fract() != 0.0 {
                    return Err(self.misfit(found));
                }
                if value.abs() >= INEXACT {
                    return Err(self.out_of_range(found));
                }
                #[expect(clippy::cast_possible_truncation, reason = "it is an integer, and small enough")]
                return self.push_integer(value as i64, column);
            }
            Self::Decimal { .. } => {
                let text = value.to_string();
                if significant_digits(&text) > EXACT_DIGITS {
                    let why = "a number of more than 15 digits may have been rounded: write it as a string";
                    return Err((Reason::OutOfRange, format!("expected {}, found {found}, and {why}", self.expected()).into()));
                }
                return self.push_decimal(&text, column);
            }
            _ => return Err(self.misfit(found)),
        }
        Ok(())
    }

    /// A string of JSON: text, or what JSON writes as text.
    pub(crate) fn push_string(&self, value: &str, column: &mut Column) -> Result<(), Misfit> {
        let misfit = || self.misfit(format_args!("the string {}", shown(value)));
        match self {
            Self::String => self.push_bytes(value.as_bytes(), column)?,
            Self::Enum(symbols) if symbols.symbols.iter().any(|symbol| symbol == value) => self.push_bytes(value.as_bytes(), column)?,
            Self::Enum(symbols) => match &symbols.default {
                Some(default) => self.push_bytes(default.as_bytes(), column)?,
                None => return Err((Reason::UnknownBranch, misfit().1)),
            },
            Self::Bytes => self.push_bytes(&text::latin1(value).ok_or_else(misfit)?, column)?,
            Self::Fixed(size) => {
                column.push_fixed(&text::latin1(value).filter(|bytes| bytes.len() == *size).ok_or_else(misfit)?);
            }
            Self::Date => column.push_i32(time::date(value).ok_or_else(misfit)?),
            Self::TimeMillis => {
                let millis = time::time_of_day(value).ok_or_else(misfit)? / 1_000_000;
                column.push_i32(i32::try_from(millis).map_err(|_| misfit())?);
            }
            Self::TimeMicros => column.push_i64(time::time_of_day(value).ok_or_else(misfit)? / 1_000),
            Self::Timestamp { unit, utc } => {
                let instant = time::instant(value).filter(|instant| instant.has_offset() == *utc).ok_or_else(misfit)?;
                column.push_i64(instant.since_epoch(*unit).ok_or_else(|| self.out_of_range(shown(value)))?);
            }
            Self::Decimal { .. } => return self.push_decimal(value, column),
            Self::Uuid => {
                let bytes = text::parse_uuid(value).ok_or_else(misfit)?;
                self.push_bytes(text::uuid(&bytes, &mut [0; 36]), column)?;
            }
            Self::UuidBytes => {
                let bytes = text::latin1(value).filter(|bytes| bytes.len() == 16).ok_or_else(misfit)?;
                self.push_bytes(text::uuid(&bytes, &mut [0; 36]), column)?;
            }
            Self::DecimalBytes { precision, size } => {
                let bytes = text::latin1(value).filter(|bytes| size.is_none_or(|size| size == bytes.len())).ok_or_else(misfit)?;
                column.push_i128(text::decimal_from_be(&bytes, *precision).ok_or_else(|| self.out_of_range(shown(value)))?);
            }
            _ => return Err(misfit()),
        }
        Ok(())
    }

    /// A field of CSV, where everything is text.
    pub(crate) fn push_text(&self, value: &str, column: &mut Column) -> Result<(), Misfit> {
        match self {
            Self::Boolean => match value {
                "true" | "True" | "TRUE" | "1" => column.push_bool(true),
                "false" | "False" | "FALSE" | "0" => column.push_bool(false),
                _ => return Err(self.misfit(shown(value))),
            },
            Self::Int
            | Self::Long
            | Self::UnsignedInt
            | Self::Float
            | Self::Double
            | Self::Date
            | Self::TimeMillis
            | Self::TimeMicros
            | Self::Timestamp { .. } => {
                let number = value.trim_ascii();
                // Only a float tells `-0` from 0.
                if let Ok(integer @ (..=-1 | 1..)) = number.parse::<i64>() {
                    return self.push_integer(integer, column);
                }
                // Rust reads `inf` and `nan` as numbers, and nothing else that begins with a letter.
                let numeric = number.bytes().any(|byte| byte.is_ascii_digit());
                match number.parse::<f64>() {
                    Ok(number) if number.is_finite() => return self.push_float(number, column),
                    Ok(_) if numeric => return Err(self.out_of_range(shown(value))),
                    _ => return self.push_string(value, column),
                }
            }
            _ => return self.push_string(value, column),
        }
        Ok(())
    }

    fn push_bytes(&self, value: &[u8], column: &mut Column) -> Result<(), Misfit> {
        column.push_bytes(value).map_err(|_| (Reason::OutOfRange, "the batch's column holds no more than 2 GiB".into()))
    }

    fn push_decimal(&self, value: &str, column: &mut Column) -> Result<(), Misfit> {
        let Self::Decimal { precision, scale } = self else { return Err(self.misfit(shown(value))) };
        match text::decimal(value, *precision, *scale) {
            DecimalText::Value(value) => column.push_i128(value),
            DecimalText::Malformed => return Err(self.misfit(shown(value))),
            DecimalText::OutOfRange => return Err(self.out_of_range(shown(value))),
        }
        Ok(())
    }
}

/// How many digits of a number's text are left without the zeros at both ends.
fn significant_digits(number: &str) -> usize {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len()
}

/// The beginning of a value, quoted.
fn shown(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}...", &value[..end]),
        None => format!("{value:?}"),
    }
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "seconds",
        TimeUnit::Millisecond => "milliseconds",
        TimeUnit::Microsecond => "microseconds",
        TimeUnit::Nanosecond => "nanoseconds",
    }
}
