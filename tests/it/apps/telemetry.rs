//! Logs, spans and traces, as authors use them.

use fc_runtime::metrics::SECONDS;
use fc_runtime::{App, Error, HeaderMap, Metrics, Otel, Reply, current_trace_context};
use tracing::Instrument;

pub fn app() -> App {
    match std::env::var("IT_SUBSCRIBER").as_deref() {
        Ok("json") => tracing_subscriber::fmt().json().with_writer(std::io::stdout).init(),
        Ok("text") => tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stdout).init(),
        _ => {}
    }
    let metrics = Metrics::new();
    let orders = metrics.counter_by("shop_orders_total", "Orders \\ that were\ntaken.", ["kind"]);
    orders.with(["a \"b\"\\\n"]).add(3);
    metrics.histogram("shop_seconds", "Seconds.", SECONDS).observe(0.7);
    let app = App::new().metrics("/metrics", &metrics);
    let app = match std::env::var("IT_OTEL") {
        Ok(_) => app.otel(Otel::new()),
        Err(_) => app,
    };
    app.get("/orders/{id}", async |ex| {
        let id: u32 = ex.param("id")?;
        async {
            tracing::info!(weight = 1.5, paid = true, "begun");
            tokio::task::yield_now().await;
            pay("tea").instrument(tracing::info_span!("pay", method = "card")).await;
            let late = tracing::info_span!("late", outcome = tracing::field::Empty);
            late.record("outcome", "sent");
            late.in_scope(|| tracing::info!("ended"));
        }
        .instrument(tracing::info_span!("order", id))
        .await;
        tracing::info!("outside");
        Ok("done")
    })
    .get("/said", async |_| {
        tracing::debug!(target: "shop::orders", "an order in detail");
        tracing::info!(target: "shop", "an order");
        tracing::info!(target: "sqlx::query", "a query");
        tracing::warn!(target: "sqlx::query", "a slow query");
        "said"
    })
    .get("/panic", async |_| -> &'static str { deep_inside(3) })
    .get("/fails", async |_| -> fc_runtime::Result<&'static str> {
        Err(Error::internal(anyhow::anyhow!("no disk").context("cannot write")))
    })
    .get("/onwards", async |_| {
        let mut outgoing = HeaderMap::new();
        outgoing.insert("b3", "0".parse().unwrap());
        current_trace_context().unwrap().inject(&mut outgoing);
        let line = |(name, value): (&fc_runtime::HeaderName, &fc_runtime::HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap_or_default())
        };
        outgoing.iter().map(line).collect::<Vec<_>>().join("\n")
    })
    .get("/stream", async |_| {
        Reply::stream(async_stream::stream! {
            for _ in 0..3 {
                yield Ok::<_, Error>("tick ");
                tokio::task::yield_now().await;
            }
        })
    })
    .event(async |event| Ok(event.trace_context().trace_id()))
    .event_as_http()
}

#[tracing::instrument(skip_all, fields(item = name))]
async fn pay(name: &str) {
    tokio::task::yield_now().await;
    tracing::info!("paid");
}

fn deep_inside(left: u32) -> &'static str {
    assert!(left > 0, "asked to");
    deep_inside(left - 1)
}
