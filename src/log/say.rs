//! The messages of this crate itself, as `tracing` events for the installed subscriber.
//!
//! There is one function for each level, because every use of a `tracing` macro adds a callsite to the binary.

use std::fmt;

#[cold]
pub(crate) fn error(text: fmt::Arguments<'_>) {
    tracing::error!(target: "fc_runtime", "{text}");
}

#[cold]
pub(crate) fn warn(text: fmt::Arguments<'_>) {
    tracing::warn!(target: "fc_runtime", "{text}");
}

#[cold]
pub(crate) fn info(text: fmt::Arguments<'_>) {
    tracing::info!(target: "fc_runtime", "{text}");
}

#[cold]
pub(crate) fn debug(text: fmt::Arguments<'_>) {
    tracing::debug!(target: "fc_runtime", "{text}");
}
