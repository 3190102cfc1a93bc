//! Server-sent events with a clock that stands still.
//!
//! The clock of tokio is paused: it moves when all tasks wait, and then to the next timer. `elapsed()` on it says which
//! timers have run down, never how fast the machine is, and so the numbers here are exact.

#![allow(clippy::disallowed_methods, reason = "authors spawn as they like")]

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use fc_runtime::{App, Broadcast, Json, Method, Sse, SseEvent};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

#[track_caller]
fn text(piece: Option<fc_runtime::Bytes>) -> String {
    String::from_utf8(piece.expect("a piece").to_vec()).unwrap()
}

/// 15 s of silence are what a load balancer allows.
#[tokio::test(start_paused = true)]
async fn ten_seconds_of_silence_are_broken_by_a_comment() {
    let client = App::new()
        .get("/", async |_| {
            Sse::run(async move |mut out| {
                for pause in [7, 3, 25, 1, 11] {
                    sleep(Duration::from_secs(pause)).await;
                    out.send(pause.to_string()).await?;
                }
                Ok(())
            })
        })
        .test_client();
    let begin = Instant::now();
    let mut stream = client.get("/").open().await;
    let mut seen = Vec::new();
    while let Some(piece) = stream.piece().await {
        seen.push((begin.elapsed().as_secs(), text(Some(piece))));
    }
    let at = |second: u64, text: &str| (second, text.to_owned());
    // The second event comes just when the first timer runs down.
    assert_eq!(
        seen,
        [
            at(0, ":\n"),
            at(7, "data: 7\n\n"),
            at(10, "data: 3\n\n"),
            at(20, ":\n"),
            at(30, ":\n"),
            at(35, "data: 25\n\n"),
            at(36, "data: 1\n\n"),
            at(46, ":\n"),
            at(47, "data: 11\n\n"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn comments_come_as_they_are_asked_for() {
    let client = App::new()
        .get("/often", async |_| Sse::run(waiting).with_keep_alive(Duration::from_secs(2)))
        .get("/never", async |_| Sse::run(waiting).without_keep_alive())
        .get("/zero", async |_| Sse::run(waiting).with_keep_alive(Duration::ZERO))
        .get("/forever", async |_| Sse::run(waiting).with_keep_alive(Duration::MAX))
        .test_client();
    let begin = Instant::now();
    client.get("/often").await.assert_text(&":\n".repeat(15));
    assert_eq!(begin.elapsed().as_secs(), 30);
    for target in ["/never", "/zero", "/forever"] {
        client.get(target).await.assert_text(":\n");
    }
}

/// Some proxies hold the head back until the first byte of the body.
#[tokio::test(start_paused = true)]
async fn a_stream_without_a_first_event_opens_with_a_comment() {
    async fn late(mut out: fc_runtime::SseSender) -> fc_runtime::Result {
        sleep(Duration::from_secs(1)).await;
        Ok(out.send("late").await?)
    }
    let client = App::new()
        .get("/late", async |_| Sse::run(late))
        .get("/off", async |_| Sse::run(late).without_opening())
        .get("/ready", async |_| Sse::run(async |mut out| Ok(out.send("ready").await?)))
        .get("/empty", async |_| Sse::run(async |_| Ok(())))
        .test_client();
    let begin = Instant::now();
    let mut stream = client.get("/late").open().await;
    assert_eq!(text(stream.piece().await), ":\n");
    assert_eq!(begin.elapsed().as_secs(), 0);
    assert_eq!(text(stream.piece().await), "data: late\n\n");
    assert!(stream.piece().await.is_none());
    client.get("/off").await.assert_text("data: late\n\n");
    client.get("/ready").await.assert_text("data: ready\n\n");
    client.get("/empty").await.assert_text("");
}

async fn waiting(_: fc_runtime::SseSender) -> fc_runtime::Result {
    // A moment before the last comment.
    sleep(Duration::from_secs(30) - Duration::from_millis(1)).await;
    sleep(Duration::from_millis(1)).await;
    Ok(())
}

/// However long the process was frozen, one comment is due.
#[tokio::test(start_paused = true)]
async fn a_thaw_is_followed_by_one_comment() {
    let client = App::new().get("/", async |_| Sse::new(pending())).test_client();
    let mut stream = client.get("/").open().await;
    assert_eq!(text(stream.piece().await), ":\n");
    tokio::select! {
        biased;
        piece = stream.piece() => panic!("{piece:?}"),
        () = tokio::task::yield_now() => {}
    }
    tokio::time::advance(Duration::from_secs(3600)).await;
    let thawed = Instant::now();
    assert_eq!(text(stream.piece().await), ":\n");
    assert_eq!(thawed.elapsed().as_secs(), 0);
    assert_eq!(text(stream.piece().await), ":\n");
    assert_eq!(thawed.elapsed().as_secs(), 10);
}

fn pending() -> impl futures_core::Stream<Item = String> {
    async_stream::stream! {
        std::future::pending::<()>().await;
        yield String::new();
    }
}

#[tokio::test]
async fn items_of_every_kind() {
    let client = App::new()
        .get("/text", async |_| Sse::new(async_stream::stream! { yield "a"; }))
        .get("/json", async |_| Sse::new(async_stream::stream! { yield Json([1, 2]); }))
        .get("/tried", async |_| {
            Sse::try_new(async_stream::try_stream! {
                let number: u32 = "7".parse()?;
                yield SseEvent::json(&number)?.with_event("number");
                let _: u32 = "x".parse()?;
            })
        })
        .get("/large", async |_| {
            Sse::new(async_stream::stream! { yield "x".repeat(200_000); yield "y".to_owned(); })
        })
        .test_client();
    client.get("/text").await.assert_text("data: a\n\n");
    client.get("/json").await.assert_text("data: [1,2]\n\n");
    let tried = client.get("/tried").await;
    tried.assert_text("data: 7\nevent: number\n\n");
    assert!(tried.broken, "an orderly end would say that nothing is missing");
    client.get("/large").await.assert_text(&format!("data: {}\n\ndata: y\n\n", "x".repeat(200_000)));
    let mut large = client.get("/large").open().await;
    assert_eq!(large.piece().await.unwrap().len(), 64 * 1024, "a connection keeps a buffer of that size");
}

#[tokio::test]
async fn the_last_event_id_is_whatever_the_browser_sends() {
    let client = App::new()
        .get("/", async |ex| ex.last_event_id().map_or_else(|| "none".to_owned(), Cow::into_owned))
        .test_client();
    client.get("/").await.assert_text("none");
    client.get("/").header("last-event-id", "").await.assert_text("none");
    client.get("/").header("last-event-id", "caf\u{e9} 7").await.assert_text("caf\u{e9} 7");
}

/// A sender may go to a task of its own. It waits while its client does not read, and learns of the end.
#[tokio::test]
async fn a_sender_in_another_task() {
    let (told, mut telling) = mpsc::unbounded_channel();
    let client = App::new()
        .get("/", async move |_| {
            let told = told.clone();
            Sse::run(async move |mut out| {
                tokio::spawn(async move {
                    let mut sent = 0;
                    let error = loop {
                        match out.send("x".repeat(1000)).await {
                            Ok(()) => sent += 1,
                            Err(error) => break error,
                        }
                    };
                    told.send((sent, error)).unwrap();
                });
                std::future::pending().await
            })
        })
        .test_client();
    let mut stream = client.get("/").open().await;
    assert_eq!(text(stream.piece().await), ":\n");
    assert!(text(stream.piece().await).starts_with("data: xxx"));
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    let (sent, error) = telling.recv().await.unwrap();
    assert!((17..100).contains(&sent), "{sent}");
    assert_eq!(error.message(), "the stream of events has ended");
}

/// `?` in `select!`, as a stream's macro cannot.
#[tokio::test]
async fn a_closure_selects() {
    let client = App::new()
        .get("/", async |_| {
            let (give, mut take) = mpsc::channel::<Result<u32, std::io::Error>>(1);
            tokio::spawn(async move {
                for item in [Ok(1), Ok(2), Err(std::io::Error::other("dry"))] {
                    give.send(item).await.unwrap();
                }
            });
            Sse::run(async move |mut out| {
                loop {
                    tokio::select! {
                        Some(number) = take.recv() => out.send(number?.to_string()).await?,
                        () = sleep(Duration::from_secs(60)) => return Ok(()),
                    }
                }
            })
        })
        .test_client();
    let answer = client.get("/").await;
    answer.assert_text(":\ndata: 1\n\ndata: 2\n\n");
    assert!(answer.broken, "the source failed");
}

#[tokio::test]
async fn a_pre_stop_sends_what_is_ready_first() {
    let client = App::with_state(Broadcast::new(8))
        .get("/feed", async |ex| Sse::new(ex.state().subscribe()))
        .post("/publish", async |ex| Ok(ex.state().send(ex.text().await?)?.to_string()))
        .test_client();
    let mut feed = client.get("/feed").open().await;
    client.post("/publish").body("news").await.assert_text("1");
    let pre_stop = client.call(Method::GET, "/pre-stop").header("x-fc-control-path", "/pre-stop");
    pre_stop.await.assert_status(200);
    assert_eq!(text(feed.piece().await), "data: news\n\n: going away\n");
    assert_eq!(feed.piece().await, None);
    client.post("/publish").body("nobody is there").await.assert_text("0");
}

/// All clients share the bytes of an event.
#[tokio::test]
async fn an_event_is_encoded_once() {
    let broadcast = Arc::new(Broadcast::new(8));
    let app = broadcast.clone();
    let client = App::new().get("/feed", async move |_| Sse::new(app.subscribe())).test_client();
    let mut first = client.get("/feed").open().await;
    let mut second = client.get("/feed").open().await;
    broadcast.send(Json(["tea"])).unwrap();
    let (first, second) = (first.piece().await.unwrap(), second.piece().await.unwrap());
    assert_eq!(first, "data: [\"tea\"]\n\n");
    assert_eq!(first.as_ptr(), second.as_ptr());
}
