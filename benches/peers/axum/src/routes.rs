//! The routes, as axum's documentation would write them.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request};
use axum::http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[derive(Serialize)]
struct Post {
    user: u32,
    post: u32,
}

#[derive(Deserialize)]
struct Pause {
    ms: u64,
}

#[derive(Deserialize)]
struct Size {
    bytes: usize,
}

#[derive(Deserialize, Serialize)]
struct Order {
    item: String,
    quantity: i64,
}

/// The shared routes.
pub fn router() -> Router {
    Router::new()
        .route("/plaintext", get(async || "Hello, World!"))
        .route("/json", get(async || Json(Message { message: "Hello, World!" })))
        .route("/users/{id}", get(async |Path(id): Path<String>| id))
        .route("/users/{id}/posts/{post}", get(async |Path((user, post))| Json(Post { user, post })))
        .route("/orders", post(order))
        .route("/block", get(block))
        .route("/spin", get(spin))
        .route("/large", get(large))
        .route("/healthz", get(async || "ok"))
}

/// Apart, because a layer that limits bodies would limit this stream too.
pub fn streams() -> Router {
    Router::new().route("/echo", post(echo))
}

async fn block(Query(Pause { ms }): Query<Pause>) -> &'static str {
    std::thread::sleep(Duration::from_millis(ms));
    "blocked"
}

async fn spin(Query(Pause { ms }): Query<Pause>) -> &'static str {
    let end = Instant::now() + Duration::from_millis(ms);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
    "spun"
}

async fn large(Query(Size { bytes }): Query<Size>) -> impl IntoResponse {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let pieces = std::iter::successors(Some(bytes), |left| left.checked_sub(ZEROS.len()))
        .map(|left| &ZEROS[..left.min(ZEROS.len())])
        .filter(|piece| !piece.is_empty())
        .map(|piece| Ok::<_, Infallible>(Bytes::from_static(piece)));
    ([(CONTENT_TYPE, "application/octet-stream")], Body::from_stream(futures_util::stream::iter(pieces)))
}

async fn echo(mut request: Request) -> Response<Body> {
    let content_type = request
        .headers_mut()
        .remove(CONTENT_TYPE)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut response = Response::new(request.into_body());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

async fn order(Json(order): Json<Order>) -> Result<impl IntoResponse, StatusCode> {
    if order.quantity <= 0 {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    Ok((StatusCode::CREATED, [(LOCATION, format!("/orders/{}", order.item))], Json(order)))
}
