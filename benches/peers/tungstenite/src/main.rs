//! tokio-tungstenite by itself: whatever path is asked for, it echoes. Lean with `PEER_LEAN`: small buffers.

use std::io;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

const PROTOCOL: &str = "sec-websocket-protocol";

/// Room for a small message; larger ones make their own.
const LEAN_BUFFER: usize = 4096;

fn main() -> io::Result<()> {
    let config = WebSocketConfig::default();
    let config =
        if executor::is_lean() { config.read_buffer_size(LEAN_BUFFER).write_buffer_size(0) } else { config };
    executor::serve(async |listener| {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(echo(stream, config));
        }
    })
}

async fn echo(stream: TcpStream, config: WebSocketConfig) -> Result<(), Error> {
    let mut socket = accept_hdr_async_with_config(stream, choose, Some(config)).await?;
    while let Some(message) = socket.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) => socket.send(message).await?,
            _ => {}
        }
    }
    Ok(())
}

#[allow(clippy::result_large_err, reason = "the signature is tungstenite's")]
fn choose(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    if request.headers().contains_key(PROTOCOL) {
        response.headers_mut().insert(PROTOCOL, HeaderValue::from_static("echo"));
    }
    Ok(response)
}
