//! What our fixed stages do, by ntex's own means: its logger as a line of JSON, its CORS, its limits. It has no panic
//! guard and no request ids, so these are a middleware.

use std::io::Write as _;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use ntex::http::header::{HeaderName, HeaderValue};
use ntex::service::cfg::SharedCfg;
use ntex::service::{Middleware, Service, ServiceCtx};
use ntex::web::error::ErrorInternalServerError;
use ntex::web::middleware::Logger;
use ntex::web::types::{JsonConfig, PayloadConfig};
use ntex::web::{Error, ServiceConfig, WebRequest, WebResponse};
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

pub fn limits(config: &mut ServiceConfig) {
    config.state(JsonConfig::default().limit(BODY_LIMIT)).state(PayloadConfig::default().limit(BODY_LIMIT));
}

#[derive(Debug)]
pub struct AnswerWithId;

#[derive(Debug)]
pub struct AnswersWithId<S> {
    service: S,
}

impl<S> Middleware<S, SharedCfg> for AnswerWithId {
    type Service = AnswersWithId<S>;

    fn create(&self, service: S, _: SharedCfg) -> Self::Service {
        AnswersWithId { service }
    }
}

impl<S, E> Service<WebRequest<E>> for AnswersWithId<S>
where
    S: Service<WebRequest<E>, Response = WebResponse, Error = Error>,
{
    type Response = WebResponse;
    type Error = Error;

    ntex::forward_ready!(service);
    ntex::forward_shutdown!(service);

    async fn call(
        &self,
        request: WebRequest<E>,
        ctx: ServiceCtx<'_, Self>,
    ) -> Result<Self::Response, Self::Error> {
        let id = HeaderValue::from_str(&Uuid::new_v4().to_string()).map_err(ErrorInternalServerError)?;
        let answered = AssertUnwindSafe(ctx.call(&self.service, request)).catch_unwind().await;
        let mut response = answered.unwrap_or_else(|_| Err(ErrorInternalServerError("panicked").into()))?;
        response.headers_mut().insert(REQUEST_ID, id);
        Ok(response)
    }
}
