//! The content of a file as a body, read piece by piece on a thread for blocking work.

use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use crate::platform::limits::KIB;
use crate::reply::{DIRECT_MIN, Source};
use crate::task::Tracker;

/// The largest piece, in bytes: what a connection takes at a time.
pub(super) const PIECE_MAX: u64 = 64 * KIB as u64;

/// A file that is being sent. It holds one piece at a time.
pub(super) struct FileSource {
    /// The number of bytes that are still to be given.
    left: u64,
    state: State,
    tracker: Tracker,
}

enum State {
    /// Before the first poll.
    First(File, Bytes),
    Waits(File),
    Reads(JoinHandle<io::Result<(File, Bytes)>>),
    Done,
}

impl FileSource {
    /// `first` is read already.
    pub(super) fn new(file: File, first: Bytes, length: u64, tracker: Tracker) -> Self {
        Self { left: length, state: State::First(file, first), tracker }
    }

    fn give(&mut self, file: File, piece: Bytes) -> Poll<Option<Result<Frame<Bytes>>>> {
        self.left = self.left.saturating_sub(piece.len() as u64);
        self.state = if self.left == 0 { State::Done } else { State::Waits(file) };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

impl Source for FileSource {
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::First(file, piece) => return self.give(file, piece),
                State::Waits(mut file) => {
                    let most = self.left;
                    self.state = State::Reads(self.tracker.spawn_blocking(move || {
                        let piece = read_piece(&mut file, most)?;
                        Ok((file, piece))
                    }));
                }
                State::Reads(mut reads) => {
                    let Poll::Ready(read) = Pin::new(&mut reads).poll(cx) else {
                        self.state = State::Reads(reads);
                        return Poll::Pending;
                    };
                    return match read {
                        Ok(Ok((file, piece))) => self.give(file, piece),
                        Ok(Err(error)) => Poll::Ready(Some(Err(Error::internal(error)))),
                        // The runtime shuts down, and drops this body too.
                        Err(_) => Poll::Pending,
                    };
                }
                State::Done => return Poll::Ready(None),
            }
        }
    }

    fn is_direct(&self) -> bool {
        self.left >= DIRECT_MIN as u64
    }

    fn length(&self) -> Option<u64> {
        Some(self.left)
    }
}

/// Reads the next piece: at most `most` bytes of the file.
///
/// # Errors
/// What the system says, or that the file has become shorter.
pub(super) fn read_piece(file: &mut File, most: u64) -> io::Result<Bytes> {
    let length = most.min(PIECE_MAX);
    let mut piece = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(length).read_to_end(&mut piece)?;
    if (piece.len() as u64) < length {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the file became shorter while it was sent",
        ));
    }
    Ok(piece.into())
}
