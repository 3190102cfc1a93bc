//! Routes: from a method and a path to an endpoint. Pure and synchronous; a match of a path in its canonical spelling
//! allocates nothing.

mod index;
mod meaning;
mod params;
mod pattern;
mod prefixes;
mod table;

pub(crate) use meaning::plain;
pub(crate) use params::{PARAMS_MAX, Param};
pub(crate) use pattern::{Pattern, join};
pub(crate) use prefixes::Prefixes;
pub(crate) use table::{Conflict, Found, Table};
