//! HTTP/1.1 to a server, by hand: the task that asks also writes and reads, so that no other has to be woken for it.

mod chunks;
mod link;
mod reply;
mod request;

pub(crate) use link::{Broken, Draft, Link, Reply};
pub(crate) use request::{Lines, write_header};
