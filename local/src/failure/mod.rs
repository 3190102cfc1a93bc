//! Why a call has no reply: which of the platform's errors it is, whose fault, and in which words.

mod kind;
mod texts;

pub(crate) use kind::FailureKind;
pub(crate) use texts::{Failure, mebibytes, usage};
