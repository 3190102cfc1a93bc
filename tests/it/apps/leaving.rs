//! Handlers in every state that a client can leave them in. Each says what became of it.

use std::future::{pending, poll_fn};
use std::pin::Pin;

use fc_runtime::{App, Bytes, Exchange, HangUpPolicy, Json, Payload, Reply, StatusCode, StatusError, at};
use futures_core::Stream;
use tokio::sync::Notify;

use super::words::{Guard, Words};

/// What the handlers have seen, in order.
#[derive(Default)]
pub struct Seen {
    words: Words,
    gate: Notify,
}

impl Seen {
    /// Says `dropped:<request id>` at its end.
    fn guard(&self, id: &str) -> Guard {
        self.words.guard(format!("dropped:{id}"))
    }

    fn say(&self, word: &str, id: &str) {
        self.words.say(format!("{word}:{id}"));
    }
}

pub fn app() -> App<Seen> {
    App::with_state(Seen::default())
        .trust_platform(true)
        .get("/counters", async |ex| Json(ex.counters()))
        .get("/seen", async |ex| Json(ex.state().words.all()))
        .get("/wait", async |ex| {
            let state = ex.state();
            state.say("waiting", ex.request_id());
            state.gate.notified().await;
            "gate open"
        })
        .post("/open", async |ex| {
            ex.state().gate.notify_waiters();
            StatusCode::NO_CONTENT
        })
        .any("/hold", hold)
        .post("/hold/dropped", async |ex| {
            drop(ex.body());
            hold(ex).await
        })
        .post("/hold/partly", async |ex| {
            let mut body = ex.body();
            let first = next(&mut body).await;
            let answer = hold(ex).await;
            drop((first, body));
            answer
        })
        .post("/hold/read", async |ex| {
            ex.bytes().await?;
            Ok(hold(ex).await)
        })
        .post("/read", async |ex| {
            let _guard = ex.state().guard(ex.request_id());
            ex.state().say("holding", ex.request_id());
            let read = ex.bytes().await;
            ex.state().say(if read.is_ok() { "read" } else { "broken" }, ex.request_id());
            Ok(read?.len().to_string())
        })
        .post("/read/stream", async |ex| {
            let _guard = ex.state().guard(ex.request_id());
            ex.state().say("holding", ex.request_id());
            let mut body = ex.body();
            let mut length = 0;
            while let Some(piece) = next(&mut body).await {
                if piece.is_err() {
                    ex.state().say("broken", ex.request_id());
                }
                length += piece?.len();
            }
            Ok(length.to_string())
        })
        .get("/stream/idle", async |ex| stream(&ex, true))
        .get("/stream/busy", async |ex| stream(&ex, false))
        .get(at("/finish").hang_up_policy(HangUpPolicy::Finish), finish)
        .post(at("/finish").hang_up_policy(HangUpPolicy::Finish), finish)
        .get("/spawned", spawned)
        .get("/blocking", async |ex| {
            let (hang_up, words) = (ex.hang_up(), ex.state().words.clone());
            let id = ex.request_id().to_owned();
            ex.state().say("holding", ex.request_id());
            ex.blocking(move || {
                while !hang_up.is_gone() {
                    std::thread::yield_now();
                }
                words.say(format!("told:{id}"));
            })
            .await;
            "never sent"
        })
        .event(async |event| {
            let _guard = event.state().guard(event.request_id());
            event.state().say("holding", event.request_id());
            pending::<&str>().await
        })
}

async fn next(body: &mut Payload) -> Option<Result<Bytes, StatusError>> {
    poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await
}

/// Never answers. Its body, if it has one, is not read.
async fn hold(ex: Exchange<Seen>) -> &'static str {
    let _guard = ex.state().guard(ex.request_id());
    ex.state().say("holding", ex.request_id());
    pending().await
}

/// Goes on when its client has left, and learns of it.
async fn finish(ex: Exchange<Seen>) -> &'static str {
    let _guard = ex.state().guard(ex.request_id());
    ex.state().say("holding", ex.request_id());
    ex.hang_up().await;
    ex.state().say("going on", ex.request_id());
    ex.state().say("told", ex.request_id());
    // It is still there after that, and works.
    ex.state().gate.notified().await;
    ex.state().say("finished", ex.request_id());
    "never sent"
}

/// The handler is dropped; what it spawned is told.
#[allow(clippy::disallowed_methods, reason = "an author's own task, which the runtime does not know")]
async fn spawned(ex: Exchange<Seen>) -> &'static str {
    let (hang_up, words) = (ex.hang_up(), ex.state().words.clone());
    let told = format!("told:{}", ex.request_id());
    tokio::spawn(async move {
        hang_up.await;
        words.say(told);
    });
    hold(ex).await
}

/// One piece, then nothing more; or piece after piece for ever.
fn stream(ex: &Exchange<Seen>, idle: bool) -> Reply {
    static PIECE: [u8; 16 * 1024] = [b'x'; 16 * 1024];
    let guard = ex.state().guard(ex.request_id());
    ex.state().say("holding", ex.request_id());
    Reply::stream(async_stream::stream! {
        let _guard = guard;
        loop {
            yield Bytes::from_static(&PIECE);
            if idle {
                pending::<()>().await;
            }
        }
    })
}
