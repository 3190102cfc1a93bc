//! A query into a struct.

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use serde::Deserialize;

#[derive(Deserialize)]
struct Search {
    q: String,
    page: Option<u32>,
    size: u32,
    sort: String,
    exact: bool,
}

pub(crate) fn add(app: Router) -> Router {
    app.route(
        "/search",
        get(async |Query(Search { q, page, size, sort, exact }): Query<Search>| {
            format!("{q} {page:?} {size} {sort} {exact}")
        }),
    )
}
