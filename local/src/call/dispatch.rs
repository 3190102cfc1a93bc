//! From a call to an instance: lease, connection, retry rule, time limit.

use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use fc_runtime::platform::names::header as fc;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header, response};
use tokio::time::{Instant, timeout};

use super::answer::{Answer, BodySource};
use super::call::{Call, CallKind, Seat};
use super::duplex;
use super::run::{EXIT_NEWS, Run};
use crate::event::{Cause, Kind};
use crate::failure::Failure;
use crate::instance::{Connection, Instance, Refusal, is_last};
use crate::model::Edition;
use crate::process::Rest;
use crate::registry::Callee;
use crate::wire::{Payload, headers, upgrade};

/// How often an unsent call tries another connection or instance.
const TRIES: usize = 4;

const REQUEST_ID: HeaderName = HeaderName::from_static(fc::REQUEST_ID);
const CONTROL_PATH: HeaderName = HeaderName::from_static(fc::CONTROL_PATH);
const QUALIFIER: HeaderName = HeaderName::from_static(fc::QUALIFIER);
const DEADLINE: HeaderName = HeaderName::from_static(fc::FUNCTION_DEADLINE);

/// Calls the function and waits for the head of its reply.
///
/// # Cancel safety
///
/// The future is dropped when the client leaves. That cancels the call to the instance. `seat` is filled as soon as it is
/// known, so that the caller has it then too.
pub(crate) async fn dispatch(mut call: Call, seat: &mut Seat) -> Result<Answer, Failure> {
    let callee = call.callee.clone();
    let function = &callee.function;
    let fault = std::mem::take(&mut call.body_fault);
    let mut run = Run::new(&call.id, &function.name, &function.log, call.tail.take(), fault);
    let kind = call.kind;
    let reply = match kind {
        CallKind::Rpc => run.call_rpc(&callee, call, seat).await,
        _ => run.call(&callee, call, seat).await,
    };
    match reply.and_then(|reply| check_head(&reply.0, kind).map(|()| reply)) {
        Ok((head, body)) => {
            run.pass_departure_on(seat);
            Ok(Answer::new(head, body, run))
        }
        Err(failure) => {
            if let Ok(pool) = callee.pool() {
                pool.generation.note(&failure);
            }
            run.end(Some(Kind::CallFailed(Cause::from(&failure))));
            Err(failure)
        }
    }
}

/// Refuses a head that two readers could frame differently. Also refuses a switch to any protocol except a requested
/// WebSocket.
fn check_head(head: &response::Parts, kind: CallKind) -> Result<(), Failure> {
    if let Some(fault) = headers::coding_fault(&head.headers) {
        return Err(Failure::bad_response(format!("the function's reply has {fault}")));
    }
    let is_switch = head.status == StatusCode::SWITCHING_PROTOCOLS;
    if is_switch && (kind != CallKind::Handshake || !upgrade::is_agreed(&head.headers)) {
        let text = format!("the function answered {}, which the gateway did not ask for", head.status);
        return Err(Failure::bad_response(text));
    }
    Ok(())
}

impl Run {
    async fn call(
        &mut self,
        callee: &Callee,
        call: Call,
        seat: &mut Seat,
    ) -> Result<(response::Parts, BodySource), Failure> {
        let Call { method, target, headers, payload, kind, claim, .. } = call;
        self.claim = claim;
        self.begin_at(callee, seat).await?;
        let spare = payload.is_repeatable() && is_idempotent(&method);
        // A retry builds the request again. Retries are rare, so no copy of the request is kept.
        let make = |run: &Run, payload| run.request(&method, &target, &headers, payload, kind);
        let mut request = make(self, payload)?;
        let mut tries = 0;
        let mut fresh = None;
        // How long the kept connection had been idle that broke under this call.
        let mut closed = None;
        loop {
            tries += 1;
            let mut connection = match fresh.take() {
                Some(connection) => connection,
                None => {
                    self.connect(callee, tries, seat, async |instance| instance.connections.take().await)
                        .await?
                }
            };
            if self.must_tell_length(request.body()) {
                let (mut head, payload) = request.into_parts();
                head.headers.remove(header::TRANSFER_ENCODING);
                let Ok(payload) = self.within(payload.take_whole()).await? else {
                    return Err(self.crashed().await);
                };
                request = Request::from_parts(head, payload);
            }
            if let Some(after) = self.take_upstream_fault() {
                // The end of the connection is the instance's to notice, whether it has answered or not.
                drop(timeout(after, connection.sender.try_send_request(request)).await);
                return Err(self.exited());
            }
            let (may_repeat, idle_for) = (spare && connection.is_reused, connection.idle_for);
            let mut error = match self.within(connection.sender.try_send_request(request)).await? {
                Ok(reply) => {
                    self.sender = Some(connection.sender);
                    if let Some(lease) = &self.lease {
                        let connections = &lease.instance.connections;
                        connections.heard(reply.version());
                        // The program answers, so its end is not why the other connection was closed.
                        if let Some(idle_for) = closed {
                            connections.closed_early(idle_for);
                        }
                    }
                    let (head, body) = reply.into_parts();
                    self.is_last = is_last(&head);
                    return Ok((head, BodySource::Http1(body)));
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
                    closed = Some(idle_for);
                    make(self, Payload::Empty)?
                }
                _ => return Err(self.failed(error.error()).await),
            };
        }
    }

