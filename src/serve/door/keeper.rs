//! The thread of the door.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::log::say;
use crate::sealed::Sealed;
use crate::serve::door::handle::{Accepted, Dropped, Message};
use crate::serve::door::handover::Sender;
use crate::serve::door::waiting::{Answers, Next, Waiting, Watched};
use crate::serve::drain::{DrainObservers, cut_rest, say_stopped};
use crate::serve::forced_exit::ForcedExit;
use crate::serve::looks::{LOOK_EVERY, Looks};
use crate::serve::places::{Place, Places, SEARCH_EVERY};
use crate::serve::signal::Signals;
use crate::serve::sniff::{HttpVersion, PROBE_MAX, ProbeHead, Probes, Sniffed};
use crate::task::Kind;

/// What the thread needs to accept, to answer and to hand over.
pub(super) struct Keeper<S> {
    pub(super) app: Arc<Sealed<S>>,
    pub(super) executor: Handle,
    pub(super) observers: DrainObservers,
    pub(super) to_executor: Sender<Message>,
    pub(super) looks: Arc<Looks>,
    pub(super) probes: Probes,
    pub(super) places: Arc<Places>,
    pub(super) forced_exit: Option<ForcedExit>,
    pub(super) dropped: Arc<Dropped>,
}

/// What the thread waits for.
pub(super) struct Sources {
    poll: Poll,
    /// Made here, since what the thread allocates by itself is in memory of its own, a page of which has room for little.
    events: Events,
    listener: TcpListener,
    signals: Signals,
}

const WAKER: Token = Token(0);
const LISTENER: Token = Token(1);
const SIGNAL: Token = Token(2);
/// Tokens from here on are connections.
const FIRST: usize = 3;

/// How many events are taken from the system at a time.
const EVENTS: usize = 64;

/// How many connections are accepted before others have their turn.
const ACCEPTS: usize = 64;

/// How long to wait when the process has no file descriptors left: other connections have to close first.
const BACK_OFF: Duration = Duration::from_millis(50);

impl Sources {
    pub(super) fn new(listener: std::net::TcpListener, signals: Signals) -> io::Result<(Self, mio::Waker)> {
        let poll = Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), WAKER)?;
        let listener = TcpListener::from_std(listener);
        let watch = |fd, token| poll.registry().register(&mut SourceFd(&fd), token, Interest::READABLE);
        watch(listener.as_raw_fd(), LISTENER)?;
        for socket in signals.sockets() {
            watch(socket, SIGNAL)?;
        }
        Ok((Self { poll, events: Events::with_capacity(EVENTS), listener, signals }, waker))
    }
}

/// What changes while the thread runs.
struct Turns {
    poll: Poll,
    listener: TcpListener,
    waiting: Vec<Option<Waiting>>,
    free: Vec<usize>,
    /// Connections that have more to say.
    again: Vec<usize>,
    /// Whether the listener may have connections.
    has_more: bool,
    /// When to accept again, after an error.
    paused: Option<Instant>,
    /// An accepted connection that has no place yet, and when one is searched for it next. Others wait in the kernel's
    /// backlog.
    unplaced: Option<(TcpStream, SocketAddr, Instant)>,
    /// The earliest end of a limit, or before it.
    earliest: Option<Instant>,
    /// When the executor is to look at the connections' engines next, if that is wanted.
    look: Option<Instant>,
    /// When the next alarm of a socket rings.
    alarm: Option<Instant>,
}

