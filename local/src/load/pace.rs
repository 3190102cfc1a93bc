//! A timer of the kernel. The executor's own counts in milliseconds, which are longer than some replies take.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A timer with the kernel's precision, some 50 microseconds.
#[derive(Debug)]
pub(super) struct Pace(AsyncFd<OwnedFd>);

impl Pace {
    /// # Errors
    ///
    /// The process has too many open files.
    pub(super) fn new() -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        #[expect(
            deprecated,
            reason = "what follows it is unsafe, for types that change their file; this one does not"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Pace(timer))
    }

    /// Waits for `time`.
    ///
    /// # Cancel safety
    ///
    /// The next wait sets the timer anew.
    pub(super) async fn wait(&self, time: Duration) -> io::Result<()> {
        if time.is_zero() {
            return Ok(());
        }
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let end = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        let once = Itimerspec { it_interval: none, it_value: end };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut guard = self.0.readable().await?;
            let mut expirations = [0; 8];
            if let Ok(read) = guard.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut expirations)?)) {
                return read.map(drop);
            }
        }
    }
}
