//! A web framework that *is* a Function Compute custom runtime.
//!
//! ```no_run
//! use fc_runtime::App;
//!
//! fn main() -> fc_runtime::Result {
//!     App::new().get("/", async |_| "Hello, World!").run()
//! }
//! ```
//!
//! `run` reads the environment, starts a runtime sized to the instance, and listens on the custom-runtime port
//! (`FC_CUSTOM_LISTEN_PORT`, else `FC_SERVER_PORT`, else 9000). It serves until a signal comes.
//!
//! # Routes and parameters
//!
//! ```
//! use fc_runtime::{App, Json, at};
//! use std::time::Duration;
//!
//! # fc_runtime::testing::run(async {
//! let client = App::new()
//!     .get("/users/{id}/posts/{post}", async |ex| {
//!         let (user, post): (u32, u32) = (ex.param("id")?, ex.param("post")?);
//!         Ok(Json([user, post]))
//!     })
//!     .group(at("/admin").time_limit(Duration::from_secs(5)), |admin| admin.get("/", async |_| "overview"))
//!     .test_client();
//! client.get("/users/7/posts/1").await.assert_text("[7,1]");
//! client.get("/users/x/posts/1").await.assert_status(400);
//! client.post("/admin").await.assert_status(405).assert_header("allow", "GET, HEAD, OPTIONS");
//! # });
//! ```
//!
//! `HEAD` is answered from `GET`, and `OPTIONS` automatically. A wrong method gets a 405 with `Allow`. Settings belong
//! to a place: a route, a group or the app.
//!
//! # Bodies, replies, errors
//!
//! ```
//! use fc_runtime::{App, Error, Json};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, Serialize)]
//! struct Order { item: String, quantity: u32 }
//!
//! # fc_runtime::testing::run(async {
//! let client = App::new()
//!     .post("/orders", async |ex| {
//!         let order: Order = ex.json().await?;
//!         if order.quantity == 0 { return Err(Error::unprocessable("at least one, please")); }
//!         Ok((201, [("location", format!("/orders/{}", order.item))], Json(order)))
//!     })
//!     .test_client();
//! client.post("/orders").json(&serde_json::json!({"item": "tea", "quantity": 2})).await.assert_status(201);
//! let wrong = client.post("/orders").json(&serde_json::json!({"item": "tea", "quantity": -2})).await;
//! assert_eq!(wrong.assert_status(422).json::<serde_json::Value>()["field"], "quantity");
//! # });
//! ```
//!
//! A handler returns any type that implements [`IntoReply`]. `?` turns any error into a 500 that hides its cause. An
//! [`Error`] has a status of its own; [`App::on_error`] sets one for your error types. Errors are sent as RFC 9457
//! problems with the request's id.
//!
//! # State, events, hooks
//!
//! ```no_run
//! use fc_runtime::{App, Result};
//!
//! struct Shop;
//! impl Shop {
//!     async fn connect(_: &str) -> Result<Self> { Ok(Self) }
//!     async fn ping(&self) -> Result { Ok(()) }
//! }
//!
//! fn main() -> Result {
//!     App::with_state_from(async |instance| Shop::connect(&instance.var("DATABASE_URL")?).await)
//!         .event(async |event| Ok(event.text()?.to_uppercase()))
//!         .on_initialize(async |hook| hook.state().ping().await)
//!         .ready_check("database", async |shop| shop.ping().await)
//!         .run()
//! }
//! ```
//!
//! # Streams
//!
//! [`Reply::stream`] sends each piece as soon as it is ready, chunked and without a length, which makes the platform
//! stream too. [`Sse`] sends server-sent events, from the items of a stream or from a closure.
//!
//! ```
//! use fc_runtime::{App, Broadcast, Sse, SseEvent};
//!
//! # fc_runtime::testing::run(async {
//! let client = App::with_state(Broadcast::new(64))
//!     .get("/countdown", async |_| Sse::run(async move |mut out| {
//!         for left in [2, 1] { out.send(SseEvent::json(&left)?.with_id(left)).await?; }
//!         Ok(())
//!     }))
//!     .get("/feed", async |ex| Sse::new(ex.state().subscribe_after(ex.last_event_id().as_deref())))
//!     .post("/feed/{id}", async |ex| {
//!         // A client that connects again names the id of its last event.
//!         let event = SseEvent::data(ex.text().await?).with_id(ex.param::<u64>("id")?);
//!         Ok(ex.state().send(event)?.to_string())
//!     })
//!     .test_client();
//! client.get("/countdown").await.assert_text("data: 2\nid: 2\n\ndata: 1\nid: 1\n\n");
//! let mut feed = client.get("/feed").open().await;
//! client.post("/feed/7").body("news").await.assert_text("1");
//! assert_eq!(feed.piece().await.unwrap(), "data: news\nid: 7\n\n");
//! client.post("/feed/8").body("more").await.assert_text("1");
//! let mut again = client.get("/feed").header("last-event-id", "7").open().await;
//! assert_eq!(again.piece().await.unwrap(), "data: more\nid: 8\n\n");
//! # });
//! ```
//!
//! Comments keep a silent stream alive. When the client leaves, the stream is dropped. When the instance stops or
//! freezes, the stream ends in order. A [`Broadcast`] encodes an event once for all subscribers, and never waits for a
//! slow one.
//!
//! # WebSocket
//!
//! ```no_run
//! use fc_runtime::{App, Error};
//! use tokio::sync::broadcast;
//!
//! fn main() -> fc_runtime::Result {
//!     App::with_state(broadcast::channel::<String>(64).0)
//!         .get("/chat", async |ex| {
//!             if ex.cookie("session").is_none() { return Err(Error::unauthorized("log in first")); }
//!             Ok(ex.websocket(async |mut socket| {
//!                 let mut heard = socket.state().subscribe();
//!                 loop {
//!                     tokio::select! {
//!                         message = socket.next() => match message {
//!                             Some(message) => { socket.state().send(message?.as_text().unwrap_or("?").to_owned())?; }
//!                             None => return Ok(()),
//!                         },
//!                         line = heard.recv() => socket.send(line?).await?,
//!                     }
//!                 }
//!             }).with_protocols(["chat"]))
//!         })
//!         .run()
//! }
//! ```
//!
//! [`Exchange::websocket`] upgrades the request after the handler's checks, inside the same groups and middleware
//! (arounds). The closure gets a [`Socket`], which is closed when the closure ends. Pages of other origins are refused
//! unless [`Cors`] allows them. A silent client is sent pings. A stop, a freeze and the function's time-out close the
//! socket with 1001. A socket is one request, recorded when it ends.
//!
//! # gRPC
//!
//! With the feature `grpc`, gRPC methods are closures too, beside HTTP on the same port: `App::unary`,
//! `App::server_stream`, `App::client_stream` and `App::bidi`, or `App::grpc` for a generated service.
//! `App::grpc_health` and `App::grpc_reflection` serve tools, gRPC-Web serves pages. The module `grpc` documents
//! errors, deadlines and limits.
//!
//! # Cancellation
//!
//! By default a handler is *dropped* when its client leaves (disconnects): drop guards run, and the handler ends at its
//! current await. The request is counted and logged once, as 499 with its phase: reading, handling or replying. At a
//! place with [`HangUpPolicy::Finish`] a handler runs to its end, in a task that a drain waits for; a frozen instance
//! stops it. [`Exchange::hang_up`] notifies spawned and blocking work.
//!
//! One case cannot be detected: a client that closes in order behind unread data in a full receive window. So read or
//! drop a large body early.
//!
//! A client that closes only its writing side counts as gone.
//!
//! # Logs, traces, metrics
//!
//! Each request has a record in the log, and what you log with `tracing` carries its id and the fields of your spans.
//! `FC_LOG=info,sqlx=warn` filters by target. A subscriber of your own gets each request as a span, with OpenTelemetry's
//! names. [`Exchange::trace_context`] continues the caller's trace. [`App::metrics`] serves [`Metrics`] to Prometheus, and
//! `App::otel` (feature `otel`) sends spans to a collector.
//!
//! # Repeated calls
//!
//! The platform repeats asynchronous calls that failed, and clients repeat what was not answered. [`Exchange::once`] does
//! work once for each key. [`Invocation::attempt`] and [`Invocation::task_id`] say what is repeated, and
//! [`guard::rate_limit`] bounds what one client may ask.
//!
//! # Limits and defaults
//!
//! | what | default here | the platform's |
//! |---|---|---|
//! | headers, names and values together | 32 KiB, 431 | 8 KiB from a client, then it adds its own |
//! | headers, their number | 1024, 431 | |
//! | path and query | 8 KiB, 414 | 4 KiB (FC 3.0), 8 KiB (FC 2.0) |
//! | message of gRPC, inflated | [6 MiB](App::body_limit), `RESOURCE_EXHAUSTED` | 6 MiB |
//! | body that a reader takes in | [2 MiB](App::body_limit), 413 | 32 MiB |
//! | fields of a query or a form | [1000](platform::limits::FORM_FIELDS_MAX), 400 or 413 | |
//! | depth of JSON | 127 arrays and objects, 400 | |
//! | form with files | the body's limit for all and for each part, 1000 parts, 8 KiB for the head of a part, 413 or 400 | |
//! | head, from its first byte | [10 s](App::head_limit), 408 | |
//! | pause within a body | [30 s](App::body_pause), 408 | |
//! | handler | [none](App::time_limit), 504 | 1–86 400 s; the deadline it announces is kept |
//! | reply to a request that came as an event | 6 MiB of JSON, 500 | 6 MiB (FC 2.0) |
//! | silence in a stream of events | [10 s](Sse::with_keep_alive), a comment | a load balancer closes after 15 s |
//! | WebSocket message | [6 MiB](Upgrade::with_max_message), 1009 | 6 MiB |
//! | silence on a WebSocket | [10 s](Upgrade::with_ping_every), a ping; [20 s](Upgrade::with_pong_within) more, gone | a load balancer closes after 15 s |
//! | close of a WebSocket, unanswered | 5 s, closed | |
//! | WebSocket closure whose client has left | 10 s, dropped; [`HangUpPolicy::Finish`] lets [1000](App::max_finishing) go on | |
//! | idle connection | never closed | has to stay open for 15 minutes |
//! | connections | [20 000, at most 4 for each MiB of memory](App::max_connections) | 100 000 descriptors |
//! | memory held for clients | [a third of the instance's](App::client_memory), streams wait; 503, `UNAVAILABLE`, 1013 | 128 MiB–32 GiB for the whole instance |
//! | memory held for one connection | three quarters of the memory held for clients | |
//! | streams of an HTTP/2 connection | 256, or [fewer where many clients have connections](App::client_memory), then `REFUSED_STREAM` | 200 requests per instance |
//! | requests at a time | [no limit](App::max_in_flight), 503 | 1–200 per instance |
//! | handlers that finish, at a time | [1000](App::max_finishing), 503 | |
//! | drain after a signal | [10 s](App::drain_deadline) | |
//! | pre-stop hooks | [2.5 s](App::pre_stop_budget) | 3 s by default, at most 90 s |
//! | heartbeat of the live check | [10 s](App::heartbeat_limit) | probes wait 1–3 s |
//!
//! # Behind a load balancer
//!
//! [`App::trusted_hops`] sets how many proxies may set `X-Forwarded-*`. [`guard::require_header`] passes only requests
//! that came through the load balancer. [`App::answer_load_balancer_probe`] answers its `HEAD /`. [`App::base_path`] is
//! for rules that cut a prefix. [`Cors`] sets which pages may read.
//!
//! # Features
//!
//! `log` (default): [`App::run`] prints `tracing` events and panics as JSON lines, each with its request's id. `http2`:
//! HTTP/2 with prior knowledge on the same port. `grpc`: gRPC and gRPC-Web. `websocket`: [`Exchange::websocket`].
//! `otel`: the spans of requests, sent to an OpenTelemetry collector. `tower`: [`App::mount`], [`App::layered`] and
//! [`App::into_service`] for services and layers of tower, such as axum's router and those of tower-http. `testing`: the
//! in-memory client of the examples above ([`testing`]).
//!
//! `events`: events of triggers as types ([`App::event_of`]), and requests of API Gateway and others that come as events
//! ([`App::event_as_http`], [`events`]).
//!
//! `multipart`: forms with files ([`Exchange::multipart`]). `files`: files and folders with ranges and conditions
//! ([`App::files`], [`Exchange::file`]). `cookies`: signed and private cookies ([`CookieKeys`]). `compression`: middleware
//! for gzip and br ([`compress`]); `compression-zstd` needs a C compiler for the target. `validate`: the rules of `garde`,
//! with all mistakes in one reply ([`valid()`]).
#![cfg_attr(
    not(all(
        feature = "events",
        feature = "grpc",
        feature = "log",
        feature = "tower",
        feature = "websocket"
    )),
    allow(
        dead_code,
        reason = "the optional features use the rest; the build with all of them finds what nothing uses"
    )
)]
#![cfg_attr(
    not(all(feature = "events", feature = "testing", feature = "tower", feature = "websocket")),
    allow(rustdoc::broken_intra_doc_links, reason = "the feature adds the target")
)]

