//! A WebSocket with the record of its visit.

use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::visit::Visit;
use crate::call::{AnswerTunnel, Command};
use crate::wire::upgrade::take_apart;
use crate::wire::{Close, Over, Relay, Socket};

/// A WebSocket that starts once the head of the answer is sent. A drop means that the client left.
#[derive(Debug)]
pub(crate) struct Tunnel {
    end: End,
    visit: Option<Visit>,
    /// How long nothing may pass.
    idle: Option<Duration>,
}

/// The other end.
#[derive(Debug)]
enum End {
    /// A function.
    Call(Box<AnswerTunnel>),
    /// A server beside the functions: both connections, and what ends them. No instance does.
    Server(OnUpgrade, OnUpgrade, CancellationToken),
    /// A command in an instance.
    Command(OnUpgrade, Box<Command>),
}

impl Tunnel {
    pub(crate) fn new(answer: AnswerTunnel) -> Self {
        Tunnel { end: End::Call(Box::new(answer)), visit: None, idle: None }
    }

    /// A WebSocket between a client and a server that is no function.
    pub(crate) fn joined(client: OnUpgrade, server: OnUpgrade, stop: CancellationToken) -> Self {
        Tunnel { end: End::Server(client, server, stop), visit: None, idle: None }
    }

    /// A WebSocket between a client and a command in an instance.
    pub(crate) fn command(client: OnUpgrade, command: Command) -> Self {
        Tunnel { end: End::Command(client, Box::new(command)), visit: None, idle: None }
    }

    pub(super) fn accompany(&mut self, visit: Visit) {
        self.visit = Some(visit);
    }

    pub(super) fn set_idle(&mut self, idle: Duration) {
        self.idle = Some(idle);
    }

    /// Runs the WebSocket to its end.
    pub(super) async fn carry(self: Box<Self>) {
        let Tunnel { end, visit, idle } = *self;
        match end {
            End::Call(answer) => {
                let carried = answer.carry(idle).await;
                if let Some(mut visit) = visit {
                    visit.set_traffic(carried.passed);
                    // The drop of an incomplete visit means that the client left.
                    if !carried.has_client_left {
                        visit.complete();
                    }
                }
                carried.see_off().await;
            }
            End::Command(client, command) => {
                if let Ok(client) = client.await
                    && let Some((client, read)) = take_apart::<Socket>(client)
                {
                    let (stream, again) = client.into_parts();
                    let read = if again.is_empty() { read } else { [read, again].concat().into() };
                    command.carry(stream, read).await;
                }
                if let Some(visit) = visit {
                    visit.complete();
                }
            }
            End::Server(client, server, stop) => join(client, server, (idle, stop), visit).await,
        }
    }
}

/// Relays between a client and a server until one of them ends, nothing passes for too long, or the platform stops.
async fn join(
    client: OnUpgrade,
    server: OnUpgrade,
    (idle, stop): (Option<Duration>, CancellationToken),
    visit: Option<Visit>,
) {
    let (Ok(client), Ok(server)) = tokio::join!(client, server) else { return };
    let (Some((client, read)), Some(server)) =
        (take_apart::<Socket>(client), take_apart::<TcpStream>(server))
    else {
        return;
    };
    let (stream, again) = client.into_parts();
    let client = (stream, if again.is_empty() { read } else { [read, again].concat().into() });
    let mut relay = Relay::new(client, server);
    let over = tokio::select! {
        over = relay.pass_unless_idle(idle) => over,
        () = stop.cancelled() => Over::Idle,
    };
    let has_left = matches!(over, Over::Client) && !relay.is_closing();
    if let Some(mut visit) = visit {
        visit.set_traffic(relay.passed());
        if !has_left {
            visit.complete();
        }
    }
    match over {
        Over::Client | Over::TooLargeFromFunction => relay.end_function(None).await,
        Over::Function => relay.end_client(None).await,
        Over::TooLargeFromClient => relay.end_client(Some(Close::MessageTooBig)).await,
        Over::Idle => relay.end_client(Some(Close::GoingAway)).await,
    }
}
