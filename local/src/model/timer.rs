//! Timer triggers.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::cron::CronTimes;

/// A timer trigger that is enabled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimerTrigger {
    pub(crate) name: String,
    /// The version or alias that it calls; `None` is `LATEST`.
    pub(crate) qualifier: Option<String>,
    pub(crate) payload: String,
    pub(crate) times: TimerTimes,
}

/// When a timer is due, with the text that says so.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimerTimes {
    text: String,
    kind: Times,
}

#[derive(Debug, Clone, PartialEq)]
enum Times {
    Every(Duration),
    Cron(CronTimes),
}

/// The longest interval: a year.
const EVERY_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

impl TimerTimes {
    /// Reads a `cronExpression`: `@every 5m`, or six fields, in UTC or after `CRON_TZ=<zone>`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what is right.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let fault = |why: &str| {
            format!(
                "`{text}` must be `@every 5m`, or `0 30 8 * * *` with seconds first, in UTC or after `CRON_TZ=Asia/Shanghai`{why}"
            )
        };
        let trimmed = text.trim();
        let kind = if let Some(interval) = trimmed.strip_prefix("@every") {
            let interval =
                interval.strip_prefix(char::is_whitespace).and_then(|text| interval_of(text.trim()));
            Times::Every(
                interval
                    .ok_or_else(|| fault("; the interval is such as 5m, 90s or 1h30m, a second at least"))?,
            )
        } else {
            let (zone, fields) = match trimmed.strip_prefix("CRON_TZ=") {
                None => (TimeZone::UTC, trimmed),
                Some(rest) => {
                    let (zone, fields) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                    let zone =
                        TimeZone::get(zone).map_err(|_| fault(&format!("; `{zone}` is no time zone")))?;
                    (zone, fields)
                }
            };
            Times::Cron(CronTimes::read(fields, zone).map_err(|why| fault(&why))?)
        };
        Ok(TimerTimes { text: trimmed.to_owned(), kind })
    }

    /// The first time after `last`, which is when the timer was last due, or when it was first seen.
    pub(crate) fn next(&self, last: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Times::Every(interval) => last.checked_add(*interval).ok(),
            Times::Cron(times) => times.next(last),
        }
    }
}

/// The text, as it was written.
impl fmt::Display for TimerTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `1h30m`, in hours, minutes and seconds.
fn interval_of(text: &str) -> Option<Duration> {
    let (mut rest, mut seconds) = (text, 0u64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = rest.split_at(digits);
        let factor = match unit.as_bytes().first()? {
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = &unit[1..];
    }
    let interval = Duration::from_secs(seconds);
    (seconds > 0 && interval <= EVERY_MAX).then_some(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_forms_of_the_manual_are_read() {
        for (text, last, next) in [
            ("@every 5m", "2026-01-05T06:40:07Z", "2026-01-05T06:45:07Z"),
            ("@every 1h30m", "2026-01-05T06:40:00Z", "2026-01-05T08:10:00Z"),
            ("0 0 4 * * *", "2026-01-05T04:00:00Z", "2026-01-06T04:00:00Z"),
            ("CRON_TZ=Asia/Shanghai 0 0 4 * * *", "2026-01-05T00:00:00Z", "2026-01-05T20:00:00Z"),
            ("CRON_TZ=America/New_York 0 0 8 * * MON-FRI", "2026-01-03T00:00:00Z", "2026-01-05T13:00:00Z"),
            ("0 */10 * ? * *", "2026-01-05T04:00:00Z", "2026-01-05T04:10:00Z"),
            (" 30 0 12 1 JAN,JUL * ", "2026-01-05T04:00:00Z", "2026-07-01T12:00:30Z"),
        ] {
            let times = TimerTimes::read(text).unwrap();
            assert_eq!(times.next(at(last)), Some(at(next)), "{text}");
            assert_eq!(times.to_string(), text.trim());
        }
        // A day that never comes.
        assert_eq!(TimerTimes::read("0 0 0 31 2 *").unwrap().next(at("2026-01-05T00:00:00Z")), None);
    }

    #[test]
    fn what_is_no_time_is_told() {
        for (text, part) in [
            ("", "six fields"),
            ("0 4 * * *", "six fields"),
            ("0 0 4 L * *", "six fields"),
            ("0 0 25 * * *", "25"),
            ("CRON_TZ=Mars/Base 0 0 4 * * *", "`Mars/Base` is no time zone"),
            ("CRON_TZ=Asia/Shanghai", "six fields"),
            ("@every", "the interval"),
            ("@every 0m", "the interval"),
            ("@every 5", "the interval"),
            ("@every m", "the interval"),
            ("@every 5d", "the interval"),
            ("@every 5é", "the interval"),
            ("@every5m", "the interval"),
            ("@every 99999999999999999999h", "the interval"),
            ("@every 9000h", "the interval"),
            ("@daily", "six fields"),
        ] {
            let fault = TimerTimes::read(text).unwrap_err();
            assert!(fault.contains(part) && fault.contains("`@every 5m`"), "{text}: {fault}");
        }
    }
}
