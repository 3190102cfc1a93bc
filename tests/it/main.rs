//! Black box and in memory: what the runtime promises to the platform, to clients and to authors.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "figures that a test has measured")]
#![allow(clippy::print_stderr, reason = "what a failed test has to show")]
#![allow(unreachable_pub, unnameable_types, reason = "modules of a test have no outside")]

mod support;

mod abuse_h2;
mod apps;
mod blocked;
mod broken_off;
mod bulk;
mod client_memory;
mod connections;
mod cors;
mod detached;
mod direct;
mod door;
mod drain;
mod forwarding;
mod grpc;
mod h2_cases;
mod hangup;
mod hosts;
mod idle;
mod in_memory;
mod leak;
mod leave;
mod limits;
mod logs;
mod memory;
mod metrics;
mod octets;
mod once;
mod otel;
mod probes;
mod public_api;
mod readers;
mod records;
mod rows;
mod shapes;
mod spelling;
mod sse;
mod sse_feed;
mod start;
mod stop;
mod telemetry;
mod tidy;
mod together;
mod trust;
mod ui;
mod unreadable;
mod websocket;
mod websocket_cases;
mod websocket_ends;
mod websocket_handshake;
