//! The life of a request, in the order in which it happens.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use http::request::Parts;
use http::{Method, Request, Response};

use crate::app::refusal::Refusal;
use crate::app::{BoxFuture, LogMarkers, Place, Sealed};
use crate::cancel::Policy;
use crate::cors::{SealedCors, preflight_method};
use crate::endpoint::{Probe, Probing, answer_event, answer_hook, answer_probe, ensure_initialised};
use crate::error::{Error, Result};
use crate::exchange::{Call, Exchange, Matched, Payload, Peer};
use crate::platform::limits::TARGET_MAX;
use crate::platform::{CallKind, RequestId, control, names};
use crate::reply::{IntoReply, Reply};
use crate::route::{Found, Spans};
use crate::stage::{Begin, Guarded, Markers, Outgoing, Record, drain_leftover, finish};
use crate::task::Kind;

/// A request that has been looked at: what it is, and where it goes. Made before the future, which stays small.
enum Arrival<S> {
    /// Live or ready: nothing is recorded.
    Probe(Probing),
    /// A hook of the platform.
    Hook(Arc<Call>, CallKind),
    /// An event call.
    Event(Arc<Call>),
    /// An HTTP request, and the place that answers it.
    Http(Arc<Call>, Result<Arc<Place<S>>, Refusal>),
}

impl<S: Send + Sync + 'static> Sealed<S> {
    /// Answers one request. The only way in: connections, tests and embedders all come through here.
    pub(crate) fn answer(
        self: &Arc<Self>,
        request: Request<Payload>,
        peer: Option<Arc<Peer>>,
    ) -> impl Future<Output = Response<Outgoing>> + Send + use<S> {
        let (head, body) = request.into_parts();
        let arrival = self.arrive(head, body, peer);
        let app = Arc::clone(self);
        async move {
            match arrival {
                Arrival::Http(call, place) => app.answer_http(call, place).await,
                // Boxed, so that the future of the common case stays small.
                Arrival::Event(call) => {
                    let record = app.record(call);
                    Box::pin(answer_event(&app, record)).await
                }
                Arrival::Hook(call, kind) => {
                    let marked = app.marked(&call);
                    Box::pin(answer_hook(&app, call, kind, marked)).await
                }
                Arrival::Probe(probing) => Box::pin(answer_probe(&app, probing)).await,
            }
        }
    }

    fn arrive(&self, head: Parts, body: Payload, peer: Option<Arc<Peer>>) -> Arrival<S> {
        if let Some(probe) = self.probe(&head) {
            return Arrival::Probe(Probing::new(probe, &head, peer.as_deref()));
        }
        let trusted = self.shared.trusted;
        let id = if trusted {
            RequestId::from_header(head.headers.get(names::header::REQUEST_ID))
        } else {
            RequestId::generate()
        };
        if trusted {
            match control(&head.method, head.uri.path(), &head.headers) {
                CallKind::Http => {}
                CallKind::Event => return Arrival::Event(Arc::new(Call::new(id, head, body, peer, None))),
                kind => return Arrival::Hook(Arc::new(Call::new(id, head, body, peer, None)), kind),
            }
        }
        let (place, matched) = match self.find(&head) {
            Ok((place, spans)) => {
                (Ok(Arc::clone(place)), Some(Matched { scope: Arc::clone(&place.scope), spans }))
            }
            Err(refusal) => (Err(refusal), None),
        };
        Arrival::Http(Arc::new(Call::new(id, head, body, peer, matched)), place)
    }

    fn probe(&self, head: &Parts) -> Option<Probe> {
        let path = head.uri.path();
        if path == self.settings.health_path {
            return Some(Probe::Live);
        }
        if path == self.settings.ready_path && !self.handlers.ready_checks.is_empty() {
            return Some(Probe::Ready);
        }
        (self.settings.head_root && path == "/" && head.method == Method::HEAD).then_some(Probe::Live)
    }

    /// The place that answers, or why none does.
    fn find(&self, head: &Parts) -> Result<(&Arc<Place<S>>, Spans), Refusal> {
        if let Some(refusal) = Refusal::of_shape(head) {
            return Err(refusal);
        }
        let path = head.uri.path();
        if head.uri.path_and_query().is_some_and(|target| target.as_str().len() > TARGET_MAX) {
            return Err(Refusal::TargetTooLong);
        }
        if self.shared.tally.in_flight.get() >= self.settings.max_in_flight {
            return Err(Refusal::Busy);
        }
        if let Some(method) = preflight_method(head)
            && let Some((cors, methods)) = self.cors_at(&method, path)
        {
            return Err(Refusal::Preflight(Box::new(cors.preflight(head, methods))));
        }
        match self.table.find(&head.method, path) {
            Found::Endpoint(place, spans) => Ok((place, spans)),
            Found::Options(allow) => Err(Refusal::Options(Some(allow.clone()))),
            Found::WrongMethod(allow) => Err(Refusal::WrongMethod(allow.clone())),
            // `OPTIONS *` asks about the server as a whole.
            Found::Nothing if head.method == Method::OPTIONS && path == "*" => Err(Refusal::Options(None)),
            Found::Nothing => match &self.fallback {
                Some(place) => Ok((place, Spans::default())),
                None => Err(Refusal::NotFound),
            },
        }
    }

    /// The policy that holds for a request to come, and the methods its path has.
    fn cors_at(&self, method: &Method, path: &str) -> Option<(&SealedCors, http::HeaderValue)> {
        let scope = match self.table.find(method, path) {
            Found::Endpoint(place, _) => Some(&place.scope),
            Found::Nothing => self.fallback.as_ref().map(|place| &place.scope),
            Found::Options(_) | Found::WrongMethod(_) => None,
        };
        let cors = scope.map_or(self.cors.as_deref(), |scope| scope.cors.as_deref())?;
        Some((cors, self.table.allow(path)))
    }

    async fn answer_http(
        self: Arc<Self>,
        call: Arc<Call>,
        place: Result<Arc<Place<S>>, Refusal>,
    ) -> Response<Outgoing> {
        let record = self.record(Arc::clone(&call));
        let reply = match place {
            Ok(place) => self.handle(&call, place).await.into_reply(),
            Err(refusal) => refusal.into_reply(),
        };
        drain_leftover(&call, &self.shared.tracker);
        let cors =
            call.matched.as_ref().map_or(self.cors.as_deref(), |matched| matched.scope.cors.as_deref());
        finish(reply, record, cors, self.shared.trusted)
    }

    /// Through initialisation and the limits to the handler.
    async fn handle(self: &Arc<Self>, call: &Arc<Call>, place: Arc<Place<S>>) -> Result<Reply> {
        if !self.shared.initialisation.is_done() {
            Box::pin(ensure_initialised(self, call)).await?;
        }
        let policy = place.scope.policy;
        let run = run(Arc::clone(self), Arc::clone(call), place);
        match policy {
            Policy::Cancel => run.await,
            Policy::Finish => {
                let task = self.shared.tracker.spawn(Kind::Handler, run);
                task.await.unwrap_or_else(|_| Err(Error::unavailable("the function is shutting down")))
            }
        }
    }

    fn record(&self, call: Arc<Call>) -> Record {
        let markers = self.marked(&call).then_some(Markers::Invoke);
        Record::open(call, Arc::clone(&self.shared.tally), self.settings.access_log, markers)
    }

    /// FC 2.0 tells itself by its headers.
    fn marked(&self, call: &Call) -> bool {
        match self.settings.markers {
            LogMarkers::Auto => {
                self.shared.trusted && call.head.headers.contains_key(names::header::SERVICE_NAME)
            }
            LogMarkers::Print => true,
            LogMarkers::Omit => false,
        }
    }
}

