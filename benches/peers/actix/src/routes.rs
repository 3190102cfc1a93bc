//! The routes, as actix-web's documentation would write them.

use std::time::{Duration, Instant};

use actix_web::web::{self, Bytes, Json, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Responder};
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

pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/plaintext", web::get().to(async || "Hello, World!"))
        .route("/json", web::get().to(async || Json(Message { message: "Hello, World!" })))
        .route("/users/{id}", web::get().to(async |id: Path<String>| id.into_inner()))
        .route("/users/{user}/posts/{post}", web::get().to(post))
        .route("/echo", web::post().to(echo))
        .route("/orders", web::post().to(order))
        .route("/block", web::get().to(block))
        .route("/spin", web::get().to(spin))
        .route("/large", web::get().to(large))
        .route("/healthz", web::get().to(async || "ok"));
}

async fn post(path: Path<(u32, u32)>) -> impl Responder {
    let (user, post) = path.into_inner();
    Json(Post { user, post })
}

async fn echo(request: HttpRequest, body: Payload) -> impl Responder {
    let mut response = HttpResponse::Ok();
    if let Some(content_type) = request.headers().get("content-type") {
        response.insert_header(("content-type", content_type));
    }
    response.streaming(body)
}

async fn order(order: Json<Order>) -> impl Responder {
    if order.quantity <= 0 {
        return HttpResponse::UnprocessableEntity().finish();
    }
    HttpResponse::Created().insert_header(("location", format!("/orders/{}", order.item))).json(order)
}

async fn block(pause: Query<Pause>) -> &'static str {
    std::thread::sleep(Duration::from_millis(pause.ms));
    "blocked"
}

async fn spin(pause: Query<Pause>) -> &'static str {
    let end = Instant::now() + Duration::from_millis(pause.ms);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
    "spun"
}

async fn large(size: Query<Size>) -> impl Responder {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let pieces = std::iter::successors(Some(size.bytes), |left| left.checked_sub(ZEROS.len()))
        .map(|left| &ZEROS[..left.min(ZEROS.len())])
        .filter(|piece| !piece.is_empty())
        .map(|piece| Ok::<_, actix_web::Error>(Bytes::from_static(piece)));
    HttpResponse::Ok().content_type("application/octet-stream").streaming(futures_util::stream::iter(pieces))
}
