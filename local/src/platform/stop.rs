//! The end of a platform: calls get their time, streams are told to end, and the remaining calls are named.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::platform::Platform;
use crate::deploy::GONE_MAX;
use crate::event::{Kind, Source};

/// How long a stop waits before streams are told to end. Most calls are over by then.
const GRACE: Duration = Duration::from_millis(500);

/// How often a stop checks for instances that have only streams left.
const LOOK: Duration = Duration::from_millis(200);

/// How often the log has the number of remaining calls.
const COUNTDOWN: Duration = Duration::from_secs(5);

/// How long instances may take to end after they were killed on demand.
const ABORT_MAX: Duration = Duration::from_millis(500);

impl Platform {
    /// Stops: accepts no new connection, gives the calls in flight `drain` to end, and then stops every instance. An
    /// instance with only streams left is stopped earlier, so that the program can end its streams in order. WebSockets
    /// are told at once.
    pub async fn stop(self, drain: Duration) {
        self.stop_unless(drain, pending()).await;
    }

    /// As [`stop`](Self::stop), but ends everything at once when `abort` is ready. `false` if `abort` came first.
    pub async fn stop_unless(self, drain: Duration, abort: impl Future<Output = ()>) -> bool {
        tokio::select! {
            () = self.drain(drain) => true,
            () = abort => {
                self.abort();
                self.tasks.close();
                // A guard ends the remaining programs when this process ends.
                _ = tokio::time::timeout(ABORT_MAX, self.tasks.wait()).await;
                false
            }
        }
    }

    async fn drain(&self, drain: Duration) {
        let deadline = Instant::now() + drain;
        self.stop.cancel();
        self.connections.close();
        for pool in self.deployer.generations() {
            pool.say_goodbye();
        }
        let is_drained = self.drain_connections(deadline).await;
        let pools = self.deployer.generations();
        for pool in &pools {
            pool.close();
        }
        if !is_drained {
            self.log.emit(&Source::default(), Kind::CallsEnded);
            self.abort();
        }
        self.tasks.close();
        if timeout_at(deadline, self.tasks.wait()).await.is_err() {
            self.abort();
            // A guard ends the remaining programs when this process ends.
            _ = tokio::time::timeout(GONE_MAX, self.tasks.wait()).await;
        }
    }

    /// Waits for the connections. `true` if all have ended before the deadline.
    async fn drain_connections(&self, deadline: Instant) -> bool {
        let mut next = Instant::now() + GRACE;
        let mut count = next;
        loop {
            if timeout_at(next.min(deadline), self.connections.wait()).await.is_ok() {
                return true;
            }
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            let pools = self.deployer.generations();
            if now >= count {
                count = now + COUNTDOWN;
                for (pool, calls) in
                    pools.iter().map(|pool| (pool, pool.calls())).filter(|(_, calls)| *calls > 0)
                {
                    let remain = Kind::CallsRemain { calls, left: deadline - now };
                    self.log.emit(&pool.generation.source(), remain);
                }
            }
            for pool in &pools {
                pool.close();
                pool.end_streams();
            }
            next = now + LOOK;
        }
    }

    fn abort(&self) {
        for pool in &self.deployer.generations() {
            pool.abort();
        }
    }
}
