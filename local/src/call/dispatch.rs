//! From a call to an instance: lease, connection, retry rule, time limit.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use fc_runtime::platform::names::header as fc;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header, response};
use tokio::time::timeout;

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
use crate::wire::h1::{Broken, Draft};
use crate::wire::headers::Forwarded;
use crate::wire::{Payload, final_reply, headers, keep_from_table, upgrade};

/// How often an unsent call tries another connection or instance.
const TRIES: usize = 4;

const REQUEST_ID: HeaderName = HeaderName::from_static(fc::REQUEST_ID);
const CONTROL_PATH: HeaderName = HeaderName::from_static(fc::CONTROL_PATH);
const QUALIFIER: HeaderName = HeaderName::from_static(fc::QUALIFIER);
const DEADLINE: HeaderName = HeaderName::from_static(fc::FUNCTION_DEADLINE);

/// Calls the function and waits for the head of its reply. The call is boxed, because each future on its way would have room
/// for it twice.
///
/// # Cancel safety
///
/// The future is dropped when the client leaves. That cancels the call to the instance. `seat` is filled as soon as it is
/// known, so that the caller has it then too.
pub(crate) async fn dispatch(mut call: Box<Call>, seat: &mut Seat) -> Result<Answer, Failure> {
    let callee = call.callee.clone();
    let function = &callee.function;
    let fault = std::mem::take(&mut call.body_fault);
    let mut run = Run::new(&call.id, &function.name, &function.log, call.tail.take(), fault);
    run.counted.is_probe = call.is_probe;
    run.counted.whole_in = call.payload.whole_length();
    seat.mark(|times| &mut times.admitted);
    let kind = call.kind;
    let reply = match kind {
        // On the heap, as other rare ways are: every future around this one would have to be as large.
        CallKind::Rpc => Box::pin(run.call_rpc(&callee, call, seat)).await,
        _ => run.call(&callee, call, seat).await,
    };
    match reply.and_then(|reply| check_head(&reply.0, kind).map(|()| reply)) {
        Ok((head, body)) => {
            run.pass_departure_on(seat);
            seat.mark(|times| &mut times.head);
            run.counted.tells_failure = head.status.is_server_error() || rpc_failed(&head.headers);
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
        call: Box<Call>,
        seat: &mut Seat,
    ) -> Result<(response::Parts, BodySource), Failure> {
        let Call { method, target, headers, forwarded, mut payload, kind, claim, early, .. } = *call;
        self.claim = claim;
        self.begin_at(callee, seat).await?;
        let spare = payload.is_repeatable() && is_idempotent(&method);
        let take = async |instance: &Instance| instance.connections.take().await;
        let mut connection = self.connect(callee, 1, seat, take).await?;
        seat.mark(|times| &mut times.sent);
        if self.must_tell_length(&payload) {
            let Ok(whole) = self.within(Box::pin(payload.take_whole())).await? else {
                return Err(self.crashed().await);
            };
            payload = whole;
        }
        // How long the kept connection had been idle that broke under this call.
        let mut closed = None;
        loop {
            let Connection { mut link, kept_since } = connection;
            // A second try writes the request again. Those are rare, so no copy of the request is kept.
            self.write(link.begin(&method, &target), (&headers, forwarded.as_deref()), payload, kind)?;
            if let Some(after) = self.take_upstream_fault() {
                // The end of the connection is the instance's to notice, whether it has answered or not.
                drop(timeout(after, link.reply()).await);
                return Err(self.exited());
            }
            let reply = self.within(pin!(final_reply(&mut link, early.as_ref()))).await?;
            match reply {
                Ok(head) => {
                    if let Some(lease) = &self.lease {
                        let connections = &lease.instance.connections;
                        connections.heard(head.version);
                        // The program answers, so its end is not why the other connection was closed.
                        if let Some(idle_for) = closed {
                            connections.closed_early(idle_for);
                        }
                    }
                    self.is_last = is_last(&head);
                    return Ok((head, BodySource::Http1(link)));
                }
                // The platform's rule for a connection that was used before and breaks before any byte of a
                // reply: once more, on a new one.
                Err(Broken::Ended { has_begun: false, .. }) if spare && kept_since.is_some() => {
                    closed = kept_since.map(|since| self.begin.saturating_duration_since(since));
                    connection = Box::pin(self.reopen()).await?;
                    payload = Payload::Empty;
                }
                Err(broken) => return Err(self.failed(&broken).await),
            }
        }
    }

    /// As [`call`](Self::call), over the HTTP/2 connection of the instance. What was sent is never sent again.
    async fn call_rpc(
        &mut self,
        callee: &Callee,
        call: Box<Call>,
        seat: &mut Seat,
    ) -> Result<(response::Parts, BodySource), Failure> {
        let Call { method, target, mut headers, forwarded, mut payload, claim, .. } = *call;
        let host = headers.remove(header::HOST);
        self.claim = claim;
        self.begin_at(callee, seat).await?;
        for tries in 1..=TRIES {
            let connect = async |instance: &Instance| instance.multiplexed.take().await;
            let (mut sender, is_first) = self.connect(callee, tries, seat, connect).await?;
            seat.mark(|times| &mut times.sent);
            keep_from_table(&mut headers, is_first);
            let mut request = Request::new(());
            *request.uri_mut() = absolute(&target, host.as_ref())?;
            *request.method_mut() = method.clone();
            *request.headers_mut() = self.headers(&headers, forwarded.as_ref(), is_first)?;
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
        self.begin_time();
        self.inject_before_request().await;
        Ok(())
    }

    async fn lease(&mut self, callee: &Callee, seat: &mut Seat) -> Result<(), Failure> {
        loop {
            let pool = callee.pool()?;
            self.limit = pool.generation.function.timeout;
            self.edition = pool.generation.function.local.edition;
            self.counted.meter = Some(Arc::clone(&pool.generation.meter));
            let acquired = pool.acquire(self.claim.clone(), &mut seat.is_cold).await;
            self.counted.is_cold = seat.is_cold;
            match acquired {
                Ok(lease) => {
                    seat.instance = Some(Arc::clone(&lease.instance.id));
                    seat.mark(|times| &mut times.instance);
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
            let error = match self.within(pin!(take(&lease.instance))).await? {
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
            self.begin_time();
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

    /// Writes the client's headers, what is told of the client, and the platform's.
    fn write(
        &self,
        mut draft: Draft<'_>,
        (headers, forwarded): (&HeaderMap, Option<&Forwarded>),
        payload: Payload,
        kind: CallKind,
    ) -> Result<(), Failure> {
        let own = self.lease.as_ref().map(|lease| &lease.instance.generation.surroundings);
        match (own, &self.alias) {
            // The platform's own are many, and the same for each call.
            (Some(own), None) => draft.lines(&own.lines),
            (Some(own), Some(alias)) => {
                for (name, value) in &own.headers {
                    draft.header(name, if *name == QUALIFIER { alias } else { value });
                }
            }
            (None, _) => {}
        }
        let is_handshake = kind == CallKind::Handshake;
        for (name, value) in headers {
            if !is_handshake || *name != header::CONNECTION {
                draft.header(name, value);
            }
        }
        if let Some(forwarded) = forwarded {
            draft.lines(&forwarded.lines);
        }
        if is_handshake {
            let mut upgrade = HeaderMap::new();
            upgrade::set(&mut upgrade);
            for (name, value) in &upgrade {
                draft.header(name, value);
            }
        }
        if !draft.text(&REQUEST_ID, &self.id) {
            return Err(no_id());
        }
        draft.text(&CONTROL_PATH, kind.control_path());
        draft.number(&DEADLINE, self.deadline_millis());
        draft.end(payload);
        Ok(())
    }

    /// When the function's time is over, in milliseconds since 1970.
    fn deadline_millis(&self) -> u64 {
        let since = (self.begun_at + self.limit).duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// The client's headers, what is told of the client, and the platform's, for HTTP/2.
    fn headers(
        &self,
        headers: &HeaderMap,
        forwarded: Option<&Arc<Forwarded>>,
        is_first: bool,
    ) -> Result<HeaderMap, Failure> {
        let own = self.lease.as_ref().map(|lease| &lease.instance.generation.surroundings);
        let mut all = own.map_or_else(HeaderMap::new, |own| own.headers_of_rpc(forwarded));
        for (name, value) in headers {
            // HTTP/2 has no `Connection`, and `TE` is there.
            if *name != header::CONNECTION && *name != header::TE {
                all.append(name, value.clone());
            }
        }
        if let Some(alias) = &self.alias {
            all.insert(QUALIFIER, alias.clone());
        }
        let id = HeaderValue::from_str(&self.id).map_err(|_| no_id())?;
        for (name, mut value) in [(REQUEST_ID, id), (DEADLINE, self.deadline_millis().into())] {
            // As `keep_from_table` marks them.
            value.set_sensitive(!is_first);
            all.insert(name, value);
        }
        Ok(all)
    }

    /// Whether the body needs a `Content-Length`, because an HTTP/1.0 server cannot read chunks.
    fn must_tell_length(&self, payload: &Payload) -> bool {
        let reads_chunks =
            self.lease.as_ref().is_none_or(|lease| lease.instance.connections.may_send_chunks());
        !reads_chunks && !payload.has_length()
    }

    async fn failed(&self, broken: &Broken) -> Failure {
        if let Some(failure) = self.wait_for_body_failure().await {
            return failure;
        }
        match broken {
            Broken::HeadTooLarge => Failure::bad_response("the function's reply headers are too large"),
            Broken::NotHttp => Failure::bad_response("the function's reply is not HTTP"),
            Broken::Ended { .. } | Broken::Upload | Broken::Chunks(_) => self.crashed().await,
        }
    }
}

/// Whether headers or trailers have a status of gRPC that says that the function or the platform failed.
pub(super) fn rpc_failed(headers: &HeaderMap) -> bool {
    let code = headers.get("grpc-status").map(HeaderValue::as_bytes);
    // UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS.
    matches!(code, Some(b"2" | b"4" | b"13" | b"14" | b"15"))
}

fn no_id() -> Failure {
    Failure::invalid_argument("the request id is not a header value")
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
