//! A command in an instance, over a WebSocket: a person's shell there.
//!
//! The server's messages are bytes: the first says whether the rest is the standard output or the standard error. The
//! client's are what the command reads.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::timeout;

use crate::instance::{Executed, Input, Instance};
use crate::process::{Order, Pipe};
use crate::wire::websocket::{Frame, Frames, binary, close, pong};

const STDOUT: u8 = 1;
const STDERR: u8 = 2;

/// The most of the output that is sent at once, in bytes.
const PIECE: usize = 16 * 1024;

/// The client's data that wait for the command, in bytes. Beyond it the client has to wait.
const UNREAD_MAX: usize = 256 * 1024;

/// How long a client may take nothing.
const STALL_MAX: Duration = Duration::from_secs(75);

/// How long the last output of a command that has ended may take.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// A command that runs.
pub(crate) struct Command {
    executed: Executed,
    instance: Arc<Instance>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Command").field("instance", &self.instance.id).finish_non_exhaustive()
    }
}

impl Command {
    /// Starts a command in an instance.
    ///
    /// # Errors
    ///
    /// The command cannot be started.
    pub(crate) fn start(instance: Arc<Instance>, command: &[String], takes_input: bool) -> io::Result<Self> {
        let executed = instance.execute(command, takes_input)?;
        Ok(Command { executed, instance })
    }

    /// Passes between the command and the client until one of them ends, or the instance does. `read` was read already.
    pub(crate) async fn carry(self, stream: impl AsyncRead + AsyncWrite + Unpin, read: Bytes) {
        let Command { executed: Executed { process, mut stdout, mut stderr, mut input }, instance } = self;
        let (mut from, mut to) = tokio::io::split(stream);
        let mut frames = Frames::default();
        frames.push(&read);
        let (mut out, mut err) = (vec![0; PIECE], vec![0; PIECE]);
        let (mut has_out, mut has_err) = (true, true);
        // What the command has still to read. Its output is passed on meanwhile: it may wait with reading until that is taken.
        let mut unread = Vec::new();
        let (code, reason) = loop {
            tokio::select! {
                taken = next(&mut frames, &mut from), if unread.len() < UNREAD_MAX => match taken {
                    // A command that reads nothing takes nothing.
                    Some(Frame::Data(bytes)) => if input.is_some() { unread.extend(bytes) },
                    Some(Frame::Ping(payload)) => {
                        if send(&mut to, &pong(&payload)).await.is_err() {
                            break (0, "");
                        }
                    }
                    Some(Frame::Pong) => {}
                    Some(Frame::Close) => break (1000, ""),
                    None => break (0, ""),
                },
                written = write_in(&mut input, &unread), if !unread.is_empty() => {
                    if let Ok(length @ 1..) = written {
                        unread.drain(..length);
                    } else {
                        input = None;
                        unread.clear();
                    }
                }
                piece = stdout.read(&mut out), if has_out => match piece {
                    Ok(length @ 1..) => if say(&mut to, STDOUT, &out[..length]).await.is_err() { break (0, "") },
                    _ => has_out = false,
                },
                piece = stderr.read(&mut err), if has_err => match piece {
                    Ok(length @ 1..) => if say(&mut to, STDERR, &err[..length]).await.is_err() { break (0, "") },
                    _ => has_err = false,
                },
                _ = process.exited() => {
                    let rest = async {
                        rest(&mut stdout, STDOUT, &mut to).await?;
                        rest(&mut stderr, STDERR, &mut to).await
                    };
                    let is_sent = timeout(LAST_OUTPUT, rest).await.is_ok_and(|sent| sent.is_ok());
                    break (if is_sent { 1000 } else { 0 }, "");
                }
                _ = instance.process.exited() => break (1001, "the instance has ended"),
            }
        };
        process.order(Order::Kill);
        if code > 0 {
            // Whoever has left takes nothing.
            drop(send(&mut to, &close(code, reason)).await);
        }
        drop(timeout(LAST_OUTPUT, to.shutdown()).await);
    }
}

/// The client's next frame. `None` if it has left, or breaks the protocol.
async fn next<S: AsyncRead + AsyncWrite>(frames: &mut Frames, from: &mut ReadHalf<S>) -> Option<Frame> {
    let mut bytes = [0; 4096];
    loop {
        match frames.take() {
            Ok(Some(frame)) => return Some(frame),
            Ok(None) => {}
            Err(_) => return None,
        }
        match from.read(&mut bytes).await {
            Ok(length @ 1..) => frames.push(&bytes[..length]),
            _ => return None,
        }
    }
}

async fn rest<S: AsyncRead + AsyncWrite>(pipe: &mut Pipe, of: u8, to: &mut WriteHalf<S>) -> io::Result<()> {
    let mut bytes = vec![0; PIECE];
    loop {
        match pipe.read(&mut bytes).await? {
            0 => return Ok(()),
            length => say(to, of, &bytes[..length]).await?,
        }
    }
}

async fn say<S: AsyncRead + AsyncWrite>(to: &mut WriteHalf<S>, of: u8, bytes: &[u8]) -> io::Result<()> {
    send(to, &binary(&[&[of], bytes].concat())).await
}

async fn send<S: AsyncRead + AsyncWrite>(to: &mut WriteHalf<S>, bytes: &[u8]) -> io::Result<()> {
    timeout(STALL_MAX, to.write_all(bytes)).await?
}

/// Writes as much as the command takes now.
async fn write_in(input: &mut Option<Input>, bytes: &[u8]) -> io::Result<usize> {
    let Some(input) = input else { return Ok(0) };
    timeout(STALL_MAX, input.sender.write(bytes)).await?
}
