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

use std::path::Path;

use crate::shell;

/// A path as a reader in the current folder writes it.
fn shown(file: &Path) -> String {
    let current = shell::current_folder();
    let below = current.as_deref().and_then(|current| file.strip_prefix(current).ok());
    below.unwrap_or(file).display().to_string()
}
