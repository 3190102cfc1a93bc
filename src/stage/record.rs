//! The record of a request: the outermost stage. Every request is counted and logged once, however it ends.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::cancel::Phase;
use crate::counters::{InFlight, LiveCounters};
use crate::exchange::upgrade::UpgradeEnd;
use crate::exchange::{Call, Peer};
use crate::json::text_into;
use crate::log::current::{self, Tagged};
use crate::log::{AccessLog, Level, say, sink, stamp, text};
use crate::observe::Ended;
use crate::roll::Place;
use crate::stage::span::{end_span, say_record};
use crate::task::BoxFuture;

/// Opened when a request is accepted. Ended when its reply has been sent; a drop before that ends it too.
pub(crate) struct Record {
    call: Arc<Call>,
    counts: Arc<LiveCounters>,
    log: AccessLog,
    markers: Option<Markers>,
    status: u16,
    failed: bool,
    sent: u64,
    listed: Listed,
    is_event: bool,
}

/// How the roll lists a request.
#[derive(Clone, Copy)]
enum Listed {
    Not,
    /// In the entry of the connection.
    ByPeer,
    Alone(Place),
}

/// The words of the start and end lines by which FC 2.0 finds the log lines of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Markers {
    Invoke,
    Initialize,
    PreStop,
    PreFreeze,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Sent,
    /// The client left (499).
    Left,
    /// A shutdown's deadline passed.
    Cut,
    /// The reply's stream failed after its head was sent.
    Broken,
}

/// The longest part of a path that is logged, in bytes.
const PATH_LOGGED_MAX: usize = 4096;

/// The status of a client that left, as nginx and the platform log it.
pub(super) const CLIENT_CLOSED_REQUEST: u16 = 499;

impl Record {
    #[allow(clippy::inline_always, reason = "every request does it")]
    #[inline(always)]
    pub(crate) fn open(
        call: Arc<Call>,
        counts: Arc<LiveCounters>,
        log: AccessLog,
        markers: Option<Markers>,
    ) -> Self {
        counts.in_flight.add();
        if let Some(markers) = markers {
            markers.start(call.id.as_str());
        }
        let listed = Listed::of(&call, &counts);
        Self { call, counts, log, markers, status: 0, failed: false, sent: 0, listed, is_event: false }
    }

    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// Notes that the request is an event call.
    pub(crate) fn set_event(&mut self) {
        self.is_event = true;
    }

    pub(crate) fn set_status(&mut self, status: u16) {
        self.status = status;
        self.failed = status >= 500;
        // If the client left while its body was read, no reply is sent, and the phase stays `Reading`.
        if !self.call.departure.is_gone() {
            self.call.phase.set(Phase::Replying);
        }
    }

    /// Marks the call as failed. A failed event call is answered with 404, so its status does not show the failure.
    pub(crate) fn set_failed(&mut self) {
        self.failed = true;
    }

    pub(crate) fn add_sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// Counts a panic of the author's stream after the head of the reply was sent.
    pub(crate) fn panicked(&self) {
        self.counts.panicked.add();
    }

    /// Continues this record for the upgraded connection, with its call.
    pub(crate) fn go_on_as(&mut self, call: Arc<Call>) {
        self.leave_roll();
        self.listed = Listed::of(&call, &self.counts);
        self.call = call;
    }

    /// Continues this record of an event for the request that the event holds.
    pub(crate) fn go_on_inside(&mut self, call: Arc<Call>) {
        self.go_on_as(call);
        self.is_event = false;
    }

    /// Lets go of the head and the body of the request, unless somebody else has the call or is told of its end.
    pub(crate) fn lighten(&mut self) {
        if self.counts.observers.get().is_some() || say::has_foreign_subscriber() || current::has_spans() {
            return;
        }
        // The roll has the call too.
        self.leave_roll();
        if let Some(call) = Arc::get_mut(&mut self.call) {
            call.lighten();
        }
        self.listed = Listed::of(&self.call, &self.counts);
    }

    pub(crate) fn end_upgraded(&mut self, ended: UpgradeEnd) {
        (self.failed, self.sent) = (ended.failed, ended.sent);
        if ended.panicked {
            self.panicked();
        }
        self.end(if ended.left { End::Left } else { End::Sent });
    }

    pub(crate) fn end_sent(&mut self) {
        self.end_unless_left(End::Sent);
    }

    /// What has to be done before the platform may freeze the instance, if no other request is in flight.
    #[inline]
    pub(crate) fn flush(&self) -> Option<BoxFuture<()>> {
        self.counts.flush.get()?;
        if self.counts.is_quiet() { self.counts.flush() } else { None }
    }

    pub(crate) fn end_broken(&mut self) {
        self.end_unless_left(End::Broken);
    }

    fn end_unless_left(&mut self, end: End) {
        if self.call.departure.is_gone() {
            if self.call.phase.load() == Phase::Reading {
                self.sent = 0;
            }
            self.end(End::Left);
        } else {
            self.end(end);
        }
    }

