//! All cases, in the order in which they run.

use super::case::Case;
use super::{
    bodies, connections, departures, events, failures, freezing, grpc, heads, hooks, load, start, stop,
    streams, websocket,
};

/// The cases by subject. The observation of an unused connection is among the last, since it goes on beside the others.
const SUBJECTS: &[&[Case]] = &[
    start::CASES,
    // Whether connections are kept decides which others can be checked.
    connections::CASES,
    heads::CASES,
    bodies::CASES,
    events::CASES,
    load::CASES,
    streams::CASES,
    departures::CASES,
    failures::CASES,
    websocket::CASES,
    grpc::CASES,
    connections::OBSERVED,
    freezing::CASES,
    hooks::CASES,
    stop::CASES,
];

pub(crate) fn cases() -> impl Iterator<Item = &'static Case> {
    SUBJECTS.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::conform::sources;

    #[test]
    fn names_are_read_alike_by_every_reader_of_tap() {
        let mut ids = BTreeSet::new();
        for case in cases() {
            assert!(
                case.id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')),
                "{}",
                case.id
            );
            assert!(ids.insert(case.id), "{} stands twice", case.id);
            for text in [case.title, case.advice] {
                assert!(!text.is_empty() && !text.contains(['#', '\\', '\n', '|']), "{}: {text}", case.id);
            }
            assert!(sources::ALL.contains(&case.source), "{}", case.id);
        }
        assert!(ids.len() >= 60, "{}", ids.len());
    }
}
