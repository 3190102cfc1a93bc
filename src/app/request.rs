//! The life of a request, in the order in which it happens.

use std::net::SocketAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use crate::app::{LogMarkers, Place, Sealed};
use crate::cancel::Policy;
use crate::endpoint::{answer_event, answer_health, answer_hook, ensure_initialised};
use crate::error::{Error, Result};
use crate::exchange::{Call, Exchange, Matched, Payload};
use crate::platform::limits::TARGET_MAX;
use crate::platform::{CallKind, RequestId, control, names};
use crate::reply::{IntoReply, Reply};
use crate::route::{Found, Spans};
use crate::stage::{Guarded, Markers, Outgoing, Record, finish};
use crate::task::Kind;

/// A request that has been looked at: what it is, and where it goes. Made before the future, which stays small.
enum Arrival<S> {
    /// Health: no state is touched, nothing is recorded.
    Probe(Method),
    /// A hook of the platform.
    Hook(Arc<Call>, CallKind),
    /// An event call.
    Event(Arc<Call>),
    /// An HTTP request, and the place that answers it.
    Http(Arc<Call>, Result<Arc<Place<S>>, Refusal>),
}

/// Requests that no handler sees.
enum Refusal {
    NotFound,
    WrongMethod(HeaderValue),
    Options(Option<HeaderValue>),
    TargetTooLong,
}

impl<S: Send + Sync + 'static> Sealed<S> {
    /// Answers one request. The only way in: connections, tests and embedders all come through here.
    pub(crate) fn answer(
        self: &Arc<Self>,
        request: Request<Payload>,
        peer: Option<SocketAddr>,
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
                Arrival::Probe(method) => answer_health(&method),
            }
        }
    }

    fn arrive(&self, head: Parts, body: Payload, peer: Option<SocketAddr>) -> Arrival<S> {
        let path = head.uri.path();
        if path == self.settings.health_path {
            return Arrival::Probe(head.method);
        }
        let trusted = self.shared.trusted;
        let id = if trusted {
            RequestId::from_header(head.headers.get(names::header::REQUEST_ID))
        } else {
            RequestId::generate()
        };
        if trusted {
            match control(&head.method, path, &head.headers) {
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

    fn find(&self, head: &Parts) -> Result<(&Arc<Place<S>>, Spans), Refusal> {
        let path = head.uri.path();
        if head.uri.path_and_query().is_some_and(|target| target.as_str().len() > TARGET_MAX) {
            return Err(Refusal::TargetTooLong);
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

    async fn answer_http(
        self: Arc<Self>,
        call: Arc<Call>,
        place: Result<Arc<Place<S>>, Refusal>,
    ) -> Response<Outgoing> {
        let record = self.record(Arc::clone(&call));
        let trusted = self.shared.trusted;
        let reply = match place {
            Ok(place) => self.handle(call, place).await.into_reply(),
            Err(refusal) => refusal.into_reply(),
        };
        finish(reply, record, trusted)
    }

    /// Through initialisation and the limits to the handler.
    async fn handle(self: Arc<Self>, call: Arc<Call>, place: Arc<Place<S>>) -> Result<Reply> {
        if !self.shared.initialisation.is_done() {
            Box::pin(ensure_initialised(&self, &call)).await?;
        }
        match (place.scope.policy, place.scope.time_limit) {
            (Policy::Cancel, None) => self.run(call, place).await,
            _ => Box::pin(self.run_bounded(call, place)).await,
        }
    }

    async fn run_bounded(self: Arc<Self>, call: Arc<Call>, place: Arc<Place<S>>) -> Result<Reply> {
        let tracker = self.shared.tracker.clone();
        let (policy, limit) = (place.scope.policy, place.scope.time_limit);
        let run = self.run(call, place);
        let limited = async move {
            match limit {
                None => run.await,
                Some(limit) => tokio::time::timeout(limit, run)
                    .await
                    .unwrap_or_else(|_| Err(Error::new(504, format!("no answer within {limit:?}")))),
            }
        };
        match policy {
            Policy::Cancel => limited.await,
            Policy::Finish => {
                let task = tracker.spawn(Kind::Handler, limited);
                task.await.unwrap_or_else(|_| Err(Error::unavailable("the function is shutting down")))
            }
        }
    }

    /// Calls the arounds and the endpoint, under the panic guard.
    async fn run(self: Arc<Self>, call: Arc<Call>, place: Arc<Place<S>>) -> Result<Reply> {
        let exchange = Exchange::new(Arc::clone(&call), Arc::clone(&self.shared));
        let ran = Guarded::new(call, move || place.call(exchange)).await;
        ran.map_err(|_| self.shared.panicked("internal error"))
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

impl IntoReply for Refusal {
    fn into_reply(self) -> Reply {
        let allowed = |status, allow| {
            let mut reply = Reply::empty(status);
            reply.headers_mut().insert(header::ALLOW, allow);
            reply
        };
        match self {
            Self::NotFound => Reply::from_error(Error::not_found("there is nothing at this path")),
            Self::WrongMethod(allow) => Reply::from_error(
                Error::new(405, "this path does not have this method").with_header(header::ALLOW, allow),
            ),
            Self::Options(Some(allow)) => allowed(StatusCode::NO_CONTENT, allow),
            Self::Options(None) => Reply::empty(StatusCode::NO_CONTENT),
            Self::TargetTooLong => {
                let message = format!("the path and query are longer than {TARGET_MAX} bytes");
                Reply::from_error(Error::new(414, message))
            }
        }
    }
}
