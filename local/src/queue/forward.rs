//! Forwards messages to the addresses that `x-local.destinations` names: several at a time, each try bounded. No order is
//! kept: the platform promises none.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, Uri, header};
use hyper::body::Incoming;
use tokio::time::{sleep, timeout};

use super::lane::{PATIENCE, lock};
use super::messages::{self, Forward, Message};
use super::queue::{Queue, now};
use super::record::milliseconds;
use crate::event::{DestinationFault, Kind, Source};
use crate::store::{Store, StoreError};
use crate::wire::outgoing;

/// How many messages are under way at a time.
const UNDER_WAY_MAX: usize = 16;

/// How many of them go to one address. The others must not wait for an address that does not answer.
const TO_ONE_MAX: usize = 4;

/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(10);

/// How often a message is tried.
const TRIES_MAX: u32 = 8;

/// The pause after the first try. Each one is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(500);

/// How long nothing is looked for, unless something is told.
const LOOK: Duration = Duration::from_secs(30);

/// The messages under way, by their numbers, with their addresses.
#[derive(Debug, Default)]
pub(super) struct UnderWay(HashMap<u64, String>);

impl UnderWay {
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= UNDER_WAY_MAX
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.0.contains_key(&number)
    }

    /// Whether one more message may go to the address.
    pub(super) fn may_go_to(&self, address: &str) -> bool {
        self.0.values().filter(|own| *own == address).count() < TO_ONE_MAX
    }

    pub(super) fn add(&mut self, number: u64, address: &str) {
        self.0.insert(number, address.to_owned());
    }
}

impl Queue {
    /// Forwards what is to be forwarded, until the platform stops.
    pub(super) async fn forward(self: Arc<Self>, store: Arc<Store>) {
        let stop = self.trackers.stop.clone();
        let under_way = Arc::default();
        while !stop.is_cancelled() {
            let wait = self.forward_due(&store, &under_way).unwrap_or(LOOK);
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.forwards.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Begins to forward the messages that are due. Gives the time until the next one is.
    fn forward_due(
        self: &Arc<Self>,
        store: &Arc<Store>,
        under_way: &Arc<Mutex<UnderWay>>,
    ) -> Result<Duration, StoreError> {
        let found = store.read(|read| messages::due(read, now(), &mut lock(under_way)))?;
        for (due, number, message) in found.messages {
            let (own, store, under_way) = (Arc::clone(self), Arc::clone(store), Arc::clone(under_way));
            self.trackers.tasks.spawn(async move {
                let stop = own.trackers.stop.clone();
                tokio::select! {
                    // The next run tries once more.
                    () = stop.cancelled() => {}
                    () = own.forward_one(&store, (due, number), message) => {}
                }
                lock(&under_way).0.remove(&number);
                own.forwards.notify_one();
            });
        }
        Ok(found.next.map_or(LOOK, |due| Duration::from_millis(due.saturating_sub(now())).min(LOOK)))
    }

    /// Tries a message, and notes what became of it. One that has made room for others is not tried any more.
    async fn forward_one(&self, store: &Store, place: (u64, u64), mut message: Option<Message>) {
        let next = match &mut message {
            None => None,
            Some(message) => match try_once(message).await {
                Ok(()) => self.note(message, "done", None),
                Err(error) => self.note(message, "failed", Some(error)),
            },
        };
        let noted = store.write(move |write| messages::note_forward(write, place, message.as_ref(), next));
        if noted.await.is_err() {
            // It is tried again, but not at once.
            sleep(PATIENCE).await;
        }
    }

    /// Notes the try in the message. Gives the time of the next one, if there is one.
    fn note(&self, message: &mut Message, state: &str, error: Option<String>) -> Option<u64> {
        let forward = message.forward.as_mut()?;
        let Forward { tries, .. } = forward;
        *tries += 1;
        let is_over = error.is_none() || *tries >= TRIES_MAX;
        let pause = PAUSE.saturating_mul(1 << (*tries - 1).min(TRIES_MAX));
        if is_over { state } else { "waiting" }.clone_into(&mut forward.state);
        if is_over && let Some(error) = &error {
            let source =
                Source::function(&message.function.as_str().into()).with_request(&message.id.as_str().into());
            let error = format!("not forwarded to {} in {TRIES_MAX} tries: {error}", forward.address);
            let destination = message.destination.clone();
            self.log.emit(&source, Kind::DestinationFailed(DestinationFault { destination, error }));
        }
        forward.error = error;
        (!is_over).then(|| now() + milliseconds(pause))
    }
}

async fn try_once(message: &Message) -> Result<(), String> {
    let Some(forward) = &message.forward else { return Ok(()) };
    let address: Uri = forward.address.parse().map_err(|error| format!("{error}"))?;
    let request = Request::builder().method(Method::POST).header(header::CONTENT_TYPE, "application/json");
    let status = |reply: Response<Incoming>| ready(Ok(reply.status()));
    let body = Bytes::from(message.body.to_string());
    match timeout(TRY_MAX, outgoing::exchange(&address, request, body, status)).await {
        Ok(Ok(status)) if status.is_success() => Ok(()),
        Ok(Ok(status)) => Err(format!("the reply has status {}", status.as_u16())),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(format!("there was no reply within {} s", TRY_MAX.as_secs())),
    }
}
