//! An event of each kind about asynchronous calls, and its sentence.

use std::time::Duration;

use super::samples::Sample;
use super::*;

const DURATION: Duration = Duration::from_millis(45);

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
            Kind::CallSetAside { error: "call 7: no luck".to_owned() },
            "the record of an asynchronous call cannot be read and was set aside: call 7: no luck",
        ),
        (Kind::QueueUnavailable { error: "no luck".to_owned() }, "asynchronous calls are refused: no luck"),
    ]
}
