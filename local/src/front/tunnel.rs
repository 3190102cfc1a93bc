//! A WebSocket: the client's connection and the function's, with the call and its record until the end.

use std::time::Duration;

use fc_runtime::platform::limits::WEBSOCKET_MESSAGE_MAX;
use hyper::upgrade::OnUpgrade;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::visit::Visit;
use crate::call::Run;
use crate::failure::Failure;
use crate::wire::upgrade::take_apart;
use crate::wire::{Close, Over, Relay};

/// How long both ends may take to close once the function was told that the client goes away.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// A WebSocket from the function's 101 on. Dropping it means that the client left.
#[derive(Debug)]
pub(crate) struct Tunnel {
    client: OnUpgrade,
    function: OnUpgrade,
    run: Run,
    visit: Option<Visit>,
}

impl Tunnel {
    pub(crate) fn new(client: OnUpgrade, function: OnUpgrade, run: Run) -> Self {
        Tunnel { client, function, run, visit: None }
    }

    pub(super) fn accompany(&mut self, visit: Visit) {
        self.visit = Some(visit);
    }

    /// Passes frames on until one side is done, the function's time is over, or the socket has to make way.
    pub(super) async fn carry(self: Box<Self>) {
        let Tunnel { client, function, run, visit } = *self;
        match open(client, function, &run).await {
            Some(Ok(mut relay)) => {
                let over = pass(&mut relay, &run).await;
                settle(over, relay, run, visit).await;
            }
            Some(Err(failure)) => {
                run.fail(&failure);
                complete(visit);
            }
            // The client left before it had the 101. The drop of the call and the record says so.
            None => {}
        }
    }
}

/// Takes both connections over from HTTP; `None` without the client's.
async fn open(client: OnUpgrade, function: OnUpgrade, run: &Run) -> Option<Result<Relay, Failure>> {
    let client = match run.within(client).await {
        Ok(client) => take_apart(client.ok()?)?,
        Err(failure) => return Some(Err(failure)),
    };
    Some(match function.await.ok().and_then(take_apart) {
        Some(function) => Ok(Relay::new(client, function)),
        None => Err(run.crashed().await),
    })
}

async fn pass(relay: &mut Relay, run: &Run) -> Result<Over, Failure> {
    let deadline = run.deadline();
    tokio::select! {
        biased;
        over = relay.pass() => return Ok(over),
        () = sleep_until(deadline) => return Err(run.timed_out()),
        () = run.farewell() => {}
    }
    relay.say_goodbye();
    let last = deadline.min(Instant::now() + GOODBYE_MAX);
    match timeout_at(last, relay.pass()).await {
        Ok(over) => Ok(over),
        Err(_) if last == deadline => Err(run.timed_out()),
        Err(_) => Err(Failure::unavailable("a WebSocket did not end when its client was said to go away")),
    }
}

/// Ends both connections, the call and the record. Where a side has not said that it closes, its connection is what says so,
/// and the other side gets no close frame either: to that side the code is 1006.
async fn settle(over: Result<Over, Failure>, relay: Relay, run: Run, mut visit: Option<Visit>) {
    if let Some(visit) = &mut visit {
        visit.set_traffic(relay.passed());
    }
    match over {
        Ok(Over::Client) if relay.is_closing() => {
            relay.end_function(None).await;
            run.finish();
        }
        // Dropping the call and the record unfinished says that the client left.
        Ok(Over::Client) => return,
        Ok(Over::Function) if relay.is_closing() => {
            // The instance is free for another call, however long the client takes.
            run.finish();
            relay.end_client(None).await;
        }
        Ok(Over::Function) => {
            let failure = run.crashed().await;
            run.fail(&failure);
            relay.end_client(None).await;
        }
        Ok(Over::TooLargeFromClient) => {
            run.fail(&Failure::entity_too_large(WEBSOCKET_MESSAGE_MAX));
            relay.end_client(Some(Close::MessageTooBig)).await;
        }
        Ok(Over::TooLargeFromFunction) => {
            let text =
                format!("the function sent a WebSocket message of more than {WEBSOCKET_MESSAGE_MAX} bytes");
            relay.end_function(Some(Close::MessageTooBig)).await;
            run.fail(&Failure::bad_response(text));
        }
        Err(failure) => run.fail(&failure),
    }
    complete(visit);
}

fn complete(visit: Option<Visit>) {
    if let Some(visit) = visit {
        visit.complete();
    }
}
