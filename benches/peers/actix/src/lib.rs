//! The contract's routes on actix-web.

mod equal;
mod routes;

pub use equal::{answer_with_id, cors, limits, log, logger};
pub use routes::routes;

/// The port of the environment.
pub fn port() -> u16 {
    std::env::var("FC_CUSTOM_LISTEN_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000)
}
