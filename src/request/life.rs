//! The life of a request, from its head to its handler, in the order of the steps.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method};

use crate::budget::REQUEST_COST;
use crate::cancel::HangUpPolicy;
use crate::cors::{SealedCors, preflight_method};
use crate::counters::Permit;
use crate::endpoint::{Probe, Probing, answer_event, answer_hook, answer_probe};
use crate::exchange::{Arrival, Call, Payload, Peer};
use crate::headers;
use crate::log::{AccessLog, LogMarkers};
use crate::platform::limits::{KIB, TARGET_MAX};
use crate::platform::{CallKind, HeadersSeen, RequestId, control};
use crate::request::future::{Admitted, Exit, RequestFuture};
use crate::request::refusal::Refusal;
use crate::route::{Found, plain};
use crate::sealed::{Place, Sealed};
use crate::stage::{Markers, Record, Trigger, request_span};

impl<S: Send + Sync + 'static> Sealed<S> {
    /// Answers one request. Connections, the test client and embedders all call this function.
    pub(crate) fn answer(
        self: &Arc<Self>,
        head: Parts,
        body: Payload,
        peer: Option<Arc<Peer>>,
    ) -> RequestFuture<S> {
        let call = Call::new(RequestId::generate(), head, body, peer, None, Arrival::default());
        let mut call = Arc::new(call);
        let head = &call.head;
        let sent = head.uri.path();
        let spelled = plain(sent);
        let path = spelled.as_deref().unwrap_or(sent);
        let trusted = self.shared.trusted;
        let seen = HeadersSeen::at(&head.headers, trusted);
        if let Some(probe) = self.probe(head, path)
            && Refusal::of_ambiguity(head, &seen).is_none()
        {
            return self.answer_probe(Probing::new(probe, head, call.peer.as_deref()));
        }
        let marked = self.marked(&seen);
        let (id, came) = self.begin(&seen, marked);
        if trusted {
            match control(&head.method, sent, seen.control_path) {
                CallKind::Http => {}
                kind => {
                    let arrival = Arrival { came, has_trace: seen.has_trace, ..Arrival::default() };
                    let completed = call.complete(id, None, arrival);
                    #[cfg(feature = "otel")]
                    if let Some(sampler) = self.sampler.filter(|_| matches!(kind, CallKind::Event)) {
                        completed.begin_span(sampler);
                    }
                    if matches!(kind, CallKind::Event)
                        && let Some(span) = request_span(completed, Trigger::Other, || None)
                    {
                        completed.set_span(span);
                    }
                    return self.answer_platform(call, kind, marked);
                }
            }
        }
        let (has_origin, has_trace) = (seen.has_origin, seen.has_trace);
        let (place, scope) = match self.find(head, path, &seen) {
            Ok(place) => {
                let scope = Arc::clone(&place.scope);
                let admitted = match self.weight(head, &seen, call.peer.as_deref()) {
                    None => self.admit(),
                    Some((peer, weight)) if call.hold(peer, weight) => self.admit(),
                    Some(_) => Err(Refusal::NoMemory),
                };
                (admitted.map(|permit| (Arc::clone(place), permit)), Some(scope))
            }
            // A refusal runs no handler, so a 404 needs no permit, even at the cap.
            Err(refusal) => (Err(refusal), None),
        };
        let completed = call.complete(id, scope, Arrival { spelled, came, has_origin, has_trace });
        if let Err(Refusal::NoMemory | Refusal::Busy) = &place {
            (completed.id, completed.head) = kept_of_shed(&completed.id, &completed.head);
        }
        #[cfg(feature = "otel")]
        if let Some(sampler) = self.sampler {
            completed.begin_span(sampler);
        }
        if let Some(span) = request_span(completed, Trigger::Http, || self.shared.client(completed)) {
            completed.set_span(span);
        }
        let exit = Exit {
            app: Arc::clone(self),
            record: self.record(Arc::clone(&call), marked),
            #[cfg(any(feature = "tower", feature = "websocket"))]
            permit: place.as_ref().ok().and_then(|(_, permit)| permit.clone()),
        };
        match place {
            Err(refusal) => RequestFuture::Refused(Some((refusal, exit))),
            Ok((place, permit)) => {
                let elsewhere = place.scope.hang_up_policy == HangUpPolicy::Finish
                    || !self.shared.initialization.is_done();
                let admitted = Admitted { place, permit };
                if elsewhere {
                    RequestFuture::elsewhere(call, admitted, exit)
                } else {
                    RequestFuture::here(call, admitted, exit)
                }
            }
        }
    }

    /// Answers a request whose head was not parsed. `head` has the known parts.
    pub(crate) fn refuse(
        self: &Arc<Self>,
        head: Parts,
        refusal: Refusal,
        peer: Arc<Peer>,
    ) -> RequestFuture<S> {
        let (id, came) = self.begin(&HeadersSeen::default(), false);
        let arrival = Arrival { came, ..Arrival::default() };
        let id = id.unwrap_or_else(RequestId::generate);
        let call = Call::new(id, head, Payload::whole(Bytes::new()), Some(peer), None, arrival);
        let exit = Exit {
            app: Arc::clone(self),
            record: self.record(Arc::new(call), false),
            #[cfg(any(feature = "tower", feature = "websocket"))]
            permit: None,
        };
        RequestFuture::Refused(Some((refusal, exit)))
    }

    /// The memory of a request with a large head. `None` for other requests, which are not counted.
    #[inline]
    fn weight<'p>(
        &self,
        head: &Parts,
        seen: &HeadersSeen<'_>,
        peer: Option<&'p Peer>,
    ) -> Option<(&'p Peer, usize)> {
        let (peer, budget) = (peer?, &self.shared.budget);
        let size = seen.size + HEADER_COST * head.headers.len();
        let is_counted = size > HEAD_TINY && (size > HEAD_MIN || budget.has_many_connections());
        is_counted.then_some((peer, size + size / 2 + REQUEST_COST))
    }

    /// Takes a permit if there is a cap on requests in flight. `None` means that there is no cap.
    pub(super) fn admit(&self) -> Result<Option<Arc<Permit>>, Refusal> {
        match self.settings.max_in_flight {
            u64::MAX => Ok(None),
            most => Permit::take(&self.shared.counts, most).map(Some).ok_or(Refusal::Busy),
        }
    }

    fn probe(&self, head: &Parts, path: &str) -> Option<Probe> {
        if path == self.settings.health_path {
            return Some(Probe::Live);
        }
        if path == self.settings.ready_path && self.handlers.ready.is_some() {
            return Some(Probe::Ready);
        }
        (self.settings.head_root && path == "/" && head.method == Method::HEAD).then_some(Probe::Live)
    }

    fn answer_probe(self: &Arc<Self>, probing: Probing) -> RequestFuture<S> {
        let app = Arc::clone(self);
        RequestFuture::Elsewhere(Box::pin(async move { answer_probe(&app, probing).await }))
    }

    /// Answers the platform's own calls: hooks and events.
    fn answer_platform(self: &Arc<Self>, call: Arc<Call>, kind: CallKind, marked: bool) -> RequestFuture<S> {
        let app = Arc::clone(self);
        RequestFuture::Elsewhere(match kind {
            CallKind::Event => {
                let record = self.record(call, marked);
                Box::pin(async move { answer_event(&app, record).await })
            }
            kind => Box::pin(async move { answer_hook(&app, call, kind, marked).await }),
        })
    }

    /// Finds the place that answers, or the reason to refuse.
    pub(super) fn find(
        &self,
        head: &Parts,
        path: &str,
        seen: &HeadersSeen<'_>,
    ) -> Result<&Arc<Place<S>>, Refusal> {
        if let Some(refusal) = Refusal::of_shape(head, seen) {
            return Err(refusal);
        }
        if head.uri.path_and_query().is_some_and(|target| target.as_str().len() > TARGET_MAX) {
            return Err(Refusal::TargetTooLong);
        }
        if seen.has_origin
            && let Some(method) = preflight_method(head)
            && let Some((cors, methods)) = self.cors_at(&method, path)
        {
            return Err(Refusal::Preflight(Box::new(cors.preflight(head, methods))));
        }
        match self.table.find(&head.method, path) {
            Found::Endpoint(place) => Ok(place),
            Found::Options(allow) => Err(Refusal::Options(Some(allow))),
            Found::WrongMethod(allow) => Err(Refusal::WrongMethod(allow)),
            // `OPTIONS *` asks about the server as a whole.
            Found::Nothing if head.method == Method::OPTIONS && path == "*" => Err(Refusal::Options(None)),
            Found::Nothing => match self.fallback_at(path) {
                Some(place) if !self.speaks_beside_http(head) => Ok(place),
                _ => Err(Refusal::NotFound),
            },
        }
    }

    /// Whether the request uses the app's second protocol, such as gRPC. A fallback answers plain HTTP only.
    fn speaks_beside_http(&self, head: &Parts) -> bool {
        self.protocol.is_some_and(|protocol| (protocol.is_spoken)(&head.headers))
    }

    /// The CORS policy for the request that a preflight announces, and the methods of its path.
    fn cors_at(&self, method: &Method, path: &str) -> Option<(Arc<SealedCors>, HeaderValue)> {
        let cors = match self.table.find(method, path) {
            Found::Endpoint(place) => place.scope.cors.clone(),
            Found::Nothing | Found::Options(_) | Found::WrongMethod(_) => self.cors_of_refusal(path),
        };
        Some((cors?, self.table.allow(path)))
    }

    /// The request's id, and the time if the record needs the time. `None` for an id that is generated when it is used.
    fn begin(&self, seen: &HeadersSeen<'_>, marked: bool) -> (Option<RequestId>, Option<Instant>) {
        let is_timed = marked || self.settings.access_log != AccessLog::Off || self.is_observed;
        let came = is_timed.then(Instant::now);
        if marked || self.settings.access_log == AccessLog::All {
            (Some(RequestId::to_be_logged(seen.request_id)), came)
        } else {
            (seen.request_id.map(|id| RequestId::from_header(Some(id))), came)
        }
    }

    #[allow(clippy::inline_always, reason = "every request does it, and the record is made where it stays")]
    #[inline(always)]
    fn record(&self, call: Arc<Call>, marked: bool) -> Record {
        let markers = marked.then_some(Markers::Invoke);
        Record::open(call, Arc::clone(&self.shared.counts), self.settings.access_log, markers)
    }

    /// Whether start and end lines are printed. FC 2.0 is recognized by its headers.
    fn marked(&self, seen: &HeadersSeen<'_>) -> bool {
        match self.settings.markers {
            LogMarkers::Auto => seen.is_fc2,
            LogMarkers::Print => true,
            LogMarkers::Omit => false,
        }
    }
}

