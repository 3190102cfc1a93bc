//! An HTTP/1.1 connection from its first head to the last byte that its client sends.

use std::mem::replace;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::serve::connection::http1::Http1;
use crate::serve::drain::Stage;
use crate::task::BoxFuture;

/// An HTTP/1.1 connection, and what follows on the socket when hyper has ended.
pub(super) enum Following<S: Send + Sync + 'static> {
    Http(Http1<S>),
    /// This side has sent its last byte, and the rest of the input is discarded.
    Lingering(BoxFuture<()>),
    Over,
}

impl<S: Send + Sync + 'static> Future for Following<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut *self {
                Self::Http(http) => {
                    ready!(Pin::new(&mut *http).poll(cx));
                    if http.drain.stage(cx) == Stage::Cutting {
                        // A reply that should go on without hyper has its connection, which has it.
                        drop(http.peer.next.take());
                        return Poll::Ready(());
                    }
                }
                Self::Lingering(linger) => ready!(linger.as_mut().poll(cx)),
                Self::Over => return Poll::Ready(()),
            }
            *self = match replace(&mut *self, Self::Over) {
                Self::Http(http) => http.follow(cx.waker()),
                Self::Lingering(..) | Self::Over => Self::Over,
            };
        }
    }
}
