//! tower: services as routes, layers around routes, and the app as a service.
//!
//! [`App::mount`](crate::App::mount) takes any `tower::Service` of HTTP requests, such as an axum `Router` unchanged, and
//! [`App::layered`](crate::App::layered) puts any `tower::Layer`, such as those of tower-http, around routes.
//! [`App::into_service`](crate::App::into_service) is the way back: the app in another server or router.
//!
//! ```
//! use fc_runtime::App;
//! # #[derive(Clone)]
//! # struct Router;
//! # impl<B> tower_service::Service<http::Request<B>> for Router {
//! #     type Response = http::Response<http_body_util::Full<bytes::Bytes>>;
//! #     type Error = std::convert::Infallible;
//! #     type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
//! #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> { Ok(()).into() }
//! #     fn call(&mut self, request: http::Request<B>) -> Self::Future {
//! #         std::future::ready(Ok(http::Response::new(request.uri().to_string().into())))
//! #     }
//! # }
//! # fn router() -> Router { Router }
//!
//! # fc_runtime::testing::run(async {
//! let client = App::new()
//!     .get("/new", async |_| "a handler")
//!     .mount("/old", router())
//!     .test_client();
//! client.get("/new").await.assert_text("a handler");
//! client.get("/old/items?n=1").await.assert_text("/items?n=1");
//! # });
//! ```
//!
//! The record, the panic guard, time limits, middleware (arounds), CORS and a drain hold for services and layers as for
//! handlers: a service whose client leaves is dropped, and recorded as 499. An error of a service is a reply, as that of
//! a handler. Bodies are converted once: a whole body is sent as it is, a stream costs one box.
//!
//! WebSockets of a mounted service work over HTTP/1.1, by `hyper::upgrade::OnUpgrade`. Their bytes pass through a buffer
//! in memory; [`Exchange::websocket`](crate::Exchange::websocket) costs less, and says goodbye with 1001 at a stop.

mod body;
mod calling;
mod hop;
mod layered;
mod mount;
mod routes;
mod service;

pub use body::ReplyBody;
pub use layered::{Handling, Inner};
pub use mount::exchange;
pub use service::{Answering, AppService};
