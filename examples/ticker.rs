//! A ticker of server-sent events: `cargo run --release --example ticker`, then open `localhost:9000/`, or
//! `curl -N localhost:9000/ticks`.

use std::time::Duration;

use fc_runtime::{App, Html, Sse, SseEvent};
use serde::Deserialize;

#[derive(Deserialize)]
struct Query {
    /// How many ticks; without it they have no end.
    n: Option<u64>,
}

const PAGE: &str = r"<!doctype html><title>ticker</title><h1>waiting</h1><script>
const ticks = new EventSource('/ticks');
ticks.onmessage = (tick) => { document.querySelector('h1').textContent = tick.data; };
</script>";

fn main() -> fc_runtime::Result {
    App::new()
        .get("/", async |_| Html(PAGE))
        .get("/ticks", async |ex| {
            let Query { n } = ex.query()?;
            let seen = ex.last_event_id().and_then(|id| id.parse::<u64>().ok());
            // A browser that lost its connection goes on where it was.
            let first = seen.map_or(0, |seen| seen.saturating_add(1));
            Ok(Sse::run(async move |mut out| {
                for id in first..n.unwrap_or(u64::MAX) {
                    out.send(SseEvent::data(format!("tick {id}")).with_id(id)).await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Ok(())
            }))
        })
        .run()
}
