//! The future of one request. It is written by hand to be small: hyper moves it for every request, and an `async` block
//! would nest the futures of all stages.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::CONNECTION;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};

use crate::cancel::HangUpPolicy;
use crate::counters::Permit;
use crate::endpoint::ensure_initialized;
use crate::error::{Error, Result};
use crate::exchange::{Busy, Call, Exchange, Protocol};
use crate::headers::set;
use crate::reply::{IntoReply, Reply};
use crate::request::detached;
use crate::request::refusal::Refusal;
use crate::sealed::{Place, Sealed};
#[cfg(any(feature = "tower", feature = "websocket"))]
use crate::stage::hand_over_upgrade;
use crate::stage::{Begin, Bounded, Outgoing, Recheck, Record, drain_leftover, finish, recheck, run_bounded};
use crate::task::{BoxFuture, Kind};

/// The future that a connection polls for its response. A drop before that drops the handler first, and then its
/// record.
pub(crate) enum RequestFuture<S> {
    /// A handler that runs in the task of its connection.
    Here(Here<S>),
    /// A refusal, which is ready at once.
    Refused(Option<(Refusal, Exit<S>)>),
    /// The rare kinds, boxed: probes, hooks, events, initialization, handlers that run on after their client has left.
    Elsewhere(BoxFuture<Response<Outgoing>>),
}

/// A handler in the task of its connection, with its record. The middleware (arounds) and the endpoint run under the
/// panic guard and the deadline.
pub(crate) struct Here<S> {
    bounded: Bounded<Entry<S>, Reply>,
    exit: Option<Exit<S>>,
    /// A finished reply, during the second check for the client's leaving.
    held: Option<Box<(Reply, Recheck)>>,
    _permit: Option<Arc<Permit>>,
}

impl<S: Send + Sync + 'static> RequestFuture<S> {
    pub(crate) fn here(call: Arc<Call>, admitted: Admitted<S>, exit: Exit<S>) -> Self {
        let Admitted { place, permit } = admitted;
        let exchange = Exchange::new(call, Arc::clone(&exit.app.shared));
        let bounded = Bounded::new(Entry { place, exchange });
        Self::Here(Here { bounded, exit: Some(exit), held: None, _permit: permit })
    }

    /// A request that has to initialize the app first, or whose handler runs in a task of its own.
    pub(crate) fn elsewhere(call: Arc<Call>, admitted: Admitted<S>, exit: Exit<S>) -> Self {
        Self::Elsewhere(Box::pin(async move {
            let reply = outlive(Arc::clone(&exit.app), Arc::clone(&call), admitted).await.into_reply();
            recheck(&call, reply.is_stream()).await;
            exit.leave(reply, None)
        }))
    }
}

impl<S: Send + Sync + 'static> Future for RequestFuture<S> {
    type Output = Response<Outgoing>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_with(&mut None, cx).map(|Ok(response)| response)
    }
}

impl<S: Send + Sync + 'static> RequestFuture<S> {
    /// Polls for the response, whose body takes `busy`. The response is made in place, because each move costs 30
    /// instructions.
    #[inline]
    pub(crate) fn poll_with(
        &mut self,
        busy: &mut Option<Busy>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<Outgoing>, Infallible>> {
        match self {
            Self::Here(here) => {
                let mut reply = None;
                here.poll(&mut reply, cx);
                let Some(reply) = reply else { return Poll::Pending };
                match here.exit.take() {
                    Some(exit) => Poll::Ready(Ok(exit.leave_here(reply, busy.take()))),
                    None => Poll::Pending,
                }
            }
            Self::Refused(refused) => match refused.take() {
                Some((refusal, exit)) => Poll::Ready(Ok(exit.leave(refusal.into_reply(), busy.take()))),
                None => Poll::Pending,
            },
            Self::Elsewhere(future) => future.as_mut().poll(cx).map(|mut response| {
                if let Some(busy) = busy.take() {
                    if busy.is_leaving() {
                        close_after(response.status(), response.headers_mut());
                    }
                    response.body_mut().set_busy(busy.replying());
                }
                Ok(response)
            }),
        }
    }
}

impl<S: Send + Sync + 'static> Here<S> {
    fn poll(&mut self, reply: &mut Option<Reply>, cx: &mut Context<'_>) {
        let Some(exit) = &self.exit else { return };
        if let Some((_, recheck)) = self.held.as_deref_mut() {
            if recheck.poll(cx).is_ready() {
                *reply = self.held.take().map(|held| held.0);
            }
            return;
        }
        let (shared, call) = (&exit.app.shared, exit.record.call());
        if let Err(failure) = self.bounded.poll(call, shared, reply, cx) {
            *reply = Some(Reply::from_error(failure.into_error(call, shared, PANICKED)));
        }
        if let Some(ready) = reply.as_ref()
            && let Some(recheck) = Recheck::begin(call, ready.is_stream(), cx)
        {
            self.held = reply.take().map(|reply| Box::new((reply, recheck)));
        }
    }
}

