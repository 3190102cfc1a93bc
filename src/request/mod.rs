//! The life of a request: from its head to its response.

mod future;
mod life;
mod refusal;

pub(crate) use future::RequestFuture;
