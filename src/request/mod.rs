//! The life of a request: from its head to its response.

mod authority;
mod detached;
mod future;
mod life;
mod refusal;

pub(crate) use future::RequestFuture;
pub(crate) use refusal::Refusal;
