//! The bounded ring: calls in their order, and the bytes that they take.

use std::collections::VecDeque;
use std::sync::Arc;

use super::body::{Bodies, Body};
use super::recorded::Recorded;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The bounds of the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The most calls.
    pub(crate) calls: usize,
    /// The most memory of calls without their bodies, in bytes.
    pub(crate) heads: usize,
    /// The most memory of bodies, in bytes.
    pub(crate) bodies: usize,
    /// The most that is kept of one body, in bytes.
    pub(crate) body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { calls: 5_000, heads: 16 * MIB, bodies: 16 * MIB, body: 64 * KIB }
    }
}

impl Limits {
    /// These bounds, with `bodies` bytes for all bodies and `body` bytes for each.
    pub(crate) fn of_bodies(bodies: usize, body: usize) -> Self {
        Limits { bodies, body: body.min(bodies), ..Limits::default() }
    }
}

/// A call in the ring, with the bodies that are still there.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) call: Arc<Recorded>,
    pub(crate) bodies: Bodies,
    /// Grows with each change of the ring.
    pub(super) revision: u64,
}

impl Entry {
    /// The revision of its latest change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The body of a request that can be sent once more.
    ///
    /// # Errors
    ///
    /// The body is not here as a whole, or the request became a WebSocket.
    pub(crate) fn whole_request(&self) -> Result<&Body, String> {
        if self.call.socket.is_some() || self.call.status == 101 {
            return Err("the request became a WebSocket, whose messages are not kept".to_owned());
        }
        match self.bodies.request() {
            Some(body) if body.is_whole() => Ok(body),
            Some(body) if !body.has_ended() => {
                Err("the body of the request was not read to its end".to_owned())
            }
            Some(body) => Err(format!(
                "{} of {} bytes of the body are kept; `fc-local dev --record-body` keeps more of each",
                body.bytes().len(),
                body.total()
            )),
            None => {
                Err("the body had to go for those of later calls; `fc-local dev --record-bodies` keeps more"
                    .to_owned())
            }
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Ring {
    /// Sorted by number.
    entries: VecDeque<Entry>,
    heads: usize,
    bodies: usize,
    /// The bodies of calls before this number are gone.
    bare_before: u64,
    pub(super) latest: u64,
    pub(super) revision: u64,
    /// How many calls had to go.
    pub(super) gone: u64,
}

impl Ring {
    /// Adds a call, and gives its number.
    pub(super) fn push(&mut self, mut call: Recorded, bodies: Bodies, limits: Limits) -> u64 {
        self.latest += 1;
        self.revision += 1;
        call.number = self.latest;
        self.heads += call.bytes();
        self.bodies += bodies.bytes();
        let entry = Entry { call: Arc::new(call), bodies, revision: self.revision };
        self.entries.push_back(entry);
        self.shrink(limits);
        self.latest
    }

    /// Puts a call in the place of an earlier state of it, unless that had to go.
    pub(super) fn replace(&mut self, number: u64, mut call: Recorded, bodies: Bodies, limits: Limits) {
        let Some(at) = self.place(number) else { return };
        self.revision += 1;
        call.number = number;
        self.heads += call.bytes();
        self.bodies += bodies.bytes();
        let former = &mut self.entries[at];
        self.heads -= former.call.bytes();
        self.bodies -= former.bodies.bytes();
        *former = Entry { call: Arc::new(call), bodies, revision: self.revision };
        // Its bodies are as old as the call, and would never be found again behind that mark.
        self.bare_before = self.bare_before.min(number);
        self.shrink(limits);
    }

    fn shrink(&mut self, limits: Limits) {
        while self.entries.len() > limits.calls || self.heads > limits.heads {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.heads -= oldest.call.bytes();
            self.bodies -= oldest.bodies.bytes();
            self.gone += 1;
        }
        while self.bodies > limits.bodies {
            let from = self.entries.partition_point(|entry| entry.call.number < self.bare_before);
            let Some(entry) = self.entries.get_mut(from) else { break };
            self.bare_before = entry.call.number + 1;
            if entry.bodies.bytes() > 0 {
                self.bodies -= entry.bodies.bytes();
                entry.bodies.drop_bytes();
            }
        }
    }

    fn place(&self, number: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&number, |entry| entry.call.number).ok()
    }

    /// The calls, the latest first.
    pub(super) fn latest_first(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The memory that calls and bodies take.
    pub(super) fn bytes(&self) -> (usize, usize) {
        (self.heads, self.bodies)
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        (self.heads, self.bodies) = (0, 0);
        self.revision += 1;
    }
}
