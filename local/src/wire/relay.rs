//! The relay of a WebSocket: bytes between a client and a function, in both directions.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::frames::{Close, Meter, Passed, To};
use super::hangup::Hangup;
use super::stream::Stream;

/// The buffer of one direction, in bytes.
const BUFFER: usize = 32 * 1024;

/// How long a connection is not read before it is watched: most waits end earlier, and a watch costs system calls.
const GRACE: Duration = Duration::from_millis(10);

/// How long the last bytes of a closed side may take to reach the other side. Also how long the other side may take to
/// close.
const LINGER: Duration = Duration::from_secs(3);

/// Two connections. The bytes of each are written to the other.
#[derive(Debug)]
pub(crate) struct Relay {
    client: Stream,
    function: Stream,
    /// From the client to the function.
    up: Flow,
    /// From the function to the client.
    down: Flow,
}

/// Why a relay is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The client closed its connection, after its bytes were delivered.
    Client,
    /// The function closed its connection, after its bytes were delivered.
    Function,
    /// The client's next frame makes the message too large. Nothing of the frame's payload is passed on.
    TooLargeFromClient,
    TooLargeFromFunction,
    /// Nothing has passed for too long.
    Idle,
}

impl Relay {
    /// Each side is a connection, with the bytes that were already read from it. No message of more than `most` bytes passes.
    pub(crate) fn new(
        (client, from_client): (impl Into<Stream>, Bytes),
        (function, from_function): (TcpStream, Bytes),
        most: usize,
    ) -> Self {
        let (client, function) = (client.into(), function.into());
        Relay { client, function, up: Flow::new(&from_client, most), down: Flow::new(&from_function, most) }
    }

