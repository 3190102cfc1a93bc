//! What operators see: spans, metrics, and work that is done once.

use std::time::Duration;

use fc_runtime::metrics::{Metrics, SECONDS};
use fc_runtime::store::{MemoryStore, Store as _};
use fc_runtime::{App, Error, Exchange, guard};
use tracing::Instrument as _;

use crate::Shop;

/// Adds the routes, and the store that they share results in.
pub(crate) fn add(app: App<Shop>) -> App<Shop> {
    let metrics = Metrics::new();
    let sold = metrics.counter_by("shop_sold_total", "What was sold.", ["item"]);
    let weights = metrics.histogram("shop_weight", "Weights.", SECONDS);
    let by_client = |ex: &Exchange<Shop>| ex.header("x-client").map(str::to_owned);
    app.store(MemoryStore::new().namespaced("shop"))
        .metrics("/metrics", &metrics)
        .get("/sell/{item}", async move |ex| {
            let item: String = ex.param("item")?;
            let span = tracing::info_span!("sale", item);
            async { tracing::info!(paid = true, "sold") }.instrument(span).await;
            sold.with([&*item]).add(1);
            weights.observe(0.5);
            Ok(item)
        })
        .post("/once", async |ex| {
            let key = ex.header("idempotency-key").ok_or_else(|| Error::bad_request("no key"))?;
            let name = ex.text().await?;
            let insert = async || {
                let done =
                    sqlx::query("insert into items values (?)").bind(name).execute(&ex.state().db).await?;
                Ok(done.rows_affected())
            };
            Ok(ex.once(key, insert).await?.to_string())
        })
        .group("/limited", |group| {
            group.get("/", async |_| "so").around(guard::rate_limit(2, Duration::from_secs(60), by_client))
        })
        .event(async |event| {
            let call = event.invocation();
            Ok(format!("{} attempt {}", call.task_id().unwrap_or("no task"), call.attempt()))
        })
}
