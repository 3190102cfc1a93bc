//! The pages, as pure functions from data to HTML. maud escapes every text.

pub(super) mod frame;
pub(super) mod instances;
pub(super) mod logs;
pub(super) mod overview;
mod text;

/// A part of a page that its stream keeps current: its id, and what is in it.
pub(super) type Region = (&'static str, maud::Markup);
