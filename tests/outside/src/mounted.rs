//! An axum router as it is, under a path of the app.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use fc_runtime::{Group, tower};
use futures_util::stream;

use crate::Shop;

/// The state of the router, which is not that of the app.
#[derive(Clone)]
struct Greeting(&'static str);

struct Guard(tokio::sync::mpsc::UnboundedSender<&'static str>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send("axum");
    }
}

fn router() -> Router {
    Router::new()
        .route("/", get(async || "the root"))
        .route(
            "/hello/{name}",
            get(async |State(greeting): State<Greeting>, Path(name): Path<String>| {
                format!("{} {name}", greeting.0)
            }),
        )
        .route("/query", get(async |Query(query): Query<Vec<(String, String)>>| format!("{query:?}")))
        .route("/echo", post(async |body: Bytes| body))
        .route("/stream", post(async |body: Body| Response::new(body)))
        .route(
            "/events",
            get(async || {
                Sse::new(stream::iter(
                    ["a", "b"].map(|data| Ok::<_, std::io::Error>(Event::default().data(data))),
                ))
            }),
        )
        .route("/headers", get(async |headers: HeaderMap| headers.len().to_string()))
        .route("/teapot", get(async || (StatusCode::IM_A_TEAPOT, [("x-tea", "green")], "short and stout")))
        .route("/panic", get(async || if true { panic!("on purpose") } else { "calm" }))
        .route(
            "/slow",
            get(async |request: Request<Body>| {
                let ex = tower::exchange::<Shop, _>(&request).map_err(|error| error.to_string())?;
                let _guard = Guard(ex.state().dropped.clone());
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok::<_, String>("late".into_response())
            }),
        )
        .route(
            "/state",
            get(async |request: Request<Body>| {
                let ex = tower::exchange::<Shop, _>(&request).map_err(|error| error.to_string())?;
                Ok::<_, String>(format!("{} {}", ex.pattern(), ex.state().db.size()))
            }),
        )
        .route(
            "/ws",
            any(async |ws: WebSocketUpgrade| {
                ws.on_upgrade(async |mut socket| {
                    while let Some(Ok(message)) = socket.recv().await {
                        if matches!(message, Message::Text(_) | Message::Binary(_))
                            && socket.send(message).await.is_err()
                        {
                            break;
                        }
                    }
                })
            }),
        )
        .with_state(Greeting("hello"))
}

pub(crate) fn routes(group: Group<Shop>) -> Group<Shop> {
    group
        .mount("/", router())
        // A service that fails, and is not `Sync`.
        .mount(
            "/failing",
            ::tower::util::BoxCloneService::new(::tower::service_fn(
                async |_: Request<fc_runtime::Payload>| Err::<Response, _>(std::io::Error::other("hush")),
            )),
        )
}
