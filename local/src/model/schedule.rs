//! When how many instances are kept: the schedules of `scalingConfig` and `provisionConfig`.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::cron::CronTimes;

/// A schedule: from each of its times on, so many instances are kept, until another schedule's time comes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    pub(crate) name: Arc<str>,
    pub(crate) target: usize,
    times: Times,
    /// When the schedule begins and ends to have an effect.
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
enum Times {
    /// `cron(second minute hour day month weekday)`
    Cron(CronTimes),
    /// `at(time)`: once.
    At(Timestamp),
}

/// How many instances are kept, and by which schedule; `None` is the number of the settings themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) count: usize,
    pub(crate) schedule: Option<Arc<str>>,
}

impl Schedule {
    /// Reads the texts of a schedule. Times without an offset are those of `zone`, or UTC.
    ///
    /// # Errors
    ///
    /// The key of the text that cannot be read, and what is wrong with it.
    pub(crate) fn read(
        name: &str,
        target: usize,
        expression: &str,
        [zone, from, to]: [Option<&str>; 3],
    ) -> Result<Self, (&'static str, String)> {
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name)
                .map_err(|_| ("timeZone", format!("`{name}` is no time zone, such as `Asia/Shanghai`")))?,
        };
        let time = |key, text: Option<&str>| {
            let read = text.map(|text| time(text, &zone));
            read.transpose().map_err(|fault| (key, fault))
        };
        let (from, to) = (time("startTime", from)?, time("endTime", to)?);
        let times = times(expression, &zone).map_err(|fault| ("scheduleExpression", fault))?;
        Ok(Schedule { name: Arc::from(name), target, times, from, to })
    }

    /// The latest time of the schedule that has an effect at `now`.
    fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        if self.to.is_some_and(|to| now >= to) {
            return None;
        }
        let latest = match &self.times {
            Times::At(at) => Some(*at).filter(|at| *at <= now)?,
            Times::Cron(times) => times.latest(now)?,
        };
        Some(latest).filter(|latest| self.from.is_none_or(|from| *latest >= from))
    }

    /// The next moment after `now` at which the schedule may change something.
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let end = self.to.filter(|to| *to > now);
        if self.to.is_some() && end.is_none() {
            return None;
        }
        let next = match &self.times {
            Times::At(at) => Some(*at).filter(|at| *at > now),
            Times::Cron(times) => times.next(now),
        };
        next.into_iter().chain(end).min()
    }
}

/// How many instances are kept at `now`: as many as the schedule says whose time came last, else `least`.
pub(crate) fn kept(schedules: &[Schedule], least: usize, now: Timestamp) -> Kept {
    let fired = schedules.iter().filter_map(|schedule| Some((schedule.latest(now)?, schedule)));
    match fired.max_by_key(|(latest, _)| *latest) {
        Some((_, schedule)) => Kept { count: schedule.target, schedule: Some(Arc::clone(&schedule.name)) },
        None => Kept { count: least, schedule: None },
    }
}

/// The next moment after `now` at which the number may change.
pub(crate) fn next_change(schedules: &[Schedule], now: Timestamp) -> Option<Timestamp> {
    schedules.iter().filter_map(|schedule| schedule.next(now)).min()
}

/// `2026-01-31T12:00:00Z`, or without the `Z` in `zone`.
fn time(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let fault = || format!("`{text}` is no time, such as `2026-01-31T12:00:00`, or with a `Z` at its end");
    if let Ok(timestamp) = text.parse() {
        return Ok(timestamp);
    }
    let civil: DateTime = text.parse().map_err(|_| fault())?;
    zone.to_zoned(civil).map(|zoned| zoned.timestamp()).map_err(|_| fault())
}

