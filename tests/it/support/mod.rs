//! What the tests share: a server process, clients that speak bytes, and the rows every client asks.

pub mod ask;
pub mod build;
pub mod h1;
pub mod h2;
pub mod hpack;
pub mod rows;
pub mod server;
pub mod wait;
pub mod ws;

pub use ask::{Answer, Ask};
pub use server::{Launch, Server, check_stopped, record};
