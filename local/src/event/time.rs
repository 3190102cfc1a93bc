//! Points in time as text, in UTC, and spans of time as people write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Formats times. The text of the last second is kept, because most events share their second with the event before.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    second: u64,
    text: String,
}

impl Clock {
    /// `2026-01-31T12:00:00.000Z`.
    pub(crate) fn utc(&mut self, time: SystemTime) -> &str {
        const BEFORE_MILLIS: usize = 20;
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs();
        if self.text.is_empty() || seconds != self.second {
            let (days, rest) = (seconds / 86_400, seconds % 86_400);
            let (year, month, day) = date(days);
            let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
            self.text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.");
            self.second = seconds;
        }
        self.text.truncate(BEFORE_MILLIS);
        let millis = since.subsec_millis();
        self.text.extend([100, 10, 1].map(|place| char::from_digit(millis / place % 10, 10).unwrap_or('0')));
        self.text.push('Z');
        &self.text
    }
}

/// One time as text: `2026-01-31T12:00:00.000Z`.
pub(crate) fn utc(time: SystemTime) -> String {
    Clock::default().utc(time).to_owned()
}

/// Reads `500ms`, `30s`, `15m`, `2h`, or a number of seconds.
///
/// # Errors
///
/// It is none of these.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time: write it as 500ms, 30s, 15m or 2h");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let seconds = |factor: u64| number.checked_mul(factor).map(Duration::from_secs).ok_or_else(wrong);
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number)),
        "" | "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3600),
        "d" => seconds(86_400),
        _ => Err(wrong()),
    }
}

/// The Gregorian date of a day counted from 1970. Years are counted from March, so that the leap day ends one.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970: u64 = 719_468;
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let day = days + DAYS_TO_1970;
    let (era, of_era) = (day / DAYS_OF_400_YEARS, day % DAYS_OF_400_YEARS);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn days_become_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_164_800, "2024-02-29T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(super::Clock::default().utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_clock_follows_the_time() {
        let mut clock = super::Clock::default();
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (7, "1970-01-01T00:00:00.007Z"),
            (60_999, "1970-01-01T00:01:00.999Z"),
            (60_120, "1970-01-01T00:01:00.120Z"),
            (59_000, "1970-01-01T00:00:59.000Z"),
        ] {
            assert_eq!(clock.utc(UNIX_EPOCH + Duration::from_millis(millis)), text);
        }
    }
}
