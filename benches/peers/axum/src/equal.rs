//! The layers that do what our fixed stages do: record with request id, CORS, body limit, panic guard.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tracing::Span;

/// The default limit of our body readers.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// The last layer added is the outermost. Who calls this installs a subscriber.
pub fn with_equal_work(router: Router, streams: Router) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request<Body>| {
            let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
            tracing::info_span!(
                "request",
                request_id = id,
                method = request.method().as_str(),
                path = request.uri().path()
            )
        })
        .on_request(())
        .on_response(|response: &Response<Body>, latency: Duration, _: &Span| {
            tracing::info!(
                status = response.status().as_u16(),
                duration_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
                "request"
            );
        });
    router
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .merge(streams)
        .layer(CatchPanicLayer::new())
        .layer(CorsLayer::permissive())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(trace)
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}
