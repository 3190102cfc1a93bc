//! The routes of `docs/conform.md`, which `fc-local conform` asks a custom runtime for:
//! `cargo build --example conform --all-features`, then `fc-local conform -- target/debug/examples/conform`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fc_runtime::grpc::Messages;
use fc_runtime::platform::limits::REQUEST_BODY_MAX;
use fc_runtime::{App, Error, Exchange, Json, Reply, Result, Socket, Sse, SseEvent, at};
use serde::Deserialize;

/// The calls at work.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// Counts a call while it lives: it is dropped with the work for a client that left.
struct Busy;

impl Busy {
    fn begin() -> Self {
        BUSY.fetch_add(1, Ordering::Relaxed);
        Busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Deserialize)]
struct Pause {
    ms: u64,
}

#[derive(Deserialize)]
struct Ticks {
    n: u64,
    ms: u64,
    #[serde(default)]
    first: u64,
}

#[derive(Deserialize)]
struct Status {
    code: u16,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

/// `message Text { string text = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

fn main() -> Result {
    App::new()
        .health_path("/conform/health")
        .get("/", async |_| "hello")
        .post("/conform/echo", echo)
        .put("/conform/echo", echo)
        .patch("/conform/echo", echo)
        .delete("/conform/echo", echo)
        .post(at("/conform/upload").body_limit(REQUEST_BODY_MAX), async |ex| {
            Ok(ex.bytes().await?.len().to_string())
        })
        .get("/conform/status", async |ex| {
            let Status { code } = ex.query()?;
            Ok(Reply::new(format!("status {code}")).with_status(code))
        })
        .get("/conform/headers", async |ex| {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let pairs = ex.headers().iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
            Json(pairs.collect::<BTreeMap<_, _>>())
        })
        .get("/conform/sleep", async |ex| {
            let _busy = Busy::begin();
            let Pause { ms } = ex.query()?;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok("slept")
        })
        .get("/conform/block", async |ex| {
            let Pause { ms } = ex.query()?;
            let (_keep, never) = std::sync::mpsc::channel::<()>();
            Ok(if never.recv_timeout(Duration::from_millis(ms)).is_err() { "blocked" } else { "woken" })
        })
        .get("/conform/busy", async |_| BUSY.load(Ordering::Relaxed).to_string())
        .get("/conform/stream", async |ex| {
            let ticks: Ticks = ex.query()?;
            let pieces = async_stream::stream! {
                let _busy = Busy::begin();
                tokio::time::sleep(Duration::from_millis(ticks.first)).await;
                for at in 0..ticks.n {
                    if at > 0 && ticks.ms > 0 {
                        tokio::time::sleep(Duration::from_millis(ticks.ms)).await;
                    }
                    yield format!("tick {at}\n");
                }
            };
            Ok(Reply::stream(pieces).with_header("content-type", "text/plain"))
        })
        .get("/conform/sse", async |ex| {
            let ticks: Ticks = ex.query()?;
            Ok(Sse::new(async_stream::stream! {
                let _busy = Busy::begin();
                for at in 0..ticks.n {
                    if at > 0 {
                        tokio::time::sleep(Duration::from_millis(ticks.ms)).await;
                    }
                    yield SseEvent::data(format!("tick {at}"));
                }
            }))
        })
        .get("/conform/fail", async |_| -> Result<&'static str> { Err(Error::new(500, "as asked")) })
        .get("/conform/log", async |ex| {
            let Line { text } = ex.query()?;
            tracing::info!("{text}");
            Ok("logged")
        })
        .get("/conform/child", async |_| {
            tokio::process::Command::new("true").status().await?;
            Ok("done")
        })
        .get("/conform/ws", async |ex| ex.websocket(talk))
        .unary("/conform.Echo/Say", async |_, said: Text| match said.text.as_str() {
            "fail" => Err(Error::new(400, "as asked")),
            _ => Ok(said),
        })
        .bidi("/conform.Echo/Chat", async |_, mut said: Messages<Text>| {
            Ok(async_stream::try_stream! {
                while let Some(text) = said.message().await? {
                    yield text;
                }
            })
        })
        .event(async |event| match &event.bytes()[..] {
            b"fail" => Err(Error::new(500, "asked to fail").with_code("AskedToFail")),
            _ => Ok(event.bytes().clone()),
        })
        .on_initialize(async |_| ())
        .on_pre_freeze(async |_| ())
        .on_pre_stop(async |_| ())
        .run()
}

async fn echo(ex: Exchange) -> Reply {
    let kind = ex.header("content-type").unwrap_or("application/octet-stream").to_owned();
    let method = ex.method().to_string();
    Reply::stream(ex.body()).with_header("content-type", kind).with_header("x-conform-method", method)
}

async fn talk(mut socket: Socket) -> Result {
    while let Some(message) = socket.next().await {
        let message = message?;
        match message.as_text().and_then(|text| text.strip_prefix("close ")).map(str::parse) {
            Some(Ok(code)) => socket.close(code, "as asked"),
            _ => socket.send(message).await?,
        }
    }
    Ok(())
}
