//! actix-web as its documentation recommends, without middleware.

use actix_peer::{port, routes};
use actix_web::{App, HttpServer};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| App::new().configure(routes)).bind(("0.0.0.0", port()))?.run().await
}
