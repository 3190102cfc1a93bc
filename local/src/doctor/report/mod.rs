//! The findings, written down: for people, for programs, and for the documents.

mod explain;
mod json;
mod sarif;
mod text;

#[cfg(test)]
pub(super) use explain::document;
pub(crate) use explain::{explanation, list};
pub(crate) use json::json;
pub(crate) use sarif::sarif;
pub(crate) use text::{summary, text};
