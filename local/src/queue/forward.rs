//! Forwards messages to the addresses that `x-local.destinations` names: one after the other, each try bounded.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, Uri, header};
use hyper::body::Incoming;
use tokio::time::{sleep, timeout};

use super::messages::{self, Forward, Message};
use super::queue::{Queue, now};
use super::record::milliseconds;
use crate::event::{DestinationFault, Kind, Source};
use crate::store::{Store, StoreError};
use crate::wire::outgoing;

/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(10);

/// How often a message is tried.
const TRIES_MAX: u32 = 8;

/// The pause after the first try. Each one is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(500);

/// How long nothing is looked for, unless something is told.
const LOOK: Duration = Duration::from_secs(30);

impl Queue {
    /// Forwards what is to be forwarded, until the platform stops.
    pub(super) async fn forward(self: Arc<Self>, store: Arc<Store>) {
        let stop = self.trackers.stop.clone();
        while !stop.is_cancelled() {
            let pause = tokio::select! {
                () = stop.cancelled() => return,
                pause = self.forward_next(&store) => pause.unwrap_or(LOOK),
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.forwards.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Forwards the message that is due, if one is. Gives the time until the next one.
    async fn forward_next(&self, store: &Store) -> Result<Duration, StoreError> {
        let Some((due, number, message)) = store.read(messages::first_forward)? else { return Ok(LOOK) };
        let wait = Duration::from_millis(due.saturating_sub(now()));
        if !wait.is_zero() {
            return Ok(wait.min(LOOK));
        }
        let Some(mut message) = message else {
            store.write(move |write| messages::note_forward(write, (due, number), None, None)).await?;
            return Ok(Duration::ZERO);
        };
        let next = match try_once(&message).await {
            Ok(()) => self.note(&mut message, "done", None),
            Err(error) => self.note(&mut message, "failed", Some(error)),
        };
        store.write(move |write| messages::note_forward(write, (due, number), Some(&message), next)).await?;
        Ok(Duration::ZERO)
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
