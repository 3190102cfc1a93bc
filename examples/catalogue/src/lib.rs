//! A catalogue of items as two functions: `catalogue-list` lists it, `catalogue-item` shows and changes one item.
//!
//! Each function is a program of its own with the routes of its own, so that each is scaled and metered apart. What they
//! share is this library.

mod item;
mod items;
mod pool;
mod store;

use fc_runtime::{App, Error, HeaderValue, http::header::RETRY_AFTER};

pub use store::{Content, Item, Page, Store, Written};

/// The function `catalogue-list`: `GET /items`.
pub fn list() -> App<Store> {
    with_database().get("/items", items::list)
}

/// The function `catalogue-item`: `GET` and `PUT /items/{id}`.
pub fn item() -> App<Store> {
    with_database().get("/items/{id}", item::show).put("/items/{id}", item::put)
}

fn with_database() -> App<Store> {
    App::with_state_from(Store::open).ready_check("database", async |store| Ok(store.ping().await?)).on_error(
        |error: &sqlx::Error| match pool::is_away(error) {
            // Its client may repeat the request: each is written so that the second time does no harm.
            true => Error::unavailable("the catalogue's database is away")
                .with_header(RETRY_AFTER, HeaderValue::from_static("1")),
            false => Error::new(500, "the catalogue's database failed"),
        },
    )
}
