//! Failures: the reason why a call has no reply, as an error of the platform with a source and a text.

mod account;
mod kind;
mod texts;

pub(crate) use kind::{FailureKind, FailureSource};
pub(crate) use texts::{Failure, mebibytes, usage};
