//! What our fixed stages do, by poem's own middleware. Its size limit wants a length of every request, so it is where bodies
//! are read: see the routes.

use poem::middleware::{CatchPanic, Cors, RequestId, Tracing};
use poem::{Endpoint, EndpointExt, Route};

/// The last middleware is the outermost. Who calls this installs a subscriber.
pub fn with_equal_work(routes: Route) -> impl Endpoint {
    routes.with(CatchPanic::new()).with(Cors::new()).with(Tracing).with(RequestId::new())
}
