//! Orders that are taken once for each `Idempotency-Key`, and three in a minute for each client, in a store that all
//! instances share: `STORE=redis://127.0.0.1:6379`, or the path of a file of SQLite.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fc_runtime::store::Store as _;
use fc_runtime::{App, Error, Instance, Json, Result, guard};
use stores::{RedisStore, SqliteStore};

fn main() -> Result {
    let store = Instance::from_env().var("STORE")?;
    let by_client = |ex: &fc_runtime::Exchange<AtomicU32>| ex.client_addr().map(|client| client.to_string());
    let app = App::with_state(AtomicU32::new(0))
        .post("/orders", async |ex| {
            let key = ex.header("idempotency-key").ok_or_else(|| Error::bad_request("no idempotency-key"))?;
            let number = ex.once(key, async || Ok(ex.state().fetch_add(1, Ordering::Relaxed) + 1)).await?;
            Ok((201, Json(number)))
        })
        .around(guard::rate_limit(3, Duration::from_secs(60), by_client));
    if store.starts_with("redis:") {
        // Other apps may use the same Redis.
        app.store(RedisStore::open(&store)?.namespaced("orders")).run()
    } else {
        app.store(SqliteStore::open(&store)?).run()
    }
}
