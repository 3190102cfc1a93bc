//! Tests of the events: samples, generated ones, and the forms that sources disagree about.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cbor;
mod fields;
mod generated;
mod kinds;
mod round_trip;
mod tidy;
mod tolerance;
