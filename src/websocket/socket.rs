//! The socket that the author's closure gets, and its two halves.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde::Serialize;

use crate::error::{Error, Result, StatusError};
use crate::exchange::{HangUp, Readable, Shared};
use crate::websocket::mailbox::Mailbox;
use crate::websocket::message::{Close, Message};

/// An open WebSocket, the argument of the closure of [`Exchange::websocket`](crate::Exchange::websocket).
///
/// The socket is closed when the closure ends: with 1000 after `Ok`, with 1011 after an error or a panic.
///
/// ```
/// use fc_runtime::App;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize, Serialize)]
/// struct Line { text: String }
///
/// let app = App::with_state("the shop").get("/chat", async |ex| ex.websocket(async |mut socket| {
///     while let Some(line) = socket.next_json::<Line>().await {
///         let text = format!("{} heard {:?}", socket.state(), line?.text);
///         socket.send_json(&Line { text }).await?;
///     }
///     Ok(())
/// }));
/// # let _ = app;
/// ```
pub struct Socket<S = ()> {
    sender: SocketSender,
    receiver: SocketReceiver,
    shared: Arc<Shared<S>>,
}

/// The half that sends; see [`Socket::split`].
pub struct SocketSender {
    mailbox: Arc<Mailbox>,
}

/// The half that receives; see [`Socket::split`].
pub struct SocketReceiver {
    mailbox: Arc<Mailbox>,
}

impl<S> Socket<S> {
    pub(super) fn new(mailbox: Arc<Mailbox>, shared: Arc<Shared<S>>) -> Self {
        let sender = SocketSender { mailbox: Arc::clone(&mailbox) };
        Self { sender, receiver: SocketReceiver { mailbox }, shared }
    }

    /// The next message. `None` when the socket is closed or the client has left: see [`closed`](Self::closed).
    ///
    /// Until the closure takes a message, one message is buffered here and the next ones stay with the client: that is
    /// the backpressure.
    ///
    /// # Errors
    /// Once, when the client breaks the protocol (closed with 1002), or sends text that is not UTF-8 (1007) or a message
    /// that is too large (1009). Also once for a message without room in
    /// [`App::client_memory`](crate::App::client_memory) (1013). If the closure returns the error, nothing is logged,
    /// because the function is not at fault.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Message, StatusError>> {
        self.receiver.next().await
    }

    /// The next message, read as JSON.
    ///
    /// # Errors
    /// As [`next`](Self::next) and [`Message::to_json`]. The socket stays open after JSON that does not fit.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_json<T: Readable>(&mut self) -> Option<Result<T, StatusError>> {
        self.receiver.next_json().await
    }

    /// Sends a message: text, bytes, or a [`Message`].
    ///
    /// Resolves when the message is queued. Messages that are sent without a wait in between leave in one write, at the
    /// latest when the closure waits. With 16 KiB queued, `send` waits for the client to read.
    ///
    /// # Errors
    /// When the socket is closed.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is ready, the message is not sent.
    pub fn send(&mut self, message: impl Into<Message>) -> Sending<'_> {
        self.sender.send(message)
    }

    /// Sends a value as JSON, in a text message. Otherwise as [`send`](Self::send).
    ///
    /// # Errors
    /// When the value cannot be written as JSON, or the socket is closed.
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub fn send_json(&mut self, value: &impl Serialize) -> Sending<'_> {
        self.sender.send_json(value)
    }

    /// Closes with this code and reason; see [`SocketSender::close`].
    pub fn close(&mut self, code: u16, reason: &str) {
        self.sender.close(code, reason);
    }

    /// How the socket was closed; `None` while it is open.
    pub fn closed(&self) -> Option<Close> {
        self.receiver.closed()
    }

    /// The subprotocol that the handshake chose.
    pub fn protocol(&self) -> Option<&str> {
        self.sender.mailbox.protocol.as_deref()
    }

    /// Resolves when the client has left, with a close or without one. Clones of the future, and tasks, may keep it.
    pub fn hang_up(&self) -> HangUp {
        HangUp::new(Arc::clone(&self.sender.mailbox.call))
    }

    /// The id of the request that opened this socket.
    pub fn request_id(&self) -> &str {
        self.sender.mailbox.call.id.as_str()
    }

    /// The app's state.
    pub fn state(&self) -> &S {
        &self.shared.state
    }

    /// The app's state, as an `Arc` for tasks.
    pub fn state_arc(&self) -> Arc<S> {
        Arc::clone(&self.shared.state)
    }

    /// Two halves, for `tokio::join!` or for tasks that the closure waits for. The socket is closed when the closure
    /// ends.
    ///
    /// ```
    /// use fc_runtime::App;
    /// use std::time::Duration;
    ///
    /// let app = App::new().get("/ticks", async |ex| ex.websocket(async |socket| {
    ///     let (mut sender, mut receiver) = socket.split();
    ///     let ticks = async {
    ///         while sender.send("tick").await.is_ok() { tokio::time::sleep(Duration::from_secs(1)).await; }
    ///     };
    ///     // Ends when the client has closed or left; then `send` fails, and the ticks end too.
    ///     let read = async { while let Some(Ok(_)) = receiver.next().await {} };
    ///     tokio::join!(ticks, read);
    /// }));
    /// # let _: App = app;
    /// ```
    pub fn split(self) -> (SocketSender, SocketReceiver) {
        (self.sender, self.receiver)
    }
}

