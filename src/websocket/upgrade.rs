//! From a request to a socket.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::time::sleep_until;

use crate::cancel::HangUpPolicy;
use crate::error::{Error, Result};
use crate::exchange::attached::Attached;
use crate::exchange::upgrade::{PendingUpgrade, Upgraded};
use crate::exchange::{Call, Exchange};
use crate::platform::limits::{WEBSOCKET_MESSAGE_MAX, WEBSOCKET_PING_DEFAULT, WEBSOCKET_PONG_DEFAULT};
use crate::reply::{IntoReply, Outcome, Reply};
use crate::stop::Stops;
use crate::websocket::handshake;
use crate::websocket::mailbox::Mailbox;
use crate::websocket::ping_timer::PingTimer;
use crate::websocket::session::{Closure, Opening, Session};
use crate::websocket::socket::Socket;

/// The reply that makes a socket of a request: see [`Exchange::websocket`].
///
/// Unless the request is a good handshake it is an error that says why not: 400, 403 for an origin that is not
/// allowed, 426.
///
/// ```
/// use fc_runtime::{App, KIB};
/// use std::time::Duration;
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/chat", async |ex| {
///         ex.websocket(async |mut socket| socket.close(1000, "bye"))
///             .with_protocols(["chat.v2", "chat.v1"])
///             .with_max_message(64 * KIB)
///             .with_ping_every(Duration::from_secs(5))
///     })
///     .test_client();
/// client.get("/chat").await.assert_status(426);
/// # });
/// ```
#[must_use = "a reply does nothing unless the handler returns it"]
pub struct Upgrade {
    call: Arc<Call>,
    closure: Closure,
    stops: Stops,
    deadline: Option<Instant>,
    /// The host that pages of our own come from.
    host: Option<String>,
    protocols: Vec<Cow<'static, str>>,
    max_message: usize,
    ping_every: Duration,
    pong_within: Duration,
    any_origin: bool,
    at: &'static Location<'static>,
}

impl<S: Send + Sync + 'static> Exchange<S> {
    /// Makes a WebSocket of this request. The closure gets the socket once the handshake has been answered; when it ends,
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
    /// Whatever has to be checked is checked before, in the handler and its arounds, which answer as to any other request.
    /// A handler that checks something returns `Ok(ex.websocket(..))`.
    ///
    /// **Origins.** A browser opens sockets to other origins without asking, cookies included. So pages of other
    /// origins get a 403, unless the place's [`Cors`](crate::Cors) allows them or [`Upgrade::with_any_origin`] does. Pages of this
    /// host may, and so may clients that are no browsers and name no origin.
    ///
    /// **The end.** A client that closes, or leaves without a word, makes [`Socket::next`] give `None`; the closure has
    /// 10 s to end then, or for ever under [`HangUpPolicy::Finish`](crate::HangUpPolicy::Finish). Before the platform stops or
    /// freezes the instance, when the process drains, and shortly before the function's time is up, the socket is closed
    /// with 1001, and `next` gives `None` as well; a drain waits for the closure under its deadline.
    ///
    /// **The record.** A socket is one request, in flight for as long as it lasts, and recorded at its end: with 101, or as a
    /// 499 if the client left without a close. An error of the closure's closes with 1011 and its public message, and
    /// is logged; a panic closes with 1011 too.
    ///
    /// Compression (`permessage-deflate`) is not negotiated. Over HTTP/2 there are no sockets.
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
        let (stops, deadline) = (shared.stops.clone(), shared.platform_deadline(&call));
        let closure: Closure = Box::new(move |mailbox| {
            let work = f(Socket::new(mailbox, Arc::clone(&shared)));
            Box::pin(async move {
                let map = |error: Error| if error.is_mapped() { error } else { shared.map_error(error) };
                work.await.into_result().map_err(map)
            })
        });
        Upgrade {
            call,
            closure,
            stops,
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

impl Upgrade {
    /// The subprotocols that are spoken here, the best first. The first that the client offers too is chosen; without
    /// one the socket has none, and most clients close it.
    pub fn with_protocols<P: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = P>) -> Self {
        self.protocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// The largest message, in bytes; a larger one closes with 1009. Default 6 MiB, the platform's own limit.
    pub fn with_max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// How long a client may be silent before it is pinged. Default 10 s, because a load balancer closes a connection that is
    /// idle for 15 s. Zero turns pings off.
    pub fn with_ping_every(mut self, silence: Duration) -> Self {
        self.ping_every = silence;
        self
    }

    /// How long a client may take to answer a ping; any message counts as an answer. After that the client counts as gone.
    /// Default 20 s.
    pub fn with_pong_within(mut self, limit: Duration) -> Self {
        self.pong_within = limit;
        self
    }

    /// Accepts pages of every origin. Only for sockets that need no login: a browser sends the user's cookies whichever page
    /// opens the socket.
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

    /// The socket to come, left where the connection finds it.
    fn leave(self) {
        let Self { call, closure, stops, deadline, mut protocols, .. } = self;
        let chosen = handshake::protocol(&call.head, &protocols).map(|chosen| protocols.swap_remove(chosen));
        let lean = Arc::new(call.lean());
        let may_finish =
            call.scope.as_ref().is_some_and(|scope| scope.hang_up_policy == HangUpPolicy::Finish);
        let mailbox = Arc::new(Mailbox::new(Arc::clone(&lean), chosen));
        let (max_message, ping_timer) = (self.max_message, PingTimer::new(self.ping_every, self.pong_within));
        let stop = stops.listen();
        let run = Box::new(move |upgraded: Upgraded| {
            let deadline = deadline.map(|at| Box::pin(sleep_until(at.into())));
            let opening = Opening { mailbox, closure, stop, deadline, ping_timer, max_message, may_finish };
            Box::pin(Session::new(upgraded, opening)) as _
        });
        call.attached.set(Attached::Upgrade(PendingUpgrade { call: lean, run }));
    }
}

impl IntoReply for Upgrade {
    fn into_reply(self) -> Reply {
        // A name that is no token never reaches the wire.
        let mut names = self.protocols.iter();
        if let Some(wrong) = names.find(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
            return Reply::mistake(format!("a subprotocol cannot have the name {wrong:?}"), self.at);
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
