//! A WebSocket as the answer to a call: the client's connection and the function's, with the call until its end.

use std::time::Duration;

use fc_runtime::platform::limits::WEBSOCKET_MESSAGE_MAX;
use hyper::upgrade::OnUpgrade;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::run::Run;
use crate::failure::Failure;
use crate::instance::Upstream;
use crate::wire::upgrade::take_apart;
use crate::wire::{Close, Over, Passed, Relay, Socket};

/// How long both ends may take to close once the function was told that the client goes away.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// A WebSocket from the function's 101 on. Dropping it means that the client left.
#[derive(Debug)]
pub(crate) struct AnswerTunnel {
    client: OnUpgrade,
    function: Option<OnUpgrade>,
    run: Run,
}

/// How a WebSocket ended. Its call is over.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// The traffic from the client, and to the client.
    pub(crate) passed: [Passed; 2],
    /// Whether the client left without a close, neither its own nor the function's.
    pub(crate) has_client_left: bool,
    /// The client's connection, if the client is still there, and what to tell the client.
    rest: Option<(Relay, Option<Close>)>,
}

impl Carried {
    /// Ends the client's connection in order.
    pub(crate) async fn see_off(self) {
        if let Some((relay, close)) = self.rest {
            relay.end_client(close).await;
        }
    }
}

impl AnswerTunnel {
    pub(super) fn new(client: OnUpgrade, function: Option<OnUpgrade>, run: Run) -> Self {
        AnswerTunnel { client, function, run }
    }

    /// Passes frames on until one side ends, the function's time is over, or the generation is replaced.
    pub(crate) async fn carry(self) -> Carried {
        let AnswerTunnel { client, function, run } = self;
        match open(client, function, &run).await {
            Some(Ok(mut relay)) => {
                let over = pass(&mut relay, &run).await;
                settle(over, relay, run).await
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
        Ok(client) => {
            let (client, read) = take_apart::<Socket>(client.ok()?)?;
            (client.into_stream(), read)
        }
        Err(failure) => return Some(Err(failure)),
    };
    let function = match function {
        Some(function) => function.await.ok().and_then(take_apart::<Upstream>),
        None => None,
    };
    Some(match function {
        Some((function, read)) => Ok(Relay::new(client, (function.into_stream(), read))),
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

/// Ends the call and the function's connection. Where a side has not said that it closes, its connection is what says so, and the
/// other side gets no close frame either: to that side the code is 1006.
async fn settle(over: Result<Over, Failure>, relay: Relay, run: Run) -> Carried {
    let carried = Carried { passed: relay.passed(), ..Carried::default() };
    match over {
        Ok(Over::Client) if relay.is_closing() => {
            relay.end_function(None).await;
            run.complete();
        }
        // Dropping an unfinished call means that the client left.
        Ok(Over::Client) => return Carried { has_client_left: true, ..carried },
        Ok(Over::Function) => {
            if relay.is_closing() {
                run.complete();
            } else {
                let failure = run.crashed().await;
                run.fail(&failure);
            }
            return Carried { rest: Some((relay, None)), ..carried };
        }
        Ok(Over::TooLargeFromClient) => {
            run.fail(&Failure::entity_too_large(WEBSOCKET_MESSAGE_MAX));
            return Carried { rest: Some((relay, Some(Close::MessageTooBig))), ..carried };
        }
        Ok(Over::TooLargeFromFunction) => {
            let text =
                format!("the function sent a WebSocket message of more than {WEBSOCKET_MESSAGE_MAX} bytes");
            relay.end_function(Some(Close::MessageTooBig)).await;
            run.fail(&Failure::bad_response(text));
        }
        Err(failure) => run.fail(&failure),
    }
    carried
}
