//! The one way to an instance. Whatever calls a function, for whatever reason, ends here.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fc_runtime::platform::names::header;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, response};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use crate::event::{Cause, Kind, Log, Source, Tail, call_end};
use crate::failure::{Failure, megabytes};
use crate::instance::{Connection, Lease, Pool, Refusal};
use crate::wire::{BodyFault, Payload};

/// How long the end of a process may be on its way to us after its connection broke.
const EXIT_NEWS: Duration = Duration::from_millis(250);

/// How often a call that was not sent yet looks for another connection or instance.
const TRIES: usize = 4;

const REQUEST_ID: HeaderName = HeaderName::from_static(header::REQUEST_ID);
const CONTROL_PATH: HeaderName = HeaderName::from_static(header::CONTROL_PATH);
const DEADLINE: HeaderName = HeaderName::from_static(header::FUNCTION_DEADLINE);

/// A function by its name, whichever generation of it is current.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: Arc<str>,
    pool: RwLock<Arc<Pool>>,
}

impl Slot {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        Slot { name: Arc::clone(&pool.generation.name), pool: RwLock::new(pool) }
    }

    /// The current generation.
    pub(crate) fn pool(&self) -> Arc<Pool> {
        Arc::clone(&self.pool.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes `pool` the current generation and gives the former one.
    pub(crate) fn swap(&self, pool: Arc<Pool>) -> Arc<Pool> {
        std::mem::replace(&mut *self.pool.write().unwrap_or_else(PoisonError::into_inner), pool)
    }
}

/// A call of a function.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: Arc<str>,
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: Uri,
    /// Without hop-by-hop and reserved headers; the platform's are added here.
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) body_fault: BodyFault,
    /// What kind of call it is: the value of `x-fc-control-path`.
    pub(crate) control: &'static str,
    pub(crate) tail: Option<Tail>,
}

/// A reply whose body is still to come.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: response::Parts,
    pub(crate) body: Incoming,
    pub(crate) run: Run,
}

/// A call that an instance is working on. Dropping it before it is finished means that the client left.
#[derive(Debug)]
pub(crate) struct Run {
    id: Arc<str>,
    source: Source,
    log: Log,
    begin: Instant,
    lease: Option<Lease>,
    sender: Option<SendRequest<Payload>>,
    tail: Option<Tail>,
    limit: Duration,
    is_over: bool,
}

/// Calls the function and waits for the head of its reply.
///
/// # Cancel safety
///
/// Dropping the future is what a client that leaves does: the call to the instance is cancelled.
pub(crate) async fn dispatch(slot: &Slot, mut call: Call) -> Result<Answer, Failure> {
    let pool = slot.pool();
    let mut run = Run {
        id: Arc::clone(&call.id),
        source: Source::function(&slot.name).with_request(&call.id),
        log: pool.generation.log.clone(),
        begin: Instant::now(),
        lease: None,
        sender: None,
        tail: call.tail.take(),
        limit: pool.generation.function.timeout,
        is_over: false,
    };
    drop(pool);
    match run.call(slot, call).await {
        Ok((head, body)) => Ok(Answer { head, body, run }),
        Err(mut failure) => {
            run.end(Some(Kind::CallFailed(Cause::from(&failure))));
            failure.instance = run.instance_id();
            Err(failure)
        }
    }
}

impl Run {
    async fn call(&mut self, slot: &Slot, call: Call) -> Result<(response::Parts, Incoming), Failure> {
        self.lease(slot).await?;
        self.begin = Instant::now();
        let Call { method, target, headers, payload, body_fault, control, .. } = call;
        let spare = payload.is_repeatable() && is_idempotent(&method);
        // Made once more if it has to be sent once more, which is rare: a copy of each would be for nothing.
        let make = |run: &Run, payload| run.request(&method, &target, &headers, payload, control);
        let mut request = make(self, payload)?;
        let mut tries = 0;
        let mut fresh = None;
        loop {
            tries += 1;
            let mut connection = match fresh.take() {
                Some(connection) => connection,
                None => self.connect(slot, tries).await?,
            };
            let may_repeat = spare && connection.is_reused;
            let mut error = match self.within(connection.sender.try_send_request(request)).await? {
                Ok(reply) => {
                    self.sender = Some(connection.sender);
                    return Ok(reply.into_parts());
                }
                Err(error) => error,
            };
            request = match error.take_message() {
                // Nothing was sent: the connection had closed before.
                Some(unsent) if tries < TRIES => unsent,
                // The platform's rule for a connection that was used before and breaks before any byte of a
                // reply: once more, on a new one.
                None if may_repeat && !error.error().is_parse() => {
                    fresh = Some(self.reopen().await?);
                    make(self, Payload::Empty)?
                }
                _ => return Err(self.failed(error.error(), &body_fault).await),
            };
        }
    }

