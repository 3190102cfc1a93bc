//! Server-sent events: one client's own, and one broadcast for all.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, KeepAliveStream, Sse};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// As many events as a client may be behind.
const CAPACITY: usize = 256;

type Item = Result<Event, Infallible>;

#[derive(Deserialize)]
pub(crate) struct Ticks {
    n: u64,
    ms: u64,
}

pub(crate) async fn ticks(
    Query(ticks): Query<Ticks>,
    headers: HeaderMap,
) -> Sse<KeepAliveStream<impl Stream<Item = Item>>> {
    Sse::new(stream(ticks, &headers)).keep_alive(KeepAlive::default())
}

pub(crate) async fn lean_ticks(
    Query(ticks): Query<Ticks>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Item>> {
    Sse::new(stream(ticks, &headers))
}

fn stream(Ticks { n, ms }: Ticks, headers: &HeaderMap) -> impl Stream<Item = Item> + use<> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let first = last.map_or(0, |last| last + 1);
    async_stream::stream! {
        for i in first..n {
            if ms > 0 {
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            yield Ok(Event::default().id(i.to_string()).data(format!("tick {i}")));
        }
    }
}

/// What is published: as text, and as the event that is made of it.
#[derive(Clone)]
pub(crate) struct Feed {
    texts: broadcast::Sender<String>,
    events: broadcast::Sender<Event>,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self { texts: broadcast::channel(CAPACITY).0, events: broadcast::channel(CAPACITY).0 }
    }
}

/// To whoever listens; nobody is no error.
pub(crate) async fn publish(State(feed): State<Feed>, text: String) -> StatusCode {
    if executor::is_lean() {
        let _ = feed.events.send(Event::default().data(text));
    } else {
        let _ = feed.texts.send(text);
    }
    StatusCode::NO_CONTENT
}

pub(crate) async fn feed(State(feed): State<Feed>) -> Sse<KeepAliveStream<impl Stream<Item = Item>>> {
    let texts = BroadcastStream::new(feed.texts.subscribe());
    Sse::new(texts.filter_map(async |text| text.ok().map(|text| Ok(Event::default().data(text)))))
        .keep_alive(KeepAlive::default())
}

pub(crate) async fn lean_feed(State(feed): State<Feed>) -> Sse<impl Stream<Item = Item>> {
    let events = BroadcastStream::new(feed.events.subscribe());
    Sse::new(events.filter_map(async |event| event.ok().map(Ok)))
}
