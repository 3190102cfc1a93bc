//! The first bytes of a connection: through TLS or not, HTTP/1 or HTTP/2.

use std::io;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::Error as TlsError;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::alb::Port;
use super::entry::Front;
use super::listen::{FAREWELL, HEAD_MAX, Stop};
use super::target::Door;
use crate::event::{Kind, Source};
use crate::wire::{Alpn, Stream};

/// What an HTTP/2 client sends first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first byte of TLS: a record of the handshake.
const HANDSHAKE: u8 = 0x16;

/// The pause between two looks at a preface that comes in parts.
const LOOK: Duration = Duration::from_millis(5);

/// The most faults of handshakes that are told. Each is told once.
const FAULTS_MAX: usize = 8;

/// How a connection continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Tls,
    Http1,
    Http2,
    /// It takes more bytes to say.
    Unknown,
}

fn classify(bytes: &[u8]) -> First {
    if bytes.first() == Some(&HANDSHAKE) {
        return First::Tls;
    }
    match (bytes.len() >= PREFACE.len(), bytes.starts_with(PREFACE), PREFACE.starts_with(bytes)) {
        (_, true, _) => First::Http2,
        (false, _, true) => First::Unknown,
        _ => First::Http1,
    }
}

/// Looks at the first bytes, which stay in the kernel. `None` if the client sends none.
async fn look(stream: &TcpStream) -> Option<First> {
    let mut bytes = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut bytes).await.ok().filter(|length| *length > 0)?;
        match classify(&bytes[..length]) {
            First::Unknown => sleep(LOOK).await,
            first => return Some(first),
        }
    }
}

/// Waits for the first bytes, and makes the handshake of TLS. `None` if nothing comes of the connection.
pub(super) async fn open(
    stream: TcpStream,
    front: &Front,
    door: &Door,
    stop: &Stop,
) -> Option<(Stream, Protocol)> {
    let port = match door {
        Door::Alb(key) => Some(front.balancers.port(key)?),
        _ => None,
    };
    if let Some(port) = &port
        && !stream.peer_addr().is_ok_and(|client| port.takes(client.ip()))
    {
        return None;
    }
    let first = tokio::select! {
        biased;
        first = look(&stream) => first?,
        () = sleep(HEAD_MAX) => return None,
        // Bytes may have come of which the executor has not been told. Half a head is waited for.
        () = stop.begun.cancelled() => timeout(FAREWELL, look(&stream)).await.ok()??,
    };
    match first {
        // What is not a listener's protocol is no HTTP/1.1 either, and refused as such.
        _ if port.as_ref().is_some_and(|port| !port.is_https() || first != First::Tls) => {
            Some((stream.into(), Protocol::Http1))
        }
        First::Tls => {
            let mut handshake = Box::pin(accept(stream, front, door, port.as_deref()));
            tokio::select! {
                accepted = &mut handshake => accepted,
                () = stop.begun.cancelled() => timeout(FAREWELL, handshake).await.ok()?,
            }
        }
        First::Http2 => {
            if *door == Door::Grpc {
                front.told.tell_plaintext(front);
            }
            Some((stream.into(), Protocol::Http2))
        }
        First::Http1 | First::Unknown => Some((stream.into(), Protocol::Http1)),
    }
}

async fn accept(
    stream: TcpStream,
    front: &Front,
    door: &Door,
    port: Option<&Port>,
) -> Option<(Stream, Protocol)> {
    let is_grpc = *door == Door::Grpc;
    let accepted = if let Some(port) = port {
        port.tls.as_ref()?.accept(stream).await
    } else {
        let alpn = if is_grpc { Alpn::Http2 } else { Alpn::Http };
        front.identities.as_ref()?.accept(stream, alpn).await
    };
    match accepted {
        Ok(stream) => {
            let protocol = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                // A client of gRPC speaks HTTP/2, whether it says so or not.
                None if is_grpc => Protocol::Http2,
                _ => Protocol::Http1,
            };
            Some((Stream::Tls(Box::new(stream)), protocol))
        }
        Err(error) => {
            front.told.tell_fault(front, &error);
            None
        }
    }
}

/// What was told of connections, once.
#[derive(Debug, Default)]
pub(super) struct Told {
    has_plaintext: AtomicBool,
    faults: std::sync::Mutex<Vec<String>>,
}

impl Told {
    fn tell_plaintext(&self, front: &Front) {
        if !self.has_plaintext.swap(true, Ordering::Relaxed) {
            front.log.emit(&Source::default(), Kind::GrpcPlaintext);
        }
    }

    /// Tells of a handshake that the client or its settings ended. A client that only leaves is not told of.
    fn tell_fault(&self, front: &Front, error: &io::Error) {
        let Some(fault) = error.get_ref().and_then(|error| error.downcast_ref::<TlsError>()) else { return };
        let error = fault.to_string();
        {
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            if faults.len() >= FAULTS_MAX || faults.contains(&error) {
                return;
            }
            faults.push(error.clone());
        }
        front.log.emit(&Source::default(), Kind::TlsRefused { error });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_protocol() {
        for (bytes, first) in [
            (&b"\x16\x03\x01"[..], First::Tls),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", First::Http2),
            (b"P", First::Unknown),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", First::Unknown),
            (b"PR", First::Unknown),
            (b"PROPFIND / HTTP/1.1", First::Http1),
            (b"PRI / HTTP/1.1\r\n\r\n", First::Http1),
            (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", First::Http1),
            (b"POST", First::Http1),
            (b"G", First::Http1),
            (b"\0", First::Http1),
        ] {
            assert_eq!(classify(bytes), first, "{bytes:?}");
        }
    }
}
