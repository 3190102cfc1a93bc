//! Pings into silence: they keep proxies from closing an idle connection, and find clients that are gone.

use std::task::Context;
use std::time::Duration;

use crate::timer::Timer;

pub(super) struct Pulse {
    /// Zero for none.
    every: Duration,
    within: Duration,
    timer: Timer,
    is_asked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Ping,
    /// Nothing came since the ping.
    Lost,
}

impl Pulse {
    pub(super) fn new(every: Duration, within: Duration) -> Self {
        Self { every, within, timer: Timer::default(), is_asked: false }
    }

    /// `heard` tells whether anything came since it was asked. It is asked twice in each interval, so that no silence
    /// lasts longer than that.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, mut heard: impl FnMut() -> bool) -> Option<Beat> {
        let mut beat = None;
        while !self.every.is_zero() && !self.timer.is_running() {
            let limit = if self.is_asked { self.within } else { self.every / 2 };
            if self.timer.poll(cx, limit).is_pending() {
                break;
            }
            self.timer.stop();
            if heard() {
                self.is_asked = false;
            } else if self.is_asked {
                return Some(Beat::Lost);
            } else {
                self.is_asked = true;
                beat = Some(Beat::Ping);
            }
        }
        beat
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_answered_with_a_ping_and_then_with_an_end() {
        let begin = Instant::now();
        let mut pulse = Pulse::new(Duration::from_secs(10), Duration::from_secs(7));
        let mut heard = true;
        let mut beats = Vec::new();
        while beats.len() < 2 {
            let next = poll_fn(|cx| {
                let beat = pulse.poll(cx, || std::mem::replace(&mut heard, false));
                beat.map_or(Poll::Pending, Poll::Ready)
            });
            beats.push((next.await, begin.elapsed().as_secs()));
        }
        assert_eq!(beats, [(Beat::Ping, 10), (Beat::Lost, 17)]);
    }
}
