//! One event to many clients: encoded and framed once, and kept in a ring buffer that each subscriber reads at its own pace.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::error::{Error, Result, StatusError};
use crate::reply::chunk::Framed;
use crate::reply::sse::event::{IntoSseEvent, SseEvent, field};
use crate::watched::{Observer, Watched};

/// Sends each event to all subscribers, such as thousands of [`Sse`](crate::Sse) replies. Clones share the subscribers.
///
/// An event is encoded once, and subscribers share its bytes. Sending never waits: the last `capacity` events are kept,
/// and each subscriber reads them at its own pace. A subscriber that falls further behind [misses](Subscription) the
/// oldest events. A `Broadcast` belongs to one instance: clients of other instances do not get its events.
///
/// ```
/// use fc_runtime::{App, Broadcast, Sse, SseEvent};
///
/// # fc_runtime::testing::run(async {
/// let client = App::with_state(Broadcast::new(64))
///     .get("/feed", async |ex| Sse::new(ex.state().subscribe()))
///     .post("/publish", async |ex| {
///         let subscribers = ex.state().send(ex.text().await?)?;
///         Ok(subscribers.to_string())
///     })
///     .test_client();
/// let mut feed = client.get("/feed").open().await;
/// client.post("/publish").body("news").await.assert_text("1");
/// assert_eq!(feed.piece().await.unwrap(), "data: news\n\n");
/// # });
/// ```
#[derive(Clone)]
#[doc(alias = "channel")]
#[doc(alias = "pubsub")]
pub struct Broadcast {
    handle: Arc<Handle>,
}

/// The handle that all clones share. When the last clone is dropped, the subscribers' streams end.
struct Handle(Arc<Channel>);

struct Channel {
    capacity: usize,
    ring: Mutex<Ring>,
    /// The number of events sent so far. A change wakes the subscribers that wait.
    sent: Watched,
}

#[derive(Default)]
struct Ring {
    events: VecDeque<Framed>,
    /// The number of the first event in `events`, which is also how many events were removed before it.
    first: u64,
    subscribers: usize,
    is_closed: bool,
}

impl Ring {
    /// The number that the next event will have.
    fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }
}

impl Broadcast {
    /// Creates a broadcast that keeps the last `capacity` events, at least one, for subscribers that are slow or were
    /// away.
    pub fn new(capacity: usize) -> Self {
        let channel = Channel { capacity: capacity.max(1), ring: Mutex::default(), sent: Watched::default() };
        Self { handle: Arc::new(Handle(Arc::new(channel))) }
    }

    /// Sends an event to all subscribers, and gives their number. It never waits for a subscriber.
    ///
    /// # Errors
    /// When the event cannot be made, as with a line break in its id. Then no event is sent.
    pub fn send(&self, event: impl IntoSseEvent) -> Result<usize, StatusError> {
        let event = event.into_sse_event().and_then(SseEvent::into_wire).map_err(Error::into_std)?;
        let event = Framed::of(event.as_slice());
        let channel = &self.handle.0;
        let mut ring = channel.lock();
        // The removed event is freed after the lock is released.
        let oldest = (ring.events.len() == channel.capacity).then(|| ring.events.pop_front()).flatten();
        ring.first += u64::from(oldest.is_some());
        ring.events.push_back(event);
        let subscribers = ring.subscribers;
        drop(ring);
        channel.sent.update(|sent| sent + 1);
        Ok(subscribers)
    }

    /// Subscribes to the events that are sent from now on.
    pub fn subscribe(&self) -> Subscription {
        self.subscribe_at(Ring::next)
    }

    /// Subscribes to the events after the one with this id, for a client that
    /// [connects again](crate::Exchange::last_event_id). The kept events come first, then those sent from now on.
    ///
    /// Without an id this is [`subscribe`](Self::subscribe). After an id that is unknown, or not kept any more, all
    /// kept events are sent.
    pub fn subscribe_after(&self, last_event_id: Option<&str>) -> Subscription {
        let Some(id) = last_event_id else { return self.subscribe() };
        self.subscribe_at(|ring| {
            let seen =
                ring.events.iter().rposition(|event| field(event.data(), b"id: ") == Some(id.as_bytes()));
            ring.first + seen.map_or(0, |at| at as u64 + 1)
        })
    }

    /// The number of subscribers.
    pub fn subscribers(&self) -> usize {
        self.handle.0.lock().subscribers
    }

    fn subscribe_at(&self, start: impl FnOnce(&Ring) -> u64) -> Subscription {
        let channel = Arc::clone(&self.handle.0);
        let mut ring = channel.lock();
        ring.subscribers += 1;
        let next = start(&ring);
        drop(ring);
        Subscription { sent: channel.sent.observe(), next, ends_behind: false, channel }
    }
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        // Greater than every event number, so that every subscriber reads the ring.
        self.0.sent.update(|_| u64::MAX);
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("capacity", &self.handle.0.capacity)
            .field("subscribers", &self.subscribers())
            .finish_non_exhaustive()
    }
}

