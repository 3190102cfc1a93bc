//! The routes of `docs/conform.md` on axum, with its defaults.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Json, Query};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};
use tower_http::catch_panic::CatchPanicLayer;

static BUSY: AtomicUsize = AtomicUsize::new(0);

struct Busy;

impl Busy {
    fn begin() -> Self {
        BUSY.fetch_add(1, Ordering::Relaxed);
        Busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Deserialize)]
struct Pause {
    ms: u64,
}

#[derive(Deserialize)]
struct Ticks {
    n: u64,
    ms: u64,
    #[serde(default)]
    first: u64,
}

#[tokio::main]
async fn main() {
    let app = Router::new()
        .route("/conform/echo", any(echo))
        .route("/conform/upload", post(async |body: Bytes| body.len().to_string()))
        .route("/conform/status", get(status))
        .route("/conform/headers", get(headers))
        .route("/conform/sleep", get(sleep))
        .route("/conform/block", get(block))
        .route("/conform/busy", get(async || BUSY.load(Ordering::Relaxed).to_string()))
        .route("/conform/health", get(async || "well"))
        .route("/conform/stream", get(async |Query(asked)| ticks(asked, "text/plain", "", "\n")))
        .route("/conform/sse", get(async |Query(asked)| ticks(asked, "text/event-stream", "data: ", "\n\n")))
        .route("/conform/fail", get(fail))
        .route("/conform/log", get(log))
        .route("/conform/child", get(child))
        .route("/conform/ws", get(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(talk)))
        .route("/invoke", post(invoke))
        .route("/initialize", post(async || "done"))
        .route("/pre-stop", get(async || "done"))
        .layer(CatchPanicLayer::new());
    let port: u16 = std::env::var("FC_SERVER_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000);
    let listener = tokio::net::TcpListener::bind(("0.0.0.0", port)).await.expect("the port is free");
    let stop = async {
        signal(SignalKind::terminate()).expect("a signal").recv().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(stop).await.expect("it serves");
}

async fn echo(method: Method, headers: HeaderMap, body: Body) -> Response {
    let mut reply = Response::new(body);
    if let Some(kind) = headers.get(header::CONTENT_TYPE) {
        reply.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    reply.headers_mut().insert("x-conform-method", method.as_str().parse().expect("a method is a value"));
    reply
}

#[derive(Deserialize)]
struct Status {
    code: u16,
}

async fn status(Query(Status { code }): Query<Status>) -> impl IntoResponse {
    (StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST), "status")
}

async fn headers(headers: HeaderMap) -> Json<BTreeMap<String, String>> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    Json(headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect())
}

async fn sleep(Query(Pause { ms }): Query<Pause>) -> &'static str {
    let _busy = Busy::begin();
    tokio::time::sleep(Duration::from_millis(ms)).await;
    "slept"
}

async fn block(Query(Pause { ms }): Query<Pause>) -> &'static str {
    std::thread::sleep(Duration::from_millis(ms));
    "blocked"
}

fn ticks(asked: Ticks, kind: &'static str, before: &'static str, after: &'static str) -> impl IntoResponse {
    let pieces = async_stream::stream! {
        let _busy = Busy::begin();
        tokio::time::sleep(Duration::from_millis(asked.first)).await;
        for at in 0..asked.n {
            if at > 0 && asked.ms > 0 {
                tokio::time::sleep(Duration::from_millis(asked.ms)).await;
            }
            yield Ok::<_, Infallible>(format!("{before}tick {at}{after}"));
        }
    };
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(pieces))
}

async fn fail() -> &'static str {
    panic!("as asked")
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

async fn log(Query(Line { text }): Query<Line>) -> &'static str {
    println!("{text}");
    "logged"
}

async fn child() -> &'static str {
    let ended = tokio::process::Command::new("true").status().await;
    if ended.is_ok() { "done" } else { "not started" }
}

async fn talk(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let code = match &message {
            Message::Text(text) => text.strip_prefix("close ").and_then(|code| code.parse().ok()),
            Message::Binary(_) => None,
            _ => continue,
        };
        let reply = match code {
            Some(code) => Message::Close(Some(CloseFrame { code, reason: "as asked".into() })),
            None => message,
        };
        if socket.send(reply).await.is_err() {
            return;
        }
    }
}

async fn invoke(event: Bytes) -> Response {
    if event == "fail" {
        eprintln!("the event fails");
        let error = serde_json::json!({"errorMessage": "as asked", "errorType": "Asked"});
        return (StatusCode::NOT_FOUND, [("x-fc-status", "404")], Json(error)).into_response();
    }
    ([("x-fc-status", "200")], event).into_response()
}
