//! Tests of the events: samples, generated ones, and the forms that sources disagree about.

mod cbor;
mod fields;
mod generated;
mod kinds;
mod round_trip;
mod tidy;
mod tolerance;
