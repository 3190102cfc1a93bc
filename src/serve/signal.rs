//! The signals that end the process.
//!
//! A signal's handler sets a flag and writes a byte into a pair of sockets. tokio has signals too, but keeps a channel for
//! each of the system's 64 signals and a pair of sockets in every reactor: a tenth of what an instance's start costs.

use std::future::poll_fn;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};

use crate::error::Result;

/// `SIGTERM`, `SIGINT` and `SIGHUP`. The platform does not document whether it sends `SIGTERM` before it kills an instance.
///
/// Container runtimes send `SIGTERM`. `SIGHUP` comes when the terminal of a function is closed, and would end the process at
/// once, with requests in flight. A process that was started with `SIGHUP` ignored, as by `nohup`, goes on ignoring it.
const SIGNALS: [(i32, &str); 3] = [(SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP"), (SIGINT, "SIGINT")];

/// Signals, as a task hears them.
pub(crate) struct Signals {
    heard: Heard,
    bell: tokio::net::UnixStream,
}

/// Which signals have come since they were last asked for. Two of a kind may be one.
struct Heard {
    flags: [Arc<AtomicBool>; SIGNALS.len()],
    actions: Vec<SigId>,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self> {
        let (heard, bell) = Heard::listen()?;
        bell.set_nonblocking(true)?;
        Ok(Self { heard, bell: tokio::net::UnixStream::from_std(bell)? })
    }

    /// The name of the next signal of any kind.
    pub(crate) fn first(&mut self) -> impl Future<Output = &'static str> + Send {
        poll_fn(|cx| self.poll(cx))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        loop {
            if let Some(name) = self.heard.take() {
                return Poll::Ready(name);
            }
            // The byte is written after the flag was set.
            if ready!(self.bell.poll_read_ready(cx)).is_err() {
                return Poll::Pending;
            }
            // The bytes say no more. `WouldBlock` clears the readiness, so that the next wait is one.
            if matches!(self.bell.try_read(&mut [0; 64]), Ok(0)) {
                return Poll::Pending;
            }
        }
    }

    /// A second handle to the socket into which handlers write. It is readable when a signal has come of which the task has
    /// not heard. Another reactor may watch it, and must not read from it.
    pub(crate) fn bell(&self) -> io::Result<UnixStream> {
        self.bell.as_fd().try_clone_to_owned().map(UnixStream::from)
    }
}

/// Signals, as a thread without a reactor hears them.
pub(crate) struct BlockingSignals {
    heard: Heard,
    bell: UnixStream,
}

impl BlockingSignals {
    pub(crate) fn listen() -> io::Result<Self> {
        let (heard, bell) = Heard::listen()?;
        Ok(Self { heard, bell })
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
            // A read that a signal interrupted, or that took too long, is seen by the flags and the clock.
            let _ = self.bell.read(&mut [0]);
            if self.heard.take().is_some() {
                return Ok(true);
            }
        }
    }
}

impl Heard {
    /// Installs the handlers. They stay installed, so that a signal does not end the process by itself any more.
    fn listen() -> io::Result<(Self, UnixStream)> {
        let (bell, clapper) = UnixStream::pair()?;
        let mut heard = Self { flags: Default::default(), actions: Vec::with_capacity(2 * SIGNALS.len()) };
        for ((signal, _), came) in SIGNALS.iter().zip(&heard.flags) {
            if *signal == SIGHUP && ignores_hang_up() {
                continue;
            }
            heard.actions.push(flag::register(*signal, Arc::clone(came))?);
            heard.actions.push(low_level::pipe::register(*signal, clapper.try_clone()?)?);
        }
        Ok((heard, bell))
    }

    fn take(&self) -> Option<&'static str> {
        let came = self.flags.iter().position(|flag| flag.load(Ordering::Relaxed))?;
        self.flags[came].swap(false, Ordering::SeqCst).then_some(SIGNALS[came].1)
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        for action in self.actions.drain(..) {
            low_level::unregister(action);
        }
    }
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
    let end_of_name = stat.iter().rposition(|byte| *byte == b')').unwrap_or(stat.len());
    let mut fields = stat[end_of_name..].split(|byte| *byte == b' ');
    fields
        .nth(31)
        .and_then(<[u8]>::last)
        .is_some_and(|digit| matches!(digit, b'1' | b'3' | b'5' | b'7' | b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_found() {
        let stat = |name: &str, mask: u32| {
            format!(
                "7 ({name}) S {} {mask} 17 0 0",
                (4..=32).map(|at| at.to_string()).collect::<Vec<_>>().join(" ")
            )
        };
        for name in ["shop", "a b) c", ") S 1 2"] {
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
        let bell = first.bell().unwrap();
        for _ in 0..2 {
            low_level::raise(SIGINT).unwrap();
            assert_eq!(first.first().await, "SIGINT");
            assert_eq!(second.first().await, "SIGINT");
        }
        let mut next = std::pin::pin!(first.first());
        assert!(poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await.is_pending());
        drop(bell);
        let blocking = BlockingSignals::listen().unwrap();
        let waiting = std::thread::spawn(|| blocking.wait(Duration::from_secs(60)));
        low_level::raise(SIGINT).unwrap();
        assert!(waiting.join().unwrap().unwrap());
        assert!(!BlockingSignals::listen().unwrap().wait(Duration::from_millis(1)).unwrap());
    }
}
