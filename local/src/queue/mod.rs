//! Asynchronous calls: stored before they are accepted, carried out later, repeated after failures.
//!
//! [`Record`] is the state of one call, as a pure state machine. `tables` keeps the records and their indexes, a lane for
//! each function takes due calls from there, and an attempt carries one out through `call::dispatch`.

mod accept;
mod attempt;
mod configs;
mod destination;
mod ending;
mod forward;
mod lane;
mod list;
mod messages;
mod queue;
mod record;
mod state;
mod stored;
mod tables;
#[cfg(test)]
mod tests;

pub(crate) use accept::New;
pub(crate) use configs::{ConfigOf, StoredConfig};
pub(crate) use list::{After, Filter, Order};
pub(crate) use messages::Message;
pub(crate) use queue::{Queue, Trackers};
pub(crate) use record::{Change, Record};
pub(crate) use state::State;
pub(crate) use stored::StoredCall;
