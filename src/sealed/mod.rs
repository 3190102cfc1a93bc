//! A frozen app: what requests are answered from.

mod app;
mod place;
mod settings;

pub(crate) use app::{Handlers, Ready, Sealed};
pub use place::Next;
pub(crate) use place::{Around, Endpoint, EventHandler, HookHandler, Place, ReadyCheck};
pub(crate) use settings::Settings;