impl<S: Send + Sync + 'static> Keeper<S> {
    /// Until the executor or a signal ends it. Then connections whose requests have come are handed over, and the rest is
    /// closed.
    pub(super) fn run(self, sources: Sources, tell: oneshot::Sender<(&'static str, Signals)>) {
        let Sources { poll, mut events, listener, signals } = sources;
        let mut turns = Turns {
            poll,
            listener,
            // For one: most starts have a client, and room for four is as much as all else that the thread allocates.
            waiting: Vec::with_capacity(1),
            free: Vec::new(),
            again: Vec::new(),
            has_more: false,
            paused: None,
            unplaced: None,
            earliest: None,
            look: None,
            alarm: None,
        };
        #[cfg(feature = "websocket")]
        let alarms = self.app.shared.pulse.keep({
            let waker = self.waker();
            move || waker.wake_by_ref()
        });
        let mut signal = None;
        while signal.is_none() && !self.dropped.is_so() {
            if let Err(error) = turns.poll.poll(&mut events, turns.wait())
                && error.kind() != ErrorKind::Interrupted
            {
                say::error(format_args!("the door cannot wait for connections: {error}; trying again"));
                std::thread::park_timeout(BACK_OFF);
                continue;
            }
            for event in &events {
                match event.token() {
                    WAKER => {}
                    LISTENER => turns.has_more = true,
                    SIGNAL => signal = signal.or_else(|| signals.take()),
                    Token(token) => {
                        let is_closed = event.is_read_closed() || event.is_error();
                        self.look(&mut turns, token - FIRST, |waiting| waiting.turn(&self, is_closed));
                    }
                }
            }
            for at in std::mem::take(&mut turns.again) {
                self.look(&mut turns, at, |waiting| waiting.turn(&self, false));
            }
            self.accept(&mut turns);
            self.expire(&mut turns);
            self.keep_looks(&mut turns);
            #[cfg(feature = "websocket")]
            {
                turns.alarm = alarms.ring();
            }
        }
        #[cfg(feature = "websocket")]
        drop(alarms);
        if let Some(signal) = signal {
            if let Some(forced_exit) = &self.forced_exit {
                let app = Arc::clone(&self.app);
                forced_exit.arm(app.settings.drain, move || {
                    cut_rest(&app);
                    say_stopped(&app);
                });
            }
            // An error means that the executor waits for signals no longer.
            let _ = tell.send((signal, signals));
        }
        self.accept_rest(turns);
    }

    /// Wakes this thread.
    fn waker(&self) -> Waker {
        Arc::clone(&self.dropped).into()
    }

    /// Gives a connection its turn, and does what follows.
    fn look(&self, turns: &mut Turns, at: usize, turn: impl FnOnce(&mut Waiting) -> Next) {
        // An event may be of a connection that has gone meanwhile, or of the one that has its number now: a turn too many.
        let Some(waiting) = turns.waiting.get_mut(at).and_then(Option::as_mut) else { return };
        match turn(waiting) {
            Next::Wait => {
                if turns.watch(at) {
                    return;
                }
            }
            Next::Again => {
                turns.again.push(at);
                return;
            }
            Next::HandOver(version) => {
                if let Some((stream, address, place)) = turns.take(at) {
                    self.send_over(stream, address, version, place);
                }
                return;
            }
            Next::Gone => {}
        }
        drop(turns.take(at));
    }

    fn accept(&self, turns: &mut Turns) {
        if turns.paused.is_some_and(|until| Instant::now() < until) {
            return;
        }
        turns.paused = None;
        for _ in 0..ACCEPTS {
            if let Some((_, _, search)) = &mut turns.unplaced {
                let now = Instant::now();
                if now >= *search {
                    self.places.free_one(now);
                    *search = now + SEARCH_EVERY;
                }
            } else if turns.has_more {
                match turns.listener.accept() {
                    Ok((stream, address)) => {
                        turns.unplaced = Some((stream.into(), address, Instant::now()));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => turns.has_more = false,
                    Err(error) if concerns_one_connection(&error) => continue,
                    Err(error) => {
                        say::error(format_args!("cannot accept a connection: {error}; trying again"));
                        turns.paused = Instant::now().checked_add(BACK_OFF);
                        return;
                    }
                }
            }
            if turns.unplaced.is_none() {
                return;
            }
            let Some(place) = self.places.take_or_wait(|| self.waker()) else {
                // Searched for at once, by the next round.
                if turns.unplaced.as_ref().is_some_and(|(.., search)| Instant::now() >= *search) {
                    continue;
                }
                return;
            };
            let Some((stream, address, _)) = turns.unplaced.take() else { return };
            let at = self.admit(turns, stream, address, place);
            self.look(turns, at, |waiting| waiting.turn(self, false));
        }
    }

    fn admit(&self, turns: &mut Turns, stream: TcpStream, address: SocketAddr, place: Place) -> usize {
        // Send small replies without delay. An error means that the peer is already gone.
        let _ = stream.set_nodelay(true);
        let stream = Arc::new(stream);
        place.wait_at_door(&stream);
        let waiting = Waiting::new(stream, address, place, self.app.shared.tracker.ticket(Kind::Probing));
        let at = turns.free.pop().unwrap_or(turns.waiting.len());
        if at == turns.waiting.len() {
            turns.waiting.push(Some(waiting));
        } else {
            turns.waiting[at] = Some(waiting);
        }
        at
    }

    /// Ends what has waited too long. Looks at all connections, which there is cause for at most as often as limits end.
    fn expire(&self, turns: &mut Turns) {
        let now = Instant::now();
        if turns.earliest.is_none_or(|earliest| now < earliest) {
            return;
        }
        turns.earliest = None;
        for at in 0..turns.waiting.len() {
            self.look(turns, at, |waiting| waiting.expire(self, now));
        }
    }

    /// Tells the executor when to look at the connections' engines.
    fn keep_looks(&self, turns: &mut Turns) {
        if !self.looks.are_wanted() {
            turns.look = None;
            return;
        }
        let now = Instant::now();
        match turns.look {
            None => turns.look = now.checked_add(LOOK_EVERY),
            Some(look) if look <= now => {
                turns.look = None;
                // An executor that is blocked gets one message, and no more until it has looked and wants another.
                self.looks.begin_one();
                self.to_executor.send(Message::Look);
            }
            Some(_) => {}
        }
    }

    /// Hands over the connections whose requests have come. The close of the listener would reset those that are not
    /// accepted yet, and still resets connections beyond `max_connections`.
    fn accept_rest(self, mut turns: Turns) {
        for at in 0..turns.waiting.len() {
            // Behind the part of a reply nothing else may follow.
            let is_sending =
                turns.waiting[at].as_ref().is_some_and(|waiting| waiting.wanted() == Watched::Both);
            if let Some((stream, address, place)) = turns.take(at)
                && !is_sending
            {
                self.hand_over_unread(stream, address, place);
            }
        }
        let unplaced = turns.unplaced.take().map(|(stream, address, _)| (stream, address));
        let accepted = || turns.listener.accept().ok().map(|(stream, address)| (stream.into(), address));
        let mut connections = unplaced.into_iter().chain(std::iter::from_fn(accepted));
        while let Some(place) = self.places.try_take()
            && let Some((stream, address)) = connections.next()
        {
            let _ = stream.set_nodelay(true);
            self.hand_over_unread(stream, address, place);
        }
    }

    /// Hands over a connection at a stop, if the client has sent something. Otherwise the connection closes.
    fn hand_over_unread(&self, stream: TcpStream, address: SocketAddr, place: Place) {
        let mut head = [0; PROBE_MAX];
        let Ok(length @ 1..) = stream.peek(&mut head) else { return };
        let version = match self.probes.sniff(&head[..length]) {
            Sniffed::HttpVersion(version) => version,
            // hyper answers probes too, and closes a connection whose head stays incomplete.
            Sniffed::Probe(_) | Sniffed::More => HttpVersion::Http1,
        };
        self.send_over(stream, address, version, place);
    }

    fn send_over(&self, stream: TcpStream, address: SocketAddr, version: HttpVersion, place: Place) {
        let drain = self.observers.observe();
        self.to_executor.send(Message::Accepted(Accepted { stream, address, version, drain, place }));
    }
}

impl<S: Send + Sync + 'static> Answers for Keeper<S> {
    fn probes(&self) -> &Probes {
        &self.probes
    }

    fn head_limit(&self) -> Duration {
        self.app.settings.head_limit
    }

    /// The complete reply to a probe. Only callers inside the instance get details.
    fn answer(&self, address: SocketAddr, probe: ProbeHead) -> String {
        let app = &self.app;
        let limit = app.settings.heartbeat_limit;
        let alive = app.heartbeat.is_alive(limit, || {
            let app = Arc::clone(&self.app);
            let _executor = self.executor.enter();
            self.app.shared.tracker.spawn(Kind::Check, async move { app.heartbeat.answer() });
        });
        let (status, word) = if alive { ("200 OK", "ok") } else { ("503 Service Unavailable", "not alive") };
        let (kind, body) = if probe.inside && address.ip().is_loopback() {
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

impl Turns {
    /// How long to wait for events.
    fn wait(&self) -> Option<Duration> {
        let search = self.unplaced.as_ref().map(|(.., search)| *search);
        if !self.again.is_empty() || self.has_more && self.paused.is_none() && search.is_none() {
            return Some(Duration::ZERO);
        }
        let next = [self.paused, search, self.earliest, self.look, self.alarm].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// Watches a connection for what it waits for, and for the end of its limit. False if it cannot be watched.
    fn watch(&mut self, at: usize) -> bool {
        let Some(waiting) = self.waiting.get_mut(at).and_then(Option::as_mut) else { return false };
        if let Some(end) = waiting.end() {
            self.earliest = Some(self.earliest.map_or(end, |earliest| earliest.min(end)));
        }
        let wanted = waiting.wanted();
        if waiting.watched == wanted {
            return true;
        }
        let fd = waiting.stream.as_raw_fd();
        let (mut source, token) = (SourceFd(&fd), Token(at + FIRST));
        let interest = match wanted {
            Watched::Both => Interest::READABLE | Interest::WRITABLE,
            Watched::Read | Watched::No => Interest::READABLE,
        };
        let registry = self.poll.registry();
        let watched = match waiting.watched {
            Watched::No => registry.register(&mut source, token, interest),
            Watched::Read | Watched::Both => registry.reregister(&mut source, token, interest),
        };
        waiting.watched = wanted;
        match watched {
            Ok(()) => true,
            Err(error) => {
                say::error(format_args!("a connection cannot be watched: {error}"));
                false
            }
        }
    }

    /// Takes a connection out. `None` if there is none.
    fn take(&mut self, at: usize) -> Option<(TcpStream, SocketAddr, Place)> {
        let Waiting { stream, address, place, watched, .. } = self.waiting.get_mut(at)?.take()?;
        self.free.push(at);
        if watched != Watched::No {
            // The socket lives on with the executor.
            let _ = self.poll.registry().deregister(&mut SourceFd(&stream.as_raw_fd()));
        }
        // Nobody else keeps a reference to it.
        Some((Arc::into_inner(stream)?, address, place))
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
