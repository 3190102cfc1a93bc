//! A query into a struct.

use fc_runtime::App;
use serde::Deserialize;

#[derive(Deserialize)]
struct Search {
    q: String,
    page: Option<u32>,
    size: u32,
    sort: String,
    exact: bool,
}

pub(crate) fn add(app: App) -> App {
    app.get("/search", async |ex| {
        let Search { q, page, size, sort, exact } = ex.query()?;
        Ok(format!("{q} {page:?} {size} {sort} {exact}"))
    })
}
