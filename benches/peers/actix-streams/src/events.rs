//! Server-sent events as a streaming body: actix-web has no type for them.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{self, Bytes};
use actix_web::{Error, HttpRequest, HttpResponse};
use futures_util::Stream;
use serde::Deserialize;
use tokio::sync::broadcast;

/// As many events as a client may be behind.
const CAPACITY: usize = 256;

#[derive(Deserialize)]
pub(crate) struct Ticks {
    n: u64,
    ms: u64,
}

pub(crate) async fn ticks(request: HttpRequest, ticks: web::Query<Ticks>) -> HttpResponse {
    let Ticks { n, ms } = ticks.into_inner();
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let first = last.map_or(0, |last| last + 1);
    reply(async_stream::stream! {
        for i in first..n {
            if ms > 0 {
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            yield Ok(Bytes::from(format!("id: {i}\ndata: tick {i}\n\n")));
        }
    })
}

pub(crate) struct Feed(broadcast::Sender<Bytes>);

impl Feed {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }
}

/// To whoever listens; nobody is no error.
pub(crate) async fn publish(feed: web::Data<Feed>, text: String) -> HttpResponse {
    let _ = feed.0.send(Bytes::from(format!("data: {text}\n\n")));
    HttpResponse::NoContent().finish()
}

pub(crate) async fn feed(feed: web::Data<Feed>) -> HttpResponse {
    let mut events = feed.0.subscribe();
    reply(async_stream::stream! {
        while let Ok(event) = events.recv().await {
            yield Ok(event);
        }
    })
}

fn reply(events: impl Stream<Item = Result<Bytes, Error>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .streaming(events)
}
