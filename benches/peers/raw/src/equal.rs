//! What our stages do, by hand: record with request id, panic guard, CORS. (The body's limit is where it is read.)

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue, ORIGIN, VARY};
use hyper::{Request, Response, StatusCode};

use crate::Body;
use crate::routes::{answer, empty};

const ORIGIN_ALLOWED: HeaderValue = HeaderValue::from_static("https://shop.example");

pub(crate) async fn answer_with_equal_work(request: Request<Incoming>) -> Response<Body> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let started = Instant::now();
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let has_origin = request.headers().contains_key(ORIGIN);
    let answered = AssertUnwindSafe(answer(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR));
    response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
    if has_origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN_ALLOWED);
    }
    tracing::info!(
        request_id = id,
        method = method.as_str(),
        path,
        status = response.status().as_u16(),
        duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}
