//! The WebSocket that echoes.

use actix_web::{HttpRequest, HttpResponse, rt, web};
use actix_ws::AggregatedMessage;

/// Frames of 64 KiB are not accepted unless it is said.
const FRAME_MAX: usize = 1024 * 1024;

pub(crate) async fn echo(request: HttpRequest, body: web::Payload) -> actix_web::Result<HttpResponse> {
    let (response, mut session, messages) = actix_ws::handle_with_protocols(&request, body, &["echo"])?;
    let mut messages = messages.max_frame_size(FRAME_MAX).aggregate_continuations();
    rt::spawn(async move {
        while let Some(Ok(message)) = messages.recv().await {
            let sent = match message {
                AggregatedMessage::Text(text) => session.text(text).await,
                AggregatedMessage::Binary(bytes) => session.binary(bytes).await,
                AggregatedMessage::Ping(bytes) => session.pong(&bytes).await,
                AggregatedMessage::Pong(_) => Ok(()),
                AggregatedMessage::Close(reason) => {
                    let _ = session.close(reason).await;
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    });
    Ok(response)
}
