//! Server-sent events: a stream that a page reads, and that goes on where it broke off.

use std::time::Duration;

use fc_runtime::{App, Html, Result, Sse, SseEvent};
use serde::Deserialize;

#[derive(Deserialize)]
struct Query {
    /// How many ticks. Without it the stream lasts as long as the function's time allows.
    n: Option<u64>,
    /// The pause between two ticks, in milliseconds.
    pause: Option<u64>,
}

const PAGE: &str = r"<!doctype html><title>ticks</title><h1>waiting</h1><script>
new EventSource('/ticks').onmessage = (tick) => { document.querySelector('h1').textContent = tick.data; };
</script>
";

fn main() -> Result {
    app().run()
}

fn app() -> App {
    App::new().get("/", async |_| Html(PAGE)).get("/ticks", async |ex| {
        let Query { n, pause } = ex.query()?;
        let pause = Duration::from_millis(pause.unwrap_or(1000).min(60_000));
        // A browser whose connection broke names the last event that it has.
        let seen = ex.last_event_id().and_then(|id| id.parse::<u64>().ok());
        let first = seen.map_or(0, |seen| seen.saturating_add(1));
        Ok(Sse::run(async move |mut out| {
            for id in first..n.unwrap_or(u64::MAX) {
                // A client that left ends the loop here.
                out.send(SseEvent::data(format!("tick {id}")).with_id(id)).await?;
                tokio::time::sleep(pause).await;
            }
            Ok(())
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_goes_on_where_it_broke_off() {
        fc_runtime::testing::run(async {
            let client = app().test_client();
            let all = client.get("/ticks?n=2&pause=0").await;
            all.assert_text("data: tick 0\nid: 0\n\ndata: tick 1\nid: 1\n\n");
            let rest = client.get("/ticks?n=2&pause=0").header("last-event-id", "0").await;
            rest.assert_text("data: tick 1\nid: 1\n\n");
        });
    }
}
