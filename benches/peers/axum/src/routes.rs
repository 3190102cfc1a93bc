//! The routes, as axum's documentation would write them.

use axum::body::Body;
use axum::extract::{Path, Request};
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
        .route("/echo", post(echo))
        .route("/orders", post(order))
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
