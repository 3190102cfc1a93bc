//! Connections to the server, and requests on them.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;

use super::tally::{Failed, Reply};
use super::target::{Protocol, Target};
use crate::wire::outgoing::connector;

/// The part of the first reply's body that is read, in bytes.
const FIRST_MAX: usize = 64 * 1024;

type Content = Full<Bytes>;
type Second = tokio::sync::Mutex<Option<http2::SendRequest<Content>>>;

/// Sends requests to one server, on connections that it keeps.
pub(crate) struct Client {
    pub(crate) target: Target,
    tls: Option<TlsConnector>,
    connections: usize,
    /// The requests of one connection at a time.
    streams: usize,
    /// The places for requests that are free. The last one is taken first, so that no more connections are opened than are
    /// needed.
    free: Mutex<Vec<Line>>,
    /// The number of the next request. The first one has been asked before the load.
    next: AtomicU64,
    /// The first error of each kind.
    errors: Mutex<BTreeMap<Failed, String>>,
    tasks: TaskTracker,
}

/// A place for one request at a time.
pub(super) enum Line {
    /// A connection of HTTP/1.1. `None` is not connected.
    First(Option<http1::SendRequest<Content>>),
    /// One of the streams of a connection of HTTP/2.
    Second(Arc<Second>),
}

/// A line that a request has taken. It goes back in the end, even if the request is cut off.
struct Taken<'c> {
    line: Line,
    free: &'c Mutex<Vec<Line>>,
    /// Whether a reply was read to its end.
    is_whole: bool,
}

type Fault = (Failed, String);

impl Client {
    /// Opens no connection. `trusted` are authorities beside those that this system trusts.
    ///
    /// # Errors
    ///
    /// TLS cannot be used.
    pub(crate) fn new(
        target: Target,
        (connections, streams): (usize, usize),
        trusted: Vec<CertificateDer<'_>>,
        tasks: TaskTracker,
    ) -> Result<Self, String> {
        let (protocol, streams): (&[u8], _) = match target.protocol {
            Protocol::Http1 => (b"http/1.1", 1),
            Protocol::Http2 => (b"h2", streams),
        };
        let tls = if target.is_tls { Some(connector(trusted, &[protocol])?) } else { None };
        let client = Client {
            target,
            tls,
            connections,
            streams,
            free: Mutex::default(),
            next: AtomicU64::new(1),
            errors: Mutex::default(),
            tasks,
        };
        client.disconnect();
        Ok(client)
    }

