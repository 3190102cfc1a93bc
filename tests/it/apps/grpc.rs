//! Methods in every state that a call can be left in. Each says what became of it.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fc_runtime::grpc::Messages;
use fc_runtime::{App, Error, Exchange, HangUpPolicy, HeaderName, HeaderValue, Json, Result, at};

use super::words::{Guard, Words};

/// A message with one text.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Text {
    #[prost(string, tag = "1")]
    pub text: String,
}

#[derive(Default)]
pub struct Seen {
    words: Words,
    flooded: AtomicUsize,
}

fn hold(ex: &Exchange<Seen>) -> Guard {
    let words = &ex.state().words;
    words.say(format!("holding:{}", ex.request_id()));
    words.guard(format!("dropped:{}", ex.request_id()))
}

fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

pub fn app() -> App<Seen> {
    let app = App::with_state(Seen::default())
        .trust_platform(true)
        .drain_deadline(Duration::from_millis(number("IT_DRAIN_MS").unwrap_or(10_000)))
        .get("/seen", async |ex| Json(ex.state().words.all()))
        .get("/flooded", async |ex| ex.state().flooded.load(Ordering::Relaxed).to_string())
        .get("/counters", async |ex| Json(ex.counters()))
        .unary("/it.It/Fail", async |_, status: Text| -> Result<Text> {
            Err(Error::new(status.text.parse()?, format!("failed with {}", status.text)))
        })
        .unary("/it.It/Say", async |_, message: Text| -> Result<Text> { Err(Error::new(412, message.text)) })
        .unary("/it.It/Retry", async |_, _: Text| -> Result<Text> {
            Err(Error::unavailable("later")
                .with_header(HeaderName::from_static("retry-after"), HeaderValue::from_static("7")))
        })
        .unary("/it.It/Panic", async |_, when: Text| -> Result<Text> {
            if when.text == "late" {
                tokio::task::yield_now().await;
            }
            panic!("asked to")
        })
        .unary("/it.It/Wait", wait)
        .unary(at("/it.It/Limited").time_limit(Duration::from_millis(50)), wait)
        .unary("/it.It/Slow", async |_, ms: Text| {
            tokio::time::sleep(Duration::from_millis(ms.text.parse()?)).await;
            Ok(text("slow"))
        })
        .unary(at("/it.It/Finish").hang_up_policy(HangUpPolicy::Finish), async |ex, _: Text| {
            let _guard = hold(&ex);
            ex.hang_up().await;
            ex.state().words.say(format!("told:{}", ex.request_id()));
            Ok(text("never sent"))
        })
        .client_stream("/it.It/Gather", async |ex, mut texts: Messages<Text>| {
            let _guard = hold(&ex);
            while texts.message().await?.is_some() {}
            Ok(text("gathered"))
        })
        .server_stream("/it.It/Break", async |_, how: Text| {
            Ok(async_stream::try_stream! {
                yield text("first");
                tokio::task::yield_now().await;
                assert!(how.text != "panic", "asked to");
                Err(Error::new(412, "not now"))?;
            })
        });
    let app = streams(app);
    match number("IT_CAP") {
        Some(most) => app.max_in_flight(most),
        None => app,
    }
}

fn streams(app: App<Seen>) -> App<Seen> {
    app.server_stream("/it.It/SayLate", async |_, message: Text| {
        Ok(async_stream::try_stream! {
            yield text("first");
            Err(Error::new(412, message.text))?;
        })
    })
    .server_stream("/it.It/Ticks", async |ex, _: Text| {
        let guard = hold(&ex);
        Ok(async_stream::try_stream! {
            let _guard = guard;
            yield text("tick");
            pending::<()>().await;
        })
    })
    .server_stream("/it.It/Polite", async |ex, _: Text| {
        let guard = hold(&ex);
        Ok(async_stream::try_stream! {
            let _guard = guard;
            yield text("tick");
            ex.stop_notice().await;
            yield text("bye");
        })
    })
    .server_stream("/it.It/Flood", async |ex, _: Text| {
        Ok(async_stream::try_stream! {
            let drop = text(&"x".repeat(1000));
            loop {
                ex.state().flooded.fetch_add(1000, Ordering::Relaxed);
                yield drop.clone();
            }
        })
    })
    .bidi("/it.It/Talk", async |ex, mut texts: Messages<Text>| {
        let guard = hold(&ex);
        Ok(async_stream::try_stream! {
            let _guard = guard;
            while let Some(text) = texts.message().await? {
                yield text;
            }
            pending::<()>().await;
        })
    })
}

async fn wait(ex: Exchange<Seen>, _: Text) -> Result<Text> {
    let _guard = hold(&ex);
    pending().await
}
