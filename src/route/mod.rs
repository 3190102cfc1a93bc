//! Which endpoint a request belongs to: pure, synchronous, no allocation on a match.

mod params;
mod pattern;
mod table;

pub(crate) use params::{PARAMS_MAX, Param};
pub(crate) use pattern::{Pattern, join};
pub(crate) use table::{Conflict, Found, Table};
