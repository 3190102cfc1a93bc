//! A folder of files.

use axum::Router;
use tower_http::services::ServeDir;

pub(crate) fn add(app: Router) -> Router {
    app.nest_service("/static", ServeDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../plots")))
}
