//! Without any feature.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;

pub(crate) fn app() -> Router {
    Router::new().route("/users/{id}", get(async |Path(id): Path<String>| id))
}