/// A head is counted from this size on, in bytes. The platform's own headers are far smaller.
const HEAD_MIN: usize = 8 * KIB;

/// The same while there are many connections.
const HEAD_TINY: usize = 3 * KIB;

/// The memory of a header beside its name and value, in bytes.
const HEADER_COST: usize = 64;

/// What the reply to a request that is shed needs of its head, and the request's id, copied. Its reply may have to wait for
/// its turn, and many may be shed at once: they must not hold the buffers of their heads meanwhile.
#[cold]
fn kept_of_shed(id: &RequestId, head: &Parts) -> (RequestId, Parts) {
    let (mut kept, ()) = http::Request::new(()).into_parts();
    (kept.method, kept.version) = (head.method.clone(), head.version);
    // One loop over what is there: a look for each name would be in the binary four times.
    for (name, value) in &head.headers {
        if matches!(name.as_str(), "host" | "origin" | "content-type" | "expect")
            && let Ok(copy) = HeaderValue::from_bytes(value.as_bytes())
        {
            // These names are the standard's, of which a clone holds no buffer.
            headers::add(&mut kept.headers, name.clone(), copy);
        }
    }
    // A text of its own.
    if let Ok(uri) = head.uri.to_string().try_into() {
        kept.uri = uri;
    }
    (id.detached(), kept)
}

