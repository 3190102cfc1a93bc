//! The dates of signed requests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::failure::Failure;

/// How far the time of a request may be from the time here, in either direction.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Refuses a time outside the window.
pub(crate) fn check_window(time: SystemTime, now: SystemTime) -> Result<(), Failure> {
    let difference = now.duration_since(time).unwrap_or_else(|early| early.duration());
    if difference <= WINDOW { Ok(()) } else { Err(Failure::time_differs(&rfc1123(time), &rfc1123(now))) }
}

/// The time as `Thu, 22 Feb 2024 09:21:31 GMT`.
pub(crate) fn rfc1123(time: SystemTime) -> String {
    // The last year that the format has.
    let latest = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    httpdate::fmt_http_date(time.clamp(UNIX_EPOCH, latest))
}

/// Reads `Thu, 22 Feb 2024 09:21:31 GMT`.
pub(crate) fn parse_rfc1123(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// Writes `2024-02-22T09:21:31Z`.
pub(crate) fn iso8601(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads `2024-02-22T09:21:31Z`, also with a fraction of a second.
pub(crate) fn parse_iso8601(text: &str) -> Option<SystemTime> {
    let bytes = text.as_bytes();
    let fixed = bytes.get(..19)?;
    let is_form = fixed.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        10 => *byte == b'T',
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let fraction = text.get(19..)?.strip_suffix('Z')?;
    let is_fraction = fraction.is_empty()
        || fraction.strip_prefix('.').is_some_and(|digits| {
            (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
    if !is_form || !is_fraction {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days(year, month, day);
    // A day that the month does not have is another date.
    if civil(days) != (year, month, day) {
        return None;
    }
    Some(UNIX_EPOCH + Duration::from_secs(days * 86_400 + hour * 3600 + minute * 60 + second))
}

/// The days from 1970 to a date of the Gregorian calendar. Years are counted from March, so that a leap day ends one.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day.saturating_sub(1);
    (year * 365 + year / 4 - year / 100 + year / 400 + day_of_year).saturating_sub(719_468)
}

fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-22T09:21:31Z", Some(1_708_593_691)),
            ("2024-02-29T23:59:60Z", Some(1_709_251_200)),
            ("2024-02-22T09:21:31.123Z", Some(1_708_593_691)),
            ("2024-02-22T09:21:31.123456789Z", Some(1_708_593_691)),
            ("2023-02-29T00:00:00Z", None),
            ("2024-02-00T00:00:00Z", None),
            ("2024-13-01T00:00:00Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("2024-02-22T24:00:00Z", None),
            ("2024-02-22T09:21:31", None),
            ("2024-02-22T09:21:31.Z", None),
            ("2024-02-22T09:21:31+08:00", None),
            ("2024-02-22 09:21:31Z", None),
            ("+024-02-22T09:21:31Z", None),
            ("２０２４-02-22T09:21:31Z", None),
            ("", None),
        ] {
            let time = parse_iso8601(text);
            assert_eq!(
                time.map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_secs()),
                seconds,
                "{text}"
            );
            if let Some(time) = time.filter(|_| text.len() == 20 && !text.contains(":60")) {
                assert_eq!(iso8601(time), text);
            }
        }
        // Every day of four centuries there and back.
        assert!((0..146_097).all(|day| {
            let (year, month, of_month) = civil(day);
            days(year, month, of_month) == day
        }));
    }

    #[test]
    fn the_window_is_a_quarter_of_an_hour_both_ways() {
        let now = UNIX_EPOCH + Duration::from_secs(1_708_593_691);
        for (seconds, is_in) in [(0, true), (900, true), (901, false), (86_400, false)] {
            let difference = Duration::from_secs(seconds);
            assert_eq!(check_window(now - difference, now).is_ok(), is_in, "{seconds} s ago");
            assert_eq!(check_window(now + difference, now).is_ok(), is_in, "in {seconds} s");
        }
        let failure = check_window(now - Duration::from_secs(3600), now).unwrap_err();
        assert_eq!(
            failure.message(),
            "the difference between the request time 'Thu, 22 Feb 2024 08:21:31 GMT' and the current time 'Thu, 22 Feb 2024 09:21:31 GMT' is too large"
        );
    }
}
