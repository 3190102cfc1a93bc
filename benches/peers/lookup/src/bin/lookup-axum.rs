//! axum.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;

fn main() -> std::io::Result<()> {
    let router = Router::new().route("/plaintext", get(async || "Hello, World!"));
    axum_peer::run(
        lookup::patterns()
            .fold(router, |router, pattern| router.route(&pattern, get(async |Path(id): Path<String>| id))),
    )
}