    /// As [`call`](Self::call), over the HTTP/2 connection of the instance. What was sent is never sent again.
    async fn call_rpc(
        &mut self,
        callee: &Callee,
        call: Call,
        seat: &mut Seat,
    ) -> Result<(response::Parts, BodySource), Failure> {
        let Call { method, target, headers, mut payload, kind, claim, .. } = call;
        self.claim = claim;
        self.begin_at(callee, seat).await?;
        for tries in 1..=TRIES {
            let connect = async |instance: &Instance| instance.multiplexed.take().await;
            let mut sender = self.connect(callee, tries, seat, connect).await?;
            let mut headers = self.headers(&headers, kind)?;
            let mut request = Request::new(());
            *request.uri_mut() = absolute(&target, headers.remove(header::HOST).as_ref())?;
            *request.method_mut() = method.clone();
            *request.headers_mut() = headers;
            payload = match duplex::send(&mut sender, request, payload) {
                Ok(request) => {
                    if let Some(after) = self.take_upstream_fault() {
                        // Others share the connection, so the call's stream ends in its place.
                        drop(timeout(after, request.head()).await);
                        return Err(self.exited());
                    }
                    return match self.within(request.head()).await? {
                        Ok((head, duplex)) => Ok((head, BodySource::Http2(Box::new(duplex)))),
                        Err(broken) => Err(broken.failure_at_begin(self).await),
                    };
                }
                Err(unsent) => unsent,
            };
        }
        Err(self.crashed().await)
    }

    /// Takes an instance. The function's time begins.
    async fn begin_at(&mut self, callee: &Callee, seat: &mut Seat) -> Result<(), Failure> {
        self.alias = callee.alias().and_then(|alias| HeaderValue::from_str(alias).ok());
        self.draw_faults(callee);
        self.inject_before_lease(callee)?;
        self.lease(callee, seat).await?;
        self.begin = Instant::now();
        self.inject_before_request().await;
        Ok(())
    }

    async fn lease(&mut self, callee: &Callee, seat: &mut Seat) -> Result<(), Failure> {
        loop {
            let pool = callee.pool()?;
            self.limit = pool.generation.function.timeout;
            self.edition = pool.generation.function.local.edition;
            match pool.acquire(self.claim.clone(), &mut seat.is_cold).await {
                Ok(lease) => {
                    seat.instance = Some(Arc::clone(&lease.instance.id));
                    self.source.instance.clone_from(&seat.instance);
                    if let Some(begun) = seat.begun.take() {
                        // Who asked may not listen any more.
                        _ = begun.send(Arc::clone(&lease.instance.id));
                    }
                    match (&self.tail, self.edition) {
                        (Some(tail), Edition::Fc3) => {
                            tail.push(&format!("FC Invoke Start RequestId: {}", self.id));
                        }
                        // In edition 2.0 the program itself writes the lines that mark a call.
                        (Some(tail), Edition::Fc2) => tail.keep_marks(),
                        (None, _) => {}
                    }
                    lease.instance.output.begin(&self.id, self.tail.clone());
                    self.lease = Some(lease);
                    return Ok(());
                }
                Err(Refusal::Failed(failure)) => return Err(failure),
                Err(Refusal::Closed) if Arc::ptr_eq(&pool, &callee.pool()?) => {
                    let text = format!("function '{}' is being stopped", callee.function.name);
                    return Err(Failure::unavailable(text));
                }
                // A newer generation has replaced this generation meanwhile.
                Err(Refusal::Closed) => {}
            }
        }
    }

