//! The life of a request: from its head to its response.

mod authority;
mod detached;
mod future;
#[cfg(feature = "events")]
mod inside;
mod life;
mod refusal;

pub(crate) use future::RequestFuture;
#[cfg(feature = "events")]
pub(crate) use inside::{refuse_inside, too_large};
pub(crate) use refusal::Refusal;
