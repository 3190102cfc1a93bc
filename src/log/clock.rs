//! Timestamps: UTC, milliseconds, formatted once per second and thread.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

/// The length of a timestamp such as `2026-11-21T05:11:22.123Z`, in bytes.
const LEN: usize = 24;

/// Appends the current time. The date is formatted once per second; the milliseconds each time.
pub(crate) fn stamp(into: &mut Vec<u8>) {
    thread_local! {
        static LAST: RefCell<(u64, [u8; LEN])> = const { RefCell::new((u64::MAX, [0; LEN])) };
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (now.as_secs(), now.subsec_millis());
    LAST.with_borrow_mut(|(last, text)| {
        if *last != seconds {
            *last = seconds;
            *text = format_second(seconds);
        }
        digits(&mut text[20..23], u64::from(millis));
        into.extend_from_slice(text);
    });
}

fn format_second(seconds: u64) -> [u8; LEN] {
    let (year, month, day) = civil(seconds / 86_400);
    let of_day = seconds % 86_400;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], of_day / 3600);
    digits(&mut text[14..16], of_day / 60 % 60);
    digits(&mut text[17..19], of_day % 60);
    text
}

fn digits(into: &mut [u8], mut value: u64) {
    for digit in into.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar.
///
/// Counts in eras of 400 years that begin on 1 March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: u64, expected: &str) {
        assert_eq!(std::str::from_utf8(&format_second(seconds)).unwrap(), expected);
    }

    #[test]
    fn seconds_become_calendar_dates() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_399, "2000-02-28T23:59:59.000Z");
        check(951_782_400, "2000-02-29T00:00:00.000Z");
        check(1_708_593_689, "2024-02-22T09:21:29.000Z");
        check(4_102_444_799, "2099-12-31T23:59:59.000Z");
    }
}
