//! A limit for each client, told apart by a header, by tower_governor.

use axum::Router;
use axum::http::{Request, header};
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

#[derive(Debug, Clone, Copy)]
struct ByAgent;

impl KeyExtractor for ByAgent {
    type Key = String;

    fn extract<T>(&self, request: &Request<T>) -> Result<String, GovernorError> {
        let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        agent.map(str::to_owned).ok_or(GovernorError::UnableToExtractKey)
    }
}

pub(crate) fn with(app: Router) -> Router {
    let config = GovernorConfigBuilder::default()
        .per_millisecond(1)
        .burst_size(1_000_000)
        .key_extractor(ByAgent)
        .finish();
    app.layer(GovernorLayer::new(config.expect("a limit and a period")))
}
