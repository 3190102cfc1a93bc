//! Streams of events in every state: waiting, ready for ever, failing. Each says what became of its producer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fc_runtime::{App, Cors, Error, Html, IntoReply, Json, Reply, Result, Sse, SseEvent, StatusCode};
use serde_json::json;
use tokio::sync::Notify;

/// What `/failing-late` gives at a time.
const PART: usize = 16 * 1024;

#[derive(Default)]
pub struct Seen {
    begun: AtomicUsize,
    produced: AtomicUsize,
    dropped: AtomicUsize,
    gate: Notify,
    /// The last ids that clients came with.
    came_with: Mutex<Vec<String>>,
}

/// Shows the events that it gets until it may not come back.
pub const PAGE: &str = r"<!doctype html><title>events</title><body>waiting<script>
const base = new URL(location).searchParams.get('base');
const seen = [];
const events = new EventSource(base + '/resumable');
events.addEventListener('step', (event) => seen.push(event.data));
events.onerror = () => {
  if (events.readyState === EventSource.CLOSED) {
    document.body.textContent = '[' + seen.concat('closed').join(' ') + ']';
  }
};
</script>";

/// A producer that counts its end.
struct Producer(Arc<Seen>);

impl Producer {
    fn begin(seen: Arc<Seen>) -> Self {
        seen.begun.fetch_add(1, Ordering::Relaxed);
        Self(seen)
    }

    fn produced(&self) -> usize {
        self.0.produced.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

pub fn app() -> App<Seen> {
    direct(App::with_state(Seen::default()))
        .cors(std::env::var("IT_ORIGINS").map_or_else(|_| Cors::same_origin(), Cors::allow))
        .get("/", async |_| Html(PAGE))
        // Two of five events to each connection; a client that has all of them is sent away.
        .get("/resumable", async |ex| {
            let seen = ex.last_event_id();
            ex.state().came_with.lock().unwrap().push(seen.as_deref().unwrap_or("none").to_owned());
            let first = seen.and_then(|id| id.parse::<u32>().ok()).map_or(0, |id| id + 1);
            if first == 5 {
                return StatusCode::NO_CONTENT.into_reply();
            }
            Sse::new(async_stream::stream! {
                for id in first..5.min(first + 2) {
                    yield SseEvent::data(id.to_string()).with_id(id).with_event("step").with_retry(Duration::from_millis(10));
                }
            })
            .into_reply()
        })
        .get("/came-with", async |ex| ex.state().came_with.lock().unwrap().join(", "))
        .trust_platform(true)
        .get("/counters", async |ex| Json(ex.counters()))
        .get("/plaintext", async |_| "Hello, World!")
        .get("/seen", async |ex| {
            let [begun, produced, dropped] = [&ex.state().begun, &ex.state().produced, &ex.state().dropped]
                .map(|count| count.load(Ordering::Relaxed));
            Json(json!({ "begun": begun, "produced": produced, "dropped": dropped }))
        })
        .post("/open", async |ex| {
            ex.state().gate.notify_one();
            StatusCode::NO_CONTENT
        })
        // One event at a time, each when the gate is opened.
        .get("/gated", async |ex| {
            Sse::run(async move |mut out| {
                let producer = Producer::begin(ex.state_arc());
                loop {
                    ex.state().gate.notified().await;
                    out.send(format!("event {}", producer.produced())).await?;
                }
            })
        })
        .get("/burst", async |_| {
            Sse::new(async_stream::stream! {
                for text in ["one", "two", "three"] { yield text; }
            })
        })
        .get("/silent", async |ex| silent(ex.state_arc()).with_keep_alive(Duration::from_millis(50)))
        .get("/waiting", async |ex| silent(ex.state_arc()))
        // Ready whenever it is asked.
        .get("/endless", async |ex| {
            let producer = Producer::begin(ex.state_arc());
            Sse::new(async_stream::stream! {
                loop { yield SseEvent::data("x".repeat(1000)).with_id(producer.produced()); }
            })
        })
        .get("/failing", async |_| {
            Sse::new(async_stream::stream! {
                yield Ok("fine");
                yield Err(Error::internal("the source is dry"));
                yield Ok("never");
            })
        })
        .get("/failing-late/{length}", async |ex| {
            let length: usize = ex.param("length")?;
            Ok(Reply::try_stream(async_stream::try_stream! {
                for _ in 0..length / PART {
                    yield Bytes::from(vec![b'x'; PART]);
                }
                Err(Error::internal("the source is dry"))?;
            }))
        })
        .get("/failing-run", async |_| {
            Sse::run(async move |mut out| {
                out.send("fine").await?;
                Err(Error::internal("the source is dry"))?;
                Ok(())
            })
        })
        .get("/forged", async |_| {
            Sse::new(async_stream::stream! {
                yield SseEvent::data("fine");
                yield SseEvent::data("x").with_id("1\ndata: forged");
            })
        })
        .get("/panicking", async |_| {
            Sse::new(async_stream::stream! {
                yield "fine";
                // What is not sent yet is lost with it.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                panic!("asked to");
            })
        })
        .get("/refused", async |_| -> Result<Sse> { Err(Error::forbidden("not for you")) })
        .get("/over", async |_| StatusCode::NO_CONTENT.into_reply())
}

/// Streams whose connections go on behind them.
#[allow(clippy::disallowed_methods, reason = "a task of the author's outlives the stream")]
fn direct(app: App<Seen>) -> App<Seen> {
    app
        // As many, and then the stream ends.
        .get("/gated/{count}", async |ex| {
            let count: usize = ex.param("count")?;
            Ok(Sse::run(async move |mut out| {
                for _ in 0..count {
                    ex.state().gate.notified().await;
                    out.send("one more").await?;
                }
                Ok(())
            }))
        })
        // A task of its own learns that the client has left.
        .get("/watched", async |ex| {
            let (hang_up, producer) = (ex.hang_up(), Producer::begin(ex.state_arc()));
            tokio::spawn(async move {
                hang_up.await;
                drop(producer);
            });
            Sse::new(async_stream::stream! {
                yield "watched";
                std::future::pending::<()>().await;
            })
        })
        // An event for each word of the body.
        .post("/words", async |ex| {
            let text = ex.text().await?;
            Ok(Sse::new(async_stream::stream! {
                for word in text.split(' ') { yield word.to_owned(); }
            }))
        })
        // Pieces of this size, numbered by their bytes: small ones are ready together, large ones are sent as they are.
        .get("/pieces/{length}/{count}", async |ex| {
            let (length, count): (usize, u8) = (ex.param("length")?, ex.param("count")?);
            Ok(Reply::stream(async_stream::stream! {
                for at in 0..count { yield vec![at; length]; }
            }))
        })
}

fn silent(seen: Arc<Seen>) -> Sse {
    Sse::run(async move |_| {
        let _producer = Producer::begin(seen);
        std::future::pending().await
    })
}
