//! The timer's event.

use serde::{Deserialize, Serialize};

use crate::lenient::text;

/// What a timer trigger sends.
///
/// ```
/// use fc_events::timer::TimerEvent;
///
/// let event: TimerEvent = fc_events::read(br#"{"triggerTime": "2026-01-05T06:40:00Z", "triggerName": "nightly", "payload": "{\"keep\": 7}"}"#)?;
/// assert_eq!(event.trigger_name, "nightly");
/// assert_eq!(event.payload, r#"{"keep": 7}"#); // a text, also where it looks like JSON
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TimerEvent {
    /// When the timer was due, in UTC, as RFC 3339 with `Z`.
    pub trigger_time: String,
    /// The trigger's name.
    pub trigger_name: String,
    /// The text of the trigger's settings; empty when there is none.
    #[serde(default, deserialize_with = "text")]
    pub payload: String,
}
