//! Sends exports to the collector, on one connection that is kept.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body::{Body, Frame, SizeHint};
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::error::{BoxError, Result};

/// A connection to the collector. Nothing drives it between exports, so that it is no task that a drain would wait for.
#[derive(Default)]
pub(super) struct Client(Option<Open>);

struct Open {
    /// By the clock on the wall, because others may stand still while the instance is frozen.
    used: SystemTime,
    sender: SendRequest<Whole>,
    driver: Connection<TokioIo<TcpStream>, Whole>,
}

/// How long a connection is kept without use. A router on the way may forget one that is older, without a word: an export
/// on it would be lost.
const KEPT_MAX: Duration = Duration::from_secs(5);

impl Client {
    /// Sends one request. A kept connection may have been closed meanwhile, and then a new one is tried.
    pub(super) async fn send(&mut self, url: &Uri, request: &Request<Bytes>) -> Result<StatusCode, BoxError> {
        if let Some(open) = self.0.take().filter(|open| is_fresh(open.used, SystemTime::now()))
            && let Ok(status) = self.send_on(open, request).await
        {
            return Ok(status);
        }
        let (host, port) = (url.host().unwrap_or_default(), url.port_u16().unwrap_or(80));
        let socket = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        socket.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(socket)).await?;
        self.send_on(Open { used: SystemTime::now(), sender, driver }, request).await
    }

    async fn send_on(&mut self, open: Open, request: &Request<Bytes>) -> Result<StatusCode, BoxError> {
        let Open { mut sender, mut driver, .. } = open;
        let mut is_over = false;
        let status = {
            let exchange = async {
                sender.ready().await?;
                let (head, body) = request.clone().into_parts();
                let response = sender.send_request(Request::from_parts(head, Whole(Some(body)))).await?;
                let (head, mut body) = response.into_parts();
                // The answer is read to its end, so that the connection can be used again.
                while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                    frame?;
                }
                Ok::<_, hyper::Error>(head.status)
            };
            let mut exchange = pin!(exchange);
            poll_fn(|cx| drive(exchange.as_mut(), &mut driver, &mut is_over, cx)).await?
        };
        // A connection that the collector ends with its answer is over, and another export on it would wait in vain.
        self.0 = (!is_over).then(|| Open { used: SystemTime::now(), sender, driver });
        Ok(status)
    }
}

/// Whether a connection can be used again. One that was used in the future was used before the clock was set.
fn is_fresh(used: SystemTime, now: SystemTime) -> bool {
    now.duration_since(used).is_ok_and(|idle| idle <= KEPT_MAX)
}

/// Polls an exchange, and the connection under it.
fn drive<T>(
    mut exchange: Pin<&mut impl Future<Output = T>>,
    driver: &mut Connection<TokioIo<TcpStream>, Whole>,
    is_over: &mut bool,
    cx: &mut Context<'_>,
) -> Poll<T> {
    if let Poll::Ready(ready) = exchange.as_mut().poll(cx) {
        return Poll::Ready(ready);
    }
    // How the connection ended, the exchange learns by itself.
    *is_over = *is_over || Pin::new(driver).poll(cx).is_ready();
    exchange.poll(cx)
}

/// The body of an export.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_used_again_only_soon() {
        let now = SystemTime::now();
        assert!(is_fresh(now, now) && is_fresh(now - KEPT_MAX, now));
        assert!(!is_fresh(now - KEPT_MAX - Duration::from_millis(1), now));
        assert!(!is_fresh(now + Duration::from_secs(1), now));
    }
}
