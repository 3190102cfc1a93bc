//! What must survive a crash: one database, one thread that writes it, and a journal in front of it.

mod commit;
mod error;
mod file;
mod handle;
mod journal;
mod table;
mod write;

pub(crate) use error::{Broken, StoreError};
pub(crate) use handle::{Place, Store};
pub(crate) use table::Tables;
pub(crate) use write::Write;
