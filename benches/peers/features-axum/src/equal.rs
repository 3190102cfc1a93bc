//! What the library does by default, on axum: JSON record with request id, body limit, panic guard, CORS at hand, and a
//! graceful stop on a signal.

use std::io;
use std::net::Ipv4Addr;
use std::thread::available_parallelism;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tracing::Span;

pub(crate) fn serve(app: Router) -> io::Result<()> {
    let port = std::env::var("FC_CUSTOM_LISTEN_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000);
    let threads = available_parallelism().map_or(1, usize::from);
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()?.block_on(async {
        let mut term = signal(SignalKind::terminate())?;
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
        let stop = async move {
            term.recv().await;
        };
        axum::serve(listener, with_equal_work(app)).with_graceful_shutdown(stop).await
    })
}

fn with_equal_work(app: Router) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request<Body>| {
            let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
            let (method, path) = (request.method().as_str(), request.uri().path());
            tracing::info_span!("request", request_id = id, method, path)
        })
        .on_request(())
        .on_response(|response: &Response<Body>, latency: Duration, _: &Span| {
            let duration_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            tracing::info!(status = response.status().as_u16(), duration_us, "request");
        });
    app.layer(RequestBodyLimitLayer::new(2 * 1024 * 1024))
        .layer(CatchPanicLayer::new())
        .layer(CorsLayer::permissive())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(trace)
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}
