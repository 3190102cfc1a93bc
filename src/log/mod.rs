//! Log output: one JSON object per line on stdout. Lines written during a request carry the request's id.

#[cfg(feature = "log")]
mod addresses;
pub(crate) mod backtrace;
mod clock;
pub(crate) mod current;
#[cfg(feature = "log")]
mod event;
#[cfg(feature = "log")]
mod filter;
mod format;
#[cfg(feature = "log")]
mod install;
mod level;
pub(crate) mod say;
mod settings;
pub(crate) mod sink;
#[cfg(feature = "log")]
mod spans;
pub(crate) mod text;

pub(crate) use clock::stamp;
pub use current::current_request_id;
#[cfg(feature = "log")]
pub(crate) use install::install;
pub(crate) use level::Level;
pub use settings::{AccessLog, LogMarkers};
