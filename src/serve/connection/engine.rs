//! An engine: hyper's HTTP/1 connection, with its buffers and what belongs to them. It drives the socket of a connection
//! as long as that connection is in use.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;

use crate::exchange::Peer;
use crate::platform::limits::REQUEST_FIELDS_MAX;
use crate::sealed::Sealed;
use crate::serve::connection::Service;
use crate::serve::connection::unread::{HEAD_MAX, Unread};
use crate::serve::io::{Io, Socket};
use crate::serve::link::Link;
use crate::serve::looks::Looks;
use crate::task::BoxFuture;
use crate::timer::Timer;

type Hyper<S> = http1::Connection<TokioIo<Io>, Service<S>>;

pub(super) struct Engine<S: Send + Sync + 'static> {
    hyper: Hyper<S>,
    pub(super) link: Arc<Link>,
    make: Make,
    /// Whether hyper was told to shut down.
    pub(super) asked: bool,
    pub(super) slow_head: Timer,
    /// Created when a request has to wait. Most connections only have replies that are ready at once.
    pub(super) departed: Option<BoxFuture<()>>,
}

/// What an engine is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    /// Any connection.
    Plain,
    /// The last request of a connection.
    Last,
    /// A head with up to [`REQUEST_FIELDS_MAX`] fields. hyper's own limit is 100.
    Roomy { last: bool },
}

impl<S: Send + Sync + 'static> Engine<S> {
    /// hyper reads `ahead` before the bytes of the socket, which [`couple`](Self::couple) brings. `unread` is answered
    /// with its refusal.
    pub(super) fn new(
        app: Arc<Sealed<S>>,
        looks: Arc<Looks>,
        make: Make,
        ahead: Bytes,
        unread: Option<Box<Unread>>,
    ) -> Box<Self> {
        let link = Arc::new(Link::new(looks));
        let service = Service { app, link: Arc::clone(&link), unread };
        let io = TokioIo::new(Io::linked(Arc::clone(&link), ahead));
        let hyper = make.builder().serve_connection(io, service);
        Box::new(Self { hyper, link, make, asked: false, slow_head: Timer::default(), departed: None })
    }

    pub(super) fn couple(&self, socket: Socket, task: &Waker) {
        self.link.couple(socket, task.clone());
    }

    /// Whether hyper accepts [`REQUEST_FIELDS_MAX`] fields.
    pub(super) fn has_room(&self) -> bool {
        matches!(self.make, Make::Roomy { .. })
    }

    /// Whether this engine, which has given its socket back, may get another one.
    pub(super) fn is_as_new(&self) -> bool {
        self.make == Make::Plain && !self.asked && self.link.is_as_new()
    }

    /// Has the socket given back in the next poll if the connection was asked to, unless a request begins in it.
    ///
    /// The peer is asked before hyper is polled. Without a request in progress then, hyper reads for a head and nothing
    /// else, whatever other threads do meanwhile.
    pub(super) fn prepare_to_give(&self, peer: &Peer) {
        if self.link.is_asked() {
            self.link.answer(peer.is_idle() && !self.asked);
        }
    }

    /// Forgets the connection that it has served, and gives its socket.
    pub(super) fn uncouple(&mut self) -> Option<Socket> {
        self.slow_head = Timer::default();
        self.departed = None;
        self.link.uncouple()
    }

    /// The socket, the bytes that hyper has read and not used, and the refusal if there was one.
    pub(super) fn into_parts(self) -> (Option<Socket>, Bytes, Option<Box<Unread>>) {
        let http1::Parts { io, read_buf, service, .. } = self.hyper.into_parts();
        let socket = io.into_inner().into_socket();
        self.link.uncouple();
        (socket, read_buf, service.unread)
    }

    /// hyper, and whether it was told to shut down.
    pub(super) fn hyper(&mut self) -> (Pin<&mut Hyper<S>>, &mut bool) {
        (Pin::new(&mut self.hyper), &mut self.asked)
    }
}

impl Make {
    pub(super) fn of(late: bool) -> Self {
        if late { Self::Last } else { Self::Plain }
    }

    /// hyper's settings for a connection.
    ///
    /// `writev(false)`: head and body go into one buffer and one plain write. A small reply then costs some 400
    /// instructions less than with a vectored write. hyper chooses once for a connection; streams and large bodies are
    /// sent without hyper.
    ///
    /// `half_close(true)`: otherwise hyper reads behind every request to look for the end of the input. That read needs a
    /// new buffer of 8 KiB while the request still holds the old buffer. `departure` sees a client leave in place of hyper.
    fn builder(self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD_MAX).writev(false).half_close(true);
        match self {
            Self::Plain => {}
            Self::Last => _ = builder.keep_alive(false),
            // hyper keeps its default number of fields on the stack. With more fields hyper allocates 64 KiB for each head.
            Self::Roomy { last } => _ = builder.max_headers(REQUEST_FIELDS_MAX).keep_alive(!last),
        }
        builder
    }
}
