//! Whether a program is a custom runtime: the platform's contract as cases that are checked from outside.

mod ask;
mod bench;
mod bodies;
mod case;
mod connections;
mod departures;
mod events;
mod failures;
mod freezing;
mod grpc;
mod h1;
mod heads;
mod hooks;
mod list;
mod load;
mod program;
mod report;
mod sources;
mod start;
mod stop;
mod streams;
mod suite;
mod websocket;
mod websocket_client;

pub(crate) use bench::Settings;
pub(crate) use case::Case;
pub(crate) use list::cases;
pub(crate) use report::{junit, list_json, list_text, summary, tap_begin, tap_end, tap_line, to_json};
pub(crate) use suite::{Choice, Verdict, run};