    fn end(&mut self, end: End) {
        self.leave_roll();
        if self.call.end() {
            return;
        }
        let counts = &self.counts;
        match end {
            End::Sent | End::Broken => counts.finished.add(),
            End::Left => counts.cancelled.add(),
            End::Cut => counts.cut.add(),
        }
        self.failed |= self.call.has_failed();
        // The last request in flight flushes the lines of all others, because the instance may be frozen next.
        // `in_flight` is decremented while the sink is locked, so the request that sees zero flushes all earlier lines.
        let wanted = self.is_wanted(end);
        let outcome = Outcome { status: self.status, failed: self.failed, sent: self.sent };
        let is_foreign = say::has_foreign_subscriber();
        if is_foreign || counts.observers.get().is_some() || current::has_spans() {
            self.tell(end, &outcome, is_foreign && wanted);
        }
        if self.log == AccessLog::Off || is_foreign {
            counts.in_flight.take();
        } else {
            let lines = |out: &mut Vec<u8>| {
                if wanted {
                    line(&self.call, out, end, &outcome);
                }
                counts.in_flight.take();
            };
            sink::write_once(lines, || counts.is_quiet());
        }
        if let Some(markers) = self.markers {
            let millis = self.call.started().elapsed().as_millis();
            let error = match end {
                End::Left => format!(", Error: Invocation canceled by client (duration: {millis}ms)"),
                End::Cut => ", Error: Function instance is shutting down".to_owned(),
                _ if self.failed => ", Error: Unhandled function error".to_owned(),
                _ => String::new(),
            };
            markers.end(self.call.id.as_str(), &error);
        }
    }

    /// Tells those who observe the ends of requests.
    #[cold]
    #[inline(never)]
    fn tell(&self, end: End, outcome: &Outcome, is_said: bool) {
        let call = &self.call;
        let (status, early) = seen_from_outside(end, outcome);
        let ended = Ended {
            request: &**call,
            method: &call.head.method,
            uri: &call.head.uri,
            #[cfg(feature = "otel")]
            headers: &call.head.headers,
            #[cfg(feature = "otel")]
            version: call.head.version,
            #[cfg(feature = "otel")]
            peer: call.peer.as_ref().map(|peer| peer.address.ip()),
            route: call.scope.as_ref().map(|scope| &*scope.pattern).filter(|route| !route.is_empty()),
            is_event: self.is_event,
            status,
            has_failed: outcome.failed || matches!(end, End::Cut | End::Broken),
            early,
            sent: outcome.sent,
            lasted: call.started().elapsed(),
        };
        if is_said {
            say_record(&ended);
        }
        if let Some(span) = call.span() {
            end_span(span, &ended);
        }
        for observer in self.counts.observers.get().into_iter().flatten() {
            observer.ended(&ended);
        }
    }

    #[allow(clippy::inline_always, reason = "every request does it, twice with the drop")]
    #[inline(always)]
    fn leave_roll(&mut self) {
        match self.listed {
            Listed::Not => return,
            Listed::ByPeer => {
                if let Some(peer) = &self.call.peer {
                    peer.clear_current();
                }
            }
            Listed::Alone(place) => self.counts.roll.leave(place),
        }
        self.listed = Listed::Not;
    }

    fn is_wanted(&self, end: End) -> bool {
        static SEEN: AtomicU32 = AtomicU32::new(0);
        match self.log {
            AccessLog::All => true,
            AccessLog::Off => false,
            AccessLog::Sample(_) if end != End::Sent || self.failed => true,
            AccessLog::Sample(of) => SEEN.fetch_add(1, Ordering::Relaxed).is_multiple_of(of.max(1)),
        }
    }
}

impl Listed {
    #[allow(clippy::inline_always, reason = "every request does it")]
    #[inline(always)]
    fn of(call: &Arc<Call>, counts: &LiveCounters) -> Self {
        match &call.peer {
            Some(peer) if peer.set_current(call) => Self::ByPeer,
            _ => Self::Alone(counts.roll.enter(Arc::clone(call) as _)),
        }
    }
}

/// Cuts the request of a connection whose thread is blocked when the process ends.
impl InFlight for Peer {
    fn cut(&self, counts: &LiveCounters, is_logged: bool) {
        if let Some(call) = self.current() {
            call.cut(counts, is_logged);
        }
    }
}

/// A request whose thread is blocked when the process ends. Its status and its sent bytes are unknown. FC 2.0 gets no
/// end marker of such a request.
impl InFlight for Call {
    fn cut(&self, counts: &LiveCounters, is_logged: bool) {
        if self.end() {
            return;
        }
        counts.cut.add();
        let lines = |out: &mut Vec<u8>| {
            if is_logged {
                line(self, out, End::Cut, &Outcome::default());
            }
            counts.in_flight.take();
        };
        sink::write_once(lines, || true);
    }
}

/// The status, the failure flag and the sent bytes of a reply.
#[derive(Default)]
struct Outcome {
    status: u16,
    failed: bool,
    sent: u64,
}

