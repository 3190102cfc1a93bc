//! Upgrades in mounted services, such as axum's WebSockets.
//!
//! A service finds an upgrade in the extensions of its request, as a type of hyper that only hyper's own connection can
//! make. So a request that asks for an upgrade takes a hop through a second connection of hyper, in memory. When the
//! service has accepted, the bytes of the client's connection are passed on to the connection in memory.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use http::header::{CONNECTION, UPGRADE};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::time::sleep_until;
use tower_service::Service;

use crate::error::{BoxError, Error, Result};
use crate::exchange::attached::Attached;
use crate::exchange::upgrade::{OnEnd, PendingUpgrade, UpgradeEnd, Upgraded};
use crate::exchange::{Call, Payload, Shared};
use crate::negotiate::lists;
use crate::platform::limits::KIB;
use crate::reply::{self, Reply};
use crate::stop::StopNotice;
use crate::tower::body::ReplyBody;
use crate::tower::calling::{mapped, reply};

/// The bytes that the connection in memory holds in each direction.
const BUFFER: usize = 16 * KIB;

/// How long a service may take to end once its client has left, or the instance stops.
const END_MAX: Duration = Duration::from_secs(10);

/// Whether the request asks to leave HTTP on its connection.
pub(super) fn asks_for_upgrade(call: &Call) -> bool {
    let head = &call.head;
    head.version == Version::HTTP_11
        && head.headers.contains_key(UPGRADE)
        && lists(&head.headers, &CONNECTION, "upgrade")
        && call.peer.is_some()
}

/// Calls a service with a request that asks for an upgrade.
pub(super) async fn upgrade<S, Sv, B>(
    service: Sv,
    request: Request<Payload>,
    call: Arc<Call>,
    shared: Arc<Shared<S>>,
) -> Reply
where
    S: Send + Sync + 'static,
    Sv: Service<Request<Payload>, Response = Response<B>, Error: Into<Error>, Future: Send + 'static>
        + Send
        + 'static,
    B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    let is_head = *request.method() == Method::HEAD;
    match hop(service, request).await {
        Ok((response, None)) => {
            let mut response = Some(response);
            let made = poll_fn(|cx| {
                Poll::Ready(response.take().map_or_else(
                    || Err(Error::of_mistake("a response was taken twice")),
                    |response| reply(response, is_head, cx),
                ))
            });
            mapped(made.await.unwrap_or_else(Reply::from_error), &shared)
        }
        Ok((response, Some(switched))) => {
            let lean = Arc::new(call.lean());
            let (stop, deadline) = (shared.stops.listen(), shared.platform_deadline(&call));
            let run = Box::new(move |upgraded: Upgraded, on_end: OnEnd| {
                Box::pin(async move { on_end(relay(upgraded, switched, stop, deadline).await) }) as _
            });
            call.attached.set(Attached::Upgrade(PendingUpgrade { call: lean, run }));
            Reply::from_parts(response.into_parts().0, reply::Body::Empty, None)
        }
        Err(error) => mapped(Reply::from_error(error), &shared),
    }
}

/// A service's side of a connection that has left HTTP.
struct Switched {
    io: DuplexStream,
    /// What the service has sent behind its head.
    ahead: Bytes,
}

