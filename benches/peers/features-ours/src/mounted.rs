//! Feature `mounted`: an axum router below a path.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use fc_runtime::App;

pub(crate) fn add(app: App) -> App {
    app.mount("/api", Router::new().route("/users/{id}", get(async |Path(id): Path<String>| id)))
}
