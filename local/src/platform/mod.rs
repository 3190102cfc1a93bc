//! A running local platform: its ports, its front, its functions, and its end.

mod alb;
mod alone;
mod composition;
mod domains;
mod invoke;
mod platform;
mod settings;
mod stop;

pub use invoke::Invocation;
pub use platform::Platform;
pub use settings::{GrpcPort, Recorder, Settings};
