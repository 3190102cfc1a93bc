//! Forwards messages to the addresses that `x-local.destinations` names: one after the other, each try bounded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::messages::{self, Forward, Message};
use super::queue::{Queue, now};
use super::record::milliseconds;
use crate::event::{DestinationFault, Kind, Source};
use crate::store::{Store, StoreError};

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
    match timeout(TRY_MAX, post(&address, message.body.to_string())).await {
        Ok(Ok(status)) if status.is_success() => Ok(()),
        Ok(Ok(status)) => Err(format!("the reply has status {}", status.as_u16())),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(format!("there was no reply within {} s", TRY_MAX.as_secs())),
    }
}

async fn post(address: &Uri, body: String) -> Result<StatusCode, String> {
    let host = address.host().ok_or("the address has no host")?.trim_matches(['[', ']']);
    let port = address.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let target = address.path_and_query().map_or("/", |target| target.as_str());
    let request = Request::post(target)
        .header(header::HOST, address.authority().map_or(host, |authority| authority.as_str()))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    let mut reply = std::pin::pin!(sender.send_request(request));
    let reply = tokio::select! {
        reply = &mut reply => reply,
        _ = connection => reply.await,
    };
    reply.map(|reply| reply.status()).map_err(|error| error.to_string())
}
