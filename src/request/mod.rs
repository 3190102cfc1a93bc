//! The life of a request: from its head to the response that leaves.

mod answer;
mod authority;
mod detached;
mod life;
mod refusal;

pub(crate) use answer::Answer;