    async fn lease(&mut self, slot: &Slot) -> Result<(), Failure> {
        loop {
            let pool = slot.pool();
            self.limit = pool.generation.function.timeout;
            match pool.acquire().await {
                Ok(lease) => {
                    self.source.instance = Some(Arc::clone(&lease.instance.id));
                    lease.instance.output.begin(&self.id, self.tail.clone());
                    self.lease = Some(lease);
                    if let Some(tail) = &self.tail {
                        tail.push(&format!("FC Invoke Start RequestId: {}", self.id));
                    }
                    return Ok(());
                }
                Err(Refusal::Failed(failure)) => return Err(failure),
                Err(Refusal::Closed) if Arc::ptr_eq(&pool, &slot.pool()) => {
                    let text = format!("function '{}' is being stopped", slot.name);
                    return Err(Failure::unavailable(text));
                }
                // A newer generation took over in between.
                Err(Refusal::Closed) => {}
            }
        }
    }

    /// A connection to the leased instance, or to another one if that one is gone: nothing was sent yet.
    async fn connect(&mut self, slot: &Slot, tries: usize) -> Result<Connection, Failure> {
        for _ in tries..=TRIES {
            let Some(lease) = &self.lease else { break };
            let error = match self.within(lease.instance.connections.take()).await? {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            // A closed port is the first news of an end: the guard's report may be long in coming.
            let is_dead = error.kind() == io::ErrorKind::ConnectionRefused
                || lease.instance.process.exited_within(EXIT_NEWS).await.is_some();
            if !is_dead {
                break;
            }
            lease.instance.output.end(&self.id);
            lease.retire();
            self.lease = None;
            self.lease(slot).await?;
            // Another instance's start is not the function's time.
            self.begin = Instant::now();
        }
        Err(self.crashed().await)
    }

    /// A new connection to the same instance. The others have most likely ended as the broken one did.
    async fn reopen(&self) -> Result<Connection, Failure> {
        let Some(lease) = &self.lease else { return Err(self.crashed().await) };
        lease.instance.connections.clear();
        match self.within(lease.instance.connections.open()).await? {
            Ok(connection) => Ok(connection),
            Err(_) => Err(self.crashed().await),
        }
    }

    fn request(
        &self,
        method: &Method,
        target: &Uri,
        headers: &HeaderMap,
        payload: Payload,
        control: &'static str,
    ) -> Result<Request<Payload>, Failure> {
        // The platform's own are many and the same for each call: a copy of the map costs less than their insertion.
        let own = self.lease.as_ref().map(|lease| lease.instance.generation.surroundings.headers.clone());
        let mut all = own.unwrap_or_default();
        for (name, value) in headers {
            all.append(name, value.clone());
        }
        let deadline = SystemTime::now() + self.limit.saturating_sub(self.begin.elapsed());
        let deadline = deadline.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let id = HeaderValue::from_str(&self.id);
        let id = id.map_err(|_| Failure::invalid_argument("the request id is not a header value"))?;
        all.insert(REQUEST_ID, id);
        all.insert(CONTROL_PATH, HeaderValue::from_static(control));
        if let Ok(value) = HeaderValue::from_str(&deadline.to_string()) {
            all.insert(DEADLINE, value);
        }
        let mut request = Request::new(payload);
        *request.method_mut() = method.clone();
        *request.uri_mut() = target.clone();
        *request.headers_mut() = all;
        Ok(request)
    }

    /// Waits for `future`, but not beyond the function's time limit.
    pub(crate) async fn within<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        match tokio::time::timeout_at(self.deadline(), future).await {
            Ok(output) => Ok(output),
            Err(_) => Err(self.timed_out()),
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.begin + self.limit
    }

    /// The function's time is over. With one call at a time the instance may still be busy with this one,
    /// so it gets no further call.
    pub(crate) fn timed_out(&self) -> Failure {
        if let Some(lease) = &self.lease
            && lease.instance.generation.function.concurrency == 1
        {
            lease.retire();
        }
        Failure::timed_out(self.limit, self.begin.elapsed(), self.memory())
    }

    async fn failed(&self, error: &hyper::Error, body_fault: &BodyFault) -> Failure {
        if body_fault.is_too_large() {
            return Failure::entity_too_large(fc_runtime::platform::limits::REQUEST_BODY_MAX);
        }
        if body_fault.is_broken() {
            return Failure::invalid_argument("the request's body ended early");
        }
        if error.is_parse_too_large() {
            return Failure::bad_response("the function's reply headers are too large");
        }
        if error.is_parse() {
            return Failure::bad_response("the function's reply is not HTTP");
        }
        self.crashed().await
    }

    /// The process ended, or closed the connection, before its reply was complete.
    pub(crate) async fn crashed(&self) -> Failure {
        let duration = self.begin.elapsed();
        if let Some(lease) = &self.lease {
            // The news of its end makes the pool forget it before the next call.
            lease.instance.process.exited_within(EXIT_NEWS).await;
        }
        Failure::process_exited(duration, self.memory())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    pub(crate) fn memory(&self) -> u64 {
        self.lease.as_ref().map_or(0, |lease| lease.instance.memory_max())
    }

    pub(crate) fn is_cold(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.is_cold)
    }

    pub(crate) fn instance_id(&self) -> Option<Arc<str>> {
        self.source.instance.clone()
    }

    /// The reply was read to its end: the connection can be used again.
    pub(crate) fn finish(mut self) {
        if let (Some(lease), Some(sender)) = (&self.lease, self.sender.take()) {
            lease.instance.connections.give_back(sender);
        }
        self.end(None);
    }

    /// The call is over without a complete reply.
    pub(crate) fn fail(mut self, failure: &Failure) {
        self.end(Some(Kind::CallFailed(Cause::from(failure))));
    }

    /// Gives the connection back and waits for the last lines of the call's log, then gives that log.
    pub(crate) async fn finish_with_log(mut self) -> Option<String> {
        let tail = self.tail.clone()?;
        if let Some(lease) = &self.lease {
            const PAUSE: Duration = Duration::from_millis(20);
            const LIMIT: Duration = Duration::from_millis(200);
            lease.instance.output.quiet(PAUSE, LIMIT).await;
            lease.instance.sample_memory();
        }
        let duration = self.begin.elapsed();
        let declared = self.lease.as_ref().map_or(0, |lease| lease.instance.generation.function.memory_mb);
        let memory = self.memory();
        if let (Some(lease), Some(sender)) = (&self.lease, self.sender.take()) {
            lease.instance.connections.give_back(sender);
        }
        self.end(None);
        let hundredths = duration.as_micros() / 10;
        tail.push(&format!(
            "\nDuration: {}.{:02} ms, Billed Duration: {} ms, Memory Size: {declared} MB, Max Memory Used: {} MB",
            hundredths / 100,
            hundredths % 100,
            duration.as_millis() + 1,
            megabytes(memory),
        ));
        Some(tail.text())
    }

    /// `kind` says what went wrong, if anything did.
    fn end(&mut self, kind: Option<Kind>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if let Some(tail) = &self.tail {
            tail.push(&call_end(Some(&self.id), kind.as_ref()));
        }
        if let Some(kind) = kind {
            self.log.emit(&self.source, kind);
        }
        if let Some(lease) = self.lease.take() {
            lease.instance.output.end(&self.id);
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

fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}
