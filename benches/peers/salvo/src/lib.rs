//! The contract's routes on salvo.

mod equal;
mod routes;
mod run;

pub use equal::with_equal_work;
pub use routes::routes;
pub use run::run;
