//! Our own stages, in the order in which a request passes them. Plain functions and guards, no list of parts.

#[cfg(feature = "websocket")]
mod boarding;
mod finish;
mod leftover;
mod outgoing;
mod panic;
mod recheck;
mod record;

#[cfg(feature = "websocket")]
pub(crate) use boarding::board;
pub(crate) use finish::{finish, log_cause, respond};
pub(crate) use leftover::drain_leftover;
pub(crate) use outgoing::Outgoing;
pub(crate) use panic::{Begin, Guard, Guarded};
pub(crate) use recheck::{Recheck, recheck};
pub(crate) use record::{Markers, Record};
