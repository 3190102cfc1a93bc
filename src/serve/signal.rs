//! The signals that end the process.
//!
//! A signal's handler writes a byte into a socket. tokio has signals too, but keeps a channel for each of the system's 64
//! signals and a pair of sockets in every reactor: a tenth of what an instance's start costs.

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::{pipe, unregister};
use socket2::SockRef;

use crate::error::Result;
use crate::serve::process::Process;

/// `SIGTERM`, `SIGHUP` and `SIGINT`. The platform does not document whether it sends `SIGTERM` before it kills an instance.
///
/// Container runtimes send `SIGTERM`. `SIGHUP` comes when the terminal of a function is closed, and would end the process at
/// once, with requests in flight. A process that was started with `SIGHUP` ignored, as by `nohup`, goes on ignoring it.
const SIGNALS: [(i32, &str); 3] = [(SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP"), (SIGINT, "SIGINT")];

/// Signals, as a task hears them, or a thread with a reactor of its own.
pub(crate) struct Signals {
    /// For each signal, its name, the socket that is readable when it has come, and what its handler does. Two that come at
    /// once may be heard as one.
    bells: Vec<(&'static str, Bell, Handler)>,
}

enum Bell {
    Plain(UnixStream),
    /// Watched by the executor, since a task has waited for it.
    Watched(tokio::net::UnixStream),
    /// It could not be watched.
    Broken,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self> {
        let mut bells = Vec::with_capacity(SIGNALS.len());
        for (signal, name) in heard() {
            let (bell, end) = mio::net::UnixStream::pair()?;
            bells.push((name, Bell::Plain(bell.into()), Handler::new(signal, end.into())?));
        }
        Ok(Self { bells })
    }

    /// The name of the next signal of any kind.
    pub(crate) fn first(&mut self) -> impl Future<Output = &'static str> + Send {
        poll_fn(|cx| self.poll(cx))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        for (name, bell, _) in &mut self.bells {
            let Some(watched) = bell.watch() else { continue };
            while let Poll::Ready(Ok(())) = watched.poll_read_ready(cx) {
                match watched.try_read(&mut [0; 64]) {
                    Ok(1..) => return Poll::Ready(name),
                    // The readiness is cleared, and the next look at it waits.
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    // The other end is kept by the handler.
                    Ok(0) | Err(_) => break,
                }
            }
        }
        Poll::Pending
    }

    /// The sockets, for another reactor than the executor's. One of them is readable when a signal has come.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = RawFd> + '_ {
        self.bells.iter().filter_map(|(_, bell, _)| Some(bell.socket()?.as_raw_fd()))
    }

    /// The name of a signal that has come. Does not wait.
    pub(crate) fn take(&self) -> Option<&'static str> {
        let has_come = |bell: &Bell| {
            let mut bytes = [MaybeUninit::uninit(); 64];
            bell.socket().is_some_and(|socket| matches!(SockRef::from(&socket).recv(&mut bytes), Ok(1..)))
        };
        self.bells.iter().find(|(_, bell, _)| has_come(bell)).map(|(name, ..)| *name)
    }
}

impl Bell {
    /// Has the executor watch it.
    fn watch(&mut self) -> Option<&tokio::net::UnixStream> {
        if let Self::Plain(_) = self
            && let Self::Plain(plain) = std::mem::replace(self, Self::Broken)
            && let Ok(watched) = tokio::net::UnixStream::from_std(plain)
        {
            *self = Self::Watched(watched);
        }
        if let Self::Watched(watched) = self { Some(watched) } else { None }
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Plain(plain) => Some(plain.as_fd()),
            Self::Watched(watched) => Some(watched.as_fd()),
            Self::Broken => None,
        }
    }
}

/// Signals, as a thread without a reactor hears them.
pub(crate) struct BlockingSignals {
    bell: UnixStream,
    _handlers: Vec<Handler>,
}

impl BlockingSignals {
    pub(crate) fn listen() -> io::Result<Self> {
        let (bell, end) = UnixStream::pair()?;
        let handlers = heard().map(|(signal, _)| Handler::new(signal, end.try_clone()?));
        Ok(Self { bell, _handlers: handlers.collect::<io::Result<_>>()? })
    }

    /// Whether a signal came within `limit`.
    pub(crate) fn wait(mut self, limit: Duration) -> io::Result<bool> {
        let started = Instant::now();
        loop {
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            self.bell.set_read_timeout(Some(left))?;
            match self.bell.read(&mut [0]) {
                Ok(length) => return Ok(length > 0),
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// What a signal's handler does at a signal, until this is dropped. The handler stays, so that a signal does not end the
/// process by itself any more.
struct Handler(SigId);

impl Handler {
    /// Has a byte written into `end`.
    fn new(signal: i32, end: UnixStream) -> io::Result<Self> {
        pipe::register(signal, end).map(Self)
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        unregister(self.0);
    }
}

/// The signals that this process listens to.
fn heard() -> impl Iterator<Item = (i32, &'static str)> {
    SIGNALS.into_iter().filter(|(signal, _)| *signal != SIGHUP || !Process::own().ignores_hang_up)
}

#[cfg(test)]
mod tests {
    use signal_hook::low_level::raise;

    use super::*;

    #[tokio::test]
    async fn every_listener_hears_a_signal_and_a_second_one() {
        let (mut first, mut second) = (Signals::listen().unwrap(), Signals::listen().unwrap());
        assert_eq!((first.sockets().count(), first.take()), (first.bells.len(), None));
        for _ in 0..2 {
            raise(SIGINT).unwrap();
            assert_eq!(first.first().await, "SIGINT");
            assert_eq!(second.first().await, "SIGINT");
        }
        assert!(poll_fn(|cx| Poll::Ready(first.poll(cx))).await.is_pending());
        raise(SIGTERM).unwrap();
        assert_eq!((first.first().await, second.first().await), ("SIGTERM", "SIGTERM"));
        raise(SIGINT).unwrap();
        assert_eq!((first.take(), Signals::take(&second)), (Some("SIGINT"), Some("SIGINT")));
        assert_eq!(first.take(), None);
        let blocking = BlockingSignals::listen().unwrap();
        let waiting = std::thread::spawn(|| blocking.wait(Duration::from_secs(60)));
        raise(SIGINT).unwrap();
        assert!(waiting.join().unwrap().unwrap());
        assert!(!BlockingSignals::listen().unwrap().wait(Duration::from_millis(1)).unwrap());
    }
}
