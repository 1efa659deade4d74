//! The format that all times of a column share.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::nodes::TimeFormat;

/// How many texts that are no time are remembered: those that stand for a missing time are few, and come again and again.
const MOST_ODD: usize = 1_024;

/// Narrows the known formats down to those that every text has.
#[derive(Debug, Default)]
pub(super) struct FormatFinder {
    /// Texts that are no time in any format are passed over.
    lenient: bool,
    /// Before the first text all are possible.
    possible: Option<Vec<&'static Known>>,
    /// The text that left only what is possible now.
    witness: Option<Text>,
    /// The last text, for those who want to see another one.
    last: Option<Text>,
    /// Texts that were looked for among all formats, and are in none.
    odd: HashSet<String>,
}

/// A text and its row in the dataset, from 0.
type Text = (u64, String);

/// Why there is no format that all texts share.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatFault {
    /// A text is no time in any known format.
    #[error("row {} has '{}', which is no time in a known format", .0.0, .0.1)]
    Unknown((u64, String)),
    /// Two texts have no format in common.
    #[error("its times are written in several formats: row {} has '{}', row {} has '{}'", .0.0, .0.1, .1.0, .1.1)]
    Mixed((u64, String), (u64, String)),
    /// Every text can be read in several ways.
    #[error("every time can be read as {formats}: row {} has '{}', row {} has '{}'", .one.0, .one.1, .other.0, .other.1)]
    Ambiguous {
        /// The formats.
        formats: String,
        /// A row with its text.
        one: (u64, String),
        /// Another.
        other: (u64, String),
    },
}

impl FormatFinder {
    pub(super) fn new(lenient: bool) -> Self {
        Self { lenient, ..Self::default() }
    }

    /// Sees the text of a row.
    pub(super) fn add(&mut self, row: u64, text: &str) -> Result<(), FormatFault> {
        if TimeFormat::is_missing(text) {
            return Ok(());
        }
        let names = Names::of(text);
        let fitting = |known: &&'static Known| known.fits(text, names);
        let Some(possible) = &mut self.possible else {
            let possible = if self.odd.contains(text) { Vec::new() } else { KNOWN.iter().filter(fitting).collect() };
            if possible.is_empty() {
                return self.pass_over(row, text);
            }
            (self.possible, self.witness) = (Some(possible), Some((row, text.to_owned())));
            return Ok(());
        };
        let left: Vec<&'static Known> = possible.iter().copied().filter(fitting).collect();
        if left.len() == possible.len() {
            if possible.len() > 1 {
                self.last = Some((row, text.to_owned()));
            }
        } else if !left.is_empty() {
            *possible = left;
            self.witness = Some((row, text.to_owned()));
        } else if self.odd.contains(text) || !KNOWN.iter().any(|known| known.fits(text, names)) {
            return self.pass_over(row, text);
        } else if let Some(witness) = self.witness.clone() {
            return Err(FormatFault::Mixed(witness, (row, text.to_owned())));
        }
        Ok(())
    }

    /// A text that is no time in any known format.
    fn pass_over(&mut self, row: u64, text: &str) -> Result<(), FormatFault> {
        if !self.lenient {
            return Err(FormatFault::Unknown((row, text.to_owned())));
        }
        if self.odd.len() < MOST_ODD && !self.odd.contains(text) {
            self.odd.insert(text.to_owned());
        }
        Ok(())
    }

    /// The format; `None` when there was no time.
    pub(super) fn finish(self) -> Result<Option<String>, FormatFault> {
        let (Some(possible), Some(one)) = (self.possible, self.witness) else { return Ok(None) };
        let texts: Vec<&str> = possible.iter().map(|known| known.text.as_str()).collect();
        match texts.as_slice() {
            [format] => Ok(Some((*format).to_owned())),
            // `May` is a month's whole name and its short one.
            [short, long] if long.replace("%B", "%b") == *short => Ok(Some((*short).to_owned())),
            // Without separators a time to the minute can be read with one-digit minutes and seconds too, which nobody writes.
            [short, long] if short.replace("%H%M", "%H%M%S") == *long => Ok(Some((*short).to_owned())),
            several => {
                let other = self.last.unwrap_or_else(|| one.clone());
                Err(FormatFault::Ambiguous { formats: several.join(" and "), one, other })
            }
        }
    }
}

/// A format that is tried.
struct Known {
    text: String,
    format: TimeFormat,
}

impl Known {
    /// The reader takes whole names and short ones for either code; here each stands for its own.
    fn fits(&self, text: &str, names: Names) -> bool {
        let has = |code: &str| self.text.contains(code);
        let is_named = match () {
            () if has("%b") && names.month => false,
            () if has("%B") && !names.month && !names.may => false,
            () if has("%a") && names.weekday => false,
            () => !has("%A") || names.weekday,
        };
        is_named && self.format.fits(text)
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Which names stand in a text whole.
#[derive(Clone, Copy)]
struct Names {
    /// Of a month, but for May.
    month: bool,
    may: bool,
    weekday: bool,
}

impl Names {
    fn of(text: &str) -> Self {
        const MONTHS: [&str; 11] =
            ["january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december"];
        const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let has_one = |names: &[&str]| {
            let mut words = text.split(|letter: char| !letter.is_ascii_alphabetic());
            words.any(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)))
        };
        Self { month: has_one(&MONTHS), may: has_one(&["may"]), weekday: has_one(&WEEKDAYS) }
    }
}

