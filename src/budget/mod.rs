//! A bound on the memory that clients make the process hold: unread replies, and received heads, bodies and messages.
//!
//! A [`Budget`] is for the process, an [`Account`] for one connection. Small heads, bodies and messages are not
//! counted, so that a common request pays nothing.

mod account;
#[cfg(feature = "http2")]
mod gate;
#[cfg(feature = "http2")]
mod share;

pub(crate) use account::{Account, Budget, Held, budget_for};
#[cfg(feature = "http2")]
pub(crate) use gate::{Gate, count_whole};

use crate::platform::limits::KIB;

/// The memory of a request beside its head, in bytes.
pub(crate) const REQUEST_COST: usize = 4 * KIB;

/// The largest body or message that is not counted, in bytes.
pub(crate) const SMALL: usize = 64 * KIB;

/// The largest body or message that is never counted, in bytes. Up to [`SMALL`] bytes count where they may be many.
pub(crate) const TINY: usize = 4 * KIB;
