//! Layers of tower-http and tower around routes.

use std::time::Duration;

use fc_runtime::http::{HeaderName, HeaderValue, Method, StatusCode};
use fc_runtime::{Error, Group, Reply, Sse};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::set_header::{SetRequestHeaderLayer, SetResponseHeaderLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::Shop;

const ADDED: HeaderName = HeaderName::from_static("x-added");

/// Tells when it is dropped before its end.
struct Guard(tokio::sync::mpsc::UnboundedSender<&'static str>, &'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

pub(crate) fn routes(group: Group<Shop>) -> Group<Shop> {
    group
        .layered(TraceLayer::new_for_http(), |group| {
            group
                .get("/trace", async |ex| ex.path().to_owned())
                .get("/trace/error", async |_| {
                    Err::<&str, _>(Error::conflict("sold out").with_code("sold_out"))
                })
                .get("/trace/events", async |ex| {
                    Sse::new(async_stream::stream! {
                        yield "first";
                        let _guard = Guard(ex.state().dropped.clone(), "events");
                        std::future::pending::<()>().await;
                    })
                })
                .get("/trace/slow", async |ex| {
                    let _guard = Guard(ex.state().dropped.clone(), "layered");
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    "late"
                })
        })
        .layered(CorsLayer::new().allow_origin(Any).allow_methods([Method::GET, Method::PUT]), |group| {
            group.get("/cors", async |_| "shared").put("/cors", async |_| "put")
        })
        .layered(SetResponseHeaderLayer::overriding(ADDED, HeaderValue::from_static("yes")), |group| {
            group.get("/header", async |_| "with a header")
        })
        .layered(SetRequestHeaderLayer::overriding(ADDED, HeaderValue::from_static("asked")), |group| {
            group.get("/request-header", async |ex| ex.header("x-added").unwrap_or("none").to_owned())
        })
        .layered(RequestBodyLimitLayer::new(16), |group| {
            group.post("/limit", async |ex| Ok(ex.text().await?))
        })
        .layered(RequestDecompressionLayer::new(), |group| {
            group.post("/inflate", async |ex| Ok(ex.text().await?))
        })
        .layered(CompressionLayer::new(), |group| {
            group.get("/compressed", async |_| "tea ".repeat(1000)).get("/stream", async |_| {
                Reply::stream(async_stream::stream! {
                    for _ in 0..100 { yield "tea and salt, "; }
                })
                .with_header("content-type", "text/plain")
            })
        })
        .layered(
            TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(50)),
            |group| group.get("/timeout", async |_| std::future::pending::<&str>().await),
        )
        .layered(tower::timeout::TimeoutLayer::new(Duration::from_millis(50)), |group| {
            group.get("/tower-timeout", async |_| std::future::pending::<&str>().await)
        })
        .layered(CatchPanicLayer::new(), |group| {
            group.get("/panic", async |_| if true { panic!("on purpose") } else { "calm" })
        })
        .layered(GlobalConcurrencyLimitLayer::new(1), |group| {
            group.get("/one", async |_| {
                tokio::task::yield_now().await;
                "one"
            })
        })
        .layered(
            tower::ServiceBuilder::new()
                .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
                .layer(PropagateRequestIdLayer::x_request_id()),
            |group| {
                group.get("/id", async |ex| {
                    let id = ex.value::<RequestId>().and_then(|id| id.header_value().to_str().ok());
                    id.unwrap_or("none").to_owned()
                })
            },
        )
}
