//! The routes, as salvo's documentation would write them.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use salvo::http::StatusCode;
use salvo::http::header::{CONTENT_TYPE, LOCATION};
use salvo::http::{ParseError, StatusError};
use salvo::prelude::{Json, Request, Response, Router, handler, max_size};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Debug)]
struct Message {
    message: &'static str,
}

#[derive(Serialize, Debug)]
struct Post {
    user: u32,
    post: u32,
}

#[derive(Deserialize, Serialize, Debug)]
struct Order {
    item: String,
    quantity: i64,
}

/// The default limit of our body readers.
const BODY_LIMIT: u64 = 2 * 1024 * 1024;

pub fn routes() -> Router {
    Router::new()
        .push(Router::with_path("plaintext").get(plaintext))
        .push(Router::with_path("json").get(json))
        .push(Router::with_path("users/{id}").get(user))
        .push(Router::with_path("users/{user}/posts/{post}").get(user_post))
        .push(Router::with_path("echo").post(echo))
        .push(Router::with_path("orders").hoop(max_size(BODY_LIMIT)).post(take_order))
        .push(Router::with_path("block").get(block))
        .push(Router::with_path("spin").get(spin))
        .push(Router::with_path("large").get(large))
        .push(Router::with_path("healthz").get(healthz))
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
async fn user(request: &mut Request) -> String {
    request.param("id").unwrap_or_default()
}

#[handler]
async fn user_post(request: &mut Request) -> Result<Json<Post>, StatusError> {
    let number = |name: &str| request.param(name).ok_or_else(StatusError::bad_request);
    Ok(Json(Post { user: number("user")?, post: number("post")? }))
}

#[handler]
async fn echo(request: &mut Request, response: &mut Response) {
    if let Some(content_type) = request.headers().get(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, content_type.clone());
    }
    let pieces = request.take_body().map_ok(|frame| frame.into_data().unwrap_or_default());
    response.stream(pieces);
}

#[handler]
async fn take_order(request: &mut Request, response: &mut Response) -> Result<(), ParseError> {
    let order: Order = request.parse_json().await?;
    if order.quantity <= 0 {
        response.status_code(StatusCode::UNPROCESSABLE_ENTITY);
        return Ok(());
    }
    if let Ok(location) = format!("/orders/{}", order.item).parse() {
        response.headers_mut().insert(LOCATION, location);
    }
    response.status_code(StatusCode::CREATED).render(Json(order));
    Ok(())
}

#[handler]
async fn block(request: &mut Request) -> &'static str {
    std::thread::sleep(Duration::from_millis(request.query("ms").unwrap_or_default()));
    "blocked"
}

#[handler]
async fn spin(request: &mut Request) -> &'static str {
    let end = Instant::now() + Duration::from_millis(request.query("ms").unwrap_or_default());
    while Instant::now() < end {
        std::hint::spin_loop();
    }
    "spun"
}

#[handler]
async fn large(request: &mut Request, response: &mut Response) {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let bytes: usize = request.query("bytes").unwrap_or_default();
    let pieces = std::iter::successors(Some(bytes), |left| left.checked_sub(ZEROS.len()))
        .map(|left| &ZEROS[..left.min(ZEROS.len())])
        .filter(|piece| !piece.is_empty())
        .map(Ok::<_, Infallible>);
    if let Ok(octets) = "application/octet-stream".parse() {
        response.headers_mut().insert(CONTENT_TYPE, octets);
    }
    response.stream(futures_util::stream::iter(pieces));
}
