//! What these tests share beyond `testkit`: the servers of this package, and the rows every client asks.

pub mod build;
#[allow(dead_code, reason = "the tests with real tools, which share this module, use all of it")]
pub mod greedy;
pub mod rows;
pub mod server;

pub use testkit::{Answer, Ask, h1, h2, hpack, ws};

pub use server::{Launch, Server, check_stopped, record};
