//! ntex with equal work. The last middleware is the outermost.

// Its types are nested deeper than the compiler's default allows.
#![recursion_limit = "256"]

use ntex::web::{self, App};
use ntex_cors::Cors;
use ntex_peer::{AnswerWithId, limits, log, logger, port, routes};

#[ntex::main]
async fn main() -> std::io::Result<()> {
    log();
    let app = async || {
        App::new()
            .middleware(Cors::new().finish())
            .middleware(AnswerWithId)
            .middleware(logger())
            .configure(limits)
            .configure(routes)
    };
    web::server(app).bind(("0.0.0.0", port()))?.run().await
}
