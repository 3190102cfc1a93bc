//! The contract's streams on actix-web and actix-ws, with one worker on one processor.

mod events;
mod socket;

use std::net::Ipv4Addr;

use actix_web::{App, HttpServer, web};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("FC_CUSTOM_LISTEN_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000);
    let feed = web::Data::new(events::Feed::new());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(feed.clone())
            .route("/sse", web::get().to(events::ticks))
            .route("/feed", web::get().to(events::feed))
            .route("/publish", web::post().to(events::publish))
            .route("/ws", web::get().to(socket::echo))
    });
    // It waits for streams whose clients have left.
    server.shutdown_timeout(1).bind((Ipv4Addr::UNSPECIFIED, port))?.run().await
}
