//! Times as text: ISO 8601 in the dialect that pandas 2.2.3 reads, and the calendar behind the `dt` operations.

use std::fmt;

/// A time as text gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    /// The calendar's time as nanoseconds since 1970, as if it were UTC; wide, so that bounds are checked once, at the end.
    pub(super) local_ns: i128,
    /// The offset from UTC that was written, in seconds.
    pub(super) offset_seconds: Option<i64>,
}

/// Why a text is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Not in the format.
    Format,
    /// Outside the years that nanoseconds hold.
    OutOfBounds,
    /// An offset where a time without one is asked for.
    UnexpectedOffset,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "it is not a time in the expected format",
            Self::OutOfBounds => "it lies outside the years 1677 to 2262, which nanoseconds hold",
            Self::UnexpectedOffset => "it has an offset from UTC, which a column without a time zone does not hold",
        })
    }
}

pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

impl Parsed {
    /// Nanoseconds since 1970: in UTC when `utc`, a time without an offset counting as UTC; else the calendar's time, which then must
    /// have no offset.
    pub(super) fn in_zone(self, utc: bool) -> Result<i64, Problem> {
        let offset = match self.offset_seconds {
            Some(_) if !utc => return Err(Problem::UnexpectedOffset),
            offset => offset.unwrap_or(0),
        };
        let ns = self.local_ns - i128::from(offset) * i128::from(SECOND);
        // The least i64 stands for null, here as in pandas.
        i64::try_from(ns).map_err(|_| Problem::OutOfBounds)
    }
}

/// Texts that pandas reads as a missing time.
pub(super) fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NaT" | "nat" | "NAT" | "nan" | "NaN" | "NAN")
}

/// Days since 1970-01-01 of a civil date (proleptic Gregorian).
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years start in March, so that the leap day is the last; eras of 400 years repeat.
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day since 1970-01-01.
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Whether a year has a leap day.
pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has.
pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The parts of a time while its text is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    /// Nanoseconds since midnight.
    pub(super) of_day: i64,
    pub(super) offset_seconds: Option<i64>,
}

impl Civil {
    pub(super) fn parsed(self) -> Parsed {
        let days = days_from_civil(self.year, self.month, self.day);
        Parsed { local_ns: i128::from(days) * i128::from(DAY) + i128::from(self.of_day), offset_seconds: self.offset_seconds }
    }
}

/// Reads ISO 8601 as `pandas.to_datetime(format="ISO8601")` does: a date alone or its first parts, `-`, `/`, `.`, `\` or a space between
/// them or nothing, `T` or a space before the time, any number of fraction digits to 18 (those beyond nanoseconds are cut off), `Z` or
/// an offset in hours or hours and minutes.
pub(super) fn parse_iso(text: &str) -> Result<Parsed, Problem> {
    read_iso(&mut Reader { rest: text.as_bytes() }).ok_or(Problem::Format).map(Civil::parsed)
}

/// What is left of a text.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl Reader<'_> {
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.rest.first() == Some(&byte);
        if eaten {
            self.rest = &self.rest[1..];
        }
        eaten
    }

    pub(super) fn skip_space(&mut self) {
        while let [b' ' | b'\t'..=b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// A number of `least` to `most` digits, as many as there are.
    pub(super) fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let count = self.rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn at_digit(&self) -> bool {
        self.rest.first().is_some_and(u8::is_ascii_digit)
    }

    /// Digits behind the point as nanoseconds; `most` digits at most, those beyond nine are cut off.
    pub(super) fn fraction(&mut self, most: usize) -> i64 {
        let (mut ns, mut scale) = (0, SECOND);
        for _ in 0..most {
            let [digit @ b'0'..=b'9', rest @ ..] = self.rest else { break };
            scale /= 10;
            ns += i64::from(digit - b'0') * scale;
            self.rest = rest;
        }
        ns
    }

    /// `Z`, or hours and perhaps minutes with a sign, in seconds; to the end of the text.
    pub(super) fn offset(&mut self) -> Option<i64> {
        if self.eat(b'Z') {
            return Some(0);
        }
        let sign = if self.eat(b'-') {
            -1
        } else if self.eat(b'+') {
            1
        } else {
            return None;
        };
        let hours = self.digits(1, 2).filter(|hours| *hours < 24)?;
        let minutes = match self.eat(b':') || self.at_digit() {
            true => self.digits(1, 2).filter(|minutes| *minutes < 60)?,
            false => 0,
        };
        Some(sign * (hours * 60 + minutes) * 60)
    }
}

fn read_iso(reader: &mut Reader<'_>) -> Option<Civil> {
    reader.skip_space();
    let year = reader.digits(4, 4)?;
    let mut civil = Civil { year, month: 1, day: 1, of_day: 0, offset_seconds: None };
    if reader.is_done() {
        return Some(civil);
    }
    let separator = reader.rest.first().copied().filter(|byte| !byte.is_ascii_digit());
    if let Some(separator) = separator {
        if !matches!(separator, b'-' | b'/' | b'.' | b'\\' | b' ') {
            return None;
        }
        reader.eat(separator);
    }
    // Without separators every part has two digits, and a month alone would look like a short year.
    let least = if separator.is_some() { 1 } else { 2 };
    civil.month = reader.digits(least, 2).filter(|month| (1..=12).contains(month))?;
    if reader.is_done() {
        return separator.map(|_| civil);
    }
    if separator.is_some_and(|separator| !reader.eat(separator)) {
        return None;
    }
    civil.day = reader.digits(least, 2).filter(|day| (1..=days_in_month(year, civil.month)).contains(day))?;
    if reader.is_done() {
        return Some(civil);
    }
    if !(reader.eat(b'T') || reader.eat(b' ')) {
        return None;
    }
    civil.of_day = read_time(reader)?;
    reader.skip_space();
    if !reader.is_done() {
        civil.offset_seconds = Some(reader.offset()?);
        reader.skip_space();
    }
    reader.is_done().then_some(civil)
}

/// Nanoseconds since midnight.
fn read_time(reader: &mut Reader<'_>) -> Option<i64> {
    let length = reader.rest.len();
    let hour = reader.digits(1, 2).filter(|hour| *hour < 24)?;
    let two_digits = length - reader.rest.len() == 2;
    let mut time = hour * HOUR;
    let separated = reader.eat(b':');
    if !reader.at_digit() {
        return (two_digits && !separated).then_some(time);
    }
    let least = if separated { 1 } else { 2 };
    time += reader.digits(least, 2).filter(|minute| *minute < 60)? * MINUTE;
    let seconds = if separated { reader.eat(b':') } else { reader.at_digit() };
    if !seconds {
        return Some(time);
    }
    time += reader.digits(least, 2).filter(|second| *second < 60)? * SECOND;
    if reader.eat(b'.') {
        time += reader.fraction(18);
    }
    Some(time)
}

#[cfg(test)]
mod tests {
    use super::{civil_from_days, days_from_civil};

    #[test]
    fn civil_dates_and_days_are_inverse() {
        for days in (-110_000..110_000).step_by(7) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(11_016), (2000, 2, 29));
    }
}
