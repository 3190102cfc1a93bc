//! The load balancer: its listeners' requests, server groups, health checks, and what is said on the way to a backend.

mod b3;
mod balancers;
mod compress;
mod forward;
mod forwarded;
mod group;
mod grpc;
mod health;
mod limiter;
mod port;
mod probe;
mod replies;
mod serve;
mod state;
mod stay;
mod trace;
mod upstream;

pub(crate) use balancers::{Balancers, Shared};
pub(crate) use port::{Port, key};
pub(super) use replies::unread;