/// The service's response, and its side of the connection if the service has accepted the upgrade.
async fn hop<Sv, B>(service: Sv, request: Request<Payload>) -> Result<(Response<B>, Option<Switched>)>
where
    Sv: Service<Request<Payload>, Response = Response<B>, Error: Into<Error>, Future: Send + 'static>
        + Send
        + 'static,
    B: Send + 'static,
{
    const ASKING: &[u8] = b"GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: h\r\n\r\n";
    let (mut ours, theirs) = duplex(BUFFER);
    ours.write_all(ASKING).await?;
    let waiting = Arc::new(Mutex::new(Some((service, request))));
    let given: Arc<Mutex<Option<Result<Response<B>>>>> = Arc::default();
    let giving = Arc::clone(&given);
    let connection = http1::Builder::new().serve_connection(
        TokioIo::new(theirs),
        service_fn(move |mut asking: Request<hyper::body::Incoming>| {
            let on_upgrade = hyper::upgrade::on(&mut asking);
            let taken = waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
            let giving = Arc::clone(&giving);
            async move {
                let Some((mut service, mut request)) = taken else { return Ok(refused()) };
                request.extensions_mut().insert(on_upgrade);
                let ready: Result = poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into);
                let response = match ready {
                    Ok(()) => service.call(request).await.map_err(Into::into),
                    Err(error) => Err(error),
                };
                let switching =
                    response.as_ref().ok().filter(|it| it.status() == StatusCode::SWITCHING_PROTOCOLS);
                let accepted = switching.map_or_else(refused, |it| {
                    let mut accepted = refused();
                    (*accepted.status_mut(), *accepted.headers_mut()) = (it.status(), it.headers().clone());
                    accepted
                });
                *giving.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
                Ok::<_, Infallible>(accepted)
            }
        }),
    );
    let mut connection = pin!(connection.with_upgrades());
    // The service's own future runs within the connection: a drop of this one ends both.
    let response = poll_fn(|cx| {
        let over = connection.as_mut().poll(cx).is_ready();
        let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ready = match &*given {
            Some(Ok(response)) => response.status() != StatusCode::SWITCHING_PROTOCOLS || over,
            Some(Err(_)) => true,
            None => over,
        };
        if is_ready { Poll::Ready(given.take()) } else { Poll::Pending }
    });
    let response =
        response.await.unwrap_or_else(|| Err(Error::of_mistake("the service gave no response")))?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok((response, None));
    }
    let mut read = BytesMut::new();
    let end = loop {
        if let Some(at) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break at + 4;
        }
        if ours.read_buf(&mut read).await? == 0 {
            return Err(Error::of_mistake("the service accepted an upgrade and closed its connection"));
        }
    };
    let ahead = read.split_off(end).freeze();
    Ok((response, Some(Switched { io: ours, ahead })))
}

fn refused() -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::made(reply::Body::Empty));
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    response
}

/// Passes bytes in both directions, until either side has ended.
async fn relay(
    upgraded: Upgraded,
    switched: Switched,
    mut stop: StopNotice,
    deadline: Option<Instant>,
) -> UpgradeEnd {
    let Upgraded { io, read_buf, mut departed, .. } = upgraded;
    let (from_client, to_client) = split(io);
    let (from_service, to_service) = split(switched.io);
    let sent = AtomicU64::new(0);
    let mut up = pin!(pass(read_buf, from_client, to_service, None));
    let mut down = pin!(pass(switched.ahead, from_service, to_client, Some(&sent)));
    let mut deadline = deadline.map(|at| Box::pin(sleep_until(at.into())));
    let mut ending = None;
    let (mut is_up_over, mut has_left) = (false, false);
    let left = poll_fn(|cx| {
        if let Poll::Ready(passed) = down.as_mut().poll(cx) {
            return Poll::Ready(has_left || passed.is_err());
        }
        if !is_up_over && up.as_mut().poll(cx).is_ready() {
            (is_up_over, has_left) = (true, true);
        }
        let is_departed = has_left || departed.poll(cx).is_ready();
        has_left |= is_departed;
        let is_stopped = Pin::new(&mut stop).poll(cx).is_ready();
        if deadline.as_mut().is_some_and(|at| at.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(false);
        }
        if ending.is_none() && (has_left || is_stopped) {
            ending = Some(Box::pin(tokio::time::sleep(END_MAX)));
        }
        match ending.as_mut().map(|end| end.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(has_left),
            _ => Poll::Pending,
        }
    });
    let left = left.await;
    UpgradeEnd { left, sent: sent.load(Ordering::Relaxed), ..UpgradeEnd::default() }
}

/// Passes what has been read, then all that follows, then the end.
async fn pass(
    ahead: Bytes,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    sent: Option<&AtomicU64>,
) -> std::io::Result<()> {
    let mut buffer = BytesMut::from(&ahead[..]);
    loop {
        if !buffer.is_empty() {
            to.write_all(&buffer).await?;
            to.flush().await?;
            if let Some(sent) = sent {
                sent.fetch_add(buffer.len() as u64, Ordering::Relaxed);
            }
            buffer.clear();
        }
        buffer.reserve(4 * KIB);
        if from.read_buf(&mut buffer).await? == 0 {
            return to.shutdown().await;
        }
    }
}