fn times(expression: &str, zone: &TimeZone) -> Result<Times, String> {
    let inner = |word: &str| expression.strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(text) = inner("at") {
        return time(text, zone).map(Times::At);
    }
    let fault = |why: &str| {
        format!(
            "`{expression}` must be `cron(0 30 8 * * *)`, with seconds first, or `at(2026-01-31T08:30:00)`{why}"
        )
    };
    let fields = inner("cron").ok_or_else(|| fault(""))?;
    if fields.trim_start().starts_with("CRON_TZ") {
        return Err(fault("; the time zone stands in `timeZone`"));
    }
    CronTimes::read(fields, zone.clone()).map(Times::Cron).map_err(|why| fault(&why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(name: &str, target: usize, expression: &str, more: [Option<&str>; 3]) -> Schedule {
        Schedule::read(name, target, expression, more).unwrap()
    }

    /// The platform's own example: up at 20:00 in Shanghai, down at 22:00, during August.
    #[test]
    fn the_latest_time_decides_within_the_time_of_the_schedule() {
        let more = [Some("Asia/Shanghai"), Some("2024-08-01T10:00:00"), Some("2024-08-30T10:00:00")];
        let all = [
            schedule("up", 50, "cron(0 0 20 * * *)", more),
            schedule("down", 10, "cron(0 0 22 * * *)", more),
        ];
        for (now, count, name, next) in [
            // Before the first time the number of the settings holds, although yesterday had such a time.
            ("2024-08-01T02:00:00Z", 1, None, Some("2024-08-01T12:00:00Z")),
            ("2024-08-01T11:59:59Z", 1, None, Some("2024-08-01T12:00:00Z")),
            ("2024-08-01T12:00:00Z", 50, Some("up"), Some("2024-08-01T14:00:00Z")),
            ("2024-08-01T14:00:00Z", 10, Some("down"), Some("2024-08-02T12:00:00Z")),
            ("2024-08-02T03:00:00Z", 10, Some("down"), Some("2024-08-02T12:00:00Z")),
            ("2024-08-29T15:00:00Z", 10, Some("down"), Some("2024-08-30T02:00:00Z")),
            ("2024-08-30T02:00:00Z", 1, None, None),
        ] {
            let now = at(now);
            let kept = kept(&all, 1, now);
            assert_eq!((kept.count, kept.schedule.as_deref()), (count, name), "{now}");
            assert_eq!(next_change(&all, now), next.map(at), "{now}");
        }
    }

    #[test]
    fn weekdays_count_from_sunday_as_0_and_two_day_fields_mean_either() {
        for (expression, days) in [
            ("cron(0 0 4 * * 1)", ["2026-03-02", "2026-03-09"]),
            ("cron(0 0 4 ? * MON-FRI)", ["2026-03-02", "2026-03-03"]),
            ("cron(0 0 4 * * 0)", ["2026-03-01", "2026-03-08"]),
            ("cron(0 0 4 13 * FRI)", ["2026-03-06", "2026-03-13"]),
            ("cron(0 0 4 1,15 JAN,APR *)", ["2026-04-01", "2026-04-15"]),
        ] {
            let all = [schedule("s", 1, expression, [None; 3])];
            let first = next_change(&all, at("2026-03-01T00:00:00Z")).unwrap();
            let second = next_change(&all, first).unwrap();
            let expected = days.map(|day| at(&format!("{day}T04:00:00Z")));
            assert_eq!([first, second], expected, "{expression}");
        }
    }

    #[test]
    fn a_single_time_lasts_until_another_one_or_the_end() {
        let once = schedule("once", 3, "at(2026-03-29T03:30:00)", [Some("Europe/Berlin"), None, None]);
        let utc = schedule("utc", 4, "at(2026-03-29T02:00:00Z)", [Some("Europe/Berlin"), None, None]);
        let all = [once, utc];
        // The clock went forward in that night, at 02:00.
        for (now, count) in
            [("2026-03-29T01:29:59Z", 0), ("2026-03-29T01:30:00Z", 3), ("2026-03-29T02:00:00Z", 4)]
        {
            assert_eq!(kept(&all, 0, at(now)).count, count, "{now}");
        }
        assert_eq!(next_change(&all, at("2026-03-29T02:00:00Z")), None);
    }

    #[test]
    fn what_is_no_schedule_is_told_with_its_key() {
        for (expression, more, key, part) in [
            ("0 0 4 * * *", [None; 3], "scheduleExpression", "cron(0 30 8 * * *)"),
            ("cron(0 4 * * *)", [None; 3], "scheduleExpression", "six fields"),
            ("cron(0 0 25 * * *)", [None; 3], "scheduleExpression", "25"),
            ("cron(0 0 4 L * *)", [None; 3], "scheduleExpression", "six fields"),
            ("cron(0 0 4 * * FRI#2)", [None; 3], "scheduleExpression", "six fields"),
            ("cron(CRON_TZ=UTC 0 0 4 * * *)", [None; 3], "scheduleExpression", "`timeZone`"),
            ("at(tomorrow)", [None; 3], "scheduleExpression", "tomorrow"),
            ("cron(0 0 4 * * *)", [Some("Mars/Base"), None, None], "timeZone", "Mars/Base"),
            ("cron(0 0 4 * * *)", [None, Some("8 o'clock"), None], "startTime", "8 o'clock"),
            ("cron(0 0 4 * * *)", [None, None, Some("2026-13-01T00:00:00")], "endTime", "2026-13-01"),
        ] {
            let (seen, fault) = Schedule::read("s", 1, expression, more).unwrap_err();
            assert!(seen == key && fault.contains(part), "{expression}: {seen} {fault}");
        }
    }
}