/// All formats that are tried, read once.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let read = |text: String| Some(Known { format: TimeFormat::read(&text).ok()?, text });
    formats().into_iter().filter_map(read).collect()
});

/// Every format that is tried: dates as people write them, alone or with a time of day, with or without an offset.
fn formats() -> Vec<String> {
    let mut dates: Vec<String> = Vec::new();
    for separator in ["-", "/", ".", " "] {
        for parts in
            [["%Y", "%m", "%d"], ["%d", "%m", "%Y"], ["%m", "%d", "%Y"], ["%d", "%m", "%y"], ["%m", "%d", "%y"], ["%y", "%m", "%d"]]
        {
            dates.push(parts.join(separator));
        }
    }
    for month in ["%b", "%B"] {
        for separator in ["-", "/", ".", " "] {
            dates.extend([["%d", month, "%Y"], ["%d", month, "%y"], ["%Y", month, "%d"]].map(|parts| parts.join(separator)));
        }
        dates.extend([format!("{month} %d, %Y"), format!("{month} %d %Y"), format!("%d {month}, %Y"), format!("%d. {month} %Y")]);
    }
    let weekdays =
        ["%a", "%A"].into_iter().flat_map(|day| dates.iter().flat_map(move |date| [format!("{day} {date}"), format!("{day}, {date}")]));
    dates = weekdays.chain(dates.iter().cloned()).collect();
    dates.push("%Y%m%d".into());
    let mut formats = Vec::with_capacity(dates.len() * 20);
    for date in &dates {
        formats.push(date.clone());
        for join in [" ", "T", ", "] {
            for time in ["%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p"] {
                formats.extend(["", "%z", " %z"].map(|offset| format!("{date}{join}{time}{offset}")));
            }
        }
    }
    for join in ["", " ", "T"] {
        formats.extend(["%H%M", "%H%M%S"].into_iter().flat_map(|time| ["", "%z"].map(|offset| format!("%Y%m%d{join}{time}{offset}"))));
    }
    formats.extend(["%Y", "%Y-%m", "%Y/%m", "%m/%Y"].map(str::to_owned));
    formats
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::FormatFinder;

    fn find(lenient: bool, texts: &[&str]) -> Result<Option<String>, String> {
        let mut finder = FormatFinder::new(lenient);
        for (row, text) in (0..).zip(texts) {
            finder.add(row, text).map_err(|fault| fault.to_string())?;
        }
        finder.finish().map_err(|fault| fault.to_string())
    }

    #[test]
    fn the_format_that_all_share_is_found() {
        for (texts, format) in [
            (["2020-01-02", "2021-12-31"], "%Y-%m-%d"),
            (["2020-01-02T03:04:05.123Z", "2021-12-31T00:00:00.5+01:00"], "%Y-%m-%dT%H:%M:%S.%f%z"),
            (["01/02/2020", "13/02/2020"], "%d/%m/%Y"),
            (["01/02/2020 10:00 PM", "01/31/2020 1:00 am"], "%m/%d/%Y %I:%M %p"),
            (["05 May 2020", "06 January 2020"], "%d %B %Y"),
            (["05 May 2020", "06 Jan 2020"], "%d %b %Y"),
            (["Sat, 02 May 2020 10:11:12 +0000", "Sun, 03 May 2020 10:11:12 +0000"], "%a, %d %b %Y %H:%M:%S %z"),
            (["20200102030405", "20211231235959"], "%Y%m%d%H%M%S"),
            (["202001021011", "202112312359"], "%Y%m%d%H%M"),
            (["20200102T1011+0100", "20211231T2359Z"], "%Y%m%dT%H%M%z"),
        ] {
            assert_eq!(find(false, &texts).unwrap().as_deref(), Some(format), "{texts:?}");
        }
        assert_eq!(find(false, &["", "NaT"]), Ok(None));
        assert_eq!(find(true, &["n/a", "2020-01-02", "unknown"]), Ok(Some("%Y-%m-%d".into())));
    }

    /// A text that is no time in any format is looked for among all of them once.
    #[test]
    fn what_stands_for_a_missing_time_is_looked_for_once() {
        let rows = 20_000;
        let texts: Vec<&str> = (0..rows).map(|row| if row % 2 == 0 { "not known" } else { "-" }).collect();
        let started = std::time::Instant::now();
        assert_eq!(find(true, &[&texts[..], &["2020-01-02"][..], &texts[..]].concat()), Ok(Some("%Y-%m-%d".into())));
        assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
    }

    #[test]
    fn two_rows_are_named_where_there_is_none() {
        let cases: [&[&str]; 5] = [
            &["01/02/2020", "03/04/2020"],
            &["01/02/2020", "13/02/2020", "01/03/2020", "02/13/2020"],
            &["2020-01-02T03:04:05Z", "2020-01-02T03:04:05.5Z"],
            &["2020-01-02", "soon"],
            &["01-02-03"],
        ];
        let messages: Vec<String> = cases.iter().map(|texts| find(false, texts).unwrap_err()).collect();
        insta::assert_snapshot!(messages.join("\n"));
    }
}
