//! One connection: its protocol, and hyper on it until it ends or the process stops.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::app::Sealed;
use crate::exchange::Payload;
use crate::platform::limits::REQUEST_HEADERS_MAX;
use crate::serve::drain::{Stage, Watch};
use crate::serve::io::Io;
use crate::serve::sniff::{Protocol, sniff};

pub(crate) async fn connection<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    stream: TcpStream,
    peer: SocketAddr,
    mut watch: Watch,
) {
    match first_bytes(&stream, &mut watch).await {
        Protocol::Http1 => http1(app, stream, peer, watch).await,
        Protocol::Http2 => http2(app, stream, peer, watch).await,
        Protocol::Nothing => {}
    }
}

/// Waits for a client's first word. A connection on which nothing was asked has nothing in flight when we stop.
async fn first_bytes(stream: &TcpStream, watch: &mut Watch) -> Protocol {
    let mut sniffing = pin!(sniff(stream));
    poll_fn(|cx| match sniffing.as_mut().poll(cx) {
        Poll::Ready(protocol) => Poll::Ready(protocol.unwrap_or(Protocol::Nothing)),
        Poll::Pending if watch.stage(cx) == Stage::Serving => Poll::Pending,
        Poll::Pending => Poll::Ready(Protocol::Nothing),
    })
    .await
}

/// No idle time-out, no cap on requests per connection, no `Connection: close` of ours: the platform reuses its
/// connections, and answers 502 to a `POST` on one that was closed meanwhile.
async fn http1<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    stream: TcpStream,
    peer: SocketAddr,
    watch: Watch,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = app.answer(request.map(Payload::wire), Some(peer));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .max_buf_size(REQUEST_HEADERS_MAX)
        .serve_connection(TokioIo::new(Io::new(stream)), service);
    // What goes wrong on a connection concerns that client alone, and its requests have their records.
    let _ = drive(pin!(connection), watch, http1::Connection::graceful_shutdown).await;
}

#[cfg(feature = "http2")]
async fn http2<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    stream: TcpStream,
    peer: SocketAddr,
    watch: Watch,
) {
    use hyper::server::conn::http2;

    let executor = Tracked(app.shared.tracker.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = app.answer(request.map(Payload::wire), Some(peer));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http2::Builder::new(executor)
        .max_header_list_size(u32::try_from(REQUEST_HEADERS_MAX).unwrap_or(u32::MAX))
        .serve_connection(TokioIo::new(Io::new(stream)), service);
    let _ = drive(pin!(connection), watch, http2::Connection::graceful_shutdown).await;
}

#[cfg(not(feature = "http2"))]
async fn http2<S: Send + Sync + 'static>(_: Arc<Sealed<S>>, stream: TcpStream, peer: SocketAddr, _: Watch) {
    tracing::warn!(
        target: "fc_runtime",
        "{peer} speaks HTTP/2, which this binary was built without: enable the feature \"http2\" of fc-runtime"
    );
    drop(stream);
}

/// Polls a connection to its end, asking it to stop when the process does.
async fn drive<C: Future>(
    mut connection: Pin<&mut C>,
    mut watch: Watch,
    stop: impl Fn(Pin<&mut C>),
) -> Option<C::Output> {
    let mut asked = false;
    poll_fn(move |cx: &mut Context<'_>| {
        match watch.stage(cx) {
            Stage::Serving => {}
            Stage::Draining if asked => {}
            Stage::Draining => {
                asked = true;
                stop(connection.as_mut());
            }
            Stage::Cutting => return Poll::Ready(None),
        }
        connection.as_mut().poll(cx).map(Some)
    })
    .await
}

/// hyper's tasks, one per HTTP/2 stream, are tracked like all others.
#[cfg(feature = "http2")]
#[derive(Clone)]
struct Tracked(crate::task::Tracker);

#[cfg(feature = "http2")]
impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Tracked {
    fn execute(&self, future: F) {
        drop(self.0.spawn(crate::task::Kind::Handler, future));
    }
}
