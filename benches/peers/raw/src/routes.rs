//! The routes, matched by hand.

use std::fs::File;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::Body;

/// The default limit of our body readers.
const BODY_MAX: usize = 2 * 1024 * 1024;

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

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(crate) async fn answer(request: Request<Incoming>) -> Response<Body> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/plaintext") => full(TEXT, "Hello, World!"),
        (&Method::GET, "/json") => json(&Message { message: "Hello, World!" }),
        (&Method::POST, "/echo") => echo(request),
        (&Method::POST, "/orders") => order(request).await,
        (&Method::POST, "/store") => match store(request.into_body()).await {
            Ok(length) => full(TEXT, length.to_string()),
            Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        },
        (&Method::GET, "/healthz") => full(TEXT, "ok"),
        (&Method::GET, "/large") => large(&request),
        (&Method::GET, "/block") => {
            std::thread::sleep(Duration::from_millis(asked(&request, "ms").unwrap_or(0)));
            full(TEXT, "blocked")
        }
        (&Method::GET, "/spin") => {
            let end = Instant::now() + Duration::from_millis(asked(&request, "ms").unwrap_or(0));
            while Instant::now() < end {
                std::hint::spin_loop();
            }
            full(TEXT, "spun")
        }
        (&Method::GET, path) => match path.strip_prefix("/users/") {
            Some(rest) => user(rest),
            None => empty(StatusCode::NOT_FOUND),
        },
        _ => empty(StatusCode::NOT_FOUND),
    }
}

fn user(rest: &str) -> Response<Body> {
    match rest.split_once('/') {
        None if !rest.is_empty() => full(TEXT, rest.to_owned()),
        Some((user, post)) => {
            let post = post.strip_prefix("posts/").unwrap_or_default();
            match (user.parse(), post.parse()) {
                (Ok(user), Ok(post)) => json(&Post { user, post }),
                _ => empty(StatusCode::BAD_REQUEST),
            }
        }
        None => empty(StatusCode::NOT_FOUND),
    }
}

fn large(request: &Request<Incoming>) -> Response<Body> {
    let mut response = Response::new(Body::Zeros(asked(request, "bytes").unwrap_or(0)));
    let octets = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(CONTENT_TYPE, octets);
    response
}

/// A number of the query.
fn asked<T: FromStr>(request: &Request<Incoming>, name: &str) -> Option<T> {
    let mut pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name)?.1.parse().ok()
}

fn echo(mut request: Request<Incoming>) -> Response<Body> {
    let content_type = request
        .headers_mut()
        .remove(CONTENT_TYPE)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut response = Response::new(Body::Back(request.into_body()));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Writes the body to a file piece by piece, and gives its length.
async fn store(mut body: Incoming) -> Result<usize, Box<dyn std::error::Error>> {
    let (mut file, mut length) = (unnamed_file()?, 0);
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        length += piece.len();
        file = tokio::task::spawn_blocking(move || file.write_all(&piece).map(|()| file)).await??;
    }
    Ok(length)
}

/// A file that ends with its handle.
fn unnamed_file() -> io::Result<File> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("raw-{}-{number}", std::process::id()));
    let file = File::create_new(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

async fn order(request: Request<Incoming>) -> Response<Body> {
    let Ok(body) = Limited::new(request.into_body(), BODY_MAX).collect().await else {
        return empty(StatusCode::BAD_REQUEST);
    };
    let Ok(order) = serde_json::from_slice::<Order>(&body.to_bytes()) else {
        return empty(StatusCode::BAD_REQUEST);
    };
    if order.quantity <= 0 {
        return empty(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let location = HeaderValue::from_str(&format!("/orders/{}", order.item));
    let Ok(location) = location else {
        return empty(StatusCode::BAD_REQUEST);
    };
    let mut response = json(&order);
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(LOCATION, location);
    response
}

fn json(value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(json) => full(JSON, json),
        Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn full(content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::Once(Some(body.into())));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Once(None));
    *response.status_mut() = status;
    response
}