impl<S> Drop for Here<S> {
    fn drop(&mut self) {
        if let Some(exit) = &self.exit {
            self.bounded.end(exit.record.call());
        }
    }
}

const PANICKED: &str = "internal error";

/// The way out of every reply, errors and refusals included.
pub(crate) struct Exit<S> {
    pub(crate) app: Arc<Sealed<S>>,
    pub(crate) record: Record,
    /// For an upgraded connection, which keeps its permit after the reply.
    #[cfg(any(feature = "tower", feature = "websocket"))]
    pub(crate) permit: Option<Arc<Permit>>,
}

impl<S> Exit<S> {
    /// Out of line: refusals and the rare kinds share one copy.
    #[inline(never)]
    fn leave(self, reply: Reply, busy: Option<Busy>) -> Response<Outgoing> {
        self.leave_here(reply, busy)
    }

    /// As [`leave`](Self::leave), in place: for the way of most replies.
    #[allow(clippy::inline_always, reason = "every request does it")]
    #[inline(always)]
    fn leave_here(mut self, mut reply: Reply, busy: Option<Busy>) -> Response<Outgoing> {
        // Not taken apart: the record is moved once, into the body.
        let (app, record) = (&self.app, &mut self.record);
        // The stream of the reply may still read the request's body.
        let is_stream = reply.is_stream();
        if resets_leftover(record.call(), app.protocol) {
            record.call().set_resets_leftover();
        }
        let later = is_stream.then(|| app.shared.tracker.clone());
        if is_stream {
            reply.listen(&app.shared.stops);
        } else {
            drain_leftover(record.call(), &app.shared.tracker);
        }
        finish(&mut reply, record, |path| app.cors_of_refusal(path), app.protocol, app.shared.trusted);
        if busy.as_ref().is_some_and(Busy::is_leaving) {
            close_after(reply.status(), reply.our_headers_mut());
        }
        #[cfg(any(feature = "tower", feature = "websocket"))]
        if reply.status() == StatusCode::SWITCHING_PROTOCOLS {
            let body = Outgoing::of_reply(reply.body, self.record, busy, later);
            let mut response = Response::from_parts(reply.head, body);
            hand_over_upgrade(&mut response, self.permit);
            return response;
        }
        // The last expression, so that the response is made in place, of the reply's parts where they are.
        Response::from_parts(reply.head, Outgoing::of_reply(reply.body, self.record, busy, later))
    }
}

/// Sets `connection: close`.
#[cold]
fn close_after(status: StatusCode, headers: &mut HeaderMap) {
    // An upgrade has its own `connection` header, and ends HTTP on this connection too.
    if status != StatusCode::SWITCHING_PROTOCOLS {
        set(headers, CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Whether an unread body is reset, not drained: the client of a gRPC call over HTTP/2 stops once it has its status.
/// When the body is dropped, h2 resets the stream with `NO_ERROR`, which gRPC expects. The connection stays usable.
fn resets_leftover(call: &Call, protocol: Option<&Protocol>) -> bool {
    call.has_body
        && call.head.version == Version::HTTP_2
        && protocol.is_some_and(|protocol| (protocol.is_spoken)(&call.head.headers))
}

/// Initializes the app if needed, and then runs the handler: in this task, or in a task that the client's leaving does
/// not cancel.
pub(super) async fn outlive<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    call: Arc<Call>,
    admitted: Admitted<S>,
) -> Result<Reply> {
    ensure_initialized(&app, &call).await?;
    match admitted.place.scope.hang_up_policy {
        HangUpPolicy::Cancel => run(app, call, admitted).await,
        HangUpPolicy::Finish => {
            let begun = detached::begin(&call, &app.shared.counts, app.shared.max_finishing);
            let Some((_leash, running)) = begun else { return Ok(Refusal::Busy.into_reply()) };
            let tracker = app.shared.tracker.clone();
            let task = tracker.spawn_for(Kind::Handler, async move {
                let _running = running;
                run(app, call, admitted).await
            });
            task.await.unwrap_or_else(|| {
                Err(Error::of_ours(StatusCode::SERVICE_UNAVAILABLE, "the function is shutting down"))
            })
        }
    }
}

/// The place to call, with its permit if there is a cap on requests in flight.
pub(crate) struct Admitted<S> {
    pub(crate) place: Arc<Place<S>>,
    pub(crate) permit: Option<Arc<Permit>>,
}

async fn run<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    call: Arc<Call>,
    admitted: Admitted<S>,
) -> Result<Reply> {
    let Admitted { place, permit: _permit } = admitted;
    let exchange = Exchange::new(Arc::clone(&call), Arc::clone(&app.shared));
    let ran = run_bounded(&call, &app.shared, Entry { place, exchange }).await;
    ran.map_err(|failure| failure.into_error(&call, &app.shared, PANICKED))
}

/// A place and its exchange, ready to be called.
struct Entry<S> {
    place: Arc<Place<S>>,
    exchange: Exchange<S>,
}

impl<S: Send + Sync + 'static> Begin<Reply> for Entry<S> {
    fn begin(self) -> BoxFuture<Reply> {
        self.place.call(self.exchange)
    }
}