    /// Connects to the leased instance, or to another instance if the leased one has ended. Safe, because nothing was
    /// sent yet.
    async fn connect<C>(
        &mut self,
        callee: &Callee,
        tries: usize,
        seat: &mut Seat,
        take: impl AsyncFn(&Instance) -> io::Result<C>,
    ) -> Result<C, Failure> {
        for _ in tries..=TRIES {
            let Some(lease) = &self.lease else { break };
            let error = match self.within(take(&lease.instance)).await? {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            // A refused connection shows the end of an instance earlier than the guard's report.
            let is_dead = error.kind() == io::ErrorKind::ConnectionRefused
                || lease.instance.process.exited_within(EXIT_NEWS).await.is_some();
            if !is_dead {
                break;
            }
            lease.instance.output.end(&self.id, Rest::Written);
            lease.retire();
            self.lease = None;
            self.lease(callee, seat).await?;
            // The start of another instance does not count as the function's time.
            self.begin = Instant::now();
        }
        Err(self.crashed().await)
    }

    /// Opens a new connection to the same instance, after one that had been idle. The other kept connections have probably
    /// ended too.
    async fn reopen(&self) -> Result<Connection, Failure> {
        let Some(lease) = &self.lease else { return Err(self.crashed().await) };
        let connections = &lease.instance.connections;
        connections.clear();
        if let Ok(connection) = self.within(connections.open()).await? {
            return Ok(connection);
        }
        Err(self.crashed().await)
    }

    fn request(
        &self,
        method: &Method,
        target: &Uri,
        headers: &HeaderMap,
        payload: Payload,
        kind: CallKind,
    ) -> Result<Request<Payload>, Failure> {
        let is_unsized = !payload.has_length();
        let mut request = Request::new(payload);
        *request.method_mut() = method.clone();
        *request.uri_mut() = target.clone();
        *request.headers_mut() = self.headers(headers, kind)?;
        if is_unsized && matches!(*method, Method::GET | Method::HEAD | Method::CONNECT) {
            // hyper takes such a request to have no body unless its headers say so.
            request.headers_mut().insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        Ok(request)
    }

    /// The client's headers and the platform's.
    fn headers(&self, headers: &HeaderMap, kind: CallKind) -> Result<HeaderMap, Failure> {
        // The platform's own are many and the same for each call: a copy of the map costs less than their insertion.
        let own = self.lease.as_ref().map(|lease| lease.instance.generation.surroundings.headers.clone());
        let mut all = own.unwrap_or_default();
        for (name, value) in headers {
            all.append(name, value.clone());
        }
        if let Some(alias) = &self.alias {
            all.insert(QUALIFIER, alias.clone());
        }
        let deadline = SystemTime::now() + self.limit.saturating_sub(self.begin.elapsed());
        let deadline = deadline.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let id = HeaderValue::from_str(&self.id);
        let id = id.map_err(|_| Failure::invalid_argument("the request id is not a header value"))?;
        all.insert(REQUEST_ID, id);
        all.insert(CONTROL_PATH, HeaderValue::from_static(kind.control_path()));
        all.insert(DEADLINE, HeaderValue::from(u64::try_from(deadline).unwrap_or(u64::MAX)));
        match kind {
            CallKind::Handshake => upgrade::set(&mut all),
            // Without this header a server of gRPC may send no trailers. HTTP/2 has no `Connection`.
            CallKind::Rpc => {
                all.remove(header::CONNECTION);
                all.insert(header::TE, HeaderValue::from_static("trailers"));
            }
            CallKind::Http | CallKind::Event => {}
        }
        Ok(all)
    }

    /// Whether the body needs a `Content-Length`, because an HTTP/1.0 server cannot read chunks.
    fn must_tell_length(&self, payload: &Payload) -> bool {
        let reads_chunks =
            self.lease.as_ref().is_none_or(|lease| lease.instance.connections.may_send_chunks());
        !reads_chunks && !payload.has_length()
    }

    async fn failed(&self, error: &hyper::Error) -> Failure {
        if let Some(failure) = self.wait_for_body_failure().await {
            return failure;
        }
        if error.is_parse_too_large() {
            return Failure::bad_response("the function's reply headers are too large");
        }
        if error.is_parse() {
            return Failure::bad_response("the function's reply is not HTTP");
        }
        self.crashed().await
    }
}

/// The target as HTTP/2 sends it, with scheme and host.
fn absolute(target: &Uri, host: Option<&HeaderValue>) -> Result<Uri, Failure> {
    let mut parts = target.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    Uri::from_parts(parts).map_err(|_| Failure::invalid_argument("the request's host is not a host"))
}

fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}