mod app;
mod budget;
mod cancel;
#[cfg(feature = "compression")]
mod compression;
#[cfg(feature = "cookies")]
mod cookies;
mod cors;
mod counters;
mod endpoint;
mod error;
#[cfg(feature = "events")]
pub mod events;
mod exchange;
#[cfg(feature = "files")]
mod files;
mod form;
#[cfg(feature = "grpc")]
pub mod grpc;
pub mod guard;
mod headers;
mod health;
mod json;
mod lifecycle;
mod log;
pub mod metrics;
mod negotiate;
mod observe;
mod once;
#[cfg(feature = "otel")]
mod otel;
pub mod platform;
mod precondition;
#[cfg(feature = "websocket")]
mod pulse;
mod reply;
mod request;
mod roll;
mod route;
mod sealed;
mod serve;
mod stage;
mod stop;
pub mod store;

mod task;
#[cfg(test)]
mod test_waker;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod timer;
#[cfg(feature = "tower")]
pub mod tower;
mod trace;
mod unwind;
#[cfg(feature = "validate")]
mod valid;
mod watched;
#[cfg(feature = "websocket")]
mod websocket;

pub use app::App;
pub use app::AppErrors;
pub use app::At;
pub use app::Group;
pub use app::Handler;
pub use app::RouteInfo;
pub use app::at;
pub use bytes::Bytes;
pub use cancel::HangUpPolicy;
#[cfg(feature = "compression")]
pub use compression::compress;
#[cfg(feature = "cookies")]
pub use cookies::CookieKeys;
pub use cors::Cors;
pub use counters::Counters;
pub use error::BoxError;
pub use error::Error;
pub use error::OrError;
pub use error::Result;
pub use error::StatusError;
pub use exchange::Event;
pub use exchange::Exchange;
pub use exchange::FromParam;
pub use exchange::HangUp;
pub use exchange::Hook;
#[cfg(feature = "multipart")]
pub use exchange::Multipart;
#[cfg(feature = "multipart")]
pub use exchange::Part;
pub use exchange::Payload;
pub use exchange::Readable;
#[cfg(feature = "multipart")]
pub use exchange::SavedPart;
#[cfg(feature = "files")]
pub use files::Files;
pub use http;
pub use http::HeaderMap;
pub use http::HeaderName;
pub use http::HeaderValue;
pub use http::Method;
pub use http::StatusCode;
pub use http::Uri;
pub use log::AccessLog;
pub use log::LogMarkers;
pub use log::current_request_id;
pub use metrics::Metrics;
pub use once::Once;
#[cfg(feature = "otel")]
pub use otel::Otel;
pub use platform::Credentials;
pub use platform::Instance;
pub use platform::Invocation;
pub use platform::RequestId;
pub use platform::limits::KIB;
pub use platform::limits::MIB;
pub use reply::Broadcast;
pub use reply::Html;
pub use reply::IntoEventReply;
pub use reply::IntoPiece;
pub use reply::IntoReply;
pub use reply::IntoSseEvent;
pub use reply::Json;
pub use reply::Outcome;
pub use reply::Redirect;
pub use reply::Reply;
pub use reply::ReplyPart;
pub use reply::SameSite;
pub use reply::SetCookie;
pub use reply::Sse;
pub use reply::SseEvent;
pub use reply::SseSender;
pub use reply::Subscription;
pub use sealed::Next;
pub use trace::TraceContext;
pub use trace::current_trace_context;
#[cfg(feature = "validate")]
pub use valid::valid;
#[cfg(feature = "validate")]
pub use valid::valid_with;
#[cfg(feature = "websocket")]
pub use websocket::Close;
#[cfg(feature = "websocket")]
pub use websocket::Message;
#[cfg(feature = "websocket")]
pub use websocket::Sending;
#[cfg(feature = "websocket")]
pub use websocket::Socket;
#[cfg(feature = "websocket")]
pub use websocket::SocketReceiver;
#[cfg(feature = "websocket")]
pub use websocket::SocketSender;
#[cfg(feature = "websocket")]
pub use websocket::Text;
#[cfg(feature = "websocket")]
pub use websocket::Upgrade;
