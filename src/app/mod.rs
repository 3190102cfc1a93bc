//! The builder of an app. `seal` checks and freezes it.

mod at;
mod below;
mod builder;
mod configure;
mod describe;
mod group;
mod handler;
mod observed;
mod routes;
mod seal;
mod verbs;

#[cfg(feature = "tower")]
pub(crate) use crate::route::join;
pub use at::{At, at};
pub use builder::App;
#[cfg(feature = "events")]
pub(crate) use describe::EventType;
pub use group::Group;
pub use handler::Handler;
#[cfg(feature = "events")]
pub(crate) use handler::event_replying;
#[cfg(feature = "grpc")]
pub(crate) use handler::replying;
#[cfg(feature = "grpc")]
pub(crate) use routes::Declared;
pub use routes::RouteInfo;
#[cfg(any(feature = "files", feature = "grpc", feature = "tower"))]
pub(crate) use routes::Routes;
pub use seal::AppErrors;
