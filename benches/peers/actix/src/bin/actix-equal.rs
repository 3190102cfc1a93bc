//! actix-web with equal work.

use actix_peer::{answer_with_id, cors, limits, logger, port, routes};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    actix_peer::log();
    let app = || {
        App::new()
            .configure(limits)
            .configure(routes)
            .wrap(cors())
            .wrap(from_fn(answer_with_id))
            .wrap(logger())
    };
    HttpServer::new(app).bind(("0.0.0.0", port()))?.run().await
}
