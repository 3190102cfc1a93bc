//! Real tools against the contract example: curl, nginx and eleven other reverse proxies, h2load, nghttp, wrk, Chromium, Python's
//! websockets, grpcio and grpclib, grpc-js.
//!
//! Each test is ignored unless it is asked for, by `--ignored`, and then a tool that is absent is a failure.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "figures that a test has measured")]
#![allow(clippy::print_stderr, reason = "what a failed test has to show")]
#![allow(unreachable_pub, unnameable_types, reason = "modules of a test have no outside")]
#![allow(dead_code, unused_imports, reason = "what the tests share is used by each in part")]

#[path = "../it/apps/mod.rs"]
mod apps;
#[path = "../it/support/mod.rs"]
mod support;

mod autobahn;
mod browser;
mod cors_browser;
mod curl;
mod curl_readers;
mod forced_exit;
mod grpc;
mod grpc_cases;
mod load;
mod memory;
mod nginx;
mod nginx_499;
mod probe_load;
mod proxies;
mod sse;
mod telemetry;
mod tools;
mod websocket;
mod websocket_browser;
