//! Timer triggers: their events, handed to the queue when they are due.

mod agenda;
mod clock;
mod timers;

pub use clock::{Clock, Hand};
pub(crate) use timers::Timers;
