//! A call while an instance works on it: its time, its lease, and how it ends.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fc_runtime::platform::limits::KIB;
use http::HeaderValue;
use tokio::time::{Instant, timeout_at};

use super::counted::Counted;
use super::duplex::Duplex;
use crate::event::{Cause, Kind, Log, Source, Tail, call_end};
use crate::failure::{Failure, mebibytes};
use crate::fault::CallFaults;
use crate::instance::Lease;
use crate::model::{Claim, Edition, SessionId};
use crate::process::Rest;
use crate::wire::h1::Link;
use crate::wire::{BodyFault, Fault};

/// How much later than the broken connection the report of a process's end may arrive.
pub(super) const EXIT_NEWS: Duration = Duration::from_millis(250);

/// The longest reply, in bytes, that certainly came at one turn of the executor: less than a connection reads at once.
const AT_ONCE: usize = 4 * KIB;

/// A call that an instance is working on. A drop before the end means that the client left.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: Arc<str>,
    /// What is counted of the call.
    pub(super) counted: Counted,
    pub(super) source: Source,
    pub(super) log: Log,
    pub(super) begin: Instant,
    /// The same by the clock of the wall, for the function.
    pub(super) begun_at: SystemTime,
    pub(super) lease: Option<Lease>,
    pub(super) claim: Claim,
    /// The alias that the caller named, for the function.
    pub(super) alias: Option<HeaderValue>,
    pub(super) tail: Option<Tail>,
    pub(super) limit: Duration,
    pub(super) edition: Edition,
    pub(super) body_fault: BodyFault,
    /// `None` unless faults are injected.
    pub(super) faults: Option<Box<CallFaults>>,
    /// Whether the reply announced the end of its connection.
    pub(super) is_last: bool,
    /// The bytes of the reply's body so far.
    received: usize,
    is_over: bool,
}

impl Run {
    /// Begins a call that waits for an instance. The function's time limit does not run yet.
    pub(super) fn new(
        id: &Arc<str>,
        function: &Arc<str>,
        log: &Log,
        tail: Option<Tail>,
        body_fault: BodyFault,
    ) -> Self {
        let now = Instant::now();
        Run {
            id: Arc::clone(id),
            counted: Counted::new(now),
            source: Source::function(function).with_request(id),
            log: log.clone(),
            begin: now,
            begun_at: SystemTime::UNIX_EPOCH,
            lease: None,
            claim: Claim::Any,
            alias: None,
            tail,
            limit: Duration::ZERO,
            edition: Edition::default(),
            body_fault,
            faults: None,
            is_last: false,
            received: 0,
            is_over: false,
        }
    }

