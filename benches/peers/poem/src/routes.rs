//! The routes, as poem's documentation would write them.

use std::time::{Duration, Instant};

use poem::http::StatusCode;
use poem::middleware::SizeLimit;
use poem::web::{Json, Path, Query};
use poem::{Body, EndpointExt, IntoResponse, Request, Response, Route, get, handler, post};
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

#[derive(Deserialize, Serialize)]
struct Order {
    item: String,
    quantity: i64,
}

#[derive(Deserialize)]
struct Pause {
    ms: u64,
}

#[derive(Deserialize)]
struct Size {
    bytes: usize,
}

/// The default limit of our body readers.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

pub fn routes() -> Route {
    Route::new()
        .at("/plaintext", get(plaintext))
        .at("/json", get(json))
        .at("/users/:id", get(user))
        .at("/users/:user/posts/:post", get(user_post))
        .at("/echo", post(echo))
        .at("/orders", post(order).with(SizeLimit::new(BODY_LIMIT)))
        .at("/block", get(block))
        .at("/spin", get(spin))
        .at("/large", get(large))
        .at("/healthz", get(healthz))
}

#[handler]
async fn plaintext() -> &'static str {
    "Hello, World!"
}

#[handler]
async fn healthz() -> &'static str {
    "ok"
}

#[handler]
async fn json() -> Json<Message> {
    Json(Message { message: "Hello, World!" })
}

#[handler]
async fn user(Path(id): Path<String>) -> String {
    id
}

#[handler]
async fn user_post(Path(ids): Path<(u32, u32)>) -> Json<Post> {
    Json(Post { user: ids.0, post: ids.1 })
}

#[handler]
async fn echo(request: &Request, body: Body) -> Response {
    let content_type = request.content_type().unwrap_or("application/octet-stream");
    Response::builder().content_type(content_type).body(body)
}

#[handler]
async fn order(Json(order): Json<Order>) -> Response {
    if order.quantity <= 0 {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let location = format!("/orders/{}", order.item);
    Json(order).with_status(StatusCode::CREATED).with_header("location", location).into_response()
}

#[handler]
async fn block(Query(Pause { ms }): Query<Pause>) -> &'static str {
    std::thread::sleep(Duration::from_millis(ms));
    "blocked"
}

#[handler]
async fn spin(Query(Pause { ms }): Query<Pause>) -> &'static str {
    let end = Instant::now() + Duration::from_millis(ms);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
    "spun"
}

#[handler]
async fn large(Query(Size { bytes }): Query<Size>) -> Response {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let pieces = std::iter::successors(Some(bytes), |left| left.checked_sub(ZEROS.len()))
        .map(|left| &ZEROS[..left.min(ZEROS.len())])
        .filter(|piece| !piece.is_empty())
        .map(Ok::<_, std::io::Error>);
    let body = Body::from_bytes_stream(futures_util::stream::iter(pieces));
    Response::builder().content_type("application/octet-stream").body(body)
}
