//! What is measured: a binary and the environment that it runs in.

use std::fmt;

/// A server, or one way to run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// The contract example, every stage but the access record.
    OursOff,
    /// The contract example as it is deployed.
    Ours,
    RawHyper,
    /// Raw hyper with a `tracing` JSON record.
    RawHyperLog,
    AxumBare,
    /// axum with record, request id, CORS, body limit and panic guard.
    AxumEqual,
    /// The ten-line example with default features.
    Hello,
    /// Its twin on axum with equal work.
    AxumHello,
}

use Subject::{AxumBare, AxumEqual, AxumHello, Hello, Ours, OursOff, RawHyper, RawHyperLog};

/// Those that have the contract's routes.
pub(crate) const TWINS: [Subject; 6] = [OursOff, Ours, RawHyper, RawHyperLog, AxumBare, AxumEqual];

/// In the order of the report's columns.
pub(crate) const ALL: [Subject; 8] =
    [OursOff, Ours, RawHyper, RawHyperLog, AxumBare, AxumEqual, Hello, AxumHello];

impl Subject {
    pub(crate) fn binary(self) -> &'static str {
        match self {
            OursOff | Ours => "contract",
            RawHyper => "raw-hyper",
            RawHyperLog => "raw-hyper-log",
            AxumBare => "axum-bare",
            AxumEqual => "axum-equal",
            Hello => "hello",
            AxumHello => "axum-hello",
        }
    }

    pub(crate) fn env(self) -> Option<(&'static str, &'static str)> {
        (self == OursOff).then_some(("CONTRACT_RECORDS", "off"))
    }

    /// A path that answers 200 on every one of its kind.
    pub(crate) fn first_path(self) -> &'static str {
        if matches!(self, Hello | AxumHello) { "/" } else { "/plaintext" }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        ALL.into_iter().find(|subject| subject.to_string() == name)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            OursOff => "ours-off",
            Ours => "ours",
            other => other.binary(),
        })
    }
}
