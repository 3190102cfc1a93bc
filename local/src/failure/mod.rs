//! Failures: why a call has no reply, as one of the platform's errors, with its source and its text.

mod kind;
mod texts;

pub(crate) use kind::FailureKind;
pub(crate) use texts::{Failure, mebibytes, usage};
