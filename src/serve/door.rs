//! The door: the thread that accepts connections and answers probes, independently of the executor.
//!
//! The thread peeks at the first bytes of each connection. It answers a probe itself, so that handlers that block every
//! thread of the executor do not make the instance look dead before its heartbeat is overdue. Every other connection
//! goes to the executor, with its bytes still in the socket.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::log::say;
use crate::platform::limits::{CONNECTIONS_PER_MIB, MAX_CONNECTIONS_DEFAULT};
use crate::sealed::Sealed;
use crate::serve::connection;
use crate::serve::drain::{Drain, DrainObserver, DrainObservers, cut_rest, say_stopped};
use crate::serve::forced_exit::ForcedExit;
use crate::serve::places::{Place, Places};
use crate::serve::runtime;
use crate::serve::signal::Signals;
use crate::serve::sniff::{HttpVersion, PROBE_MAX, ProbeHead, Probes, Sniffed};
use crate::task::Kind;
use crate::timer::Timer;

/// A running door. Closing it ends the thread, and the connections that have sent nothing yet.
pub(crate) struct Door {
    close: oneshot::Sender<()>,
    closed: oneshot::Receiver<()>,
}

/// The data of the thread.
struct Acceptor<S> {
    app: Arc<Sealed<S>>,
    executor: Handle,
    observers: DrainObservers,
    to_executor: UnboundedSender<Accepted>,
    probes: Probes,
    places: Arc<Places>,
}

/// A connection on its way to the executor.
struct Accepted {
    stream: std::net::TcpStream,
    address: SocketAddr,
    version: HttpVersion,
    drain: DrainObserver,
    place: Place,
}

/// Takes connections over, on the executor. Their memory is allocated and freed on the same threads, which keeps the
/// allocator's arenas from growing. At most `max_connections` connections wait here.
async fn receive<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    mut connections: UnboundedReceiver<Accepted>,
) {
    while let Some(Accepted { stream, address, version, drain, place }) = connections.recv().await {
        match TcpStream::from_std(stream) {
            Ok(stream) => connection::spawn(&app, stream, address, version, drain, place),
            Err(error) => say::error(format_args!("a connection cannot be watched: {error}")),
        }
    }
}

/// Returns at the first signal, after arming the forced exit. The door then stops accepting, even if the executor is
/// blocked. Without a forced exit only the executor handles signals.
async fn watch_signals<S>(forced_exit: Option<ForcedExit>, app: Arc<Sealed<S>>)
where
    S: Send + Sync + 'static,
{
    let Some(forced_exit) = forced_exit else { return std::future::pending().await };
    let Ok(mut signals) = Signals::listen() else { return std::future::pending().await };
    signals.first().await;
    forced_exit.arm(app.settings.drain, signals, move || {
        cut_rest(&app);
        say_stopped(&app);
    });
}

/// How long to wait when the process has no file descriptors left: other connections have to close first.
const BACK_OFF: Duration = Duration::from_millis(50);

impl Door {
    /// Starts the thread, which hands connections to the current executor.
    ///
    /// # Errors
    /// When the thread or its reactor cannot be created.
    pub(crate) fn open<S: Send + Sync + 'static>(
        app: &Arc<Sealed<S>>,
        listener: std::net::TcpListener,
        drain: &Drain,
        forced_exit: Option<ForcedExit>,
    ) -> Result<Self> {
        let settings = &app.settings;
        let reactor = Builder::new_current_thread().enable_io().enable_time().build()?;
        let max_connections =
            settings.max_connections.unwrap_or_else(|| connections_for(app.shared.instance.memory_mib()));
        let (to_executor, connections) = unbounded_channel();
        let acceptor = Acceptor {
            app: Arc::clone(app),
            executor: Handle::current(),
            observers: drain.observers(),
            to_executor,
            probes: Probes::new(&settings.health_path, settings.head_root),
            places: Places::new(max_connections),
        };
        let (close, asked) = oneshot::channel();
        let (tell, closed) = oneshot::channel();
        let work = move || {
            let acceptor = Arc::new(acceptor);
            let app = Arc::clone(&acceptor.app);
            let open = pin!(async {
                let listener = match TcpListener::from_std(listener) {
                    Ok(listener) => listener,
                    Err(error) => return say::error(format_args!("the listener cannot be used: {error}")),
                };
                let mut unplaced = None;
                {
                    let mut accepting = pin!(acceptor.accept_all(&listener, &mut unplaced, asked));
                    #[cfg(feature = "websocket")]
                    let pulse = app.shared.pulse.clone();
                    #[cfg(feature = "websocket")]
                    let mut keeping = pin!(pulse.keep());
                    let mut signal = pin!(watch_signals(forced_exit, app));
                    poll_fn(|cx| {
                        if signal.as_mut().poll(cx).is_ready() {
                            return Poll::Ready(());
                        }
                        #[cfg(feature = "websocket")]
                        let _ = keeping.as_mut().poll(cx);
                        accepting.as_mut().poll(cx)
                    })
                    .await;
                }
                acceptor.accept_rest(listener, unplaced);
            });
            runtime::block_on(&reactor, open);
            // Connections that have sent nothing end with their tasks, before a drain waits for those tasks.
            drop(reactor);
            let _ = tell.send(());
        };
        let thread = std::thread::Builder::new().name("fc-door".to_owned()).stack_size(256 * 1024);
        thread.spawn(work).map_err(Error::internal)?;
        app.shared.tracker.spawn(Kind::Receiver, receive(Arc::clone(app), connections));
        Ok(Self { close, closed })
    }

    /// Stops accepting. Returns when the listener is closed.
    pub(crate) async fn close(self) {
        // The thread may have ended already, at a signal; then both channels are closed.
        let _ = self.close.send(());
        let _ = self.closed.await;
    }
}

