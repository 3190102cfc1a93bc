//! The routes, matched by hand.

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

/// A reply's body: bytes at hand, or the request's own.
pub type Body = Either<Full<Bytes>, Incoming>;

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[derive(Deserialize, Serialize)]
struct Order {
    item: String,
    quantity: i64,
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(crate) async fn answer(request: Request<Incoming>) -> Response<Body> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/plaintext") => full(TEXT, "Hello, World!"),
        (&Method::GET, "/json") => match serde_json::to_vec(&Message { message: "Hello, World!" }) {
            Ok(json) => full(JSON, json),
            Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        },
        (&Method::POST, "/echo") => echo(request),
        (&Method::POST, "/orders") => order(request).await,
        (&Method::GET, path) => match path.strip_prefix("/users/") {
            Some(id) if !id.is_empty() && !id.contains('/') => full(TEXT, id.to_owned()),
            _ => empty(StatusCode::NOT_FOUND),
        },
        _ => empty(StatusCode::NOT_FOUND),
    }
}

fn echo(mut request: Request<Incoming>) -> Response<Body> {
    let content_type = request
        .headers_mut()
        .remove(CONTENT_TYPE)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut response = Response::new(Either::Right(request.into_body()));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

async fn order(request: Request<Incoming>) -> Response<Body> {
    let Ok(body) = request.into_body().collect().await else {
        return empty(StatusCode::BAD_REQUEST);
    };
    let Ok(order) = serde_json::from_slice::<Order>(&body.to_bytes()) else {
        return empty(StatusCode::BAD_REQUEST);
    };
    if order.quantity <= 0 {
        return empty(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let location = HeaderValue::from_str(&format!("/orders/{}", order.item));
    let (Ok(location), Ok(json)) = (location, serde_json::to_vec(&order)) else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = full(JSON, json);
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(LOCATION, location);
    response
}

fn full(content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(body.into())));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    response
}
