//! The endpoints of the runtime itself: health, lifecycle hooks, event calls.

mod event;
mod health;
mod hook;

pub(crate) use event::answer_event;
pub(crate) use health::{Probe, Probing, answer_probe, ready};
pub(crate) use hook::{answer_hook, ensure_initialized, run_hooks};
