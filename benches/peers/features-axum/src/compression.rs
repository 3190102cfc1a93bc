//! A text of 10 kB, compressed by gzip.

use axum::Router;
use axum::routing::get;
use tower_http::compression::CompressionLayer;

pub(crate) fn add(app: Router) -> Router {
    let text: String = (0..500).map(|line| format!("line {line}: tea, salt\n")).collect();
    let route = Router::new().route("/text", get(async move || text.clone()));
    app.merge(route.layer(CompressionLayer::new()))
}
