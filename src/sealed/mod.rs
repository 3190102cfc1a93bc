//! The sealed app: everything that is needed to answer requests.

mod app;
mod place;
mod settings;

pub(crate) use app::{Handlers, Ready, Sealed};
pub use place::Next;
pub(crate) use place::{Around, Endpoint, EventHandler, HookHandler, Place, ReadyCheck};
pub(crate) use settings::Settings;
