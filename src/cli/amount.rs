//! Rates and shares on the command line, and numbers for people.

/// Events a second: `2000`, `2000/s` or `2k/s`; 0 is as fast as it goes.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches("/s");
    let (number, factor) = match number.strip_suffix(['k', 'K']) {
        Some(thousands) => (thousands, 1e3),
        None => (number, 1.0),
    };
    match number.replace('_', "").parse::<f64>().map(|number| number * factor) {
        Ok(rate) if rate >= 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("a rate is a number of events a second, such as 2000 or 2000/s; 0 is as fast as it goes".to_owned()),
    }
}

/// A share of the events: `0.01` or `1%`.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let (number, factor) = match text.trim().strip_suffix('%') {
        Some(percent) => (percent, 0.01),
        None => (text.trim(), 1.0),
    };
    match number.parse::<f64>().map(|number| number * factor) {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is between 0 and 1, such as 0.01 or 1%".to_owned()),
    }
}

/// A whole number in groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Events a second, whole.
pub(super) fn per_second(rate: f64) -> String {
    format!("{}/s", grouped(rate.round().max(0.0) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(["2000", "2_000/s", "2k/s", "0.5", "0"].map(rate), [Ok(2000.0), Ok(2000.0), Ok(2000.0), Ok(0.5), Ok(0.0)]);
        assert!(["", "fast", "-1", "inf", "1e308k", "10/m"].map(rate).iter().all(Result::is_err));
    }

    #[test]
    fn shares() {
        assert_eq!(["0", "0.25", "25%", "100%"].map(share), [Ok(0.0), Ok(0.25), Ok(0.25), Ok(1.0)]);
        assert!(["", "2", "-0.1", "101%", "nan"].map(share).iter().all(Result::is_err));
    }

    #[test]
    fn groups_of_three() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
