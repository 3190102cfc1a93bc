//! Feature `mounted`: another router below a path.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;

pub(crate) fn add(app: Router) -> Router {
    let users = Router::new().route("/users/{id}", get(async |Path(id): Path<String>| id));
    app.nest_service("/api", users)
}
