//! What happens, as events: lines of instances, requests, remarks. The library emits them; printing is
//! the command line's.

mod kind;
mod log;
mod redact;
mod tail;

pub(crate) use kind::Source;
pub use kind::{Address, Event, Kind, Record};
pub use log::{Events, Log};
pub(crate) use redact::Redactor;
pub(crate) use tail::Tail;
