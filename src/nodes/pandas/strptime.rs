//! Times in a `strftime` format, read as the regular expression that Python makes of it.

use std::ops::RangeInclusive;

use super::numbers::is_space;
use super::timestamp::{Civil, HOUR, MINUTE, Parsed, Problem, Reader, SECOND, days_in_month, is_missing};

/// A format, read once at planning.
pub(crate) struct Format {
    /// One like ISO 8601 is first read as such, in which pandas allows other seconds, fractions and offsets.
    readings: Vec<Vec<Piece>>,
}

/// What a format asks for, one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Year,
    YearOfCentury,
    Month,
    MonthName,
    MonthShort,
    Day,
    Weekday,
    WeekdayName,
    WeekdayShort,
    DayOfYear,
    Hour,
    Hour12,
    HalfDay,
    Minute,
    Second,
    Fraction,
    Offset,
    IsoSecond,
    IsoFraction,
    IsoOffset,
    Literal(char),
    /// One or more white spaces.
    Space,
}

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Format {
    /// Reads a format; the message says what is wrong with it.
    pub(crate) fn read(format: &str) -> Result<Self, String> {
        let pieces = pieces(format)?;
        if !pieces.iter().any(|piece| matches!(piece, Piece::Year | Piece::YearOfCentury)) {
            return Err("it has no year".into());
        }
        // Each code once, as in Python: this bounds the ways to read a text.
        let is_code = |piece: &Piece| !matches!(piece, Piece::Literal(_) | Piece::Space);
        if pieces.iter().enumerate().any(|(at, piece)| is_code(piece) && pieces[..at].contains(piece)) {
            return Err("it has a code twice".into());
        }
        let iso = is_iso(format).then(|| pieces.iter().map(|piece| piece.in_iso()).collect());
        Ok(Self { readings: iso.into_iter().chain([pieces]).collect() })
    }

    /// Whether each text in it has an offset from UTC.
    pub(super) fn has_offset(&self) -> bool {
        self.readings.iter().flatten().any(|piece| *piece == Piece::Offset)
    }

    /// Reads a whole text.
    pub(super) fn parse(&self, text: &str) -> Result<Parsed, Problem> {
        let civil = |pieces: &Vec<Piece>| {
            let mut fields = Fields::default();
            read(pieces, text, &mut fields).filter(|rest| rest.is_empty()).and_then(|_| fields.civil())
        };
        self.readings.iter().find_map(civil).ok_or(Problem::Format).map(Civil::parsed)
    }

    /// Whether a text is a missing time in any format.
    pub(crate) fn is_missing(text: &str) -> bool {
        is_missing(text)
    }

    /// Whether a text is a time in this format.
    pub(crate) fn fits(&self, text: &str) -> bool {
        self.parse(text).is_ok()
    }
}

fn pieces(format: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut characters) = (Vec::new(), format.chars());
    while let Some(character) = characters.next() {
        match character {
            '%' => match characters.next() {
                // A date and a time in one code.
                Some('F') => pieces.extend([Piece::Year, Piece::Literal('-'), Piece::Month, Piece::Literal('-'), Piece::Day]),
                Some('T') => pieces.extend([Piece::Hour, Piece::Literal(':'), Piece::Minute, Piece::Literal(':'), Piece::Second]),
                Some(code) => pieces.push(Piece::of(code).ok_or_else(|| format!("code `%{code}` is not known"))?),
                None => return Err("it ends in a single %".into()),
            },
            character if is_space(character) => {
                if !matches!(pieces.last(), Some(Piece::Space)) {
                    pieces.push(Piece::Space);
                }
            }
            character => pieces.push(Piece::Literal(character)),
        }
    }
    Ok(pieces)
}

/// Whether pandas reads a format by its reader of ISO 8601.
fn is_iso(format: &str) -> bool {
    let format = format.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S");
    let starts =
        |separator: &str, clock: &str, end: &str| format!("%Y{separator}%m{separator}%d{clock}%H:%M:%S{end}").starts_with(format.as_str());
    let clocks = |separator: &str| [" ", "T"].iter().any(|clock| ["%z", ".%f%z"].iter().any(|end| starts(separator, clock, end)));
    ["-", "/", ".", "\\", " ", ""].iter().any(|separator| clocks(separator))
}

