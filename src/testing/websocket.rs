//! WebSockets of the in-memory client.

use std::fmt;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream as _;
use http::StatusCode;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error as Broken, Message as Frame};

use crate::exchange::Peer;
use crate::exchange::attached::NextProtocol;
use crate::exchange::upgrade::{Departed, Upgraded, UpgradedIo};
use crate::platform::limits::KIB;
use crate::task::Kind;
use crate::testing::{TestReply, TestRequest};
use crate::websocket::{Close, Message};

/// A WebSocket of the in-memory client. A drop without [`close`](Self::close) acts like a client that vanishes.
///
/// ```
/// use fc_runtime::App;
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/echo", async |ex| {
///         ex.websocket(async |mut socket| {
///             while let Some(message) = socket.next().await { socket.send(message?).await?; }
///             Ok(())
///         })
///         .with_protocols(["echo"])
///     })
///     .test_client();
/// let mut socket = client.get("/echo").header("sec-websocket-protocol", "echo").websocket().await.unwrap();
/// assert_eq!(socket.protocol(), Some("echo"));
/// socket.send("tea").await;
/// assert_eq!(socket.next().await.unwrap().as_text(), Some("tea"));
/// assert_eq!(socket.close().await.unwrap().code, 1000);
/// # });
/// ```
#[doc(alias = "ws")]
pub struct TestSocket {
    stream: WebSocketStream<DuplexStream>,
    protocol: Option<String>,
    closed: Option<Close>,
    /// Its drop tells the function that the client has gone.
    _present: oneshot::Sender<()>,
}

/// What lies between both ends, in bytes.
const BETWEEN: usize = 64 * KIB;

impl UpgradedIo for DuplexStream {}

impl<S: Send + Sync + 'static> TestRequest<'_, S> {
    /// Opens a WebSocket.
    ///
    /// # Errors
    /// The reply, if the function does not upgrade the request.
    ///
    /// # Panics
    /// When the target is not a valid request target.
    pub async fn websocket(self) -> Result<TestSocket, Box<TestReply>> {
        let app = Arc::clone(self.client.sealed().await);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let peer = Arc::new(Peer::new(address, false, app.shared.budget.clone()));
        let request = self
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let response = request.send(Some(Arc::clone(&peer))).await;
        let protocol = response.headers().get("sec-websocket-protocol");
        let protocol = protocol.and_then(|protocol| protocol.to_str().ok()).map(str::to_owned);
        let upgrade = peer.next.take().filter(|_| response.status() == StatusCode::SWITCHING_PROTOCOLS);
        let Some(NextProtocol::Upgrade(on_upgrade)) = upgrade else {
            return Err(Box::new(TestReply::of(super::Streaming::new(response)).await));
        };
        let (ours, theirs) = duplex(BETWEEN);
        let (present, gone) = oneshot::channel::<()>();
        let departed = Departed::Asked(Box::pin(async move { drop(gone.await) }));
        let running = on_upgrade(Upgraded { io: Box::new(theirs), read_buf: Bytes::new(), departed, peer });
        app.shared.tracker.spawn(Kind::Upgraded, running);
        let stream = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
        Ok(TestSocket { stream, protocol, closed: None, _present: present })
    }
}

impl TestSocket {
    /// The subprotocol that the function chose.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Sends a message. One that the function does not want any more is lost, as on a network.
    pub async fn send(&mut self, message: impl Into<Message>) {
        let frame = match message.into() {
            Message::Text(text) => Frame::text(&*text),
            Message::Binary(bytes) => Frame::binary(bytes),
        };
        let _ = self.send_frame(frame).await;
    }

    /// The next message. `None` when the socket is closed: [`closed`](Self::closed) says why.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            match poll_fn(|cx| Pin::new(&mut self.stream).poll_next(cx)).await?.ok()? {
                Frame::Text(text) => return Some(Message::from(text.as_str())),
                Frame::Binary(bytes) => return Some(Message::from(bytes)),
                Frame::Close(close) => {
                    let close =
                        close.map(|CloseFrame { code, reason }| Close::new(code.into(), reason.as_str()));
                    self.closed = Some(close.unwrap_or_else(|| Close::new(1005, "")));
                }
                Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_) => {}
            }
        }
    }

    /// Closes the socket, and waits for the function's own close. Messages before that are passed over.
    pub async fn close(&mut self) -> Option<Close> {
        let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let _ = self.send_frame(Frame::Close(Some(normal))).await;
        while self.next().await.is_some() {}
        self.closed.clone()
    }

    /// Why the function closed the socket.
    pub fn closed(&self) -> Option<&Close> {
        self.closed.as_ref()
    }

    async fn send_frame(&mut self, frame: Frame) -> Result<(), Broken> {
        use futures_util::SinkExt as _;
        self.stream.send(frame).await
    }
}

impl fmt::Debug for TestSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSocket").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}
