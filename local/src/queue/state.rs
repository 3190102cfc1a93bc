//! The ten states of an asynchronous call.

use serde::{Deserialize, Serialize};

/// The state of an asynchronous call, in the platform's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum State {
    /// It waits for its time.
    Enqueued,
    /// It was taken from the queue, and waits for an instance.
    Dequeued,
    /// An instance works on it.
    Running,
    /// An attempt failed, and another one will follow.
    Retrying,
    Succeeded,
    /// The last attempt failed.
    Failed,
    /// A stop was asked for while an instance works on it.
    Stopping,
    Stopped,
    /// It waited longer than its configuration allows.
    Expired,
    /// Its function, version or alias does not exist any more.
    Invalid,
}

impl State {
    pub(crate) const ALL: [State; 10] = [
        State::Enqueued,
        State::Dequeued,
        State::Running,
        State::Retrying,
        State::Succeeded,
        State::Failed,
        State::Stopping,
        State::Stopped,
        State::Expired,
        State::Invalid,
    ];

    /// The platform's word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Enqueued => "Enqueued",
            State::Dequeued => "Dequeued",
            State::Running => "Running",
            State::Retrying => "Retrying",
            State::Succeeded => "Succeeded",
            State::Failed => "Failed",
            State::Stopping => "Stopping",
            State::Stopped => "Stopped",
            State::Expired => "Expired",
            State::Invalid => "Invalid",
        }
    }

    /// The state with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Its number in the index of states, which stays as it is.
    pub(super) fn code(self) -> u8 {
        State::ALL.iter().position(|state| *state == self).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
    }

    /// Whether nothing follows.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, State::Succeeded | State::Failed | State::Stopped | State::Expired | State::Invalid)
    }
}