/// What a text says.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    hour12: Option<i64>,
    half: i64,
    /// Minutes, seconds and their fraction in nanoseconds.
    of_hour: i64,
    offset_seconds: Option<i64>,
}

impl Fields {
    fn set(&mut self, piece: Piece, value: i64) {
        match piece {
            Piece::Year => self.year = value,
            Piece::YearOfCentury => self.year = if value < 69 { 2000 + value } else { 1900 + value },
            Piece::Month => self.month = Some(value),
            Piece::MonthName | Piece::MonthShort => self.month = Some(value + 1),
            Piece::Day => self.day = Some(value),
            Piece::DayOfYear => self.day_of_year = Some(value),
            Piece::Hour => self.hour = value,
            Piece::Hour12 => self.hour12 = Some(value),
            Piece::HalfDay => self.half = value,
            Piece::Minute => self.of_hour += value * MINUTE,
            Piece::Second | Piece::IsoSecond => self.of_hour += value * SECOND,
            Piece::Fraction | Piece::IsoFraction => self.of_hour += value,
            Piece::Offset | Piece::IsoOffset => self.offset_seconds = Some(value),
            Piece::Weekday | Piece::WeekdayName | Piece::WeekdayShort | Piece::Literal(_) | Piece::Space => {}
        }
    }

    /// The time, if the calendar has it. A day of the year stands for month and day, and may reach into the next year.
    fn civil(self) -> Option<Civil> {
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let (month, day) = match self.day_of_year {
            Some(day) => (1, day),
            None => (month, (day <= days_in_month(self.year, month)).then_some(day)?),
        };
        // Half a day counts with an hour of twelve only.
        let hour = self.hour12.map_or(self.hour, |hour| hour % 12 + 12 * self.half);
        Some(Civil { year: self.year, month, day, of_day: hour * HOUR + self.of_hour, offset_seconds: self.offset_seconds })
    }
}

/// The rest of a text behind the first way to read the pieces, as a regular expression finds it; the fields are set on the way back.
fn read<'t>(pieces: &[Piece], text: &'t str, fields: &mut Fields) -> Option<&'t str> {
    let Some((piece, behind)) = pieces.split_first() else { return Some(text) };
    (0..piece.ways(text)).find_map(|way| {
        let (value, rest) = piece.take(text, way)?;
        let end = read(behind, rest, fields)?;
        fields.set(*piece, value);
        Some(end)
    })
}

impl Piece {
    fn of(code: char) -> Option<Self> {
        Some(match code {
            'Y' => Self::Year,
            'y' => Self::YearOfCentury,
            'm' => Self::Month,
            'b' => Self::MonthShort,
            'B' => Self::MonthName,
            'd' => Self::Day,
            'w' => Self::Weekday,
            'a' => Self::WeekdayShort,
            'A' => Self::WeekdayName,
            'j' => Self::DayOfYear,
            'H' => Self::Hour,
            'I' => Self::Hour12,
            'p' => Self::HalfDay,
            'M' => Self::Minute,
            'S' => Self::Second,
            'f' => Self::Fraction,
            'z' => Self::Offset,
            '%' => Self::Literal('%'),
            _ => return None,
        })
    }

    fn in_iso(self) -> Self {
        match self {
            Self::Second => Self::IsoSecond,
            Self::Fraction => Self::IsoFraction,
            Self::Offset => Self::IsoOffset,
            piece => piece,
        }
    }

    /// How many ways there are at most to start a text with this.
    fn ways(self, text: &str) -> usize {
        match self {
            Self::Month | Self::Hour | Self::Hour12 | Self::Minute | Self::Second | Self::IsoSecond => 2,
            Self::Day | Self::DayOfYear => 3,
            Self::Fraction => 9,
            Self::Space => text.chars().take_while(|character| is_space(*character)).count(),
            _ => 1,
        }
    }

