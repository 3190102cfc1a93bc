//! Heads that hyper cannot parse. hyper's own reply has no body and no record; here the refusal gets both.
//!
//! hyper has no setting for this. [`Socket`] withholds hyper's reply, which comes while the connection has no request
//! and no reply. Another hyper on the same socket then writes the refusal.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::body::{Cut, Outgoing};
use super::listen::{HEAD_BYTES_MAX, HEADERS_MAX};
use super::refusal;
use super::visit::Visit;
use crate::event::Log;
use crate::failure::Failure;
use crate::wire::{Socket, Turn};

/// How long the refusal and the input behind it may take. A close with unread bytes resets the connection, and the
/// client may lose the reply.
const FAREWELL: Duration = Duration::from_secs(2);

/// How many bytes are discarded behind the refusal.
const LINGER_MAX: u64 = 1024 * 1024;

/// The body of a reply, which holds the connection's turn.
#[derive(Debug)]
pub(super) struct InTurn {
    pub(super) body: Outgoing,
    pub(super) _turn: Turn,
}

impl Body for InTurn {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Answers and records a head that was not parsed. `start` has the bytes that hyper has read.
pub(super) async fn answer(log: &Log, status: u16, start: &[u8], socket: Socket) {
    let request = known_of(start);
    let is_head = request.method() == Method::HEAD;
    let mut visit = Visit::arrive(log, &request, Instant::now());
    let failure = Failure::invalid_argument(match status {
        414 => "the request's target is too long".to_owned(),
        431 if start.len() < HEAD_BYTES_MAX => format!("the request has more than {HEADERS_MAX} headers"),
        431 => format!("the request's head has more than {HEAD_BYTES_MAX} bytes"),
        _ => "the request's head cannot be read as HTTP".to_owned(),
    });
    visit.set_cause(&failure);
    let response = refusal::reply(&failure, &visit.id(), visit.edition());
    let response = Mutex::new(Some(visit.leave(response)));
    // The request that hyper reads in place of the head. For `HEAD` the stand-in is a `HEAD` too: the reply has no
    // body.
    let stand_in: &[u8] = if is_head {
        b"HEAD / HTTP/1.1\r\nconnection: close\r\n\r\n"
    } else {
        b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"
    };
    let take = || response.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(Cut);
    let service = service_fn(|_| std::future::ready::<Result<Response<Outgoing>, Cut>>(take()));
    let mut stream = socket.into_stream();
    let farewell = async {
        let io = TokioIo::new(tokio::io::join(stand_in, &mut stream));
        // A client that does not read the reply loses only the explanation.
        drop(http1::Builder::new().half_close(true).serve_connection(io, service).await);
        drop(tokio::io::copy(&mut stream.take(LINGER_MAX), &mut tokio::io::sink()).await);
    };
    drop(tokio::time::timeout(FAREWELL, farewell).await);
}

/// The known parts of a head. A dash is a valid method, and a valid URI without a path.
fn known_of(start: &[u8]) -> Request<()> {
    let blank = start.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let mut words = start[blank..].split(|byte| matches!(byte, b' ' | b'\r' | b'\n'));
    let method = words.next().and_then(|word| Method::from_bytes(word).ok());
    let target = words.next().and_then(|word| Uri::try_from(word).ok());
    let mut request = Request::new(());
    *request.method_mut() = method.or_else(|| Method::from_bytes(b"-").ok()).unwrap_or_default();
    *request.uri_mut() = target.unwrap_or_else(|| Uri::from_static("-"));
    request
}
