//! The messages of this crate itself, as `tracing` events for the installed subscriber.
//!
//! There is one function for each level, because every use of a `tracing` macro adds a callsite to the binary.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// The target of requests, as spans and events.
pub(crate) const REQUEST: &str = "fc_runtime::request";

/// Whether the subscriber is the author's, who then gets requests as events.
static IS_FOREIGN: AtomicBool = AtomicBool::new(false);

/// Notes whose the subscriber is. `is_ours` is true if this crate has installed its own.
pub(crate) fn look_at_subscriber(is_ours: bool) {
    IS_FOREIGN.store(!is_ours && tracing::dispatcher::has_been_set(), Ordering::Relaxed);
}

/// Whether a subscriber of the author's gets the access records, in place of lines on stdout.
pub(crate) fn has_foreign_subscriber() -> bool {
    IS_FOREIGN.load(Ordering::Relaxed)
}

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
