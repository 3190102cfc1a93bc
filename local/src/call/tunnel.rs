//! A WebSocket as the answer to a call: the client's connection, the function's connection, and the call.

use std::time::Duration;

use fc_runtime::platform::limits::WEBSOCKET_MESSAGE_MAX;
use hyper::upgrade::OnUpgrade;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::run::Run;
use crate::failure::Failure;
use crate::wire::h1::Link;
use crate::wire::upgrade::take_apart;
use crate::wire::{Close, Over, Passed, Relay, Socket};

/// How long both ends may take to close, once the function was told that the client goes away.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// A WebSocket, from the function's 101 on. A drop means that the client left.
#[derive(Debug)]
pub(crate) struct AnswerTunnel {
    client: OnUpgrade,
    function: Option<Link>,
    run: Run,
}

/// How a WebSocket and its call ended.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// The traffic from the client, and the traffic to the client.
    pub(crate) passed: [Passed; 2],
    /// Whether the client left without a close frame from either side.
    pub(crate) has_client_left: bool,
    /// The connection of a client that is still there, and the close frame for the client.
    rest: Option<(Relay, Option<Close>)>,
}

impl Carried {
    /// Closes the client's connection in order.
    pub(crate) async fn see_off(self) {
        if let Some((relay, close)) = self.rest {
            relay.end_client(close).await;
        }
    }
}

impl AnswerTunnel {
    pub(super) fn new(client: OnUpgrade, function: Option<Link>, mut run: Run) -> Self {
        // What comes through it passes the run by.
        run.receive(usize::MAX);
        AnswerTunnel { client, function, run }
    }

    /// Relays frames until one side ends, the function's time is over, the generation is replaced, or nothing has passed for
    /// `idle`.
    pub(crate) async fn carry(self, idle: Option<Duration>) -> Carried {
        let AnswerTunnel { client, function, run } = self;
        match open(client, function, &run).await {
            Some(Ok(mut relay)) => {
                let over = pass(&mut relay, &run, idle).await;
                settle(over, relay, run).await
            }
            Some(Err(failure)) => {
                run.fail(&failure);
                Carried::default()
            }
            // The client left before the 101 was sent.
            None => Carried { has_client_left: true, ..Carried::default() },
        }
    }
}

/// Takes both connections over. `None` if the client left.
async fn open(client: OnUpgrade, function: Option<Link>, run: &Run) -> Option<Result<Relay, Failure>> {
    let client = match run.within(client).await {
        Ok(client) => {
            let (client, read) = take_apart::<Socket>(client.ok()?)?;
            let (stream, again) = client.into_parts();
            (stream, if again.is_empty() { read } else { [read, again].concat().into() })
        }
        Err(failure) => return Some(Err(failure)),
    };
    Some(match function {
        Some(link) => Ok(Relay::new(client, link.into_parts())),
        None => Err(run.crashed().await),
    })
}

async fn pass(relay: &mut Relay, run: &Run, idle: Option<Duration>) -> Result<Over, Failure> {
    let deadline = run.deadline();
    tokio::select! {
        biased;
        over = relay.pass_unless_idle(idle) => return Ok(over),
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

/// Ends the call and the function's connection. If one side closed without a close frame, the other side gets none
/// either, and sees code 1006.
async fn settle(over: Result<Over, Failure>, relay: Relay, mut run: Run) -> Carried {
    let carried = Carried { passed: relay.passed(), ..Carried::default() };
    run.counted.passed_by = Some(carried.passed.map(|passed| passed.bytes));
    match over {
        Ok(Over::Client) if relay.is_closing() => {
            relay.end_function(None).await;
            run.complete(None);
        }
        // The drop of an unfinished call means that the client left.
        Ok(Over::Client) => return Carried { has_client_left: true, ..carried },
        Ok(Over::Function) => {
            if relay.is_closing() {
                run.complete(None);
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
        // As if the client had left: the load balancer closes both connections.
        Ok(Over::Idle) => return Carried { rest: Some((relay, Some(Close::GoingAway))), ..carried },
        Err(failure) => run.fail(&failure),
    }
    carried
}
