//! A form into a struct.

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
    app.post("/search", async |ex| {
        let Search { q, page, size, sort, exact } = ex.form().await?;
        Ok(format!("{q} {page:?} {size} {sort} {exact}"))
    })
}
