//! A call's slot of an instance.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::Pool;
use crate::instance::instance::Instance;
use crate::model::{Claim, SessionId};

/// A slot of an instance, for one call. The drop gives the slot back.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) instance: Arc<Instance>,
    pool: Arc<Pool>,
    claim: Claim,
    /// Whether the call waited for this instance to start.
    pub(super) is_cold: bool,
    /// Whether the client has the head of a streamed reply.
    is_stream: bool,
    /// Whether the session ends with the call.
    ends_session: bool,
}

impl Lease {
    pub(super) fn new(
        instance: Arc<Instance>,
        pool: &Arc<Pool>,
        claim: Claim,
        is_cold: bool,
        now: std::time::Instant,
    ) -> Self {
        pool.leases.fetch_add(1, Ordering::Relaxed);
        instance.presence.begin(now);
        Lease { instance, pool: Arc::clone(pool), claim, is_cold, is_stream: false, ends_session: false }
    }

    /// The call turned out to begin the session `id`. No effect on a call that has a session.
    pub(crate) fn name_session(&mut self, id: SessionId) {
        if self.claim == Claim::NewSession {
            self.claim = Claim::Session(id);
            let now = Instant::now().into_std();
            self.pool.change(|slots, _| slots.name_session(&self.instance, &self.claim, now));
        }
    }

    /// The session ends with the call.
    pub(crate) fn ends_session(&mut self) {
        self.ends_session = true;
    }

    /// Ends the call's session, because its client said so.
    pub(crate) fn close_session(&self) {
        if let Claim::Session(id) = &self.claim {
            self.pool.change(|slots, effects| slots.close_session(id, effects));
        }
    }

    /// The client left, and the instance may still work on the call. Another instance is started, and this instance is
    /// stopped after its calls.
    pub(crate) fn replace(&self) {
        self.pool.change(|slots, effects| slots.replace(&self.instance, effects));
    }

    /// Notes that the reply is streamed to the client.
    pub(crate) fn begin_stream(&mut self) {
        if !std::mem::replace(&mut self.is_stream, true) {
            self.instance.streams.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until endless calls, such as WebSockets, are asked to end.
    pub(crate) async fn farewell(&self) {
        self.pool.farewell.cancelled().await;
    }

    /// Retires the instance, for example after a time-out: the instance gets no further call.
    pub(crate) fn retire(&self) {
        self.pool.change(|slots, _| slots.retire(&self.instance));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.leases.fetch_sub(1, Ordering::Relaxed);
        if self.is_stream {
            self.instance.streams.fetch_sub(1, Ordering::Relaxed);
        }
        if self.ends_session {
            self.close_session();
        }
        let now = Instant::now().into_std();
        self.instance.presence.end(now);
        self.pool.take_back(&self.instance, &self.claim, now);
    }
}
