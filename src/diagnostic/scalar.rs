//! The type of a plain YAML scalar, by the core schema of YAML 1.2.

use serde_json::{Number, Value};

/// The value of an unquoted scalar; what makes it unusable when it is a number that no 64-bit type holds.
///
/// NaN is null, and infinities are the strings `inf` and `-inf`, because JSON has no other word for them. The words of Python's `json.dumps`
/// for them are texts to YAML, and numbers to who wrote them.
pub(super) fn plain(text: &str) -> Result<Value, &'static str> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" | ".nan" | ".NaN" | ".NAN" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Ok(Value::from("inf")),
        "-.inf" | "-.Inf" | "-.INF" => return Ok(Value::from("-inf")),
        "NaN" => return Err("NaN, which is written `null` or `.nan`"),
        "Infinity" => return Err("infinity, which is written `.inf`"),
        "-Infinity" => return Err("infinity, which is written `-.inf`"),
        _ => {}
    }
    if let Some((digits, radix)) = based_integer(text) {
        return u64::from_str_radix(digits, radix).map(Value::from).map_err(|_| "an integer of more than 64 bits");
    }
    if is_integer(text) {
        let signed = text.strip_prefix('+').unwrap_or(text);
        if let Ok(integer) = signed.parse::<i64>() {
            return Ok(Value::from(integer));
        }
        return signed.parse::<u64>().map(Value::from).map_err(|_| "an integer of more than 64 bits");
    }
    if is_float(text) {
        let float = text.parse::<f64>().ok().and_then(Number::from_f64);
        return float.map(Value::Number).ok_or("a number too large for 64-bit floating point");
    }
    Ok(Value::from(text))
}

/// The digits and the radix of `0x1F` and `0o17`.
fn based_integer(text: &str) -> Option<(&str, u32)> {
    let (digits, radix) = match text.split_at_checked(2)? {
        ("0x", digits) => (digits, 16),
        ("0o", digits) => (digits, 8),
        _ => return None,
    };
    (!digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))).then_some((digits, radix))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn is_integer(text: &str) -> bool {
    let digits = unsigned(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match unsigned(text).split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned(text), None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !(whole.is_empty() && fraction.is_empty()) && digits(whole) && digits(fraction) && exponent.is_none_or(is_integer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::plain;
    use serde_json::json;

    #[test]
    fn types_follow_the_core_schema() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("True", json!(true)),
            ("no", json!("no")),
            ("0", json!(0)),
            ("-17", json!(-17)),
            ("+17", json!(17)),
            ("007", json!(7)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("0x", json!("0x")),
            ("0x-1", json!("0x-1")),
            ("18446744073709551615", json!(u64::MAX)),
            (".5", json!(0.5)),
            ("5.", json!(5.0)),
            ("-1e3", json!(-1000.0)),
            ("1e", json!("1e")),
            (".", json!(".")),
            ("1.2.3", json!("1.2.3")),
            ("-.inf", json!("-inf")),
            (".NaN", json!(null)),
            ("inf", json!("inf")),
            ("1_000", json!("1_000")),
            ("é0", json!("é0")),
        ] {
            assert_eq!(plain(text).unwrap(), value, "{text}");
        }
        assert!(plain("18446744073709551616").is_err());
        assert!(plain("1e999").is_err());
        assert!(["NaN", "Infinity", "-Infinity"].iter().all(|text| plain(text).is_err()));
    }
}
