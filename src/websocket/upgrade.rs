//! `Exchange::websocket`: from a request to a socket.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderName, HeaderValue, StatusCode};
use pin_project_lite::pin_project;
use tokio::time::sleep_until;

use crate::cancel::HangUpPolicy;
use crate::counters::LiveCounters;
use crate::error::{Error, Result};
use crate::exchange::attached::Attached;
use crate::exchange::upgrade::{OnEnd, PendingUpgrade, Upgraded};
use crate::exchange::{Call, Exchange, Shared};
use crate::platform::limits::{WEBSOCKET_MESSAGE_MAX, WEBSOCKET_PING_DEFAULT, WEBSOCKET_PONG_DEFAULT};
use crate::pulse::Pulse;
use crate::reply::{IntoReply, Outcome, Reply};
use crate::stop::Stops;
use crate::websocket::handshake;
use crate::websocket::mailbox::Mailbox;
use crate::websocket::ping_timer::PingTimer;
use crate::websocket::session::{Closure, Finish, Opening, Session};
use crate::websocket::socket::Socket;

/// The reply that upgrades a request to a WebSocket: see [`Exchange::websocket`].
///
/// If the request is not a valid handshake, the reply is an error with the reason: 400, 426, or 403 for an origin that
/// is not allowed.
#[must_use = "a reply does nothing unless the handler returns it"]
pub struct Upgrade {
    call: Arc<Call>,
    closure: Closure,
    stops: Stops,
    pulse: Pulse,
    /// The counter of handlers that run without their clients, and their maximum.
    finishing: (Arc<LiveCounters>, u64),
    deadline: Option<Instant>,
    /// The requested host. Its own pages may open sockets.
    host: Option<String>,
    protocols: Vec<Cow<'static, str>>,
    max_message: usize,
    ping_every: Duration,
    pong_within: Duration,
    any_origin: bool,
    at: &'static Location<'static>,
}

impl<S: Send + Sync + 'static> Exchange<S> {
    /// Upgrades this request to a WebSocket. The closure gets the socket after the handshake. When the closure ends,
    /// the socket is closed.
    ///
    /// ```
    /// use fc_runtime::App;
    ///
    /// let app = App::new().get("/echo", async |ex| {
    ///     ex.websocket(async |mut socket| {
    ///         while let Some(message) = socket.next().await {
    ///             socket.send(message?).await?;
    ///         }
    ///         Ok(())
    ///     })
    /// });
    /// # let _: App = app;
    /// ```
    ///
    /// Check the request before the upgrade, in the handler and its middleware (arounds), which can still reply with an
    /// error. A handler that does so returns `Ok(ex.websocket(..))`.
    ///
    /// **Origins.** Browsers open sockets to other origins without a preflight, and send cookies. So pages of other
    /// origins get a 403, unless the place's [`Cors`](crate::Cors) or [`Upgrade::with_any_origin`] allows them. Pages
    /// of this host are allowed, and so are clients that send no origin, which are not browsers.
    ///
    /// **The end.** When a client closes, or leaves without a close, [`Socket::next`] gives `None`. The closure then
    /// has 10 s to end, or unlimited time under [`HangUpPolicy::Finish`], within
    /// [`App::max_finishing`](crate::App::max_finishing). The socket is closed with 1001 before the platform stops or
    /// freezes the instance, when the process drains, and shortly before the function's time-out. Then too `next` gives
    /// `None`, and a drain waits for the closure until the drain's deadline.
    ///
    /// **The record.** A socket is one request, in flight until it ends. It is recorded with 101, or as 499 if the
    /// client left without a close. An error of the closure closes the socket with 1011 and the error's public message,
    /// and is logged. A panic closes with 1011 too.
    ///
    /// **A client that does not read.** [`Socket::send`] waits, with 16 KiB or one larger message queued. The client is
    /// pinged as after any silence. Without an answer it counts as gone after
    /// [`with_ping_every`](Upgrade::with_ping_every) and [`with_pong_within`](Upgrade::with_pong_within): 30 s by
    /// default. A client that keeps sending is never silent, although its messages are not read. A closure that must
    /// not wait for such a client puts a time limit around its `send`. The socket then holds the queue and one received
    /// message of up to 64 KiB. A larger message is not read before the closure waits for it. Large messages count
    /// towards [`App::client_memory`](crate::App::client_memory). A message without room closes the socket with 1013.
    ///
    /// Compression (`permessage-deflate`) is not negotiated. A WebSocket needs HTTP/1.1.
    #[track_caller]
    #[doc(alias = "WebSocketUpgrade")]
    #[doc(alias = "ws")]
    #[doc(alias = "on_upgrade")]
    pub fn websocket<F, Fut, R>(self, f: F) -> Upgrade
    where
        F: FnOnce(Socket<S>) -> Fut + Send + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: Outcome + 'static,
    {
        let host = self.host().map(str::to_owned);
        let (call, shared) = self.into_parts();
        let (stops, pulse) = (shared.stops.clone(), shared.pulse.clone());
        let deadline = shared.platform_deadline(&call);
        let finishing = (Arc::clone(&shared.counts), shared.max_finishing);
        let closure: Closure = Box::new(move |mailbox| {
            let work = f(Socket::new(mailbox, Arc::clone(&shared)));
            Box::pin(Working { work, shared })
        });
        Upgrade {
            call,
            closure,
            stops,
            pulse,
            finishing,
            deadline,
            host,
            protocols: Vec::new(),
            max_message: WEBSOCKET_MESSAGE_MAX,
            ping_every: WEBSOCKET_PING_DEFAULT,
            pong_within: WEBSOCKET_PONG_DEFAULT,
            any_origin: false,
            at: Location::caller(),
        }
    }
}

