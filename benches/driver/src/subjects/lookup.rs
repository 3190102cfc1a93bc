//! Servers of many routes.

use super::Kind::{Bare, Ours};
use super::{Family, Kind, Subject};

pub(crate) static OURS: Subject = subject("ours, many routes", "lookup-ours", Ours);
pub(crate) static AXUM: Subject = subject("axum, many routes", "lookup-axum", Bare);
pub(crate) static MATCHIT: Subject = subject("matchit alone", "lookup-matchit", Kind::Floor);

pub(crate) static ALL: [&Subject; 3] = [&OURS, &AXUM, &MATCHIT];

const fn subject(name: &'static str, binary: &'static str, kind: Kind) -> Subject {
    Subject { family: Family::Lookup, ..Subject::binary(name, binary, kind) }
}