    /// Relays bytes until one side ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the next call of this method continues.
    pub(crate) async fn pass(&mut self) -> Over {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// As [`pass`](Self::pass), and also until nothing has passed for so long or up to an eighth longer, a ping included.
    ///
    /// # Cancel safety
    ///
    /// As [`pass`](Self::pass).
    pub(crate) async fn pass_unless_idle(&mut self, idle: Option<Duration>) -> Over {
        // Looks cost less than the time of each read.
        const LOOKS: u32 = 8;
        let Some(idle) = idle else { return self.pass().await };
        let (mut quiet, mut before) = (0, self.moved());
        while quiet < LOOKS {
            if let Ok(over) = timeout(idle / LOOKS, self.pass()).await {
                return over;
            }
            let now = self.moved();
            (quiet, before) = (if now == before { quiet + 1 } else { 0 }, now);
        }
        Over::Idle
    }

    /// How often bytes were read, in both directions.
    fn moved(&self) -> u64 {
        self.up.reads + self.down.reads
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Over> {
        let Relay { client, function, up, down } = self;
        // The function's direction comes first: the function's close frame counts more than a client that has left.
        if let Poll::Ready(end) = down.poll(context, function, client) {
            return Poll::Ready(match end {
                End::Closed => Over::Function,
                End::TooLarge => Over::TooLargeFromFunction,
            });
        }
        up.poll(context, client, function).map(|end| match end {
            End::Closed => Over::Client,
            End::TooLarge => Over::TooLargeFromClient,
        })
    }

    /// Sends the function a close frame (going away) after the client's current frame. Later bytes of the client do not
    /// pass.
    pub(crate) fn say_goodbye(&mut self) {
        self.up.goodbye = Some(Close::GoingAway.frame(To::Function));
    }

    /// Whether a close frame has passed, in either direction.
    pub(crate) fn is_closing(&self) -> bool {
        self.up.meter.is_closing || self.down.meter.is_closing
    }

    /// The traffic from the client, and the traffic to the client.
    pub(crate) fn passed(&self) -> [Passed; 2] {
        [self.up.meter.passed, self.down.meter.passed]
    }

    /// Ends the client's side, with a close frame if there is one to send, and gives the client time to read. The
    /// function's side ends at once.
    pub(crate) async fn end_client(mut self, close: Option<Close>) {
        self.end_watches();
        drop(self.function);
        let close = close.filter(|_| self.down.is_between_frames()).map(|close| close.frame(To::Client));
        linger(self.client, close).await;
    }

    /// Ends the function's side as [`end_client`](Self::end_client) ends the client's.
    pub(crate) async fn end_function(mut self, close: Option<Close>) {
        self.end_watches();
        drop(self.client);
        let close = close.filter(|_| self.up.is_between_frames()).map(|close| close.frame(To::Function));
        linger(self.function, close).await;
    }

    /// A watch has a descriptor of its own. The kernel closes a connection only with its last one.
    fn end_watches(&mut self) {
        self.up.watch = None;
        self.down.watch = None;
    }
}

/// Shuts the writing side down, and reads the rest. A close with unread bytes resets the connection, and the peer may
/// lose the last bytes.
async fn linger(mut stream: Stream, last: Option<Vec<u8>>) {
    let end = async {
        if let Some(last) = last {
            stream.write_all(&last).await?;
        }
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    // The connection ends here, whether or not the peer has closed.
    _ = timeout(LINGER, end).await;
}

/// How one direction ended.
enum End {
    Closed,
    TooLarge,
}

type Watch = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One direction, with its buffer.
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
struct Flow {
    buffer: Box<[u8]>,
    /// The part of the buffer that is not written yet.
    start: usize,
    end: usize,
    /// Whether bytes are left in the buffer or in the stream.
    is_unsent: bool,
    meter: Meter,
    is_too_large: bool,
    /// Whether a write has failed.
    is_broken: bool,
    /// Whether bytes are read and dropped.
    is_muted: bool,
    /// The last frame, made by the gateway. It is sent at the next end of a frame.
    goodbye: Option<Vec<u8>>,
    watch: Option<Watch>,
    /// How often bytes were read.
    reads: u64,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Flow").field("meter", &self.meter).finish_non_exhaustive()
    }
}

impl Flow {
    fn new(first: &[u8], most: usize) -> Self {
        let mut buffer = vec![0; first.len().max(BUFFER)];
        buffer[..first.len()].copy_from_slice(first);
        let mut flow = Flow {
            buffer: buffer.into_boxed_slice(),
            start: 0,
            end: 0,
            is_unsent: false,
            meter: Meter::new(most),
            is_too_large: false,
            is_broken: false,
            is_muted: false,
            goodbye: None,
            watch: None,
            reads: 0,
        };
        flow.take_in(first.len());
        flow
    }

    /// Notes that `length` bytes were read into the buffer, which was empty.
    fn take_in(&mut self, length: usize) {
        self.reads += 1;
        self.start = 0;
        self.end = match self.meter.follow(&self.buffer[..length]) {
            Ok(()) => length,
            Err(before) => {
                self.is_too_large = true;
                before
            }
        };
        self.is_unsent = self.end > 0;
    }

    fn is_between_frames(&self) -> bool {
        !self.is_unsent && self.meter.is_between_frames()
    }

    fn poll(&mut self, context: &mut Context<'_>, from: &mut Stream, to: &mut Stream) -> Poll<End> {
        loop {
            if self.is_unsent {
                match ready!(self.poll_write(context, from, to)) {
                    Written::All => {}
                    Written::TooLate => return Poll::Ready(End::Closed),
                    Written::Broken => self.is_broken = true,
                }
            }
            if self.is_broken {
                // The other direction reads from the broken side, and ends the relay.
                return Poll::Pending;
            }
            if self.is_too_large {
                return Poll::Ready(End::TooLarge);
            }
            if self.meter.is_between_frames()
                && let Some(goodbye) = self.goodbye.take()
            {
                self.buffer[..goodbye.len()].copy_from_slice(&goodbye);
                self.take_in(goodbye.len());
                self.is_muted = true;
                continue;
            }
            let mut into = ReadBuf::new(&mut self.buffer);
            // A broken connection counts as closed.
            _ = ready!(Pin::new(&mut *from).poll_read(context, &mut into));
            match into.filled().len() {
                0 => return Poll::Ready(End::Closed),
                _ if self.is_muted => {}
                length => self.take_in(length),
            }
        }
    }

    /// Writes the buffer. `from` is not read meanwhile, so a watch checks whether `from` has closed.
    fn poll_write(&mut self, context: &mut Context<'_>, from: &Stream, to: &mut Stream) -> Poll<Written> {
        let written = loop {
            if self.start == self.end {
                // TLS may keep bytes that the socket did not take.
                break Pin::new(&mut *to).poll_flush(context).map_ok(|()| true);
            }
            match Pin::new(&mut *to).poll_write(context, &self.buffer[self.start..self.end]) {
                Poll::Ready(Ok(written)) if written > 0 => self.start += written,
                other => break other.map_ok(|_| false),
            }
        };
        match written {
            Poll::Ready(outcome) => {
                self.start = self.end;
                self.is_unsent = false;
                self.watch = None;
                let is_whole = matches!(outcome, Ok(true));
                Poll::Ready(if is_whole { Written::All } else { Written::Broken })
            }
            Poll::Pending => {
                let watch = self.watch.get_or_insert_with(|| watch(from.socket()));
                watch.as_mut().poll(context).map(|()| Written::TooLate)
            }
        }
    }
}

/// The result of writing the buffer.
enum Written {
    All,
    /// The source has closed, and the destination has not taken the bytes within `LINGER`.
    TooLate,
    /// A write to the destination failed.
    Broken,
}

/// Waits until a connection that is not read has closed, and then `LINGER` for the delivery of its bytes.
fn watch(stream: &TcpStream) -> Watch {
    // Without file descriptors there is no watch. The function's time limit ends the relay.
    let hangup = Hangup::prepare(stream);
    Box::pin(async move {
        sleep(GRACE).await;
        hangup.gone().await;
        sleep(LINGER).await;
    })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// More than the kernel takes for a connection that is not read.
    const MUCH: usize = 32 * 1024 * 1024;

    /// Both ends of a connection.
    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (near, listener.accept().await.unwrap().0)
    }

    /// Sends until the relay has no place left and watches the sender.
    async fn flood(sender: &mut TcpStream, relay: &mut Relay) {
        let much = vec![0; MUCH];
        tokio::pin! { let sending = sender.write_all(&much); }
        while relay.up.watch.is_none() && relay.down.watch.is_none() {
            tokio::select! {
                _ = &mut sending => panic!("the kernel took all of it"),
                over = relay.pass() => panic!("{over:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }

    /// Waits until the other end of the connection is closed.
    async fn closed(mut stream: TcpStream) {
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {}
    }

    #[tokio::test]
    async fn the_other_side_ends_before_one_that_is_given_time() {
        for ends_client in [true, false] {
            let ((mut client, ours), (mut function, other)) = (pair().await, pair().await);
            let mut relay = Relay::new((ours, Bytes::new()), (other, Bytes::new()), 1024);
            // The side that is given time neither reads nor closes.
            if ends_client {
                flood(&mut function, &mut relay).await;
                tokio::select! {
                    () = closed(function) => {}
                    () = relay.end_client(None) => panic!("the function's side ended with the client's"),
                }
            } else {
                flood(&mut client, &mut relay).await;
                tokio::select! {
                    () = closed(client) => {}
                    () = relay.end_function(None) => panic!("the client's side ended with the function's"),
                }
            }
        }
    }
}