    /// Closes all connections; the next requests open others.
    pub(crate) fn disconnect(&self) {
        let lines = (0..self.connections).flat_map(|_| {
            let shared = Arc::new(Second::default());
            (0..self.streams).map(move |_| shared.clone())
        });
        let lines = lines.map(|shared| match self.target.protocol {
            Protocol::Http1 => Line::First(None),
            Protocol::Http2 => Line::Second(shared),
        });
        // The last one is taken first.
        let lines: Vec<Line> = lines.collect::<Vec<_>>().into_iter().rev().collect();
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) = lines;
    }

    /// Takes the numbers of `count` requests, and gives the first.
    pub(super) fn take_numbers(&self, count: u64) -> u64 {
        self.next.fetch_add(count, Ordering::Relaxed)
    }

    /// How many requests can be under way at a time.
    pub(crate) fn places(&self) -> usize {
        self.connections * self.streams
    }

    /// The first error of each kind.
    pub(crate) fn take_errors(&self) -> BTreeMap<Failed, String> {
        std::mem::take(&mut self.errors.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends one request, and gives the status and the begin of the body.
    ///
    /// # Errors
    ///
    /// There is no reply, and the text says why.
    pub(crate) async fn first(&self) -> Result<(u16, Bytes), String> {
        let ask = async {
            let mut taken = self.take_line();
            let (head, body) = self.send(&mut taken.line, 0).await.map_err(|(_, text)| text)?.into_parts();
            let read = Limited::new(body, FIRST_MAX).collect().await;
            Ok((head.status.as_u16(), read.map(Collected::to_bytes).unwrap_or_default()))
        };
        let limit = self.target.timeout;
        let reply = timeout(limit, ask).await;
        self.disconnect();
        reply.unwrap_or_else(|_| Err(format!("there is no reply within {} s", limit.as_secs_f64())))
    }

    /// Sends the request `number`, and reads its reply to the end.
    ///
    /// # Cancel safety
    ///
    /// The request is given up, and with HTTP/1.1 its connection.
    pub(super) async fn ask(&self, number: u64) -> Result<Reply, Failed> {
        let mut taken = self.take_line();
        let outcome = timeout(self.target.timeout, self.exchange(&mut taken.line, number)).await;
        let outcome = outcome.unwrap_or_else(|_| {
            let text = format!("no reply within {} s", self.target.timeout.as_secs_f64());
            Err((Failed::TimedOut, text))
        });
        taken.is_whole = outcome.is_ok();
        drop(taken);
        outcome.map_err(|(failed, text)| {
            self.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(failed).or_insert(text);
            failed
        })
    }

    /// There are as many as requests at a time.
    fn take_line(&self) -> Taken<'_> {
        let line = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let line = line.unwrap_or_else(|| match self.target.protocol {
            Protocol::Http1 => Line::First(None),
            Protocol::Http2 => Line::Second(Arc::default()),
        });
        Taken { line, free: &self.free, is_whole: false }
    }

    async fn exchange(&self, line: &mut Line, number: u64) -> Result<Reply, Fault> {
        let (head, mut body) = self.send(line, number).await?.into_parts();
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| (Failed::Broken, told(&error)))?;
            bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
        }
        Ok((head.status.as_u16(), bytes))
    }

    /// Sends a request, on a new connection if the server has closed the one that there was.
    async fn send(&self, line: &mut Line, number: u64) -> Result<Response<Incoming>, Fault> {
        let broken = |error: &dyn std::error::Error| (Failed::Broken, told(error));
        let mut request = self.target.request(number).map_err(|error| broken(&error))?;
        for is_last in [false, true] {
            let sent = match line {
                Line::First(kept) => {
                    let is_usable = match kept {
                        Some(sender) => sender.ready().await.is_ok(),
                        None => false,
                    };
                    if !is_usable {
                        *kept = None;
                    }
                    let sender = match kept {
                        Some(sender) => sender,
                        None => kept.insert(self.connect_first().await?),
                    };
                    sender.try_send_request(request).await
                }
                Line::Second(shared) => {
                    let mut sender = self.shared(shared).await?;
                    sender.try_send_request(request).await
                }
            };
            match sent {
                Ok(reply) => return Ok(reply),
                Err(mut error) => match error.take_message() {
                    // It was not sent at all: the connection had ended.
                    Some(unsent) if !is_last => {
                        line.give_up();
                        request = unsent;
                    }
                    _ => {
                        line.give_up();
                        return Err(broken(error.error()));
                    }
                },
            }
        }
        Err((Failed::Broken, "the server closes each connection".to_owned()))
    }

    async fn connect_first(&self) -> Result<http1::SendRequest<Content>, Fault> {
        let stream = self.connect().await.map_err(|error| (Failed::Connect, error.to_string()))?;
        let made = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = made.map_err(|error| (Failed::Connect, told(&error)))?;
        self.tasks.spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    /// The connection that several requests share.
    async fn shared(&self, shared: &Second) -> Result<http2::SendRequest<Content>, Fault> {
        let mut kept = shared.lock().await;
        if let Some(sender) = kept.as_mut()
            && !sender.is_closed()
        {
            return Ok(sender.clone());
        }
        let stream = self.connect().await.map_err(|error| (Failed::Connect, error.to_string()))?;
        let made = http2::handshake(Tracked(self.tasks.clone()), TokioIo::new(stream)).await;
        let (mut sender, connection) = made.map_err(|error| (Failed::Connect, told(&error)))?;
        self.tasks.spawn(async move { drop(connection.await) });
        sender.ready().await.map_err(|error| (Failed::Connect, told(&error)))?;
        *kept = Some(sender.clone());
        Ok(sender)
    }

    async fn connect(&self) -> io::Result<Box<dyn Duplex>> {
        let stream = TcpStream::connect(&*self.target.addresses).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let host = self.target.host().and_then(crate::wire::host::name_of);
        let host =
            host.as_deref().unwrap_or(self.target.authority.host()).trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let stream = tls.connect(name, stream).await?;
        if self.target.protocol == Protocol::Http2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(io::Error::other("the server has no HTTP/2"));
        }
        Ok(Box::new(stream))
    }
}

impl Line {
    /// The connection is not used again, unless others share it.
    fn give_up(&mut self) {
        if let Line::First(kept) = self {
            *kept = None;
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut line = std::mem::replace(&mut self.line, Line::First(None));
        if !self.is_whole {
            line.give_up();
        }
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Runs the tasks of HTTP/2.
#[derive(Debug, Clone)]
struct Tracked(TaskTracker);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tracked {
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_request_that_is_cut_off_gives_its_place_back() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        for (protocol, places) in [(Protocol::Http1, 2), (Protocol::Http2, 6)] {
            let mut target = Target::new(&url).unwrap().with_limits(protocol, Duration::from_secs(60));
            target.resolve().await.unwrap();
            let client = Client::new(target, (2, 3), Vec::new(), TaskTracker::new()).unwrap();
            let free = || client.free.lock().unwrap().len();
            assert_eq!(free(), places);
            let mut ask = Box::pin(client.ask(1));
            std::future::poll_fn(|context| {
                assert!(ask.as_mut().poll(context).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            assert_eq!(free(), places - 1);
            drop(ask);
            assert_eq!(free(), places);
        }
    }
}
