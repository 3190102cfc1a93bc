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