/// The status that the record has, and why the request ended early.
fn seen_from_outside(end: End, outcome: &Outcome) -> (u16, Option<&'static str>) {
    match end {
        End::Left => (CLIENT_CLOSED_REQUEST, Some("client left")),
        End::Cut => (503, Some("cut by shutdown")),
        End::Broken => (outcome.status, Some("reply broken")),
        End::Sent => (outcome.status, None),
    }
}

/// Writes the line for a terminal.
#[cold]
#[inline(never)]
fn text_line(call: &Call, out: &mut Vec<u8>, end: End, outcome: &Outcome) {
    let (status, early) = seen_from_outside(end, outcome);
    text::begin(
        out,
        match end {
            End::Sent if !outcome.failed => Level::Info,
            End::Left => Level::Warn,
            End::Sent | End::Cut | End::Broken => Level::Error,
        },
    );
    let path = text::visible(call.head.uri.path());
    let micros = call.started().elapsed().as_micros();
    let _ = write!(
        out,
        "{} {path} {status}, {} bytes in {}.{} ms",
        call.head.method,
        outcome.sent,
        micros / 1000,
        micros / 100 % 10
    );
    if let Some(early) = early {
        let _ = write!(out, ", {early} while {}", call.phase.load().name());
    }
    text::end(out, Some(call.id.as_str()));
}

/// Writes the line as one JSON object. The path is logged without its query, because queries carry signatures and
/// tokens.
fn line(call: &Call, out: &mut Vec<u8>, end: End, outcome: &Outcome) {
    if text::is_used() {
        return text_line(call, out, end, outcome);
    }
    let level: &[u8] = match end {
        End::Sent if !outcome.failed => b"\",\"level\":\"INFO\",\"request_id\":\"",
        End::Left => b"\",\"level\":\"WARN\",\"request_id\":\"",
        End::Sent | End::Cut | End::Broken => b"\",\"level\":\"ERROR\",\"request_id\":\"",
    };
    let (status, early) = seen_from_outside(end, outcome);
    out.extend_from_slice(b"{\"time\":\"");
    stamp(out);
    out.extend_from_slice(level);
    match call.id.generated() {
        // Hexadecimal digits and dashes need no escaping.
        Some(id) => out.extend_from_slice(id),
        None => text_into(out, call.id.as_bytes()),
    }
    out.extend_from_slice(b"\",\"message\":\"request\",\"method\":\"");
    // A method is a token, which needs no escaping.
    out.extend_from_slice(call.head.method.as_str().as_bytes());
    out.extend_from_slice(b"\",\"path\":\"");
    // A longer path is an attack or a mistake, and the platform limits the length of a line.
    let path = call.head.uri.path().as_bytes();
    text_into(out, &path[..path.len().min(PATH_LOGGED_MAX)]);
    out.extend_from_slice(call.scope.as_ref().map_or(b"\",\"status\":", |scope| &*scope.logged));
    match status {
        100..1000 => {
            let digits = [status / 100 % 10, status / 10 % 10, status % 10];
            out.extend_from_slice(&digits.map(|digit| b'0' + digit.to_le_bytes()[0]));
        }
        _ => number(out, u64::from(status)),
    }
    #[cfg(feature = "grpc")]
    if let Some(status) = call.protocol_status() {
        out.extend_from_slice(b",\"grpc\":\"");
        out.extend_from_slice(status.word.as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b",\"bytes\":");
    number(out, outcome.sent);
    out.extend_from_slice(b",\"duration_us\":");
    let lasted = call.started().elapsed();
    number(out, lasted.as_secs().saturating_mul(1_000_000) + u64::from(lasted.subsec_micros()));
    if let Some(trace) = call.known_trace() {
        trace.log_into(out);
    }
    if let Some(early) = early {
        out.extend_from_slice(b",\"phase\":\"");
        out.extend_from_slice(call.phase.load().name().as_bytes());
        out.extend_from_slice(b"\",\"end\":\"");
        out.extend_from_slice(early.as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b"}\n");
}

/// A record that is dropped before its reply was sent: the client left, or a shutdown cut the request.
impl Drop for Record {
    fn drop(&mut self) {
        self.leave_roll();
        if self.call.has_ended() {
            return;
        }
        if self.counts.is_cutting() {
            self.end(End::Cut);
        } else {
            self.call.departure.announce();
            self.end(End::Left);
        }
    }
}

impl Markers {
    fn word(self) -> &'static str {
        match self {
            Self::Invoke => "Invoke",
            Self::Initialize => "Initialize",
            Self::PreStop => "PreStop",
            Self::PreFreeze => "PreFreeze",
        }
    }

    pub(crate) fn start(self, id: &str) {
        sink::write(|out| {
            let _ = writeln!(out, "FC {} Start RequestId: {id}", self.word());
        });
    }

    pub(crate) fn end(self, id: &str, error: &str) {
        sink::write(|out| {
            let _ = writeln!(out, "FC {} End RequestId: {id}{error}", self.word());
        });
    }
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
