//! An event of each kind about asynchronous calls, and its sentence.

use std::time::Duration;

use super::samples::Sample;
use super::*;

const DURATION: Duration = Duration::from_millis(45);

fn timer(due: Option<&str>, what: TimerWhat) -> Kind {
    Kind::Timer(TimerNews { trigger: "tick".to_owned(), due: due.map(str::to_owned), what })
}

pub(super) fn samples() -> Vec<Sample> {
    vec![
        (
            Kind::AsyncCall(AsyncNews { duration: Some(DURATION), ..AsyncNews::new(None, "Succeeded", 1) }),
            "asynchronous call Succeeded, execution 1 45.0 ms",
        ),
        (
            Kind::AsyncCall(AsyncNews {
                duration: Some(DURATION),
                retry_in: Some(Duration::from_millis(500)),
                error: Some("NoLuckError: no luck".to_owned()),
                ..AsyncNews::new(Some("t-1".to_owned()), "Retrying", 2)
            }),
            "task t-1 Retrying, execution 2 45.0 ms, again in 0.5 s: NoLuckError: no luck",
        ),
        (Kind::AsyncCall(AsyncNews::new(Some("t-1".to_owned()), "Expired", 0)), "task t-1 Expired"),
        (
            Kind::MessageStored("acs:mns:::/queues/q/messages".to_owned()),
            "message for acs:mns:::/queues/q/messages: `fc-local messages` shows it",
        ),
        (
            Kind::DestinationFailed(DestinationFault {
                destination: "acs:fc:::functions/g".to_owned(),
                error: "function 'g' does not exist".to_owned(),
            }),
            "DestinationDeliveryFailed: acs:fc:::functions/g: function 'g' does not exist",
        ),
        (
            Kind::QueueResumed { waiting: 1, repeated: 0 },
            "the queue of asynchronous calls goes on with 1 call",
        ),
        (
            Kind::QueueResumed { waiting: 12, repeated: 2 },
            "the queue of asynchronous calls goes on with 12 calls; 2 calls may have been under way when the former \
             fc-local ended, and run once more",
        ),
        (
            timer(Some("2026-01-05T06:40:00Z"), TimerWhat::Set { schedule: "@every 5m".to_owned() }),
            "timer `tick` (@every 5m) is next due at 2026-01-05T06:40:00Z",
        ),
        (
            timer(None, TimerWhat::Set { schedule: "0 0 0 31 2 *".to_owned() }),
            "timer `tick` (0 0 0 31 2 *) is never due",
        ),
        (
            timer(Some("2026-01-05T06:40:00Z"), TimerWhat::Fired),
            "timer `tick` fires for 2026-01-05T06:40:00Z",
        ),
        (
            timer(Some("2026-01-05T06:40:00Z"), TimerWhat::Missed { times: 1 }),
            "timer `tick` missed 2026-01-05T06:40:00Z: this machine slept, or its clock was set",
        ),
        (
            timer(Some("2026-01-05T06:40:00Z"), TimerWhat::Missed { times: 3 }),
            "timer `tick` missed 3 times, at last 2026-01-05T06:40:00Z: this machine slept, or its clock was set",
        ),
        (
            timer(Some("2026-01-05T06:40:00Z"), TimerWhat::Failed { error: "the disk is full".to_owned() }),
            "timer `tick`: the event of 2026-01-05T06:40:00Z is lost: the disk is full",
        ),
        (
            Kind::CallSetAside { error: "call 7: no luck".to_owned() },
            "the record of an asynchronous call cannot be read and was set aside: call 7: no luck",
        ),
        (Kind::QueueUnavailable { error: "no luck".to_owned() }, "asynchronous calls are refused: no luck"),
    ]
}
