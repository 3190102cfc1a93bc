//! gRPC: the service `conform.Echo`, on connections that begin with the preface of HTTP/2.

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio_util::task::TaskTracker;

use crate::is;

/// Open connections of HTTP/2.
pub(crate) static OPEN: AtomicUsize = AtomicUsize::new(0);

/// A message with the text `fail`.
const FAIL: &[u8] = b"\0\0\0\0\x06\x0a\x04fail";

/// Whether a connection begins as one of HTTP/2 does. Waits for its first bytes.
pub(crate) fn is_preface(stream: &TcpStream, first: &mut [u8; 4]) -> bool {
    // A client that sends fewer than four bytes is left to the reader of heads.
    if stream.set_read_timeout(Some(Duration::from_millis(300))).is_err() {
        return false;
    }
    let begins = matches!(stream.peek(first), Ok(4)) && first == b"PRI ";
    begins && stream.set_read_timeout(None).is_ok()
}

pub(crate) fn serve(stream: TcpStream) {
    OPEN.fetch_add(1, Ordering::Relaxed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    // A broken connection is its client's matter.
    _ = runtime.block_on(connection(stream));
    OPEN.fetch_sub(1, Ordering::Relaxed);
}

async fn connection(stream: TcpStream) -> Result<(), Box<dyn std::error::Error>> {
    stream.set_nonblocking(true)?;
    let stream = tokio::net::TcpStream::from_std(stream)?;
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(if is("grpc-one-connection") { 10 } else { 200 });
    let mut connection = builder.handshake::<_, Bytes>(stream).await?;
    let tasks = TaskTracker::new();
    let (reset, mut resets) = tokio::sync::mpsc::channel(1);
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(accepted) => {
                    let (request, respond) = accepted?;
                    let reset = reset.clone();
                    tasks.spawn(async move {
                        if answer(request, respond).await.is_err() && is("grpc-cancel") {
                            _ = reset.send(()).await;
                        }
                    });
                }
                None => return Ok(()),
            },
            // Broken: one call that is reset ends all of the connection.
            Some(()) = resets.recv() => return Ok(()),
        }
    }
}

fn head() -> Response<()> {
    let mut head = Response::new(());
    head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    head
}

fn status(code: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static(code))])
}

async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    let (parts, mut body) = request.into_parts();
    match parts.uri.path() {
        "/conform.Echo/Say" => {
            let mut message = Vec::new();
            while let Some(data) = body.data().await {
                message.extend_from_slice(&data?);
            }
            if message == FAIL && !is("grpc-status") {
                let mut head = head();
                head.headers_mut().extend(status("2"));
                respond.send_response(head, true)?;
                return Ok(());
            }
            if is("grpc-unary") {
                let mut head = head();
                head.headers_mut().extend(status("0"));
                return respond.send_response(head, false)?.send_data(message.into(), true);
            }
            let mut reply = respond.send_response(head(), false)?;
            reply.send_data(message.into(), false)?;
            reply.send_trailers(status("0"))
        }
        "/conform.Echo/Chat" => chat(&mut body, respond.send_response(head(), false)?).await,
        _ if is("grpc-unknown-method") => {
            let mut head = Response::new(());
            *head.status_mut() = http::StatusCode::NOT_FOUND;
            respond.send_response(head, true).map(drop)
        }
        _ => {
            let mut head = head();
            head.headers_mut().extend(status("12"));
            respond.send_response(head, true).map(drop)
        }
    }
}

async fn chat(body: &mut RecvStream, mut reply: SendStream<Bytes>) -> Result<(), h2::Error> {
    let mut held = Vec::new();
    let mut messages = 0;
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        if data.is_empty() {
            continue;
        }
        messages += 1;
        if messages > 1 && is("grpc-stream") {
            held.extend_from_slice(&data);
        } else {
            reply.send_data(data, false)?;
        }
    }
    reply.send_data(held.into(), false)?;
    reply.send_trailers(status("0"))
}