    /// Waits for `future`, but not beyond the function's time limit.
    pub(super) async fn within<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        let mut future = pin!(future);
        // Most come before a tick, and arm no timer.
        if let Some(lease) = &self.lease
            && let Some(output) = lease.instance.generation.ticks.soon(future.as_mut()).await
        {
            return Ok(output);
        }
        match timeout_at(self.deadline(), future).await {
            Ok(output) => Ok(output),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// The function's time begins.
    pub(super) fn begin_time(&mut self) {
        (self.begin, self.begun_at) = (Instant::now(), SystemTime::now());
    }

    pub(super) fn deadline(&self) -> Instant {
        self.begin + self.limit
    }

    /// Ends the call at the function's time limit. The instance may still work on the call, so an instance with a
    /// concurrency of 1 gets no further call.
    pub(super) fn timed_out(&self) -> Failure {
        if let Some(lease) = &self.lease
            && lease.instance.generation.function.concurrency == 1
        {
            lease.retire();
        }
        Failure::timed_out(self.limit, self.begin.elapsed(), self.memory())
    }

    /// The connection to the process ended before the reply was complete. If the client's body is the reason, the failure
    /// is the body's. Does not return if the client left in the middle of its body: the front drops the call.
    pub(super) async fn crashed(&self) -> Failure {
        if let Some(failure) = self.wait_for_body_failure().await {
            return failure;
        }
        let duration = self.begin.elapsed();
        if let Some(lease) = &self.lease {
            // The report of the end removes the instance from the pool before the next call.
            if lease.instance.process.exited_within(EXIT_NEWS).await.is_none() {
                return Failure::connection_ended(duration, self.memory());
            }
        }
        Failure::process_exited(duration, self.memory())
    }

    /// As [`crashed`](Self::crashed), at once and without a look at the client's body.
    pub(super) fn exited(&self) -> Failure {
        Failure::process_exited(self.begin.elapsed(), self.memory())
    }

    /// The failure by the client's body. Does not return if the client left: the front drops the call.
    pub(super) async fn wait_for_body_failure(&self) -> Option<Failure> {
        if self.body_fault.get() == Some(Fault::Left) {
            // `Hangup` was told before the fault was noted.
            std::future::pending::<()>().await;
        }
        self.body_failure()
    }

    /// The failure by the client's body, if the client is still there.
    pub(super) fn body_failure(&self) -> Option<Failure> {
        match self.body_fault.get()? {
            Fault::TooLarge(limit) => Some(Failure::entity_too_large(limit)),
            Fault::Broken => Some(Failure::invalid_argument("the request's body ended early")),
            Fault::Left => None,
        }
    }

    /// Waits until endless calls, such as WebSockets, are asked to end.
    pub(super) async fn farewell(&self) {
        match &self.lease {
            Some(lease) => lease.farewell().await,
            None => std::future::pending().await,
        }
    }

    /// The function named the session of a call that began one.
    pub(super) fn name_session(&mut self, id: SessionId) {
        if let Some(lease) = &mut self.lease {
            lease.name_session(id);
        }
    }

    /// The session ends with the call.
    pub(super) fn ends_session(&mut self) {
        if let Some(lease) = &mut self.lease {
            lease.ends_session();
        }
    }

    /// Ends the call's session, because its client said so.
    pub(super) fn close_session(&self) {
        if let Some(lease) = &self.lease {
            lease.close_session();
        }
    }

    pub(super) fn memory(&self) -> u64 {
        self.lease.as_ref().map_or(0, |lease| lease.instance.memory_max())
    }

    /// Notes that the client has the head of the reply, and that the body is streamed.
    pub(crate) fn begin_stream(&mut self) {
        if let Some(lease) = &mut self.lease {
            lease.begin_stream();
        }
    }

    /// Ends the call after a complete reply. The connection of HTTP/1 is kept for reuse.
    pub(super) fn complete(mut self, link: Option<Link>) {
        self.give_back(link);
        self.end(None);
    }

    /// Notes that so many bytes of the reply's body have come.
    pub(super) fn receive(&mut self, length: usize) {
        self.received = self.received.saturating_add(length);
    }

    /// Leaves the streams of a gRPC call that has ended to its connection.
    pub(super) fn keep(&self, duplex: Duplex) {
        if let (Some(lease), Some(ended)) = (&self.lease, duplex.ended()) {
            lease.instance.multiplexed.keep(ended);
        }
    }

    fn give_back(&self, link: Option<Link>) {
        if let (Some(lease), Some(link)) = (&self.lease, link) {
            lease.instance.connections.give_back(link, self.is_last);
        }
    }

    /// Ends the call without a complete reply.
    pub(super) fn fail(mut self, failure: &Failure) {
        if let Some(lease) = &self.lease {
            lease.instance.generation.note(failure);
        }
        self.end(Some(Kind::CallFailed(Cause::from(failure))));
    }

    /// As [`complete`](Self::complete). Also gives the call's log, if it was kept, after a wait for the last lines.
    pub(super) async fn finish(mut self, link: Option<Link>) -> Option<String> {
        let Some(tail) = self.tail.clone() else {
            self.complete(link);
            return None;
        };
        if let Some(lease) = &self.lease {
            const PAUSE: Duration = Duration::from_millis(20);
            const LIMIT: Duration = Duration::from_millis(200);
            lease.instance.output.quiet(PAUSE, LIMIT).await;
            lease.instance.sample_memory();
        }
        let duration = self.begin.elapsed();
        let declared = self.lease.as_ref().map_or(0, |lease| lease.instance.generation.function.memory_mib);
        let memory = self.memory();
        self.give_back(link);
        self.end(None);
        let hundredths = duration.as_micros() / 10;
        tail.push(&format!(
            "\nDuration: {}.{:02} ms, Billed Duration: {} ms, Memory Size: {declared} MB, Max Memory Used: {} MB",
            hundredths / 100,
            hundredths % 100,
            duration.as_millis() + 1,
            mebibytes(memory),
        ));
        Some(tail.text())
    }

    /// `kind` says what went wrong, if anything did.
    pub(super) fn end(&mut self, kind: Option<Kind>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let received = if self.received == usize::MAX { 0 } else { self.received as u64 };
        let begin = self.lease.as_ref().map(|_| self.begin);
        self.counted.end(kind.as_ref(), begin, [self.body_fault.passed(), received]);
        let lease = self.lease.take();
        if let Some(lease) = &lease {
            // `end` reads what the function has written so far. These lines come before the line of the call's end.
            let is_at_once = kind.is_none() && self.received <= AT_ONCE;
            let rest = if is_at_once { Rest::Told } else { Rest::Written };
            lease.instance.output.end(&self.id, rest);
        }
        let writes_marks = self.edition == Edition::Fc3 || kind.is_some();
        if let Some(tail) = self.tail.as_ref().filter(|_| writes_marks) {
            tail.push(&call_end(Some(&self.id), kind.as_ref()));
        }
        if let Some(kind) = kind {
            self.log.emit(&self.source, kind);
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (duration, memory_bytes) = (self.begin.elapsed(), self.memory());
        if let Some(lease) = &self.lease
            && lease.instance.generation.function.is_replaced_after_cancel()
        {
            lease.replace();
        }
        self.end(Some(Kind::CallCancelled { duration, memory_bytes }));
    }
}
