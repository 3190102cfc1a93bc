//! The console: pages that show what happens, made on this side, and kept current by one stream each.
//!
//! Data flows one way: `data` asks the rooms that have it, `pages` make HTML of it and know nothing else. The console's own
//! requests leave no record: the pages would show nothing but themselves.

mod actions;
mod address;
mod assets;
mod console;
mod course;
mod data;
mod explain;
mod form;
mod live;
mod pages;
mod reply;
mod show;
mod token;

pub(crate) use address::{base, is_own_name, urls};
pub(crate) use console::{Around, Console, Doctor, Replay, Shared};
pub(crate) use pages::configuration::Finding;
