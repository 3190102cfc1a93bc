//! ntex on tokio as its documentation recommends, without middleware.

use ntex::web::{self, App};
use ntex_peer::{port, routes};

#[ntex::main]
async fn main() -> std::io::Result<()> {
    web::server(async || App::new().configure(routes)).bind(("0.0.0.0", port()))?.run().await
}
