//! The WebSocket that echoes.

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;

/// Room for a small message; larger ones make their own.
const LEAN_BUFFER: usize = 4096;

pub(crate) async fn echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols(["echo"]).on_upgrade(serve)
}

pub(crate) async fn lean_echo(upgrade: WebSocketUpgrade) -> Response {
    // Without a write buffer every message is sent at once, which an echo wants.
    upgrade.protocols(["echo"]).read_buffer_size(LEAN_BUFFER).write_buffer_size(0).on_upgrade(serve)
}

async fn serve(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let sent = match message {
            Message::Text(_) | Message::Binary(_) => socket.send(message).await,
            _ => Ok(()),
        };
        if sent.is_err() {
            return;
        }
    }
}
