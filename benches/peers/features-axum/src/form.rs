//! A form into a struct.

use axum::Router;
use axum::extract::Form;
use axum::routing::post;
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
        post(async |Form(Search { q, page, size, sort, exact }): Form<Search>| {
            format!("{q} {page:?} {size} {sort} {exact}")
        }),
    )
}
