//! A WebSocket as the answer to a call: the client's connection and the function's, with the call until its end.

use std::time::Duration;

use fc_runtime::platform::limits::WEBSOCKET_MESSAGE_MAX;
use hyper::upgrade::OnUpgrade;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::run::Run;
use crate::failure::Failure;
use crate::wire::upgrade::take_apart;
use crate::wire::{Close, Over, Passed, Relay};

/// How long both ends may take to close once the function was told that the client goes away.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// A WebSocket from the function's 101 on. Dropping it means that the client left.
#[derive(Debug)]
pub(crate) struct AnswerTunnel {
    client: OnUpgrade,
    function: Option<OnUpgrade>,
    run: Run,
}

/// What became of a WebSocket.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// What has passed from the client, and what to it.
    pub(crate) passed: [Passed; 2],
    /// Whether the client left without a close, neither its own nor the function's.
    pub(crate) has_client_left: bool,
}

impl AnswerTunnel {
    pub(super) fn new(client: OnUpgrade, function: Option<OnUpgrade>, run: Run) -> Self {
        AnswerTunnel { client, function, run }
    }

    /// Passes frames on until one side is done, the function's time is over, or the socket has to make way.
    pub(crate) async fn carry(self) -> Carried {
        let AnswerTunnel { client, function, run } = self;
        match open(client, function, &run).await {
            Some(Ok(mut relay)) => {
                let over = pass(&mut relay, &run).await;
                let passed = relay.passed();
                let has_client_left = settle(over, relay, run).await;
                Carried { passed, has_client_left }
            }
            Some(Err(failure)) => {
                run.fail(&failure);
                Carried::default()
            }
            // The client left before it had the 101.
            None => Carried { has_client_left: true, ..Carried::default() },
        }
    }
}

/// Takes both connections over from HTTP; `None` without the client's.
async fn open(client: OnUpgrade, function: Option<OnUpgrade>, run: &Run) -> Option<Result<Relay, Failure>> {
    let client = match run.within(client).await {
        Ok(client) => take_apart(client.ok()?)?,
        Err(failure) => return Some(Err(failure)),
    };
    let function = match function {
        Some(function) => function.await.ok().and_then(take_apart),
        None => None,
    };
    Some(match function {
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

/// Ends both connections and the call; whether the client left. Where a side has not said that it closes, its connection is
/// what says so, and the other side gets no close frame either: to that side the code is 1006.
async fn settle(over: Result<Over, Failure>, relay: Relay, run: Run) -> bool {
    match over {
        Ok(Over::Client) if relay.is_closing() => {
            relay.end_function(None).await;
            run.complete();
        }
        // Dropping the call unfinished says that the client left.
        Ok(Over::Client) => return true,
        Ok(Over::Function) if relay.is_closing() => {
            // The instance is free for another call, however long the client takes.
            run.complete();
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
    false
}
