//! One connection: hyper drives it until it ends, the client leaves, or the process stops.

mod direct;
mod engine;
mod engines;
mod following;
mod http1;
#[cfg(feature = "http2")]
mod http2;
mod linger;
#[cfg(test)]
mod narrow;
mod unpolled;
mod unread;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::exchange::{Busy, Payload, Peer};
use crate::log::AccessLog;
#[cfg(not(feature = "http2"))]
use crate::log::say;
use crate::request::RequestFuture;
use crate::sealed::Sealed;
use crate::serve::drain::{DrainObserver, Stage};
use crate::serve::link::Link;
use crate::serve::places::Place;
use crate::serve::sniff::HttpVersion;
use crate::stage::Outgoing;
use crate::task::Kind;
pub(crate) use engines::Engines;
use following::Following;
use http1::Http1;
use unpolled::CountUnpolled;
use unread::Unread;

/// Serves a connection in a new task. The connection holds `place` until it ends.
pub(crate) fn spawn<S: Send + Sync + 'static>(
    engines: &Arc<Engines<S>>,
    stream: TcpStream,
    address: SocketAddr,
    version: HttpVersion,
    drain: DrainObserver,
    place: Place,
) {
    let app = &engines.app;
    let budget = app.shared.budget.clone();
    let peer = match version {
        HttpVersion::Http1 | HttpVersion::Http1Late => Peer::with_current(address, budget),
        HttpVersion::Http2 => Peer::new(address, true, budget),
    };
    let peer = Arc::new(peer);
    match version {
        HttpVersion::Http1 | HttpVersion::Http1Late => {
            let http = Http1::new(engines, stream, peer, drain, place, version == HttpVersion::Http1Late);
            let socket = http.socket();
            spawn_http1(app, Following::Http(http), socket);
        }
        #[cfg(feature = "http2")]
        HttpVersion::Http2 => {
            let driven = http2::drive(Arc::clone(app), stream, peer, drain, place);
            app.shared.tracker.spawn(Kind::Connection, driven);
        }
        #[cfg(not(feature = "http2"))]
        HttpVersion::Http2 => say::warn(format_args!(
            "{address} speaks HTTP/2, which this binary was built without: enable the feature \"http2\" of fc-runtime"
        )),
    }
}

/// Drives an HTTP/1.1 connection in a new task.
fn spawn_http1<S: Send + Sync + 'static>(
    app: &Sealed<S>,
    connection: Following<S>,
    socket: Arc<OwnedWriteHalf>,
) {
    let counts = (app.settings.access_log != AccessLog::Off).then(|| Arc::clone(&app.shared.counts));
    let records = counts.map(|counts| (counts, socket));
    app.shared.tracker.spawn(Kind::Connection, CountUnpolled::new(connection, records));
}

/// How long a stop waits for the rest of a head. Also the wait for an HTTP/2 client without a request in flight that
/// neither reads nor answers.
const FAREWELL: Duration = Duration::from_secs(1);

/// Polls hyper, and starts a graceful shutdown once the process drains. True if the connection has ended or must end.
///
/// hyper is polled before the shutdown starts, so that a request in the socket is still served, after `leave`. hyper
/// does not see bytes of which the executor has not been told. `may_stop` asks the kernel for such bytes, and postpones
/// the shutdown.
#[allow(clippy::inline_always, reason = "every poll of a connection does it")]
#[inline(always)]
fn is_over<C: Future>(
    mut connection: Pin<&mut C>,
    drain: &mut DrainObserver,
    asked: &mut bool,
    (leave, may_stop, stop): (impl Fn(), impl Fn() -> bool, impl Fn(Pin<&mut C>)),
    cx: &mut Context<'_>,
) -> bool {
    let stage = drain.stage(cx);
    if stage == Stage::Serving {
        return connection.poll(cx).is_ready();
    }
    if !*asked {
        leave();
    }
    if stage == Stage::Cutting || connection.as_mut().poll(cx).is_ready() {
        return true;
    }
    if stage == Stage::Draining && !*asked && may_stop() {
        *asked = true;
        stop(connection.as_mut());
        return connection.poll(cx).is_ready();
    }
    false
}

/// The service that hyper calls for each request of one connection.
struct Service<S> {
    app: Arc<Sealed<S>>,
    /// Names the peer. An engine of HTTP/1 has one after another.
    link: Arc<Link>,
    /// A head that was not parsed. The stand-in request is answered with the refusal.
    unread: Option<Box<Unread>>,
}

impl<S: Send + Sync + 'static> hyper::service::Service<Request<Incoming>> for Service<S> {
    type Response = Response<Outgoing>;
    type Error = Infallible;
    type Future = Answered<S>;

    fn call(&self, request: Request<Incoming>) -> Answered<S> {
        // First, and the head is not looked at: otherwise it would be moved once more.
        let (head, body) = request.into_parts();
        // Whoever sends a request has a socket, and so the link has its peer.
        let Some(peer) = self.link.begin() else {
            return Answered { answer: RequestFuture::Refused(None), busy: None };
        };
        let busy = peer.begin();
        if let Some(unread) = &self.unread {
            let answer = self.app.refuse(unread.head(), unread.refusal(), peer);
            return Answered { answer, busy: Some(busy) };
        }
        let body = Payload::wire(body, head.version, &busy);
        Answered { answer: self.app.answer(head, body, Some(peer)), busy: Some(busy) }
    }
}

/// The future that hyper polls for a response. Its error type is never used.
struct Answered<S> {
    answer: RequestFuture<S>,
    busy: Option<Busy>,
}

impl<S: Send + Sync + 'static> Future for Answered<S> {
    type Output = Result<Response<Outgoing>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.answer.poll_with(&mut this.busy, cx)
    }
}
