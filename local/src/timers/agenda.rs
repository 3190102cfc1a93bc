//! Which timers are due: a pure state machine over the times that it is told.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::TimerTrigger;

/// How late a timer may fire. An older time is missed: this machine slept, or its clock was set.
const LATE_MAX: SignedDuration = SignedDuration::from_secs(10);

/// The most missed times of a timer that are counted one by one.
const COUNTED_MAX: u64 = 10_000;

/// The timers of all functions, each with its next time.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    armed: Vec<Armed>,
}

#[derive(Debug, Clone)]
struct Armed {
    function: Arc<str>,
    trigger: TimerTrigger,
    next: Option<Timestamp>,
}

/// A timer with a time of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct At {
    pub(super) function: Arc<str>,
    pub(super) trigger: TimerTrigger,
    pub(super) time: Option<Timestamp>,
}

/// What a moment brings.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Due {
    Fires(At),
    /// So many times of the timer have passed, of which this is the last.
    Missed(At, u64),
}

impl Agenda {
    /// Takes the timers of the manifest in place of the former ones. Those that stay as they are keep their times. Gives the new ones.
    pub(super) fn set(&mut self, timers: Vec<(Arc<str>, TimerTrigger)>, now: Timestamp) -> Vec<At> {
        let (mut armed, mut new) = (Vec::with_capacity(timers.len()), Vec::new());
        for (function, trigger) in timers {
            let same = |own: &&Armed| own.function == function && own.trigger == trigger;
            if let Some(same) = self.armed.iter().find(same) {
                armed.push(same.clone());
                continue;
            }
            let next = trigger.times.next(whole_second(now));
            new.push(At { function: Arc::clone(&function), trigger: trigger.clone(), time: next });
            armed.push(Armed { function, trigger, next });
        }
        self.armed = armed;
        new
    }

    /// The next moment at which a timer is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.armed.iter().filter_map(|armed| armed.next).min()
    }

    /// What is due at `now`, in the order of times. No time of a timer is given twice.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<Due> {
        let mut due = Vec::new();
        for armed in &mut self.armed {
            let (mut missed, mut last) = (0, None);
            while let Some(time) = armed.next.filter(|time| *time <= now) {
                let at = |time| At {
                    function: Arc::clone(&armed.function),
                    trigger: armed.trigger.clone(),
                    time: Some(time),
                };
                if now.duration_since(time) > LATE_MAX {
                    (missed, last) = (missed + 1, Some(at(time)));
                    if missed == COUNTED_MAX {
                        let early = now.saturating_sub(LATE_MAX).unwrap_or(now);
                        armed.next = armed.trigger.times.next(whole_second(early));
                        continue;
                    }
                } else {
                    due.push(Due::Fires(at(time)));
                }
                armed.next = armed.trigger.times.next(time);
            }
            due.extend(last.map(|last| Due::Missed(last, missed)));
        }
        due.sort_by_key(|due| match due {
            Due::Fires(at) | Due::Missed(at, _) => at.time,
        });
        due
    }
}

/// Times of timers are whole seconds, as the platform shows them.
fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TimerTimes;

    fn timer(name: &str, times: &str) -> (Arc<str>, TimerTrigger) {
        let times = TimerTimes::read(times).unwrap();
        let trigger = TimerTrigger { name: name.to_owned(), qualifier: None, payload: String::new(), times };
        (Arc::from("f"), trigger)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The due ones as texts: `name time`, with the number of missed ones.
    fn told(due: &[Due]) -> Vec<String> {
        let text = |at: &At| format!("{} {}", at.trigger.name, at.time.unwrap());
        due.iter()
            .map(|due| match due {
                Due::Fires(at) => text(at),
                Due::Missed(at, count) => format!("{} missed {count}", text(at)),
            })
            .collect()
    }

    #[test]
    fn no_time_is_given_twice_and_none_is_lost() {
        let mut agenda = Agenda::default();
        let new = agenda
            .set(vec![timer("a", "@every 5m"), timer("b", "0 */2 * * * *")], at("2026-01-05T06:00:00.7Z"));
        assert_eq!(new.len(), 2);
        assert_eq!(agenda.next(), Some(at("2026-01-05T06:02:00Z")));
        for (now, expected) in [
            ("2026-01-05T06:01:59.9Z", &[][..]),
            ("2026-01-05T06:02:00Z", &["b 2026-01-05T06:02:00Z"]),
            ("2026-01-05T06:02:00Z", &[]),
            // A clock that goes back brings nothing again.
            ("2026-01-05T06:01:00Z", &[]),
            ("2026-01-05T06:04:09Z", &["b 2026-01-05T06:04:00Z"]),
            ("2026-01-05T06:05:00.1Z", &["a 2026-01-05T06:05:00Z"]),
            // Asleep until here: the last ones are in time, the ones before are not.
            (
                "2026-01-05T06:20:03Z",
                &[
                    "a 2026-01-05T06:15:00Z missed 2",
                    "b 2026-01-05T06:18:00Z missed 7",
                    "a 2026-01-05T06:20:00Z",
                    "b 2026-01-05T06:20:00Z",
                ],
            ),
            ("2026-01-05T06:22:00Z", &["b 2026-01-05T06:22:00Z"]),
        ] {
            assert_eq!(told(&agenda.take_due(at(now))), expected, "{now}");
        }
    }

    #[test]
    fn a_timer_that_stays_as_it_is_keeps_its_time() {
        let mut agenda = Agenda::default();
        agenda.set(vec![timer("a", "@every 5m"), timer("b", "@every 5m")], at("2026-01-05T06:00:00Z"));
        // Later `b` is another one, and `c` is new.
        let changed = vec![timer("a", "@every 5m"), timer("b", "@every 3m"), timer("c", "@every 7m")];
        let new = agenda.set(changed, at("2026-01-05T06:04:00Z"));
        assert_eq!(new.iter().map(|at| &*at.trigger.name).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(told(&agenda.take_due(at("2026-01-05T06:05:00Z"))), ["a 2026-01-05T06:05:00Z"]);
        assert_eq!(agenda.next(), Some(at("2026-01-05T06:07:00Z")));
        agenda.set(Vec::new(), at("2026-01-05T06:06:00Z"));
        assert_eq!((agenda.next(), agenda.take_due(at("2027-01-01T00:00:00Z"))), (None, Vec::new()));
    }

    #[test]
    fn a_long_sleep_is_counted_to_a_bound() {
        for (times, now) in [("* * * * * *", "2027-01-05T06:00:00Z"), ("@every 1s", "2027-01-05T06:00:00.7Z")]
        {
            let mut agenda = Agenda::default();
            agenda.set(vec![timer("a", times)], at("2026-01-05T06:00:00Z"));
            let due = told(&agenda.take_due(at(now)));
            assert!(due[0].ends_with("missed 10000"), "{times}: {due:?}");
            // The seconds within the lateness that is allowed.
            assert!((10..=12).contains(&due.len()), "{times}: {due:?}");
            assert!(due.iter().all(|text| !text.contains('.')), "{times}: {due:?}");
            assert_eq!(agenda.next(), Some(at("2027-01-05T06:00:01Z")), "{times}");
        }
    }
}
