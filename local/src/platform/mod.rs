//! A running local platform: its ports, its front, its functions, and its end.

mod alone;
mod domains;
mod invoke;
mod platform;
mod stop;

pub use invoke::Invocation;
pub(crate) use platform::GRPC_PORT;
pub use platform::{Platform, Settings};
