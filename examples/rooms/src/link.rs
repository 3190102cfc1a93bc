//! The one connection of an instance by which it hears all its rooms.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::{MultiplexedConnection, PubSubSink};
use redis::{ErrorKind, RedisError, RedisResult};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::room::{Offer, Room};
use crate::say::{ANSWER_MAX, config};
use crate::{Id, Inner, Line};

/// Pauses between attempts to connect double from the first to the longest one.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_LONGEST: Duration = Duration::from_secs(5);

/// How often Redis is asked whether it is there, so that a connection that broke in silence is noticed.
const BEAT: Duration = Duration::from_secs(5);

/// An entry of a stream: its id, and fields with values.
type Entry = (String, Vec<String>);

/// Hears for as long as somebody is in a room. Without listeners there is no connection: an idle instance may be frozen.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut pause = PAUSE_FIRST;
    let mut is_again = false;
    loop {
        while inner.rooms().is_empty() {
            inner.changed.notified().await;
        }
        if let Err(error) = hear(&inner, is_again, &mut pause).await {
            tracing::warn!(%error, ?pause, "Redis cannot be reached; rooms of other instances are not heard");
            for room in inner.rooms().values() {
                room.away();
            }
            // Instances do not come back at the same time.
            let part = getrandom::u32().unwrap_or_default() % 100;
            sleep(pause * (50 + part) / 100).await;
            pause = (pause * 2).min(PAUSE_LONGEST);
        }
        is_again = true;
    }
}

async fn hear(inner: &Inner, is_again: bool, pause: &mut Duration) -> RedisResult<()> {
    let (mut sink, mut announced) = bounded(inner.client.get_async_pubsub()).await?.split();
    let mut reader = inner.client.get_multiplexed_async_connection_with_config(&config()).await?;
    if is_again {
        inner.counts.reconnected.add(1);
    }
    let mut joined = HashMap::new();
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let wanted = inner.rooms();
        if wanted.is_empty() {
            return Ok(());
        }
        join(inner, &wanted, &mut joined, &mut sink, &mut reader).await?;
        *pause = PAUSE_FIRST;
        loop {
            tokio::select! {
                () = inner.changed.notified() => break,
                message = announced.next() => {
                    let Some(message) = message else {
                        return Err(RedisError::from((ErrorKind::Io, "the connection has ended")));
                    };
                    if let Some(room) = joined.get(message.get_channel_name()) {
                        let line = message.get_payload::<String>().ok().and_then(|text| announced_line(&text));
                        let is_missing = line.is_none_or(|line| room.offer(&line, &inner.counts) == Offer::Missing);
                        if is_missing {
                            catch_up(inner, room, &mut reader).await?;
                        }
                    }
                }
                _ = beat.tick() => { bounded(sink.ping::<redis::Value>()).await?; }
            }
        }
    }
}

/// Subscribes to what is new, and reads its history afterwards, so that nothing lies between.
async fn join(
    inner: &Inner,
    wanted: &HashMap<String, Arc<Room>>,
    joined: &mut HashMap<String, Arc<Room>>,
    sink: &mut PubSubSink,
    reader: &mut MultiplexedConnection,
) -> RedisResult<()> {
    let gone: Vec<String> = joined.keys().filter(|key| !wanted.contains_key(*key)).cloned().collect();
    for key in gone {
        bounded(sink.unsubscribe(&key)).await?;
        joined.remove(&key);
    }
    for (key, room) in wanted {
        match joined.get(key) {
            Some(known) if Arc::ptr_eq(known, room) => continue,
            Some(_) => {}
            None => bounded(sink.subscribe(key)).await?,
        }
        catch_up(inner, room, reader).await?;
        joined.insert(key.clone(), Arc::clone(room));
    }
    Ok(())
}

/// Reads what a room has missed.
async fn catch_up(inner: &Inner, room: &Room, reader: &mut MultiplexedConnection) -> RedisResult<()> {
    let at = room.at();
    let mut history = range(reader, &room.key, &at.to_string()).await?;
    // Without the last line that is known, all that there is: it may be another history.
    if at != Id::NONE && history.first().is_none_or(|first| first.id != at) {
        history = range(reader, &room.key, "-").await?;
    }
    room.absorb(history, &inner.counts);
    Ok(())
}

async fn range(reader: &mut MultiplexedConnection, key: &str, from: &str) -> RedisResult<Vec<Line>> {
    let entries: Vec<Entry> = redis::cmd("XRANGE").arg(key).arg(from).arg("+").query_async(reader).await?;
    Ok(entries.into_iter().filter_map(kept_line).collect())
}

fn kept_line((id, fields): Entry) -> Option<Line> {
    let [_, token, _, text] = <[String; 4]>::try_from(fields).ok()?;
    Some(Line { id: id.parse().ok()?, text, token })
}

fn announced_line(text: &str) -> Option<Line> {
    let (id, rest) = text.split_once(' ')?;
    let (token, text) = rest.split_once(' ')?;
    Some(Line { id: id.parse().ok()?, text: text.to_owned(), token: token.to_owned() })
}

async fn bounded<T>(answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| RedisError::from((ErrorKind::Io, "no answer in time"));
    timeout(ANSWER_MAX, answer).await.map_err(late)?
}