impl<S: Send + Sync + 'static> Acceptor<S> {
    /// Keeps in `unplaced` an accepted connection that has no place yet: a stop may end this future meanwhile.
    async fn accept_all(
        self: &Arc<Self>,
        listener: &TcpListener,
        unplaced: &mut Option<(TcpStream, SocketAddr)>,
        mut asked: oneshot::Receiver<()>,
    ) {
        loop {
            let Some(accepted) = either(&mut asked, listener.accept()).await else { return };
            match accepted {
                Ok(connection) => {
                    *unplaced = Some(connection);
                    // While the connection waits for a place, others wait in the kernel's backlog.
                    let Some(place) = either(&mut asked, self.places.take()).await else { return };
                    let Some((stream, address)) = unplaced.take() else { continue };
                    // Send small replies without delay. An error means that the peer is already gone.
                    let _ = stream.set_nodelay(true);
                    let stream = Arc::new(stream);
                    place.wait_at_door(&stream);
                    // Created before its task begins, because the door may end in between.
                    let waiting =
                        Waiting { acceptor: Arc::clone(self), connection: Some((stream, address, place)) };
                    self.app.shared.tracker.spawn(Kind::Probing, waiting.answer_probes());
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    say::error(format_args!("cannot accept a connection: {error}; trying again"));
                    if either(&mut asked, tokio::time::sleep(BACK_OFF)).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// Hands over the accepted connections whose requests have come. The close of the listener would reset them, and
    /// still resets connections beyond `max_connections`.
    fn accept_rest(&self, listener: TcpListener, unplaced: Option<(TcpStream, SocketAddr)>) {
        let Ok(listener) = listener.into_std() else { return };
        let unplaced = unplaced.and_then(|(stream, address)| Some((stream.into_std().ok()?, address)));
        let mut connections = unplaced.into_iter().chain(std::iter::from_fn(|| listener.accept().ok()));
        while let Some(place) = self.places.try_take()
            && let Some((stream, address)) = connections.next()
        {
            let _ = stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true));
            self.hand_over_unread(stream, address, place);
        }
    }

    /// Peeks at the first bytes, which stay in the socket for hyper. `None` if the client left. A head of HTTP/1 that
    /// is incomplete `head_limit` after its first byte goes to the executor, which answers 408.
    async fn look(&self, stream: &TcpStream) -> io::Result<Option<Sniffed>> {
        let mut head = [0; PROBE_MAX];
        let mut slow_head = Timer::default();
        let mut before = 0;
        loop {
            let peeked = {
                let mut peek = pin!(stream.peek(&mut head));
                let limit = self.app.settings.head_limit;
                let bounded = poll_fn(|cx| match peek.as_mut().poll(cx) {
                    Poll::Pending if before > 0 => slow_head.poll(cx, limit).map(|()| None),
                    peeked => peeked.map(Some),
                });
                bounded.await
            };
            let Some(length) = peeked.transpose()? else {
                return Ok(Probes::sniff_late(&head[..before]).map(Sniffed::HttpVersion));
            };
            match self.probes.sniff(&head[..length]) {
                _ if length == 0 => return Ok(None),
                Sniffed::More => {}
                sniffed => return Ok(Some(sniffed)),
            }
            // No further byte, and the read side is closed: the head stays incomplete.
            if length == before && stream.ready(Interest::READABLE).await?.is_read_closed() {
                return Ok(None);
            }
            before = length;
            // `WouldBlock` clears the readiness, so that the next peek waits for more bytes.
            let _ = stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        }
    }

    fn hand_over(&self, stream: Arc<TcpStream>, address: SocketAddr, version: HttpVersion, place: Place) {
        if let Some(stream) = into_std(stream) {
            self.send_over(stream, address, version, place);
        }
    }

    /// Hands over a connection at a stop, if the client has sent something. Otherwise the connection closes.
    fn hand_over_unread(&self, stream: std::net::TcpStream, address: SocketAddr, place: Place) {
        let mut head = [0; PROBE_MAX];
        let Ok(length @ 1..) = stream.peek(&mut head) else { return };
        let version = match self.probes.sniff(&head[..length]) {
            Sniffed::HttpVersion(version) => version,
            // hyper answers probes too, and closes a connection whose head stays incomplete.
            Sniffed::Probe(_) | Sniffed::More => HttpVersion::Http1,
        };
        self.send_over(stream, address, version, place);
    }

    fn send_over(
        &self,
        stream: std::net::TcpStream,
        address: SocketAddr,
        version: HttpVersion,
        place: Place,
    ) {
        let drain = self.observers.observe();
        // An error means that the executor has ended.
        let _ = self.to_executor.send(Accepted { stream, address, version, drain, place });
    }

    /// The complete reply to a probe. Only callers inside the instance get details.
    fn answer(&self, peer: IpAddr, probe: ProbeHead) -> String {
        let app = &self.app;
        let limit = app.settings.heartbeat_limit;
        let alive = app.heartbeat.is_alive(limit, || {
            let app = Arc::clone(&self.app);
            let _executor = self.executor.enter();
            self.app.shared.tracker.spawn(Kind::Check, async move { app.heartbeat.answer() });
        });
        let (status, word) = if alive { ("200 OK", "ok") } else { ("503 Service Unavailable", "not alive") };
        let (kind, body) = if probe.inside && peer.is_loopback() {
            ("application/json", app.about.live(alive, limit))
        } else {
            ("text/plain; charset=utf-8", word.to_owned())
        };
        let connection = if probe.close { "connection: close\r\n" } else { "" };
        let length = body.len();
        let body = if probe.is_head { "" } else { &body };
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{connection}\r\n{body}"
        )
    }
}

