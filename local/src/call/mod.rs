//! The only way to an instance. Every caller of a function makes a [`Call`] and passes the call to [`dispatch()`].

mod answer;
mod call;
mod chaos;
mod counted;
mod dispatch;
mod duplex;
mod endpoint_event;
mod run;
mod stream;
mod tunnel;

pub(crate) use answer::{Answer, Usage, Whole};
pub(crate) use call::{Call, CallKind, Seat};
pub(crate) use dispatch::dispatch;
pub(crate) use stream::{AnswerStream, BrokenOff};
pub(crate) use tunnel::AnswerTunnel;