#[cfg(test)]
mod tests {
    use http::header::ORIGIN;

    use super::*;

    /// Whether the text lies in the buffer.
    fn is_in(buffer: &[u8], text: &[u8]) -> bool {
        buffer.as_ptr_range().contains(&text.as_ptr())
    }

    #[test]
    fn a_request_that_is_shed_holds_nothing_of_its_buffer() {
        let buffer = Bytes::from(b"http://shop.example/orders/7?size=xl|1-abc|https://shop.example".to_vec());
        let value = |range| HeaderValue::from_maybe_shared(buffer.slice(range)).unwrap();
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.method = Method::PUT;
        head.uri = http::Uri::from_maybe_shared(buffer.slice(..36)).unwrap();
        head.headers.insert(ORIGIN, value(43..63));
        head.headers.insert("cookie", value(37..42));
        let id = RequestId::from_header(Some(&value(37..42)));
        assert!(is_in(&buffer, head.uri.path().as_bytes()) && is_in(&buffer, id.as_bytes()));
        let (id, kept) = kept_of_shed(&id, &head);
        assert_eq!((id.as_bytes(), &kept.method), (&b"1-abc"[..], &Method::PUT));
        assert_eq!(kept.uri, "http://shop.example/orders/7?size=xl");
        assert_eq!((kept.headers.len(), kept.headers[ORIGIN].as_bytes()), (1, &buffer[43..63]));
        let authority = kept.uri.authority().unwrap().as_str();
        let texts = [id.as_str(), authority, kept.uri.path()].map(str::as_bytes);
        assert!(!texts.iter().any(|text| is_in(&buffer, text)));
        assert!(!is_in(&buffer, kept.headers[ORIGIN].as_bytes()));
    }
}