pin_project! {
    /// The closure's future, whose error is mapped. An `async` block would hold the future twice.
    struct Working<Fut, S> {
        #[pin]
        work: Fut,
        shared: Arc<Shared<S>>,
    }
}

impl<Fut: Future<Output: Outcome>, S> Future for Working<Fut, S> {
    type Output = Result;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        let this = self.project();
        let map = |error: Error| if error.is_mapped() { error } else { this.shared.map_error(error) };
        this.work.poll(cx).map(|outcome| outcome.into_result().map_err(map))
    }
}

impl Upgrade {
    /// The supported subprotocols, best first. The first that the client offers too is chosen. If none matches, the
    /// socket has no subprotocol, and most clients close it.
    pub fn with_protocols<P: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = P>) -> Self {
        self.protocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// The largest message, in bytes. A larger one closes the socket with 1009. Default: 6 MiB, which is the platform's
    /// limit.
    pub fn with_max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// How long a client may be silent before it is sent a ping. Default: 10 s, because a load balancer closes a
    /// connection that is idle for 15 s. Zero turns pings off.
    pub fn with_ping_every(mut self, silence: Duration) -> Self {
        self.ping_every = silence;
        self
    }

    /// How long a client may take to answer a ping, by sending or reading anything. After that it counts as gone.
    /// Default: 20 s.
    pub fn with_pong_within(mut self, limit: Duration) -> Self {
        self.pong_within = limit;
        self
    }

    /// Lets pages of every origin open sockets. For sockets without private data: any page in a user's browser may then
    /// open one.
    pub fn with_any_origin(mut self) -> Self {
        self.any_origin = true;
        self
    }

    fn check(&self) -> Result<http::HeaderMap> {
        let head = &self.call.head;
        let mut headers = handshake::answer(head)?;
        let cors = self.call.scope.as_ref().and_then(|scope| scope.cors.as_deref());
        if !self.any_origin && !handshake::is_allowed(head, self.host.as_deref(), cors) {
            let why = "pages of this origin may not open a WebSocket here";
            return Err(Error::of_ours(StatusCode::FORBIDDEN, why));
        }
        if self.call.peer.is_none() {
            let why =
                "a WebSocket needs a connection, and this request came through none: serve the app on a port";
            return Err(Error::of_ours(StatusCode::NOT_IMPLEMENTED, why));
        }
        if let Some(chosen) = handshake::protocol(head, &self.protocols)
            && let Ok(chosen) = HeaderValue::from_str(&self.protocols[chosen])
        {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, chosen);
        }
        Ok(headers)
    }

    /// Leaves the upgrade at the call, where the connection takes it.
    fn leave(self) {
        let Self { call, closure, stops, pulse, finishing, deadline, mut protocols, .. } = self;
        let chosen = handshake::protocol(&call.head, &protocols).map(|chosen| protocols.swap_remove(chosen));
        let lean = Arc::new(call.outermost().lean());
        let policy = call.scope.as_ref().map_or(HangUpPolicy::Cancel, |scope| scope.hang_up_policy);
        let finish = match policy {
            HangUpPolicy::Cancel => Finish::No,
            HangUpPolicy::Finish => Finish::Bounded(finishing.0, finishing.1),
        };
        let mailbox = Arc::new(Mailbox::new(Arc::clone(&lean), chosen));
        let ping_timer = PingTimer::new(self.ping_every, self.pong_within, pulse);
        let max_message = self.max_message;
        let stop = stops.listen();
        let run = Box::new(move |upgraded: Upgraded, on_end: OnEnd| {
            let deadline = deadline.map(|at| Box::pin(sleep_until(at.into())));
            let opening = Opening { mailbox, closure, stop, deadline, ping_timer, max_message, finish };
            Box::pin(Session::new(upgraded, opening, on_end)) as _
        });
        call.outermost().attached.set(Attached::Upgrade(PendingUpgrade { call: lean, run }));
    }
}

impl IntoReply for Upgrade {
    fn into_reply(self) -> Reply {
        // A name that is not a token cannot stand in a header.
        let mut names = self.protocols.iter();
        if let Some(wrong) = names.find(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
            return Reply::mistake(format!("a subprotocol cannot have the name {wrong:?}"), Some(self.at));
        }
        match self.check() {
            Ok(headers) => {
                self.leave();
                let mut reply = Reply::empty(StatusCode::SWITCHING_PROTOCOLS);
                reply.headers_mut().extend(headers);
                reply
            }
            Err(error) => Reply::from_error(error),
        }
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("request_id", &self.call.id)
            .field("protocols", &self.protocols)
            .finish_non_exhaustive()
    }
}