/// A place about to be called.
struct Visit<S> {
    place: Arc<Place<S>>,
    exchange: Exchange<S>,
}

impl<S: Send + Sync + 'static> Begin<Reply> for Visit<S> {
    fn begin(self) -> BoxFuture<Reply> {
        self.place.call(self.exchange)
    }
}

/// Calls the arounds and the endpoint, under the panic guard and the deadline.
async fn run<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    call: Arc<Call>,
    place: Arc<Place<S>>,
) -> Result<Reply> {
    let exchange = Exchange::new(Arc::clone(&call), Arc::clone(&app.shared));
    let mut guarded = pin!(Guarded::new(Arc::clone(&call), Visit { place, exchange }));
    // Most handlers are done at their first poll: no timer is made for them.
    let first = std::future::poll_fn(|cx| Poll::Ready(guarded.as_mut().poll(cx))).await;
    let ran = match first {
        Poll::Ready(ran) => ran,
        Poll::Pending => match app.shared.deadline(&call) {
            None => guarded.await,
            Some(deadline) => Box::pin(until(deadline, guarded)).await.ok_or_else(|| {
                let taken = Instant::now().saturating_duration_since(call.started);
                Error::new(504, format!("no answer within {:.1} s", taken.as_secs_f32()))
            })?,
        },
    };
    ran.map_err(|_| app.shared.panicked("internal error"))
}

/// The outcome, or `None` at the deadline.
async fn until<F: Future>(deadline: Instant, work: F) -> Option<F::Output> {
    tokio::time::timeout_at(deadline.into(), work).await.ok()
}
