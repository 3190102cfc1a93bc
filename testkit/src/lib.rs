//! What the tests of this workspace share. Nothing here is part of a release.
//!
//! - [`Program`] starts any program, signals it, kills it, starts it again; [`Folder`] is a folder of a test's own.
//! - [`h1`], [`h2`] and [`ws`] are clients that speak bytes: no library of HTTP stands between a test and the wire.
//! - [`proxy`] is nginx in front of a function, [`postgres`] and [`redis`] are databases, [`manifest`] writes what `fc-local` reads.
//! - [`until()`] and [`eventually`] wait under a bound, [`events`] match what `fc-local` tells.
//! - [`tidy`] reads sources, [`zips`] makes zips that nobody should unpack.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::missing_panics_doc, reason = "everything here panics where a test has failed")]
#![allow(clippy::exhaustive_structs, clippy::exhaustive_enums, reason = "every user is in this workspace")]

mod ask;
pub mod events;
mod examples;
mod folder;
mod grpc;
pub mod grpc_cases;
pub mod h1;
pub mod h2;
pub mod hpack;
mod imports;
pub mod lines;
pub mod manifest;
mod platform;
pub mod postgres;
pub mod process;
pub mod program;
pub mod proxy;
pub mod redis;
pub mod tidy;
mod until;
pub mod ws;
pub mod zips;

pub use ask::{Answer, Ask};
pub use folder::Folder;
pub use program::{Launch, Program};
pub use until::{PATIENCE, eventually, pause, until, until_settled};
