//! A connection of HTTP/1 between two requests: a socket, and nothing of hyper's, which has two buffers, a map of headers and a
//! state for each connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::sleep;

use super::connection::Entrance;
use super::listen::Clients;
use crate::wire::headers::Peer;
use crate::wire::{Hangup, Socket, Stream};

/// How much of the next request is read here at most, in bytes. hyper reads the rest.
const READ_MAX: usize = 1024;

/// A connection whose client has sent nothing for a moment.
#[derive(Debug)]
pub(super) struct Resting {
    pub(super) clients: Clients,
    pub(super) peer: Peer,
    pub(super) stream: Stream,
    /// What hyper had of the next request.
    pub(super) start: Bytes,
    /// How many requests there were.
    pub(super) requests: usize,
    /// How long there has been none, at least.
    pub(super) idle: Duration,
}

impl Resting {
    /// Waits for what there is for hyper to do: the client's next bytes, its end, or the stop. `None` once the connection has
    /// been without a request for too long.
    pub(super) async fn wait(mut self) -> Option<Self> {
        let (idle_max, _) = self.clients.patience();
        tokio::select! {
            biased;
            read = std::future::poll_fn(|context| poll_read(&mut self.stream, context)) => {
                // hyper meets the end, or the failure, once more.
                if let Ok(more) = read {
                    self.start = joined(&self.start, &more);
                }
            }
            () = self.clients.stop.begun.cancelled() => {}
            () = sleep(idle_max.saturating_sub(self.idle)) => return None,
        }
        Some(self)
    }

    /// The connection as hyper serves it again.
    pub(super) fn resume(self) -> (Arc<Entrance>, Socket) {
        let hangup = Arc::new(Hangup::prepare(self.stream.socket()));
        let entrance = Entrance::new(self.clients, self.peer, hangup, self.requests);
        let socket = Socket::new(self.stream, entrance.turns()).reading_again(self.start);
        (entrance, socket)
    }
}

/// Reads, rather than waits for the socket: TLS may have whole records of its own, and no text behind what the socket has.
fn poll_read(stream: &mut Stream, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
    let mut space = [0; READ_MAX];
    let mut into = ReadBuf::new(&mut space);
    Pin::new(stream).poll_read(context, &mut into).map_ok(|()| Bytes::copy_from_slice(into.filled()))
}

fn joined(start: &Bytes, more: &Bytes) -> Bytes {
    if start.is_empty() {
        return more.clone();
    }
    let mut both = BytesMut::from(&start[..]);
    both.extend_from_slice(more);
    both.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hyper_had_comes_before_what_is_read() {
        let (start, more) = (Bytes::from_static(b"GET"), Bytes::from_static(b" /"));
        assert_eq!(joined(&start, &more), "GET /");
        assert_eq!(joined(&Bytes::new(), &more), " /");
        assert_eq!(joined(&start, &Bytes::new()), "GET");
    }
}
