//! Trace contexts: which trace a request belongs to, as W3C and B3 headers say, and the headers for requests to others.

mod b3;
mod context;
mod hex;
mod w3c;

pub use context::{TraceContext, current_trace_context};
