//! ntex with equal work.

use ntex::web::{self, App};
use ntex_cors::Cors;
use ntex_peer::{AnswerWithId, limits, log, logger, port, routes};

#[ntex::main]
async fn main() -> std::io::Result<()> {
    log();
    let app = async || {
        App::new()
            .middleware(logger())
            .middleware(AnswerWithId)
            .middleware(Cors::new().finish())
            .configure(limits)
            .configure(routes)
    };
    web::server(app).bind(("0.0.0.0", port()))?.run().await
}
