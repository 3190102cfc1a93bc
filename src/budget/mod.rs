//! A bound on the memory that clients make the process hold: replies that nobody reads, and heads, bodies and messages
//! that came in.
//!
//! A [`Budget`] is for the process, an [`Account`] for one connection. What is small is not counted.

mod account;
#[cfg(feature = "http2")]
mod gate;

pub(crate) use account::{Account, Budget, Held, budget_for};
#[cfg(feature = "http2")]
pub(crate) use gate::{Gate, count_whole};

use crate::platform::limits::KIB;

/// The memory of a small request, in bytes.
pub(crate) const REQUEST_COST: usize = 4 * KIB;

/// Bytes of one body or message that are not counted.
pub(crate) const SMALL: usize = 64 * KIB;
