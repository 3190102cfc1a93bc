//! The one HTTP/2 connection to an instance, which carries its gRPC calls.

use std::io;
use std::sync::PoisonError;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{RecvStream, SendStream};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::connection::CONNECT_MAX;
use super::network::Reach;

/// What the function may send on a stream whose client does not read, in bytes.
const WINDOW: u32 = 128 * 1024;

/// The unsent bytes of a stream, beyond which the client is not read.
const SEND_BUFFER: usize = 64 * 1024;

/// The largest head that is read, in bytes as HTTP/2 counts them. The platform's smaller limit is checked afterwards.
const HEAD_BYTES_MAX: u32 = 64 * 1024;

/// The connection for gRPC calls. It is opened by the first call.
#[derive(Debug)]
pub(crate) struct Multiplexed {
    reach: Reach,
    /// What the function may send on all streams: a stream that is not read must not stop the others.
    window: u32,
    open: Mutex<Option<SendRequest<Bytes>>>,
    ended: std::sync::Mutex<Option<Ended>>,
    tasks: TaskTracker,
}

/// Both directions of a call that both sides have ended.
pub(crate) type Ended = (SendStream<Bytes>, RecvStream);

impl Multiplexed {
    pub(crate) fn new(reach: Reach, concurrency: usize, tasks: TaskTracker) -> Self {
        let streams = u32::try_from(concurrency).unwrap_or(1).max(1);
        Multiplexed {
            reach,
            window: WINDOW.saturating_mul(streams),
            open: Mutex::default(),
            ended: std::sync::Mutex::default(),
            tasks,
        }
    }

    /// Keeps a stream until the next call. Its drop wakes the connection, which the next call does in any case.
    pub(crate) fn keep(&self, ended: Ended) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
    }

    /// The connection, which is opened if there is none or the former one has ended, and whether the call is its first.
    pub(crate) async fn take(&self) -> io::Result<(SendRequest<Bytes>, bool)> {
        drop(self.ended.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut open = self.open.lock().await;
        if let Some(sender) = &mut *open
            && std::future::poll_fn(|context| sender.poll_ready(context)).await.is_ok()
        {
            return Ok((sender.clone(), false));
        }
        *open = None;
        let sender = timeout(CONNECT_MAX, self.connect()).await??;
        *open = Some(sender.clone());
        Ok((sender, true))
    }

    async fn connect(&self) -> io::Result<SendRequest<Bytes>> {
        let stream = self.reach.connect().await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = Builder::new()
            .enable_push(false)
            .initial_window_size(WINDOW)
            .initial_connection_window_size(self.window)
            .max_send_buffer_size(SEND_BUFFER)
            .max_header_list_size(HEAD_BYTES_MAX)
            .handshake(stream)
            .await
            .map_err(io::Error::other)?;
        self.tasks.spawn(async move {
            // The calls in flight get the error. Nobody else needs the error.
            drop(connection.await);
        });
        Ok(sender)
    }
}
