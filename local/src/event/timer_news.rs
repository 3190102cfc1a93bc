//! What becomes of timer triggers: fields, sentence and JSON.

use serde_json::{Value, json};

use super::level::Level;

/// What becomes of a timer trigger. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimerNews {
    /// The trigger's name.
    pub trigger: String,
    /// The time at which the timer is or was due, as RFC 3339 in UTC; `None` if none is to come.
    pub due: Option<String>,
    /// What became of the timer.
    pub what: TimerWhat,
}

/// What became of a timer. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimerWhat {
    /// The timer runs from now on.
    Set {
        /// Its `cronExpression`.
        schedule: String,
    },
    /// The timer fired: its event is an asynchronous call.
    Fired,
    /// Times have passed while this machine slept, or its clock was set. They bring no event.
    Missed {
        /// How many, the time of the event being the last of them.
        times: u64,
    },
    /// The timer was due, and its event could not be stored.
    Failed {
        /// Why.
        error: String,
    },
}

impl TimerNews {
    pub(super) fn level(&self) -> Level {
        match self.what {
            TimerWhat::Set { .. } | TimerWhat::Fired => Level::Info,
            TimerWhat::Missed { .. } => Level::Warning,
            TimerWhat::Failed { .. } => Level::Error,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let more = match &self.what {
            TimerWhat::Set { schedule: text } | TimerWhat::Failed { error: text } => text.capacity(),
            TimerWhat::Fired | TimerWhat::Missed { .. } => 0,
        };
        self.trigger.capacity() + self.due.as_ref().map_or(0, String::capacity) + more
    }

    pub(super) fn text(&self) -> String {
        let Self { trigger, due, what } = self;
        let time = due.as_deref();
        match what {
            TimerWhat::Set { schedule } => match time {
                Some(time) => format!("timer `{trigger}` ({schedule}) is next due at {time}"),
                None => format!("timer `{trigger}` ({schedule}) is never due"),
            },
            TimerWhat::Fired => format!("timer `{trigger}` fires for {}", time.unwrap_or("now")),
            TimerWhat::Missed { times: 1 } => {
                format!(
                    "timer `{trigger}` missed {}: this machine slept, or its clock was set",
                    time.unwrap_or("a time")
                )
            }
            TimerWhat::Missed { times } => format!(
                "timer `{trigger}` missed {times} times, at last {}: this machine slept, or its clock was set",
                time.unwrap_or("now")
            ),
            TimerWhat::Failed { error } => {
                format!("timer `{trigger}`: the event of {} is lost: {error}", time.unwrap_or("now"))
            }
        }
    }

    pub(super) fn json(&self) -> Value {
        let (word, schedule, times, error) = match &self.what {
            TimerWhat::Set { schedule } => ("set", Some(schedule), None, None),
            TimerWhat::Fired => ("fired", None, None, None),
            TimerWhat::Missed { times } => ("missed", None, Some(times), None),
            TimerWhat::Failed { error } => ("failed", None, None, Some(error)),
        };
        json!({
            "trigger": self.trigger, "what": word, "due": self.due, "schedule": schedule, "times": times, "error": error,
        })
    }
}
