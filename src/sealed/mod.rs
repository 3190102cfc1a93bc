//! The sealed app: everything that is needed to answer requests.

mod app;
mod place;
mod settings;

#[cfg(feature = "events")]
pub(crate) use app::Inside;
pub(crate) use app::{Doors, Handlers, Ready, RunHooks, Sealed};
pub use place::Next;
pub(crate) use place::{Around, Endpoint, EventHandler, HookHandler, Place, ReadyCheck};
pub(crate) use settings::Settings;
