//! The routes, as ntex's documentation would write them.

use std::time::{Duration, Instant};

use futures_util::stream;
use ntex::util::Bytes;
use ntex::web::types::{Json, Path, Payload, Query};
use ntex::web::{self, HttpRequest, HttpResponse, ServiceConfig};
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
        .route("/json", web::get().to(json))
        .route("/users/{id}", web::get().to(user))
        .route("/users/{user}/posts/{post}", web::get().to(post))
        .route("/echo", web::post().to(echo))
        .route("/orders", web::post().to(order))
        .route("/block", web::get().to(block))
        .route("/spin", web::get().to(spin))
        .route("/large", web::get().to(large))
        .route("/healthz", web::get().to(async || "ok"));
}

async fn json() -> HttpResponse {
    HttpResponse::Ok().json(&Message { message: "Hello, World!" })
}

async fn user(id: Path<String>) -> String {
    id.into_inner()
}

async fn post(path: Path<(u32, u32)>) -> HttpResponse {
    let (user, post) = path.into_inner();
    HttpResponse::Ok().json(&Post { user, post })
}

async fn echo(request: HttpRequest, body: Payload) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(content_type) = request.headers().get("content-type") {
        response.header("content-type", content_type.clone());
    }
    response.streaming(body)
}

async fn order(order: Json<Order>) -> HttpResponse {
    if order.quantity <= 0 {
        return HttpResponse::UnprocessableEntity().finish();
    }
    HttpResponse::Created().header("location", format!("/orders/{}", order.item)).json(&*order)
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

async fn large(size: Query<Size>) -> HttpResponse {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let pieces = std::iter::successors(Some(size.bytes), |left| left.checked_sub(ZEROS.len()))
        .map(|left| &ZEROS[..left.min(ZEROS.len())])
        .filter(|piece| !piece.is_empty())
        .map(|piece| Ok::<_, std::io::Error>(Bytes::from_static(piece)));
    HttpResponse::Ok().content_type("application/octet-stream").streaming(stream::iter(pieces))
}
