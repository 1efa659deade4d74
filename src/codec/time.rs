//! Dates and instants as text: RFC 3339, with hours-only offsets and up to nine digits of a second.

use arrow_schema::TimeUnit;

/// Days and nanoseconds of a civil time, and its distance from UTC where the text tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Civil {
    days: i64,
    nanos_of_day: i64,
    offset_seconds: Option<i64>,
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Reads ASCII text from the left.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
    }

    fn byte(&mut self, accepted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        accepted.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    /// Two digits that say less than `bound`.
    fn below(&mut self, bound: i64) -> Option<i64> {
        self.digits(2).filter(|value| *value < bound)
    }
}

/// Days since 1970-01-01 of text such as `2024-02-29`.
pub(crate) fn date(text: &str) -> Option<i32> {
    let mut text = Text(text.as_bytes());
    let days = date_part(&mut text)?;
    if text.0.is_empty() { i32::try_from(days).ok() } else { None }
}

fn date_part(text: &mut Text<'_>) -> Option<i64> {
    let year = text.digits(4)?;
    text.byte(b"-")?;
    let month = text.digits(2).filter(|month| (1..=12).contains(month))?;
    text.byte(b"-")?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let day = text.digits(2).filter(|day| (1..=length).contains(day))?;
    // Years that begin in March end with the leap day, so a month's first day is a linear function of its number.
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

/// Nanoseconds since midnight of text such as `17:04:05.250`; the seconds may be left out.
pub(crate) fn time_of_day(text: &str) -> Option<i64> {
    let mut text = Text(text.as_bytes());
    time_part(&mut text).filter(|_| text.0.is_empty())
}

fn time_part(text: &mut Text<'_>) -> Option<i64> {
    let hour = text.below(24)?;
    text.byte(b":")?;
    let minute = text.below(60)?;
    let mut nanos = 0;
    let mut second = 0;
    if text.byte(b":").is_some() {
        second = text.below(60)?;
        if text.byte(b".,").is_some() {
            let digits = text.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let scale = 9u32.checked_sub(u32::try_from(digits).ok()?).filter(|_| digits > 0)?;
            nanos = text.digits(digits)? * 10i64.pow(scale);
        }
    }
    Some(((hour * 60 + minute) * 60 + second) * NANOS_PER_SECOND + nanos)
}

/// An instant or a civil time, such as `2024-02-29T17:04:05.25+01:00`; a date alone is its midnight.
pub(crate) fn instant(text: &str) -> Option<Civil> {
    let mut text = Text(text.as_bytes());
    let days = date_part(&mut text)?;
    if text.0.is_empty() {
        return Some(Civil { days, nanos_of_day: 0, offset_seconds: None });
    }
    text.byte(b"Tt ")?;
    let nanos_of_day = time_part(&mut text)?;
    let offset_seconds = match text.byte(b"Zz+-") {
        None => None,
        Some(b'Z' | b'z') => Some(0),
        Some(sign) => {
            let hours = text.below(24)?;
            let minutes = match text.byte(b":") {
                Some(_) => text.below(60)?,
                None if text.0.is_empty() => 0,
                None => text.below(60)?,
            };
            let seconds = (hours * 60 + minutes) * 60;
            Some(if sign == b'-' { -seconds } else { seconds })
        }
    };
    text.0.is_empty().then_some(Civil { days, nanos_of_day, offset_seconds })
}

/// Whether text is an instant as XDM's documentation writes them: `Z` or an offset of hours or of hours and minutes behind seconds with at
/// most nine digits of a fraction.
pub(crate) fn is_date_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(behind) = bytes.get(19..) else { return false };
    let digits = behind.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
    let zone = if behind.first() == Some(&b'.') { &behind[digits + 1..] } else { behind };
    let is_zone = matches!(zone.first(), Some(b'Z' | b'z' | b'+' | b'-')) && matches!(zone.len(), 1 | 3 | 6);
    let is_written = matches!(bytes[10], b'T' | b't') && bytes[16] == b':' && is_zone;
    is_written && instant(text).is_some_and(|instant| instant.has_offset())
}

impl Civil {
    /// Whether the text told the distance from UTC.
    pub(crate) fn has_offset(&self) -> bool {
        self.offset_seconds.is_some()
    }

    /// Units since 1970-01-01T00:00:00Z, a fraction of a unit dropped; none when 64 bits cannot count that many.
    pub(crate) fn since_epoch(&self, unit: TimeUnit) -> Option<i64> {
        let seconds = self.days * SECONDS_PER_DAY + self.nanos_of_day / NANOS_PER_SECOND - self.offset_seconds.unwrap_or(0);
        let per_second = per_second(unit);
        let fraction = self.nanos_of_day % NANOS_PER_SECOND / (NANOS_PER_SECOND / per_second);
        // In 128 bits, since the seconds alone may overflow where the sum does not.
        i64::try_from(i128::from(seconds) * i128::from(per_second) + i128::from(fraction)).ok()
    }
}

/// Nanoseconds since 1970 of an instant's text, RFC 3339; one without a zone is taken as UTC's. None when it is no such text.
pub fn nanoseconds(text: &str) -> Option<i64> {
    instant(text)?.since_epoch(TimeUnit::Nanosecond)
}

/// How many of the unit a second has.
pub(crate) fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOS_PER_SECOND,
    }
}

/// Writes a date, `2024-02-29`. Years beyond four digits carry a sign, as ISO 8601 asks.
pub(crate) fn write_date(into: &mut Vec<u8>, days: i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    match year {
        0..=9_999 => digits(into, year, 4),
        _ => {
            into.push(if year < 0 { b'-' } else { b'+' });
            digits(into, year.abs(), if year.abs() < 1_000_000 { 6 } else { 12 });
        }
    }
    into.push(b'-');
    digits(into, month, 2);
    into.push(b'-');
    digits(into, day, 2);
}

/// Writes an instant, `2024-02-29T17:04:05.250Z`, with the fraction digits of its unit; without `Z` when it has no zone.
pub(crate) fn write_instant(into: &mut Vec<u8>, value: i64, unit: TimeUnit, utc: bool) {
    let per_second = per_second(unit);
    let seconds = value.div_euclid(per_second);
    write_date(into, seconds.div_euclid(SECONDS_PER_DAY));
    into.push(b'T');
    let since_midnight = seconds.rem_euclid(SECONDS_PER_DAY) * per_second + value.rem_euclid(per_second);
    write_time(into, since_midnight, unit);
    if utc {
        into.push(b'Z');
    }
}

/// Writes a time of day, `17:04:05.250`, with the fraction digits of its unit; a value beyond a day is taken modulo a day.
pub(crate) fn write_time(into: &mut Vec<u8>, value: i64, unit: TimeUnit) {
    let per_second = per_second(unit);
    let second = value.div_euclid(per_second).rem_euclid(SECONDS_PER_DAY);
    for (index, part) in [second / 3600, second / 60 % 60, second % 60].into_iter().enumerate() {
        if index > 0 {
            into.push(b':');
        }
        digits(into, part, 2);
    }
    if per_second > 1 {
        into.push(b'.');
        digits(into, value.rem_euclid(per_second), per_second.ilog10() as usize);
    }
}

/// Writes a number that is not negative with leading zeros.
fn digits(into: &mut Vec<u8>, value: i64, width: usize) {
    let start = into.len();
    into.resize(start + width, b'0');
    let mut value = value;
    for place in into[start..].iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
    }
}
