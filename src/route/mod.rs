//! Which endpoint a request belongs to: pure, synchronous, no allocation on a match of a path in its usual spelling.

mod meaning;
mod params;
mod pattern;
mod table;

pub(crate) use meaning::plain;
pub(crate) use params::{PARAMS_MAX, Param};
pub(crate) use pattern::{Pattern, join};
pub(crate) use table::{Conflict, Found, Table};
