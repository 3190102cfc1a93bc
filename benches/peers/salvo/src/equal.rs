//! What our fixed stages do, by salvo's own handlers. The body's limit is where bodies are read: see the routes.

use salvo::cors::Cors;
use salvo::prelude::{CatchPanic, Logger, RequestId, Router, Service};

/// The first is the outermost. Who calls this installs a subscriber.
pub fn with_equal_work(routes: Router) -> Service {
    Service::new(routes)
        .hoop(RequestId::new())
        .hoop(Logger::new())
        .hoop(Cors::permissive().into_handler())
        .hoop(CatchPanic::new())
}
