//! A connection that has left HTTP: a task of its own, so that hyper's buffers go with the task before it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::exchange::{Boarding, Line};
use crate::serve::drain::{Stage, Watch};
use crate::serve::io::Io;
use crate::serve::watch::departure;
use crate::task::{BoxFuture, Kind, Tracker};

/// Starts what has waited for the connection. It keeps the connection's place, and hears of the end.
pub(crate) fn take_over(
    boarding: Boarding,
    (io, ahead): (Io, Bytes),
    (watch, place): (Watch, OwnedSemaphorePermit),
    tracker: &Tracker,
) {
    let departed = Box::pin(departure(io.handle()));
    let run = boarding(Line { wire: Box::new(io), ahead, departed });
    drop(tracker.spawn(Kind::Socket, Seated { run, watch, _place: place }));
}

struct Seated {
    run: BoxFuture<()>,
    watch: Watch,
    _place: OwnedSemaphorePermit,
}

impl Future for Seated {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.watch.stage(cx) == Stage::Cutting {
            return Poll::Ready(());
        }
        self.run.as_mut().poll(cx)
    }
}
