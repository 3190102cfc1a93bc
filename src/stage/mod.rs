//! The fixed stages of a request, in their order. Each is a plain function or a guard.

mod bounded;
mod finish;
mod leftover;
mod outgoing;
mod panic_guard;
mod recheck;
mod record;
mod span;
#[cfg(any(feature = "tower", feature = "websocket"))]
mod upgrade;

pub(crate) use bounded::{Bounded, Failure, run_bounded};
pub(crate) use finish::{finish, log_cause, respond};
pub(crate) use leftover::drain_leftover;
pub(crate) use outgoing::Outgoing;
pub(crate) use panic_guard::{Begin, PanicGuard, PanicGuarded};
pub(crate) use recheck::{Recheck, recheck};
pub(crate) use record::{Markers, Record};
pub(crate) use span::{Trigger, request_span};
#[cfg(any(feature = "tower", feature = "websocket"))]
pub(crate) use upgrade::hand_over_upgrade;
