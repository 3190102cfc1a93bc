//! The messages of this crate itself, as `tracing` events for the installed subscriber.
//!
//! There is one function for each level, because every use of a `tracing` macro adds a callsite to the binary.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::log::Level;

/// The target of this crate's messages.
const OWN: &str = "fc_runtime";

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
    if !said(Level::Error, text) {
        tracing::error!(target: OWN, "{text}");
    }
}

#[cold]
pub(crate) fn warn(text: fmt::Arguments<'_>) {
    if !said(Level::Warn, text) {
        tracing::warn!(target: OWN, "{text}");
    }
}

#[cold]
pub(crate) fn info(text: fmt::Arguments<'_>) {
    if !said(Level::Info, text) {
        tracing::info!(target: OWN, "{text}");
    }
}

#[cold]
pub(crate) fn debug(text: fmt::Arguments<'_>) {
    tracing::debug!(target: OWN, "{text}");
}

/// Has the line written by this crate's own subscriber, if that is the current one. The way through `tracing` registers the
/// callsite and makes a text of the text, a thousand instructions at each start.
#[cfg_attr(
    not(feature = "log"),
    allow(unused_variables, reason = "without the feature there is no own subscriber")
)]
fn said(level: Level, text: fmt::Arguments<'_>) -> bool {
    #[cfg(feature = "log")]
    return super::install::say(level, OWN, text);
    #[cfg(not(feature = "log"))]
    false
}
