//! Plain scalars of YAML, as the parser of the deployment tool takes them.

use super::node::Value;

/// The type and value of a plain scalar.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar {
    Value(Value),
    /// A date or a time. The deployment tool makes an object of it, which reaches the component empty.
    Time,
}

/// The value of the text without quotes and without a tag.
pub(super) fn plain(text: &str) -> Scalar {
    Scalar::Value(match text {
        "" => Value::Null,
        _ if is_null(text) => Value::Null,
        _ => match boolean(text).or_else(|| number(text)) {
            Some(value) => value,
            None if is_time(text) => return Scalar::Time,
            None => Value::Text(text.to_owned()),
        },
    })
}

/// The value of the text under the tag `!!name`. `None` if the tag does not fit or is unknown.
pub(super) fn tagged(name: &str, text: &str, is_plain: bool) -> Option<Scalar> {
    let value = match name {
        "str" => Some(Value::Text(text.to_owned())),
        "null" if is_null(text) || (is_plain && text.is_empty()) => Some(Value::Null),
        "bool" => boolean(text),
        "int" => integer(text).map(Value::number),
        "float" => float(text).map(Value::number),
        "timestamp" if is_time(text) => return Some(Scalar::Time),
        _ => None,
    };
    value.map(Scalar::Value)
}

fn is_null(text: &str) -> bool {
    matches!(text, "~" | "null" | "Null" | "NULL")
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ => None,
    }
}

fn number(text: &str) -> Option<Value> {
    integer(text).or_else(|| float(text)).map(Value::number)
}

/// An integer: an optional sign, and decimal digits or `0b`, `0o`, `0x` with digits. Leading zeros have no meaning.
fn integer(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let radixes = [("0b", 2), ("0o", 8), ("0x", 16)];
    let radix = radixes.iter().find_map(|(prefix, radix)| Some((digits.strip_prefix(prefix)?, *radix)));
    let (digits, radix) = radix.unwrap_or((digits, 10));
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let value = if radix == 10 {
        digits.parse().ok()?
    } else {
        digits
            .chars()
            .filter_map(|digit| digit.to_digit(radix))
            .fold(0.0, |value, digit| value * f64::from(radix) + f64::from(digit))
    };
    let signed = if text.starts_with('-') { -value } else { value };
    signed.is_finite().then_some(signed)
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_signed = unsigned.len() < text.len();
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(sign * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if !is_signed => return Some(f64::NAN),
        _ => {}
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !is_digits(digits) {
            return None;
        }
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fits = match (whole.is_empty(), fraction.is_empty()) {
        // A sign before a bare fraction makes the scalar a text.
        (true, false) => !is_signed && is_digits(fraction),
        (false, _) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        (true, true) => false,
    };
    let value: f64 = fits.then(|| text.parse().ok()).flatten()?;
    value.is_finite().then_some(value)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `2026-01-31`, or a date and a time of day behind it.
fn is_time(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    if year.len() != 4 || !is_digits(year) {
        return false;
    }
    let day_end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (day, time) = rest.split_at(day_end);
    if time.is_empty() {
        return month.len() == 2 && is_digits(month) && day.len() == 2;
    }
    let is_short = |text: &str| (1..=2).contains(&text.len()) && is_digits(text);
    let time = time.strip_prefix(['T', 't']).or_else(|| {
        let bare = time.trim_start_matches([' ', '\t']);
        (bare.len() < time.len()).then_some(bare)
    });
    let Some(time) = time else { return false };
    is_short(month) && is_short(day) && is_time_of_day(time)
}

fn is_time_of_day(text: &str) -> bool {
    let mut parts = text.splitn(3, ':');
    let (Some(hour), Some(minute), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_hour = |text: &str| (1..=2).contains(&text.len()) && is_digits(text);
    let is_pair = |text: &str| text.len() == 2 && is_digits(text);
    let Some((second, rest)) = rest.split_at_checked(2) else { return false };
    if !is_hour(hour) || !is_pair(minute) || !is_digits(second) {
        return false;
    }
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let zone = rest.trim_start_matches([' ', '\t']);
    // A plain scalar does not end with a blank, so a zone follows.
    if matches!(zone, "" | "Z") {
        return true;
    }
    let Some(zone) = zone.strip_prefix(['+', '-']) else { return false };
    match zone.split_once(':') {
        Some((hour, minute)) => is_hour(hour) && is_pair(minute),
        None => is_hour(zone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, value: Value) {
        assert_eq!(plain(text), Scalar::Value(value), "{text}");
    }

    #[test]
    fn numbers_are_those_of_the_tools_parser() {
        for (text, value) in [
            ("0", 0),
            ("-12", -12),
            ("+7", 7),
            ("0123", 123),
            ("0x1F", 31),
            ("-0o17", -15),
            ("0b101", 5),
            ("10.0", 10),
            ("2e1", 20),
            ("5.", 5),
        ] {
            check(text, Value::Int(value));
        }
        check(".5", Value::Float(0.5));
        check("1.5e-3", Value::Float(0.0015));
        check("-.inf", Value::Float(f64::NEG_INFINITY));
        for text in ["1_024", "0o8", "0x", "1e", "-.5", ".", "1.2.3", "0b2", "+", "1e999", "infinity", "1:30"]
        {
            check(text, Value::Text(text.to_owned()));
        }
    }

    #[test]
    fn dates_and_times_are_known() {
        for text in
            ["2026-01-31", "2026-1-3T4:05:06Z", "2026-01-31 04:05:06.7 +8", "2026-01-31t04:05:06-08:30"]
        {
            assert_eq!(plain(text), Scalar::Time, "{text}");
        }
        for text in [
            "2026-1-31",
            "2026-01",
            "26-01-31",
            "2026-01-31T",
            "2026-01-31 04:05",
            "2026-01-31x",
            "20260131-01-01",
        ] {
            check(text, Value::Text(text.to_owned()));
        }
    }
}
