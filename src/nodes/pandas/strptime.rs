//! Times in a `strftime` format.

use super::timestamp::{Civil, HOUR, MINUTE, Parsed, Problem, Reader, SECOND, days_in_month, is_leap, is_missing};

/// A format, read once at planning.
pub(crate) struct Format {
    pieces: Vec<Piece>,
}

/// What a format asks for, one after the other.
#[derive(Clone, Copy)]
enum Piece {
    Year,
    YearOfCentury,
    Month,
    MonthName,
    Day,
    Weekday,
    DayOfYear,
    Hour,
    Hour12,
    HalfDay,
    Minute,
    Second,
    Fraction,
    Offset,
    Literal(u8),
    /// One or more white spaces.
    Space,
}

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Format {
    /// Reads a format; the message says what is wrong with it.
    pub(crate) fn read(format: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut bytes = format.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'%' => match bytes.next() {
                    // A date and a time in one code.
                    Some(b'F') => pieces.extend([Piece::Year, Piece::Literal(b'-'), Piece::Month, Piece::Literal(b'-'), Piece::Day]),
                    Some(b'T') => pieces.extend([Piece::Hour, Piece::Literal(b':'), Piece::Minute, Piece::Literal(b':'), Piece::Second]),
                    Some(code) => pieces.push(Piece::of(code).ok_or_else(|| format!("code `%{}` is not known", char::from(code)))?),
                    None => return Err("it ends in a single %".into()),
                },
                byte if byte.is_ascii_whitespace() => {
                    if !matches!(pieces.last(), Some(Piece::Space)) {
                        pieces.push(Piece::Space);
                    }
                }
                byte => pieces.push(Piece::Literal(byte)),
            }
        }
        if !pieces.iter().any(|piece| matches!(piece, Piece::Year | Piece::YearOfCentury)) {
            return Err("it has no year".into());
        }
        Ok(Self { pieces })
    }

    /// Reads a whole text.
    pub(super) fn parse(&self, text: &str) -> Result<Parsed, Problem> {
        self.read_civil(&mut Reader { rest: text.as_bytes() }).ok_or(Problem::Format).map(Civil::parsed)
    }

    /// Whether a text is a missing time in any format.
    pub(crate) fn is_missing(text: &str) -> bool {
        is_missing(text)
    }

    /// Whether a text is a time in this format.
    pub(crate) fn fits(&self, text: &str) -> bool {
        self.parse(text).is_ok()
    }

    fn read_civil(&self, reader: &mut Reader<'_>) -> Option<Civil> {
        let mut civil = Civil { year: 1970, month: 1, day: 1, of_day: 0, offset_seconds: None };
        let (mut hour, mut half, mut day_of_year) = (0, None, None);
        for piece in &self.pieces {
            match piece {
                Piece::Year => civil.year = reader.digits(4, 4)?,
                Piece::YearOfCentury => civil.year = reader.digits(2, 2).map(|year| if year < 69 { 2000 + year } else { 1900 + year })?,
                Piece::Month => civil.month = reader.digits(1, 2).filter(|month| (1..=12).contains(month))?,
                Piece::MonthName => civil.month = name(reader, &MONTHS)? + 1,
                Piece::Day => civil.day = reader.digits(1, 2).filter(|day| *day >= 1)?,
                Piece::Weekday => drop(name(reader, &WEEKDAYS)?),
                Piece::DayOfYear => day_of_year = Some(reader.digits(1, 3).filter(|day| *day >= 1)?),
                Piece::Hour => hour = reader.digits(1, 2).filter(|hour| *hour < 24)?,
                Piece::Hour12 => hour = reader.digits(1, 2).filter(|hour| (1..=12).contains(hour))?,
                Piece::HalfDay => half = Some(name(reader, &["am", "pm"])?),
                Piece::Minute => civil.of_day += reader.digits(1, 2).filter(|minute| *minute < 60)? * MINUTE,
                Piece::Second => civil.of_day += reader.digits(1, 2).filter(|second| *second < 60)? * SECOND,
                Piece::Fraction => {
                    let before = reader.rest.len();
                    civil.of_day += reader.fraction(9);
                    if reader.rest.len() == before {
                        return None;
                    }
                }
                Piece::Offset => civil.offset_seconds = Some(reader.offset()?),
                Piece::Literal(byte) => {
                    if !reader.eat(*byte) {
                        return None;
                    }
                }
                Piece::Space => {
                    let before = reader.rest.len();
                    reader.skip_space();
                    if reader.rest.len() == before {
                        return None;
                    }
                }
            }
        }
        if let Some(half) = half {
            hour = hour % 12 + 12 * half;
        }
        civil.of_day += hour * HOUR;
        if let Some(day) = day_of_year {
            (civil.month, civil.day) = of_year(civil.year, day)?;
        }
        (reader.is_done() && civil.day <= days_in_month(civil.year, civil.month)).then_some(civil)
    }
}

impl Piece {
    fn of(code: u8) -> Option<Self> {
        Some(match code {
            b'Y' => Self::Year,
            b'y' => Self::YearOfCentury,
            b'm' => Self::Month,
            b'b' | b'B' => Self::MonthName,
            b'd' => Self::Day,
            b'a' | b'A' => Self::Weekday,
            b'j' => Self::DayOfYear,
            b'H' => Self::Hour,
            b'I' => Self::Hour12,
            b'p' => Self::HalfDay,
            b'M' => Self::Minute,
            b'S' => Self::Second,
            b'f' => Self::Fraction,
            b'z' => Self::Offset,
            b'%' => Self::Literal(b'%'),
            _ => return None,
        })
    }
}

/// The month and day of a day of the year.
fn of_year(year: i64, day: i64) -> Option<(i64, i64)> {
    let mut left = (day <= 365 + i64::from(is_leap(year))).then_some(day)?;
    for month in 1..=12 {
        let days = days_in_month(year, month);
        if left <= days {
            return Some((month, left));
        }
        left -= days;
    }
    None
}

/// The index of an English name, whole or its first three letters, in any case.
fn name(reader: &mut Reader<'_>, names: &[&str]) -> Option<i64> {
    let starts = |length: usize, name: &str| {
        reader.rest.get(..length).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes().get(..length).unwrap_or_default()))
    };
    let found = names.iter().position(|name| starts(name.len(), name)).map(|index| (index, names[index].len()));
    let (index, length) = found.or_else(|| names.iter().position(|name| starts(3, name)).map(|index| (index, 3)))?;
    reader.rest = &reader.rest[length..];
    i64::try_from(index).ok()
}
