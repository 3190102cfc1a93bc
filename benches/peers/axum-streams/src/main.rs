//! The contract's streams on axum, as its documentation shows them; lean with `PEER_LEAN`: no Nagle, no keep-alive
//! comments, small WebSocket buffers, and an event that is made once for all clients.

mod events;
mod socket;

use std::io;

use axum::Router;
use axum::routing::{any, get, post};
use axum::serve::ListenerExt;

fn main() -> io::Result<()> {
    executor::serve(async |listener| {
        let router = Router::new().route("/publish", post(events::publish));
        if executor::is_lean() {
            let router = router
                .route("/sse", get(events::lean_ticks))
                .route("/feed", get(events::lean_feed))
                .route("/ws", any(socket::lean_echo))
                .with_state(events::Feed::new());
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            axum::serve(listener, router).await
        } else {
            let router = router
                .route("/sse", get(events::ticks))
                .route("/feed", get(events::feed))
                .route("/ws", any(socket::echo))
                .with_state(events::Feed::new());
            axum::serve(listener, router).await
        }
    })
}
