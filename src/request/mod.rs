//! The life of a request: from its head to the response that leaves.

mod future;
mod life;
mod refusal;

pub(crate) use future::RequestFuture;
