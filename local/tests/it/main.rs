//! Tests of the program, from outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alb;
mod alb_config;
mod alb_edition2;
mod alb_events;
mod alb_health;
mod alb_rules;
mod alb_servers;
mod alb_tls;
mod alb_tracing;
mod api;
mod async_manifest;
mod auth;
mod auth_bypass;
mod auth_manifest;
mod cancel;
mod chaos;
mod cli;
mod client;
mod code;
mod conform;
mod console;
mod containers;
mod control;
mod destinations;
mod doctor;
mod domain_manifest;
mod domain_policies;
mod domains;
mod edition2;
mod endings;
mod events;
mod fidelity;
mod framing;
mod gateway;
mod harness;
mod instances;
mod languages;
mod load;
mod logs;
mod manifest;
mod memory;
mod messages;
mod output;
mod outputs;
mod package;
mod queue;
mod records;
mod resting;
mod signer;
mod start;
mod stop;
mod survivors;
mod terminal;
mod tidy;
mod timers;
mod tls;
mod uploads;
mod versions;
mod watch;
mod websocket;
mod websocket_ends;

#[path = "../interop/mod.rs"]
mod interop;
