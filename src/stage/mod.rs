//! Our own stages, in the order in which a request passes them. Plain functions and guards, no list of parts.

mod finish;
mod leftover;
mod outgoing;
mod panic;
mod record;

pub(crate) use finish::{finish, log_cause, respond};
pub(crate) use leftover::drain_leftover;
pub(crate) use outgoing::Outgoing;
pub(crate) use panic::{Begin, Guarded};
pub(crate) use record::{Markers, Record};
