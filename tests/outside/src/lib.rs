//! A shop of somebody else's: fc-runtime beside the crates that such programs use.

mod docs;
mod document;
mod errors;
mod layers;
mod mounted;
mod observed;
mod readers;
mod streams;

use std::path::Path;

use fc_runtime::{App, Json};
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;
use tokio::sync::mpsc;

pub use document::{Document, PATHS};
pub use errors::ShopError;

/// The state of the app.
pub struct Shop {
    db: SqlitePool,
    http: reqwest::Client,
    /// Hears of what is dropped.
    dropped: mpsc::UnboundedSender<&'static str>,
}

/// The whole app. `dropped` hears of handlers and services that are dropped before their end; `files` is a folder that is
/// served.
pub fn app(dropped: mpsc::UnboundedSender<&'static str>, files: &Path) -> App<Shop> {
    let app = App::with_state_from(async move |_| {
        // One connection, because each has a memory of its own.
        let db = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
        sqlx::query("create table items (name text unique)").execute(&db).await?;
        for name in ["tea", "salt"] {
            sqlx::query("insert into items values (?)").bind(name).execute(&db).await?;
        }
        Ok(Shop { db, http: reqwest::Client::builder().no_proxy().build()?, dropped })
    })
    .get("/counters", async |ex| {
        let counters = ex.counters();
        Json(serde_json::json!({ "in_flight": counters.in_flight, "cancelled": counters.cancelled, "finished": counters.finished }))
    })
    .group("/errors", errors::routes)
    .group("/streams", streams::routes)
    .group("/layers", layers::routes)
    .group("/axum", mounted::routes)
    .group("/read", |group| readers::routes(group, files))
    .get("/echo", async |ex| {
        ex.websocket(async |mut socket| {
            while let Some(message) = socket.next().await {
                socket.send(message?).await?;
            }
            Ok(())
        })
    });
    document::add(observed::add(app))
}
