//! The pages, as pure functions from data to HTML. maud escapes every text.

mod chart;
pub(super) mod configuration;
pub(super) mod frame;
pub(super) mod instances;
pub(super) mod logs;
pub(super) mod overview;
pub(super) mod request;
pub(super) mod requests;
pub(super) mod routes;
pub(super) mod send;
pub(super) mod tasks;
pub(super) mod text;

/// A part of a page that its stream keeps current: its id, and what is in it.
pub(super) type Region = (&'static str, maud::Markup);

#[cfg(test)]
mod tests;
