//! What this crate itself has to say, as `tracing` events: whoever installed a subscriber gets them.
//!
//! One function for each level, because every call of a `tracing` macro costs its callsite in every binary.

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
