//! One request, shared by its exchange, its record, its body and its log lines.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tracing::Span;

use http::header::EXPECT;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Version};
use http_body::Body;

use crate::budget::Held;
use crate::cancel::{Departure, HangUpPolicy, Phase, PhaseCell};
use crate::cors::SealedCors;
use crate::exchange::attached::{Attached, ProtocolStatus, Slot};
use crate::exchange::{BodyState, Payload, Peer, Protocol};
use crate::log::current::{self, Tagged};
use crate::platform::{RequestId, limits};
use crate::reply::header_maps;
use crate::route::Param;
use crate::trace::TraceContext;

pub(crate) struct Call {
    pub(crate) id: RequestId,
    pub(crate) head: Parts,
    pub(crate) peer: Option<Arc<Peer>>,
    /// The canonical spelling of the path, if it differs from the path that was sent.
    pub(crate) spelled: Option<Box<str>>,
    /// When the request came. `None` if the access log does not need the time.
    came: Option<Instant>,
    /// As `came`, read at the first call of [`Call::started`].
    started: OnceLock<Instant>,
    /// Whether the record of this call has ended.
    ended: AtomicBool,
    /// The settings of the place that matched.
    pub(crate) scope: Option<Arc<Scope>>,
    /// Whether there is an `Origin` header: a browser page sent the request.
    pub(crate) has_origin: bool,
    /// Whether the request has a body.
    pub(crate) has_body: bool,
    /// Whether the stream of an unread body is reset behind the reply.
    resets_leftover: AtomicBool,
    pub(crate) phase: PhaseCell,
    pub(crate) departure: Departure,
    body_state: Mutex<BodyState>,
    /// The value that an optional feature left.
    pub(crate) attached: Slot<Attached>,
    /// What few requests have, in one place: each field of its own would cost every request its making and its drop.
    rare: OnceLock<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    /// The memory of a large head, which counts until it is dropped.
    held: OnceLock<Held>,
    /// The call as it was before a layer of tower has changed its head or its body.
    #[cfg(feature = "tower")]
    outer: Option<Arc<Call>>,
    /// The span of the request, if a subscriber wants spans.
    span: Option<Span>,
    /// The trace of the request: read at the begin if headers name one, else made when somebody asks.
    trace: OnceLock<TraceContext>,
}

/// The settings of one place: its own, else those of its groups, else those of the app.
pub(crate) struct Scope {
    pub(crate) pattern: Cow<'static, str>,
    /// The route as a piece of the access line: from the end of the path to the status.
    pub(crate) logged: Vec<u8>,
    pub(crate) params: Vec<Param>,
    pub(crate) hang_up_policy: HangUpPolicy,
    pub(crate) body_limit: usize,
    pub(crate) body_pause: Duration,
    pub(crate) time_limit: Option<Duration>,
    /// Where the author declared the route; `None` for a fallback.
    pub(crate) line: Option<&'static Location<'static>>,
    pub(crate) cors: Option<Arc<SealedCors>>,
    /// The protocol that the place speaks besides HTTP, such as gRPC.
    pub(crate) protocol: Option<&'static Protocol>,
}

/// The findings about a request's head.
#[derive(Default)]
pub(crate) struct Arrival {
    pub(crate) spelled: Option<Box<str>>,
    pub(crate) came: Option<Instant>,
    pub(crate) has_origin: bool,
    pub(crate) has_trace: bool,
}

impl Call {
    #[allow(clippy::inline_always, reason = "in place: a call would move the whole value twice more")]
    #[inline(always)]
    pub(crate) fn new(
        id: RequestId,
        head: Parts,
        body: Payload,
        peer: Option<Arc<Peer>>,
        scope: Option<Arc<Scope>>,
        arrival: Arrival,
    ) -> Self {
        let Arrival { spelled, came, has_origin, has_trace: _ } = arrival;
        Self {
            id,
            head,
            peer,
            spelled,
            came,
            started: OnceLock::new(),
            ended: AtomicBool::new(false),
            scope,
            has_origin,
            has_body: !body.is_end_stream(),
            resets_leftover: AtomicBool::new(false),
            phase: PhaseCell::default(),
            departure: Departure::default(),
            body_state: Mutex::new(BodyState::Unread(body)),
            attached: Slot::default(),
            rare: OnceLock::new(),
        }
    }

