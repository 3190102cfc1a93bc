//! What must survive a crash: one database file, and one thread that writes it.

mod commit;
mod error;
mod file;
mod handle;

pub(crate) use error::{Broken, StoreError};
pub(crate) use handle::{Place, Store};