    /// The value and the rest of a text that starts with this, the ways in the order of Python's regular expressions.
    fn take(self, text: &str, way: usize) -> Option<(i64, &str)> {
        // The most digits first.
        let number = |most: usize, range: RangeInclusive<i64>| {
            let count = most - way;
            digits(text, count).filter(|value| range.contains(value)).map(|value| (value, &text[count..]))
        };
        match self {
            Self::Year => number(4, 0..=9999),
            Self::YearOfCentury => number(2, 0..=99),
            Self::Month | Self::Hour12 => number(2, 1..=12),
            // A space can stand for the first of two digits.
            Self::Day if way == 2 => self.take(text.strip_prefix(' ')?, 1),
            Self::Day => number(2, 1..=31),
            Self::Weekday => number(1, 0..=6),
            Self::DayOfYear => number(3, 1..=366),
            Self::Hour => number(2, 0..=23),
            Self::Minute | Self::IsoSecond => number(2, 0..=59),
            Self::Second => number(2, 0..=61),
            Self::Fraction => {
                let (_, rest) = number(9, 0..=i64::MAX)?;
                Some((Reader { rest: text.as_bytes() }.fraction(9 - way), rest))
            }
            Self::IsoFraction => by_reader(text, |reader| Some(reader.fraction(18))),
            Self::MonthName => name(text, &MONTHS, usize::MAX),
            Self::MonthShort => name(text, &MONTHS, 3),
            Self::WeekdayName => name(text, &WEEKDAYS, usize::MAX),
            Self::WeekdayShort => name(text, &WEEKDAYS, 3),
            Self::HalfDay => name(text, &["am", "pm"], 2),
            Self::Offset => offset(text),
            Self::IsoOffset => by_reader(text, |reader| reader.offset()),
            Self::Literal(literal) => {
                let first = text.chars().next().filter(|first| first.eq_ignore_ascii_case(&literal))?;
                Some((0, &text[first.len_utf8()..]))
            }
            Self::Space => {
                let behind = text.trim_start_matches(is_space);
                let (at, space) = text[..text.len() - behind.len()].char_indices().rev().nth(way)?;
                Some((0, &text[at + space.len_utf8()..]))
            }
        }
    }
}

/// The number that the first characters of a text are.
fn digits(text: &str, count: usize) -> Option<i64> {
    text.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())).and_then(|digits| digits.parse().ok())
}

fn by_reader(text: &str, read: impl FnOnce(&mut Reader<'_>) -> Option<i64>) -> Option<(i64, &str)> {
    let mut reader = Reader { rest: text.as_bytes() };
    let value = read(&mut reader)?;
    Some((value, &text[text.len() - reader.rest.len()..]))
}

/// `Z`, or a sign, hours, minutes and perhaps seconds, all of two digits, with a colon in each place or in none. pandas drops the seconds.
fn offset(text: &str) -> Option<(i64, &str)> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some((0, rest));
    }
    let part = |text: &str| digits(text, 2).filter(|part| *part < 60);
    let behind = text.strip_prefix(['+', '-'])?;
    let hours = digits(behind, 2).filter(|hours| *hours < 24)?;
    let behind = &behind[2..];
    let colon = if behind.starts_with(':') { ":" } else { "" };
    let minutes = behind.strip_prefix(colon)?;
    let seconds = (hours * 60 + part(minutes)?) * 60;
    let rest = &minutes[2..];
    let rest = rest.strip_prefix(colon).filter(|more| part(more).is_some()).map_or(rest, |more| &more[2..]);
    Some((if text.starts_with('-') { -seconds } else { seconds }, rest))
}

/// The index of an English name, or of its first letters, in any case.
fn name<'t>(text: &'t str, names: &[&str], letters: usize) -> Option<(i64, &'t str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = &name[..letters.min(name.len())];
        let found = text.get(..name.len())?.eq_ignore_ascii_case(name);
        found.then_some((i64::try_from(index).ok()?, &text[name.len()..]))
    })
}
