//! Feature `layered`: a layer of tower-http that adds a header.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue};
use axum::routing::get;
use tower_http::set_header::SetResponseHeaderLayer;

const ADDED: HeaderName = HeaderName::from_static("x-added");

pub(crate) fn add(app: Router) -> Router {
    let layer = SetResponseHeaderLayer::overriding(ADDED, HeaderValue::from_static("yes"));
    app.merge(Router::new().route("/layered/{id}", get(async |Path(id): Path<String>| id)).layer(layer))
}
