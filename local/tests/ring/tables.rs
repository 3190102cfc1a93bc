//! What the tables of HTTP/2 by which the ends of a connection know former headers keep of gRPC calls.

use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use testkit::h2::{Conn, PREFACE};
use testkit::hpack::never_indexed;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::fake::Program;
use crate::harness::{Ring, f};
use crate::rpc::{port, unary};

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;

/// What came on each connection.
type Read = Arc<Mutex<Vec<Vec<u8>>>>;

/// A connection that notes what it reads.
struct Tapped {
    stream: TcpStream,
    at: usize,
    read: Read,
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.read.lock().unwrap()[self.at].extend_from_slice(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A program that answers each call without a message.
async fn serve(program: Program, read: Read) -> i32 {
    let port = program.given_port();
    program.listens_on(port);
    let Ok(listener) = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await else { return 98 };
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let at = {
            let mut read = read.lock().unwrap();
            read.push(Vec::new());
            read.len() - 1
        };
        let tapped = Tapped { stream, at, read: Arc::clone(&read) };
        connections.spawn(async move {
            let Ok(mut calls) = h2::server::handshake(tapped).await else { return };
            while let Some(Ok((_, mut respond))) = calls.accept().await {
                let head = Response::builder().header("content-type", "application/grpc");
                let head = head.header("set-cookie", "secret=1").body(()).unwrap();
                let mut out = respond.send_response(head, false).unwrap();
                out.send_data(Bytes::from_static(b"\0\0\0\0\0"), false).unwrap();
                let code = ("grpc-status".parse().unwrap(), HeaderValue::from_static("0"));
                out.send_trailers(HeaderMap::from_iter([code])).unwrap();
            }
        });
    }
    0
}

/// The blocks of headers that a client has sent.
fn blocks(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    bytes = &bytes[PREFACE.len()..];
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(u32::from_be_bytes([0, *a, *b, *c]) as usize);
        if *kind == HEADERS {
            blocks.push(payload.to_vec());
        }
        bytes = rest;
    }
    blocks
}

#[test]
fn secrets_and_what_is_new_with_each_call_enter_no_table() {
    let read = Read::default();
    let kept = Arc::clone(&read);
    let ring = Ring::running(f(), move |program| serve(program, Arc::clone(&kept)));
    let mut conn = Conn::silent(port(&ring));
    conn.send_raw(PREFACE).unwrap();
    // Nothing is said of the table, so it has its usual size.
    conn.frame(SETTINGS, 0, 0, b"");
    let timeouts = ["1000m", "1001m", "1002m"];
    let replies = timeouts.map(|timeout| {
        let ask = unary("/a.B/C", 1).header("authorization", "Bearer t0p").header("grpc-timeout", timeout);
        let id = conn.send(&ask);
        let mut head = None;
        loop {
            let frame = conn.read();
            if (frame.kind, frame.stream) == (HEADERS, id) {
                match head {
                    None => head = Some(frame.payload),
                    // The trailers.
                    Some(head) => break head,
                }
            }
        }
    });
    let requests = blocks(read.lock().unwrap().iter().find(|bytes| bytes.starts_with(PREFACE)).unwrap());
    assert_eq!(requests.len(), 3);
    // The first of a connection leaves the names of the others in the table.
    assert_eq!(never_indexed(&requests[0]), ["Bearer t0p"]);
    assert_eq!(never_indexed(&replies[0]), ["secret=1"]);
    for at in 1..3 {
        let [mut request, mut reply] = [&requests[at], &replies[at]].map(|block| never_indexed(block));
        reply.retain(|value| value != "secret=1");
        let [id] = &reply[..] else { panic!("{reply:?}") };
        for value in [id, "Bearer t0p", timeouts[at]] {
            assert!(request.iter().any(|own| own == value), "{value} is not in {request:?}");
            request.retain(|own| own != value);
        }
        // And when the function's time is over, in milliseconds.
        assert!(request.len() == 1 && request[0].parse::<u64>().is_ok(), "{request:?}");
        assert!(requests[at].len() < 105, "names are told by their place: {} bytes", requests[at].len());
    }
}
