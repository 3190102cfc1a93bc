//! The end of a platform: calls get their time, streams are told to end, and the remaining calls are named.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::platform::Platform;
use crate::deploy::GONE_MAX;
use crate::event::{CallInFlight, Kind, Source};
use crate::front::{FAREWELL, Remaining};

/// How long a stop waits before streams are told to end. Short chunked replies are over by then.
const GRACE: Duration = Duration::from_millis(100);

/// How often a stop checks for instances that have only streams left.
const LOOK: Duration = Duration::from_millis(100);

/// How long a stop waits before what remains is named. Most calls are over by then.
const QUIET: Duration = Duration::from_millis(500);

/// The most calls of a function that are named.
const NAMED_MAX: usize = 5;

/// How often the log has the number of remaining calls.
const COUNTDOWN: Duration = Duration::from_secs(5);

/// How long instances may take to be gone after they were killed on demand, and connections to end with them.
const ABORT_MAX: Duration = Duration::from_millis(400);

/// How long connections may take to end with their instances when the drain time is over.
const REPLIES_MAX: Duration = Duration::from_secs(1);

/// How long connections may take to end once they are cut.
const CUT_MAX: Duration = Duration::from_millis(250);

impl Platform {
    /// Stops: accepts no new connection, gives the calls in flight `drain` to end, and then stops every instance. An
    /// instance with only streams left is stopped earlier, so that the program can end its streams in order. WebSockets
    /// are told at once.
    pub async fn stop(self, drain: Duration) {
        self.stop_unless(drain, pending()).await;
    }

    /// As [`stop`](Self::stop), but ends everything at once when `abort` is ready. `false` if `abort` came first.
    pub async fn stop_unless(self, drain: Duration, abort: impl Future<Output = ()>) -> bool {
        let is_drained = tokio::select! {
            () = self.drain(drain) => true,
            () = abort => {
                self.stop.begun.cancel();
                self.connections.close();
                self.abort();
                self.tasks.close();
                let ended = async { tokio::join!(self.tasks.wait(), self.connections.wait()) };
                // What does not end now is ended by its guard when this process does.
                _ = timeout(ABORT_MAX, ended).await;
                self.cut().await;
                false
            }
        };
        self.queue.close().await;
        is_drained
    }

    async fn drain(&self, drain: Duration) {
        let deadline = Instant::now() + drain;
        self.stop.begun.cancel();
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
            // Replies end with their instances, unless their clients do not take them. Those hold the function's connection.
            _ = timeout(REPLIES_MAX, self.connections.wait()).await;
            self.cut().await;
        }
        self.tasks.close();
        if timeout_at(deadline, self.tasks.wait()).await.is_err() {
            self.abort();
            // What does not end now is ended by its guard when this process does.
            _ = timeout(GONE_MAX, self.tasks.wait()).await;
        }
    }

    /// Waits for the connections. `true` if all have ended before the deadline.
    async fn drain_connections(&self, deadline: Instant) -> bool {
        let begin = Instant::now();
        let mut next = begin + GRACE;
        let mut count = begin + QUIET;
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
                self.name_remaining(deadline - now);
            }
            for pool in &pools {
                pool.end_streams();
                // Until then a request may come whose head was under way.
                if now >= begin + FAREWELL {
                    pool.close();
                }
            }
            next = now + LOOK;
        }
    }

    /// Logs what the stop waits for: for each function the number of its calls, and the oldest of them.
    fn name_remaining(&self, left: Duration) {
        let mut functions: BTreeMap<Option<Arc<str>>, (usize, Vec<CallInFlight>)> = BTreeMap::new();
        for request in self.stop.remaining() {
            let Remaining { function, method, path, age } = request;
            let (count, oldest) = functions.entry(function).or_default();
            *count += 1;
            if oldest.len() < NAMED_MAX {
                oldest.push(CallInFlight::new(method, path, age));
            }
        }
        // Calls without a connection of their own, such as WebSockets, are counted by their instances alone.
        let pools = self.deployer.generations();
        let mut counted: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for pool in &pools {
            *counted.entry(&pool.generation.name).or_default() += pool.calls();
        }
        for (name, calls) in counted {
            let (count, _) = functions.entry(Some(Arc::clone(name))).or_default();
            *count = calls.max(*count);
        }
        for (name, (calls, oldest)) in functions.into_iter().filter(|(_, (calls, _))| *calls > 0) {
            let source = name.map_or_else(Source::default, |name| Source::function(&name));
            self.log.emit(&source, Kind::CallsRemain { calls, left, oldest });
        }
    }

    /// Cuts the connections that are left, so that their calls and records are told.
    async fn cut(&self) {
        self.stop.cut.cancel();
        _ = timeout(CUT_MAX, self.connections.wait()).await;
    }

    fn abort(&self) {
        // Their end would look like a failure of the function.
        self.abandon.cancel();
        for pool in &self.deployer.generations() {
            pool.abort();
        }
    }
}
