//! Readers of every kind. Each says whether it took its body for whole.

use std::future::poll_fn;
use std::pin::Pin;

use fc_runtime::grpc::Messages;
use fc_runtime::{App, Error, Exchange, HangUpPolicy, Json, Result, at};
use futures_core::Stream;

use super::grpc::Text;
use super::words::Words;

/// Says `reading:<id>` at its start, `whole:<id>` or `cut:<id>` at its end.
async fn told<T, E: Into<Error>>(
    ex: &Exchange<Words>,
    read: impl Future<Output = Result<T, E>>,
) -> Result<&'static str> {
    ex.state().say(format!("reading:{}", ex.request_id()));
    let read = read.await;
    ex.state().say(format!("{}:{}", if read.is_ok() { "whole" } else { "cut" }, ex.request_id()));
    read.map(|_| "whole").map_err(Into::into)
}

/// Piece by piece, to the end.
async fn pieces(ex: &Exchange<Words>) -> Result<()> {
    let mut body = ex.body();
    while let Some(piece) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
        piece?;
    }
    Ok(())
}

async fn messages(mut texts: Messages<Text>) -> Result<()> {
    while texts.message().await?.is_some() {}
    Ok(())
}

/// Goes on when its client has left, and only then reads.
async fn late(ex: Exchange<Words>) -> Result<&'static str> {
    ex.state().say(format!("waiting:{}", ex.request_id()));
    ex.hang_up().await;
    told(&ex, ex.bytes()).await
}

pub fn app() -> App<Words> {
    App::with_state(Words::default())
        .trust_platform(true)
        .get("/seen", async |ex| Json(ex.state().all()))
        .get("/counters", async |ex| Json(ex.counters()))
        .post("/bytes", async |ex| told(&ex, ex.bytes()).await)
        .post("/text", async |ex| told(&ex, ex.text()).await)
        .post("/json", async |ex| told(&ex, ex.json::<Vec<u8>>()).await)
        .post("/form", async |ex| told(&ex, ex.form::<Vec<(String, String)>>()).await)
        .post("/pieces", async |ex| told(&ex, pieces(&ex)).await)
        .post(at("/finish/bytes").hang_up_policy(HangUpPolicy::Finish), async |ex| {
            told(&ex, ex.bytes()).await
        })
        .post(at("/finish/late").hang_up_policy(HangUpPolicy::Finish), late)
        .unary("/it.Bodies/One", async |ex, _: Text| {
            ex.state().say(format!("whole:{}", ex.request_id()));
            Ok(Text::default())
        })
        .client_stream("/it.Bodies/Gather", async |ex, texts: Messages<Text>| {
            told(&ex, messages(texts)).await?;
            Ok(Text::default())
        })
        .bidi("/it.Bodies/Talk", async |ex, texts: Messages<Text>| {
            Ok(async_stream::try_stream! {
                yield Text::default();
                told(&ex, messages(texts)).await?;
            })
        })
        .event(async |event| {
            event.state().say(format!("whole:{}", event.request_id()));
            "whole"
        })
}
