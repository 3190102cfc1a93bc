//! The life of a request: from its head to its response.

mod answer;
mod life;
mod refusal;

pub(crate) use answer::Answer;
