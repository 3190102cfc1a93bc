//! What happens, as events with typed fields: lines of instances, requests, what becomes of instances and code.
//! The library emits them; printing is the command line's.

mod account_news;
mod alb_news;
mod details;
mod entry;
mod json;
mod kind;
mod level;
mod log;
mod names;
mod redact;
mod selection;
mod tail;
mod terminal;
mod text;
mod text_of_programs;
mod text_of_runs;
mod text_of_versions;
mod time;
mod timer_news;

pub use account_news::AccountNews;
pub use alb_news::{AlbNews, AlbVisit, Maker};
pub use details::{
    Address, AsyncNews, BuildFailure, BuildFault, CallInFlight, Cause, DestinationFault, DomainAddress,
    Ending, HookFault, ImageFault, Record, Remark, SocketTraffic, Unfit, VersionNews, Via,
};
pub use entry::Event;
pub(crate) use entry::Source;
pub use kind::Kind;
pub use level::Level;
pub use log::{Events, Log};
pub(crate) use redact::{MASK, Redactor, is_secret_key, is_secret_name};
pub(crate) use selection::{Kinds, LogFilter, is_id};
pub(crate) use tail::Tail;
pub(crate) use terminal::{neutral, steers};
pub(crate) use text::{about, call_end, not_bound};
pub(crate) use time::{Clock, duration, utc};
pub use timer_news::{TimerNews, TimerWhat};

#[cfg(test)]
mod tests;