/// The events of a [`Broadcast`], as a stream for [`Sse::new`](crate::Sse::new). The stream ends when the last clone of
/// the broadcast was dropped.
///
/// A subscription that missed events goes on with the oldest kept event. A comment such as `: missed 3` takes the place
/// of the missing ones.
///
/// ```
/// use fc_runtime::{App, Broadcast, Sse, SseEvent};
///
/// # fc_runtime::testing::run(async {
/// let news = Broadcast::new(64);
/// for (id, text) in [(1, "tea"), (2, "salt")] { news.send(SseEvent::data(text).with_id(id)).unwrap(); }
/// let client = App::with_state(news)
///     .get("/feed", async |ex| {
///         let missed_and_new = ex.state().subscribe_after(ex.last_event_id().as_deref());
///         Sse::new(missed_and_new.end_when_behind())
///     })
///     .test_client();
/// let mut feed = client.get("/feed").header("last-event-id", "1").open().await;
/// assert_eq!(feed.piece().await.unwrap(), "data: salt\nid: 2\n\n");
/// # });
/// ```
#[must_use = "a subscription does nothing unless it is read"]
pub struct Subscription {
    channel: Arc<Channel>,
    sent: Observer,
    /// The number of the event to read next.
    next: u64,
    ends_behind: bool,
}

impl Subscription {
    /// Ends the stream when it has missed an event, in place of going on after the gap. The client then connects again,
    /// and sends the id of the last event it has.
    pub fn end_when_behind(mut self) -> Self {
        self.ends_behind = true;
        self
    }
}

impl Stream for Subscription {
    type Item = SseEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SseEvent>> {
        let this = self.get_mut();
        if this.sent.look(cx) <= this.next {
            return Poll::Pending;
        }
        let ring = this.channel.lock();
        let missed = ring.first.saturating_sub(this.next);
        if missed > 0 {
            this.next = ring.first;
            return Poll::Ready(if this.ends_behind {
                None
            } else {
                Some(SseEvent::comment(format!("missed {missed}")))
            });
        }
        let at = usize::try_from(this.next - ring.first).unwrap_or(usize::MAX);
        match ring.events.get(at) {
            Some(event) => {
                this.next += 1;
                Poll::Ready(Some(SseEvent::framed(event.clone())))
            }
            None if ring.is_closed => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.channel.lock().subscribers -= 1;
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("next", &self.next).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// The events that are ready now; `end` if the stream has ended.
    fn ready(subscription: &mut Subscription) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            match Pin::new(&mut *subscription).poll_next(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => return found,
                Poll::Ready(Some(event)) => found.push(event.text().unwrap().trim_end().to_owned()),
                Poll::Ready(None) => {
                    found.push("end".to_owned());
                    return found;
                }
            }
        }
    }

    fn event(id: u32) -> SseEvent {
        SseEvent::data("x").with_id(id)
    }

    #[test]
    fn all_get_what_is_sent_while_they_are_there() {
        let broadcast = Broadcast::new(8);
        let mut early = broadcast.subscribe();
        assert_eq!(broadcast.send("one").unwrap(), 1);
        let mut late = broadcast.subscribe();
        let other = broadcast.clone();
        drop(broadcast);
        assert_eq!(other.send("two").unwrap(), 2);
        assert_eq!(ready(&mut early), ["data: one", "data: two"]);
        assert_eq!(ready(&mut late), ["data: two"]);
        assert!(ready(&mut late).is_empty());
        drop(early);
        assert_eq!(other.subscribers(), 1);
        assert_eq!(other.send("three").unwrap(), 1);
        drop(other);
        assert_eq!(ready(&mut late), ["data: three", "end"]);
    }

    #[test]
    fn who_is_too_far_behind_misses_the_oldest() {
        let broadcast = Broadcast::new(2);
        let (mut skipping, mut ending) = (broadcast.subscribe(), broadcast.subscribe().end_when_behind());
        for id in 0..5 {
            broadcast.send(event(id)).unwrap();
        }
        assert_eq!(ready(&mut skipping), [": missed 3", "data: x\nid: 3", "data: x\nid: 4"]);
        assert_eq!(ready(&mut ending), ["end"]);
    }

    #[test]
    fn who_comes_back_gets_what_is_kept_and_was_not_seen() {
        let broadcast = Broadcast::new(3);
        for id in 0..5 {
            broadcast.send(event(id)).unwrap();
        }
        for (id, seen) in [
            (None, &[][..]),
            (Some("4"), &[]),
            (Some("3"), &["data: x\nid: 4"]),
            (Some("1"), &["data: x\nid: 2", "data: x\nid: 3", "data: x\nid: 4"]),
        ] {
            assert_eq!(ready(&mut broadcast.subscribe_after(id)), seen, "{id:?}");
        }
    }

    #[test]
    fn an_event_that_cannot_be_is_not_sent() {
        let broadcast = Broadcast::new(2);
        let mut subscription = broadcast.subscribe();
        assert!(broadcast.send(SseEvent::data("x").with_id("\n")).is_err());
        assert!(ready(&mut subscription).is_empty());
    }
}
