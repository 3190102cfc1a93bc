//! The upgraded connection. It runs in a new task, so that the HTTP task, and hyper's 16 KiB with it, can be freed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::net::tcp::OwnedWriteHalf;

use crate::exchange::upgrade::{Departed, Leaving, OnUpgrade, Upgraded};
use crate::serve::departure::departure;
use crate::serve::drain::{DrainObserver, Stage};
use crate::serve::io::{Io, Socket};
use crate::serve::places::Place;
use crate::task::{BoxFuture, Kind, Tracker};

/// Starts the upgrade of this connection. The upgraded connection keeps its place in `max_connections`, and observes a
/// drain.
pub(crate) fn spawn_upgraded(
    on_upgrade: OnUpgrade,
    (socket, read_buf): (Socket, Bytes),
    (drain, place): (DrainObserver, Place),
    tracker: &Tracker,
) {
    let departed = Departed::Unasked(socket.handle());
    let peer = socket.peer();
    let run = on_upgrade(Upgraded { io: Box::new(Io::new(socket)), read_buf, departed, peer });
    tracker.spawn(Kind::Upgraded, Running { run, drain, _place: place });
}

impl Leaving for OwnedWriteHalf {
    fn departure(self: Arc<Self>) -> BoxFuture<()> {
        Box::pin(departure(self))
    }
}

struct Running {
    run: BoxFuture<()>,
    drain: DrainObserver,
    _place: Place,
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.drain.stage(cx) == Stage::Cutting {
            return Poll::Ready(());
        }
        self.run.as_mut().poll(cx)
    }
}
