//! The signals that end the process.
//!
//! A signal's handler writes a byte into a socket. tokio has signals too, but keeps a channel for each of the system's 64
//! signals and a pair of sockets in every reactor: a tenth of what an instance's start costs.

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::{pipe, unregister};

use crate::error::Result;

/// `SIGTERM`, `SIGHUP` and `SIGINT`. The platform does not document whether it sends `SIGTERM` before it kills an instance.
///
/// Container runtimes send `SIGTERM`. `SIGHUP` comes when the terminal of a function is closed, and would end the process at
/// once, with requests in flight. A process that was started with `SIGHUP` ignored, as by `nohup`, goes on ignoring it.
const SIGNALS: [(i32, &str); 3] = [(SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP"), (SIGINT, "SIGINT")];

/// Signals, as a task hears them.
pub(crate) struct Signals {
    /// A name, and the socket that is readable when that signal has come. Two that come at once may be heard as one.
    bells: Vec<(&'static str, tokio::net::UnixStream)>,
    _handlers: Handlers,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self> {
        let (mut bells, mut handlers) = (Vec::with_capacity(SIGNALS.len()), Handlers::new());
        for (signal, name) in heard() {
            let (bell, end) = UnixStream::pair()?;
            bell.set_nonblocking(true)?;
            bells.push((name, tokio::net::UnixStream::from_std(bell)?));
            handlers.add(signal, end)?;
        }
        Ok(Self { bells, _handlers: handlers })
    }

    /// The name of the next signal of any kind.
    pub(crate) fn first(&mut self) -> impl Future<Output = &'static str> + Send {
        poll_fn(|cx| self.poll(cx))
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<&'static str> {
        for (name, bell) in &self.bells {
            while let Poll::Ready(Ok(())) = bell.poll_read_ready(cx) {
                match bell.try_read(&mut [0; 64]) {
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

    /// Second handles to the sockets. Another reactor may watch them, and must not read from them. Those are readable whose
    /// signal the task has not heard yet.
    pub(crate) fn bells(&self) -> io::Result<Vec<UnixStream>> {
        self.bells.iter().map(|(_, bell)| bell.as_fd().try_clone_to_owned().map(UnixStream::from)).collect()
    }
}

/// Signals, as a thread without a reactor hears them.
pub(crate) struct BlockingSignals {
    bell: UnixStream,
    _handlers: Handlers,
}

impl BlockingSignals {
    pub(crate) fn listen() -> io::Result<Self> {
        let ((bell, end), mut handlers) = (UnixStream::pair()?, Handlers::new());
        for (signal, _) in heard() {
            handlers.add(signal, end.try_clone()?)?;
        }
        Ok(Self { bell, _handlers: handlers })
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

/// What handlers do at a signal, until this is dropped. The handlers stay, so that a signal does not end the process by itself
/// any more.
struct Handlers(Vec<SigId>);

impl Handlers {
    fn new() -> Self {
        Self(Vec::with_capacity(SIGNALS.len()))
    }

    /// Has a byte written into `end`.
    fn add(&mut self, signal: i32, end: UnixStream) -> io::Result<()> {
        self.0.push(pipe::register(signal, end)?);
        Ok(())
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        for action in self.0.drain(..) {
            unregister(action);
        }
    }
}

/// The signals that this process listens to.
fn heard() -> impl Iterator<Item = (i32, &'static str)> {
    SIGNALS.into_iter().filter(|(signal, _)| *signal != SIGHUP || !ignores_hang_up())
}

/// Whether the process was started with `SIGHUP` ignored. Asked once, before a handler is installed.
fn ignores_hang_up() -> bool {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    *IGNORED.get_or_init(|| {
        let mut stat = [0; 1024];
        let length = std::fs::File::open("/proc/self/stat").and_then(|mut file| file.read(&mut stat));
        length.is_ok_and(|length| ignores_first_signal(&stat[..length]))
    })
}

/// The mask of ignored signals, a decimal number of which the first bit is `SIGHUP`, is the 33rd field. The second is the
/// program's name in brackets, which may hold anything. Elsewhere than on Linux nothing is known.
fn ignores_first_signal(stat: &[u8]) -> bool {
    /// A number and a name of 15 bytes at most.
    const NAME_END_MAX: usize = 64;
    let head = &stat[..stat.len().min(NAME_END_MAX)];
    let end_of_name = head.iter().rposition(|byte| *byte == b')').unwrap_or(head.len());
    let (mut spaces, mut last) = (0, 0);
    for byte in &stat[end_of_name..] {
        if *byte == b' ' {
            if spaces == 31 {
                break;
            }
            spaces += 1;
        }
        last = *byte;
    }
    spaces == 31 && matches!(last, b'1' | b'3' | b'5' | b'7' | b'9')
}

#[cfg(test)]
mod tests {
    use signal_hook::low_level::raise;

    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_found() {
        let stat = |name: &str, mask: u32| {
            format!(
                "7 ({name}) S {} {mask} 17 0 0",
                (4..=32).map(|at| at.to_string()).collect::<Vec<_>>().join(" ")
            )
        };
        for name in ["shop", "a b) c", ") S 1 2", "fifteen letters"] {
            assert!(ignores_first_signal(stat(name, 4097).as_bytes()), "{name}");
            assert!(!ignores_first_signal(stat(name, 4096).as_bytes()), "{name}");
        }
        for broken in ["", "7", "7 (shop) S 1"] {
            assert!(!ignores_first_signal(broken.as_bytes()));
        }
    }

    /// This process was started without, or the test runner was started with it.
    #[test]
    fn this_process_has_a_mask() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
        let is_ignored = u64::from_str_radix(mask, 16).unwrap() & 1 == 1;
        let stat = std::fs::read("/proc/self/stat").unwrap();
        assert_eq!(ignores_first_signal(&stat), is_ignored);
    }

    #[tokio::test]
    async fn every_listener_hears_a_signal_and_a_second_one() {
        let (mut first, mut second) = (Signals::listen().unwrap(), Signals::listen().unwrap());
        assert_eq!(first.bells().unwrap().len(), first.bells.len());
        for _ in 0..2 {
            raise(SIGINT).unwrap();
            assert_eq!(first.first().await, "SIGINT");
            assert_eq!(second.first().await, "SIGINT");
        }
        assert!(poll_fn(|cx| Poll::Ready(first.poll(cx))).await.is_pending());
        raise(SIGTERM).unwrap();
        assert_eq!((first.first().await, second.first().await), ("SIGTERM", "SIGTERM"));
        let blocking = BlockingSignals::listen().unwrap();
        let waiting = std::thread::spawn(|| blocking.wait(Duration::from_secs(60)));
        raise(SIGINT).unwrap();
        assert!(waiting.join().unwrap().unwrap());
        assert!(!BlockingSignals::listen().unwrap().wait(Duration::from_millis(1)).unwrap());
    }
}
