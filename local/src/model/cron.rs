//! Cron expressions in the platform's form: six fields, seconds first.

use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The times of six fields in a time zone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CronTimes {
    cron: Box<Cron>,
    zone: TimeZone,
}

impl CronTimes {
    /// Reads `second minute hour day month weekday`.
    ///
    /// # Errors
    ///
    /// What is wrong, as the end of a sentence that says what is right.
    pub(super) fn read(fields: &str, zone: TimeZone) -> Result<Self, String> {
        if fields.split_whitespace().count() != 6 || !fields.split_whitespace().all(is_plain) {
            return Err(
                "; its six fields have numbers, names of months and weekdays, `*`, `?`, `,`, `-` and `/`"
                    .to_owned(),
            );
        }
        let parser = CronParser::builder().seconds(Seconds::Required).build();
        let cron = parser.parse(fields).map_err(|error| format!(": {error}"))?;
        Ok(CronTimes { cron: Box::new(cron), zone })
    }

    /// The first time after `now`.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        // None of the parser's errors is more than "there is none".
        let found = self.cron.find_next_occurrence(&now.to_zoned(self.zone.clone()), false);
        found.ok().map(|found| found.timestamp())
    }

    /// The last time until `now`.
    pub(super) fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_previous_occurrence(&now.to_zoned(self.zone.clone()), true);
        found.ok().map(|found| found.timestamp())
    }
}

/// Whether a field has nothing that the parser knows beyond the platform's form, such as `L` and `#`.
fn is_plain(field: &str) -> bool {
    field.split([',', '-', '/']).all(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
        matches!(part, "*" | "?") || is_number || is_name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &str, [start, end]: [&str; 2], expected: &[&str]) {
        let times = CronTimes::read(fields, TimeZone::get("Europe/Berlin").unwrap()).unwrap();
        let [start, end]: [Timestamp; 2] = [start, end].map(|text| text.parse().unwrap());
        let all = std::iter::successors(times.next(start), |last| times.next(*last));
        let found: Vec<_> = all.take_while(|time| *time < end).collect();
        let expected: Vec<Timestamp> = expected.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(found, expected, "{fields}");
        for time in found {
            assert_eq!(times.latest(time), Some(time), "{fields}");
        }
    }

    #[test]
    fn a_daily_time_comes_once_on_the_days_when_the_clock_is_changed() {
        const AUTUMN: [&str; 2] = ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"];
        const SPRING: [&str; 2] = ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"];
        // 02:30 is there twice, and not at all.
        check("0 30 2 * * *", AUTUMN, &["2026-10-25T00:30:00Z"]);
        check("0 30 2 * * *", SPRING, &["2026-03-29T01:00:00Z"]);
        // Hours that are there once.
        check("0 30 1,3 * * *", AUTUMN, &["2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z"]);
        check("0 30 1,3 * * *", SPRING, &["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]);
    }
    /// Whoever asks for one time after the other would never come to an end.
    #[test]
    fn each_time_is_later_than_the_one_before_where_clocks_are_changed() {
        // By half an hour, and at midnight.
        for (zone, begin) in
            [("Australia/Lord_Howe", "2026-10-02T12:00:00Z"), ("America/Sao_Paulo", "2018-11-02T12:00:00Z")]
        {
            for fields in ["0 30 1 * * *", "0 45 1,2 * * *", "0 0 0 * * *", "0 */20 * * * *", "0 0 * * * *"] {
                let times = CronTimes::read(fields, TimeZone::get(zone).unwrap()).unwrap();
                let mut last: Timestamp = begin.parse().unwrap();
                let end = last + jiff::SignedDuration::from_hours(4 * 24);
                while last < end {
                    let next = times.next(last).unwrap();
                    assert!(next > last, "{zone} {fields}: {next} after {last}");
                    last = next;
                }
            }
        }
    }
}
