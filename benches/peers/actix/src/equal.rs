//! What our fixed stages do, by actix-web's own means: its logger as a line of JSON, its CORS, its limits. It has no panic
//! guard and no request ids, so these are a function around the handler.

use std::io::Write as _;
use std::panic::AssertUnwindSafe;

use actix_cors::Cors;
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{Logger, Next};
use actix_web::web::{JsonConfig, PayloadConfig, ServiceConfig};
use futures_util::FutureExt;
use uuid::Uuid;

/// The default limit of our body readers.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The lines are JSON already.
pub fn log() {
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Info)
        .target(env_logger::Target::Stdout)
        .format(|line, record| writeln!(line, "{}", record.args()))
        .init();
}

pub fn logger() -> Logger {
    Logger::new(
        r#"{"time":"%t","request_id":"%{x-request-id}o","remote":"%a","request":"%r","status":%s,"duration_ms":%D}"#,
    )
}

pub fn cors() -> Cors {
    Cors::permissive()
}

pub fn limits(config: &mut ServiceConfig) {
    config
        .app_data(JsonConfig::default().limit(BODY_LIMIT))
        .app_data(PayloadConfig::default().limit(BODY_LIMIT));
}

pub async fn answer_with_id(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = HeaderValue::from_str(&Uuid::new_v4().to_string()).map_err(ErrorInternalServerError)?;
    let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| Err(ErrorInternalServerError("panicked")))?;
    response.headers_mut().insert(REQUEST_ID, id);
    Ok(response)
}
