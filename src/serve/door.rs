//! The door: a small thread that accepts connections and answers probes, whatever the handlers do.
//!
//! It looks at the first bytes of each connection. A probe it answers itself, so that handlers that block or spin on
//! every thread of the executor cannot make the instance look dead before its heartbeat is overdue. Everything else
//! goes to the executor, with the bytes still in the socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::app::Sealed;
use crate::error::{Error, Result};
use crate::serve::connection::connection;
use crate::serve::drain::{Drain, Watches};
use crate::serve::sniff::{Probes, Protocol, Sniffed};
use crate::task::Kind;

/// A door that is open. Closing it ends its thread and the connections that have said nothing yet.
pub(crate) struct Door {
    close: oneshot::Sender<()>,
    closed: oneshot::Receiver<()>,
}

/// What the door's thread needs.
struct Porter<S> {
    app: Arc<Sealed<S>>,
    executor: Handle,
    watches: Watches,
    probes: Probes,
    places: Arc<Semaphore>,
}

/// How long to wait when the process has no descriptors left: others have to be closed first.
const BACK_OFF: Duration = Duration::from_millis(50);

/// How much of a probe is looked at. A longer head goes to the executor.
const PROBE_MAX: usize = 2048;

impl Door {
    /// Opens the door: connections are handed to the executor that this is called on.
    ///
    /// # Errors
    /// When the thread or its reactor cannot be made.
    pub(crate) fn open<S: Send + Sync + 'static>(
        app: &Arc<Sealed<S>>,
        listener: std::net::TcpListener,
        drain: &Drain,
    ) -> Result<Self> {
        let settings = &app.settings;
        let porter = Porter {
            app: Arc::clone(app),
            executor: Handle::current(),
            watches: drain.watches(),
            probes: Probes::new(&settings.health_path, settings.head_root),
            places: Arc::new(Semaphore::new(settings.max_connections.min(Semaphore::MAX_PERMITS))),
        };
        let (close, asked) = oneshot::channel();
        let (tell, closed) = oneshot::channel();
        let reactor = Builder::new_current_thread().enable_io().enable_time().build()?;
        let work = move || {
            reactor.block_on(Arc::new(porter).stand(listener, asked));
            // Connections that have said nothing end with their tasks, before anybody waits for those.
            drop(reactor);
            let _ = tell.send(());
        };
        let thread = std::thread::Builder::new().name("fc-door".to_owned()).stack_size(256 * 1024);
        thread.spawn(work).map_err(Error::internal)?;
        Ok(Self { close, closed })
    }

    /// Stops accepting. Returns when the listener is closed.
    pub(crate) async fn close(self) {
        // The thread may have ended with its listener; then both ends are gone.
        let _ = self.close.send(());
        let _ = self.closed.await;
    }
}

