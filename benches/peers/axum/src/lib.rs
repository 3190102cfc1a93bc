//! The contract's routes on axum.

mod equal;
mod routes;
mod run;

pub use equal::with_equal_work;
pub use routes::{router, streams};
pub use run::run;