    /// The call as a layer of tower has passed it on. The record, the connection and the hang-up stay with this one.
    #[cfg(feature = "tower")]
    pub(crate) fn behind_layer(self: &Arc<Self>, head: Parts, body: Payload) -> Self {
        let arrival = Arrival {
            spelled: self.spelled.clone().filter(|_| head.uri.path() == self.head.uri.path()),
            came: self.started_before(),
            has_origin: self.has_origin,
            ..Arrival::default()
        };
        let (id, peer, scope) = (self.id.clone(), self.peer.clone(), self.scope.clone());
        let mut call = Self::new(id, head, body, peer, scope, arrival);
        call.rare_mut().outer = Some(Arc::clone(self.outermost()));
        call
    }

    /// The call that has the record, the connection and the hang-up.
    pub(crate) fn outermost(self: &Arc<Self>) -> &Arc<Self> {
        #[cfg(feature = "tower")]
        if let Some(outer) = self.rare.get().and_then(|rare| rare.outer.as_ref()) {
            return outer;
        }
        self
    }

    /// Completes a call that was made before its head was looked at, with a generated id. Each further move of a head costs
    /// 30 instructions.
    #[allow(clippy::inline_always, reason = "in place, as `new`")]
    #[inline(always)]
    pub(crate) fn complete(
        self: &mut Arc<Self>,
        id: Option<RequestId>,
        scope: Option<Arc<Scope>>,
        arrival: Arrival,
    ) -> &mut Self {
        let Arrival { spelled, came, has_origin, has_trace } = arrival;
        let call = Arc::get_mut(self).expect("a call is completed before it is shared");
        if let Some(id) = id {
            call.id = id;
        }
        // A field that nearly always stays `None` is not replaced, because the drop of the old value is code too.
        if spelled.is_some() {
            call.spelled = spelled;
        }
        if has_trace {
            call.read_trace();
        }
        (call.scope, call.came, call.has_origin) = (scope, came, has_origin);
        call
    }

    /// A copy of the call for a reply that lasts. It has no headers and no query, because those keep the whole buffer
    /// of the head in memory.
    pub(crate) fn lean(&self) -> Self {
        let (mut head, ()) = http::Request::new(()).into_parts();
        (head.method, head.version) = (self.head.method.clone(), self.head.version);
        if let Ok(path) = self.head.uri.path().parse() {
            head.uri = path;
        }
        let arrival = Arrival {
            spelled: self.spelled.clone(),
            came: self.started_before(),
            has_origin: self.has_origin,
            ..Arrival::default()
        };
        let id = self.id.detached();
        let mut lean = Self::new(id, head, Payload::taken(), None, self.scope.clone(), arrival);
        if let Some(rare) = self.rare.get() {
            let (span, trace) = (rare.span.clone(), rare.trace.clone());
            lean.rare = Box::new(Rare { span, trace, ..Rare::default() }).into();
        }
        lean.phase.set(Phase::Replying);
        lean
    }

    /// As [`lean`](Self::lean), in place: for a call that only its record knows.
    pub(crate) fn lighten(&mut self) {
        header_maps::keep(&mut self.head.headers);
        (self.head.headers, self.head.extensions) = (HeaderMap::new(), Extensions::new());
        if let Ok(path) = self.head.uri.path().parse() {
            self.head.uri = path;
        }
        self.id = self.id.detached();
        self.body_state.get_mut().unwrap_or_else(PoisonError::into_inner).lighten();
        if let Some(rare) = self.rare.get_mut() {
            rare.held.take();
        }
    }

    /// The path for the route's parameters, in its canonical spelling.
    pub(crate) fn path(&self) -> &str {
        self.spelled.as_deref().unwrap_or_else(|| self.head.uri.path())
    }

    /// When the request came. Without an access log the clock is read at the first call: a reading costs every request.
    pub(crate) fn started(&self) -> Instant {
        self.came.unwrap_or_else(|| *self.started.get_or_init(Instant::now))
    }

    /// When the request came, if the clock has already been read.
    pub(crate) fn started_before(&self) -> Option<Instant> {
        self.came.or_else(|| self.started.get().copied())
    }