/// The default of `max_connections`. An idle connection keeps some 12 KiB, so idle connections take a twentieth of the
/// memory.
fn connections_for(memory_mib: Option<u32>) -> usize {
    let fitting = memory_mib.map(|mib| (mib as usize).saturating_mul(CONNECTIONS_PER_MIB).max(1));
    fitting.map_or(MAX_CONNECTIONS_DEFAULT, |fitting| fitting.min(MAX_CONNECTIONS_DEFAULT))
}

/// A connection that waits for its next head. The end of the door drops it.
struct Waiting<S: Send + Sync + 'static> {
    acceptor: Arc<Acceptor<S>>,
    connection: Option<(Arc<TcpStream>, SocketAddr, Place)>,
}

impl<S: Send + Sync + 'static> Waiting<S> {
    /// Answers probes until the client sends anything else.
    async fn answer_probes(mut self) {
        // No time limit before the first byte, nor between probes.
        while let Ok(Some(sniffed)) = self.look().await {
            let Some((stream, address, place)) = self.connection.take() else { return };
            match sniffed {
                Sniffed::HttpVersion(version) => {
                    return self.acceptor.hand_over(stream, address, version, place);
                }
                Sniffed::Probe(probe) => {
                    let mut head = [0; PROBE_MAX];
                    let answer = self.acceptor.answer(address.ip(), probe);
                    let sent = async {
                        stream.try_read(&mut head[..probe.length])?;
                        send(&stream, answer.as_bytes()).await
                    };
                    let sent = tokio::time::timeout(self.acceptor.app.settings.head_limit, sent).await;
                    if probe.close || !matches!(sent, Ok(Ok(()))) {
                        return;
                    }
                }
                Sniffed::More => {}
            }
            self.connection = Some((stream, address, place));
        }
        // The client left, or was too slow.
        self.connection = None;
    }

    async fn look(&self) -> io::Result<Option<Sniffed>> {
        match &self.connection {
            Some((stream, ..)) => self.acceptor.look(stream).await,
            None => Ok(None),
        }
    }
}

/// Hands the connection over: a request that came right before the end of the door is answered by the executor.
impl<S: Send + Sync + 'static> Drop for Waiting<S> {
    fn drop(&mut self) {
        if let Some((stream, address, place)) = self.connection.take()
            && let Some(stream) = into_std(stream)
        {
            self.acceptor.hand_over_unread(stream, address, place);
        }
    }
}

/// `None` if the socket is closed. Only the door's own thread takes further references, and keeps none.
fn into_std(stream: Arc<TcpStream>) -> Option<std::net::TcpStream> {
    Arc::into_inner(stream)?.into_std().ok()
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

/// The output of `work`, or `None` once the door is to close or its handle was dropped.
async fn either<T>(asked: &mut oneshot::Receiver<()>, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut asked = pin!(asked);
    poll_fn(|cx| {
        if asked.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
