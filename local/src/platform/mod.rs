//! A running local platform: its ports, its front, its functions, and its end.

mod domains;
mod invoke;
mod platform;
mod stop;

pub use invoke::Invocation;
pub use platform::{Platform, Settings};