    /// Marks the record as ended. True if it had ended before.
    pub(crate) fn end(&self) -> bool {
        self.ended.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn body_state(&self) -> MutexGuard<'_, BodyState> {
        self.body_state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the body for `ex.body()`. The body marks this call when it finds that the client has left.
    pub(crate) fn take_body(self: &Arc<Self>) -> Payload {
        let mut body = self.body_state().take();
        body.tell(Arc::clone(self), Some(self.body_pause()));
        body
    }

    /// Takes the body for a stream of messages, in which a client may pause without limit.
    pub(crate) fn take_patient_body(self: &Arc<Self>) -> Payload {
        let mut body = self.body_state().take();
        body.tell(Arc::clone(self), None);
        body
    }

    /// Notes that the stream of an unread body is reset behind the reply.
    pub(crate) fn set_resets_leftover(&self) {
        self.resets_leftover.store(true, Ordering::Relaxed);
    }

    pub(crate) fn resets_leftover(&self) -> bool {
        self.resets_leftover.load(Ordering::Relaxed)
    }

    /// Whether the client of HTTP/1.1 waits for `100 Continue` before it sends its body. As hyper does, the last `Expect`
    /// counts, and other expectations are passed over.
    pub(crate) fn expects_continue(&self) -> bool {
        let awaits = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
        self.has_body
            && self.head.version == Version::HTTP_11
            && self.head.headers.get_all(EXPECT).iter().next_back().is_some_and(awaits)
    }

    /// The status of the call in a protocol above HTTP. The last status set counts.
    #[inline]
    pub(crate) fn protocol_status(&self) -> Option<ProtocolStatus> {
        self.attached.look(Attached::status)
    }

    /// Whether the status in a protocol above HTTP says that the function failed.
    #[allow(clippy::inline_always, reason = "every request asks, and nearly none has such a status")]
    #[inline(always)]
    pub(crate) fn has_failed(&self) -> bool {
        self.protocol_status().is_some_and(|status| status.failed)
    }

    #[cold]
    fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare();
        self.rare.get_mut().expect("it was made in the line before")
    }

    /// Counts the memory of a large head until the call is dropped. False if there is no room.
    #[cold]
    pub(crate) fn hold(&self, peer: &Peer, weight: usize) -> bool {
        // Set once for each call: a second weight would be given back, and refuse the request.
        peer.hold(weight).is_some_and(|held| self.rare().held.set(held).is_ok())
    }

    #[cold]
    fn read_trace(&mut self) {
        if let Some(trace) = TraceContext::of(&self.head.headers) {
            self.rare_mut().trace = trace.into();
        }
    }

    /// Continues the trace that the headers of another call name, if they name one.
    #[cfg(feature = "events")]
    pub(crate) fn continue_trace_of(&mut self, outer: &Self) {
        if let Some(trace) = TraceContext::of(&outer.head.headers) {
            self.rare_mut().trace = trace.into();
        }
    }

    /// Gives the request a span of its own in its trace, which begins here if no header names one.
    #[cfg(feature = "otel")]
    pub(crate) fn begin_span(&mut self, sampler: crate::otel::Sampler) {
        let rare = self.rare_mut();
        let read = rare.trace.take();
        let has_caller = read.is_some();
        let trace = read.unwrap_or_else(TraceContext::fresh);
        rare.trace = trace.with_span(has_caller, sampler.heeds_parent, sampler.ratio).into();
    }

    pub(crate) fn set_span(&mut self, span: Span) {
        current::expect_spans();
        self.rare_mut().span = Some(span);
    }

    /// Marks the client as gone, because its body ended early.
    pub(crate) fn has_left(&self) {
        self.phase.advance(Phase::Reading);
        self.departure.announce();
    }

    /// The longest wait of a reader for the next piece of the body.
    pub(crate) fn body_pause(&self) -> Duration {
        self.scope.as_ref().map_or(limits::BODY_PAUSE_DEFAULT, |scope| scope.body_pause)
    }

    /// The largest body that a reader accepts, in bytes.
    pub(crate) fn body_limit(&self) -> usize {
        self.scope.as_ref().map_or(limits::BODY_LIMIT_DEFAULT, |scope| scope.body_limit)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        header_maps::keep(&mut self.head.headers);
    }
}

impl Tagged for Call {
    fn request_id(&self) -> &str {
        self.id.as_str()
    }

    fn span(&self) -> Option<&Span> {
        self.rare.get()?.span.as_ref()
    }

    fn known_trace(&self) -> Option<&TraceContext> {
        self.rare.get()?.trace.get()
    }

    fn trace_context(&self) -> &TraceContext {
        self.rare().trace.get_or_init(TraceContext::fresh)
    }
}