impl<S: Send + Sync + 'static> Porter<S> {
    async fn stand(self: Arc<Self>, listener: std::net::TcpListener, mut asked: oneshot::Receiver<()>) {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(target: "fc_runtime", "the listener cannot be used: {error}");
                return;
            }
        };
        loop {
            // Not more connections than there are places: the others wait in the kernel.
            let accepted = either(&mut asked, async {
                let place = Arc::clone(&self.places).acquire_owned().await;
                (listener.accept().await, place)
            });
            let Some((accepted, place)) = accepted.await else { return };
            match (accepted, place) {
                (Ok((stream, address)), Ok(place)) => {
                    // Small replies leave at once; an error only means that the peer is gone already.
                    let _ = stream.set_nodelay(true);
                    let greeting = Arc::clone(&self).greet(stream, address, place);
                    drop(self.app.shared.tracker.spawn(Kind::Greeting, greeting));
                }
                (Err(error), _) if concerns_one_connection(&error) => {}
                (Err(error), _) => {
                    tracing::error!(target: "fc_runtime", "cannot accept a connection: {error}; trying again");
                    if either(&mut asked, tokio::time::sleep(BACK_OFF)).await.is_none() {
                        return;
                    }
                }
                (_, Err(_)) => return,
            }
        }
    }

    /// Answers probes until something else comes.
    async fn greet(self: Arc<Self>, stream: TcpStream, address: SocketAddr, place: OwnedSemaphorePermit) {
        // A client may be silent for as long as it likes before its first byte, and between probes.
        while let Ok(Some(sniffed)) = self.look(&stream).await {
            match sniffed {
                Looked::Protocol(protocol) => return self.hand_over(stream, address, protocol, place),
                Looked::Probe { length, inside, close, head } => {
                    let mut probe = [0; PROBE_MAX];
                    let answer = self.answer(address.ip(), inside, close, head);
                    let sent = async {
                        stream.try_read(&mut probe[..length])?;
                        send(&stream, answer.as_bytes()).await
                    };
                    let sent = tokio::time::timeout(self.app.settings.head_limit, sent).await;
                    if close || !matches!(sent, Ok(Ok(()))) {
                        return;
                    }
                }
            }
        }
    }

    /// Looks at the first bytes and leaves them in the socket. `None` when the client left.
    async fn look(&self, stream: &TcpStream) -> io::Result<Option<Looked>> {
        let mut head = [0; PROBE_MAX];
        let mut begun = false;
        loop {
            let peeked = stream.peek(&mut head);
            let length = if begun {
                // A head that has begun has to be completed.
                match tokio::time::timeout(self.app.settings.head_limit, peeked).await {
                    Ok(length) => length?,
                    Err(_) => return Ok(None),
                }
            } else {
                peeked.await?
            };
            let seen = &head[..length];
            match self.probes.sniff(seen) {
                _ if length == 0 => return Ok(None),
                Sniffed::Protocol(protocol) => return Ok(Some(Looked::Protocol(protocol))),
                Sniffed::Probe => {
                    if let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
                        return Ok(Some(Looked::probe(&seen[..end + 4])));
                    }
                    if length == PROBE_MAX {
                        return Ok(Some(Looked::Protocol(Protocol::Http1)));
                    }
                }
                Sniffed::More => {}
            }
            begun = true;
            // Saying that a read would block makes the next look wait for more.
            let _ = stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        }
    }

    fn hand_over(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        protocol: Protocol,
        place: OwnedSemaphorePermit,
    ) {
        let Ok(stream) = stream.into_std() else { return };
        let (app, watch) = (Arc::clone(&self.app), self.watches.watch());
        let _executor = self.executor.enter();
        drop(self.app.shared.tracker.spawn(Kind::Connection, async move {
            let _place = place;
            match TcpStream::from_std(stream) {
                Ok(stream) => connection(app, stream, address, protocol, watch).await,
                Err(error) => {
                    tracing::error!(target: "fc_runtime", "a connection cannot be watched: {error}");
                }
            }
        }));
    }

    /// The whole answer to a probe. Details are for callers inside the instance.
    fn answer(&self, peer: IpAddr, inside: bool, close: bool, head: bool) -> String {
        let app = &self.app;
        let limit = app.settings.heartbeat_limit;
        let alive = app.heartbeat.is_alive(limit, || {
            let app = Arc::clone(&self.app);
            let _executor = self.executor.enter();
            drop(self.app.shared.tracker.spawn(Kind::Check, async move { app.heartbeat.answer() }));
        });
        let (status, word) = if alive { ("200 OK", "ok") } else { ("503 Service Unavailable", "not alive") };
        let (kind, body) = if inside && peer.is_loopback() {
            ("application/json", app.about.live(alive, limit))
        } else {
            ("text/plain; charset=utf-8", word.to_owned())
        };
        let connection = if close { "connection: close\r\n" } else { "" };
        let length = body.len();
        let body = if head { "" } else { &body };
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{connection}\r\n{body}"
        )
    }
}

enum Looked {
    Protocol(Protocol),
    Probe { length: usize, inside: bool, close: bool, head: bool },
}

impl Looked {
    fn probe(head: &[u8]) -> Self {
        let text = String::from_utf8_lossy(head).to_ascii_lowercase();
        let old = text.lines().next().is_some_and(|line| line.ends_with("http/1.0"));
        let has = |name: &str| text.lines().any(|line| line.starts_with(name));
        Self::Probe {
            length: head.len(),
            // A client behind the trigger or a proxy shows in these.
            inside: !has("x-fc-") && !has("x-forwarded-"),
            close: old || text.lines().any(|line| line.starts_with("connection:") && line.contains("close")),
            head: text.starts_with("head "),
        }
    }
}

async fn send(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The work's outcome, or `None` when the door is to close, or its handle was dropped.
async fn either<T>(asked: &mut oneshot::Receiver<()>, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let mut asked = std::pin::pin!(asked);
    std::future::poll_fn(|cx| {
        if asked.as_mut().poll(cx).is_ready() {
            return std::task::Poll::Ready(None);
        }
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
