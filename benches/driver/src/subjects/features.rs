//! One optional feature at a time, ours beside axum with equal work and the same feature.

use super::Kind::{Equal, Ours};
use super::{Family, Kind, Subject};

/// A feature with its request. Both packages have a cargo feature of its name; `plain` is the base without any.
pub(crate) struct Case {
    pub(crate) feature: &'static str,
    pub(crate) ours: Subject,
    pub(crate) axum: Subject,
    /// The request that is counted. Its reply is a 200.
    pub(crate) request: fn() -> Vec<u8>,
}

macro_rules! case {
    ($feature:literal, $request:expr) => {
        Case {
            feature: $feature,
            ours: subject(concat!("ours, ", $feature), concat!("features-ours-", $feature), Ours, $feature),
            axum: subject(concat!("axum, ", $feature), concat!("features-axum-", $feature), Equal, $feature),
            request: $request,
        }
    };
}

/// In the order of the table. `benches/run` builds those that `FEATURES` names there.
pub(crate) static CASES: [Case; 3] = [
    case!("plain", || crate::http::ordinary("/users/42")),
    case!("mounted", || crate::http::ordinary("/api/users/42")),
    case!("layered", || crate::http::ordinary("/users/42")),
];

pub(crate) fn all() -> impl Iterator<Item = &'static Subject> {
    CASES.iter().flat_map(|case| [&case.ours, &case.axum])
}

const fn subject(name: &'static str, binary: &'static str, kind: Kind, feature: &'static str) -> Subject {
    Subject { family: Family::Feature(feature), ..Subject::binary(name, binary, kind) }
}