impl SocketSender {
    /// As [`Socket::send`].
    ///
    /// # Errors
    /// When the socket is closed.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is ready, the message is not sent.
    pub fn send(&mut self, message: impl Into<Message>) -> Sending<'_> {
        Sending { mailbox: &self.mailbox, message: Ok(Some(message.into())), is_waiting: false }
    }

    /// As [`Socket::send_json`].
    ///
    /// # Errors
    /// When the value cannot be written as JSON, or the socket is closed.
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub fn send_json(&mut self, value: &impl Serialize) -> Sending<'_> {
        Sending { mailbox: &self.mailbox, message: Message::json(value).map(Some), is_waiting: false }
    }

    /// Closes with this code and reason, after the messages that were sent before. The receiver still gives messages
    /// until the client has answered, for at most 5 s. Closing a closed socket does nothing.
    ///
    /// Codes that an endpoint may not send, such as 1005 and 1006, become 1011. Reasons are cut at 123 bytes.
    pub fn close(&mut self, code: u16, reason: &str) {
        let code = if Close::is_for_endpoints(code) { code } else { 1011 };
        self.mailbox.close(Close::new(code, reason));
    }
}

impl SocketReceiver {
    /// As [`Socket::next`].
    ///
    /// # Errors
    /// As [`Socket::next`].
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Message, StatusError>> {
        std::future::poll_fn(|cx| self.mailbox.poll_next(cx))
            .await
            .map(|message| message.map_err(Error::into_std))
    }

    /// As [`Socket::next_json`].
    ///
    /// # Errors
    /// As [`Socket::next_json`].
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_json<T: Readable>(&mut self) -> Option<Result<T, StatusError>> {
        let message = self.next().await?;
        Some(message.and_then(|message| message.to_json()))
    }

    /// As [`Socket::closed`].
    pub fn closed(&self) -> Option<Close> {
        self.mailbox.open().close.clone()
    }
}

/// The future of [`Socket::send`]: a message on its way into the queue.
/// [`Exchange::websocket`](crate::Exchange::websocket) awaits one.
#[must_use = "a message is not sent unless this is awaited"]
pub struct Sending<'a> {
    mailbox: &'a Mailbox,
    message: Result<Option<Message>, StatusError>,
    is_waiting: bool,
}

impl Future for Sending<'_> {
    type Output = Result<(), StatusError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Ok(message) = &mut this.message {
            let sent = this.mailbox.poll_send(cx, message);
            this.is_waiting = sent.is_pending();
            return sent.map_err(Error::into_std);
        }
        Poll::Ready(std::mem::replace(&mut this.message, Ok(None)).map(drop))
    }
}

impl Drop for Sending<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.is_waiting {
            self.mailbox.forgo();
        }
    }
}

impl<S> Stream for Socket<S> {
    type Item = Result<Message, StatusError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.mailbox.poll_next(cx).map_err(Error::into_std)
    }
}

impl Stream for SocketReceiver {
    type Item = Result<Message, StatusError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.mailbox.poll_next(cx).map_err(Error::into_std)
    }
}

impl<S> fmt::Debug for Socket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("request_id", &self.request_id())
            .field("closed", &self.closed())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SocketSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketSender").field("request_id", &self.mailbox.call.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for SocketReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketReceiver").field("closed", &self.closed()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Sending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("message", &self.message).finish_non_exhaustive()
    }
}
