//! Pings into silence: they keep proxies from closing an idle connection, and find clients that are gone.

use std::task::Context;
use std::time::Duration;

use crate::timer::Timer;

pub(super) struct PingTimer {
    /// Zero for none.
    every: Duration,
    within: Duration,
    timer: Timer,
    /// How long ago a ping was sent that nothing has answered yet.
    asked: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Ping,
    /// Nothing came since the ping.
    Lost,
}

impl PingTimer {
    pub(super) fn new(every: Duration, within: Duration) -> Self {
        Self { every, within, timer: Timer::default(), asked: None }
    }

    /// `heard` tells whether anything came since the last call of `heard`. It is sampled at every half interval, so that
    /// no silence lasts longer than the interval.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, mut heard: impl FnMut() -> bool) -> Option<Beat> {
        let mut beat = None;
        while !self.every.is_zero() && !self.timer.is_running() {
            let half = self.every / 2;
            // What is left of the patience may be less.
            let limit = self.asked.map_or(half, |asked| half.min(self.within.saturating_sub(asked)));
            if self.timer.poll(cx, limit).is_pending() {
                break;
            }
            self.timer.stop();
            if heard() {
                self.asked = None;
                continue;
            }
            match self.asked.map(|asked| asked + limit) {
                None => {
                    self.asked = Some(Duration::ZERO);
                    beat = Some(Beat::Ping);
                }
                Some(asked) if asked >= self.within => return Some(Beat::Lost),
                asked => self.asked = asked,
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
        let mut ping_timer = PingTimer::new(Duration::from_secs(10), Duration::from_secs(7));
        let mut heard = true;
        let mut beats = Vec::new();
        while beats.len() < 2 {
            let next = poll_fn(|cx| {
                let beat = ping_timer.poll(cx, || std::mem::replace(&mut heard, false));
                beat.map_or(Poll::Pending, Poll::Ready)
            });
            beats.push((next.await, begin.elapsed().as_secs()));
        }
        assert_eq!(beats, [(Beat::Ping, 10), (Beat::Lost, 17)]);
    }

    /// Whatever the patience is: what is idle is closed by others.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_is_asked_in_each_interval() {
        let begin = Instant::now();
        let mut ping_timer = PingTimer::new(Duration::from_secs(10), Duration::from_secs(60));
        let mut heard = false;
        let mut pings = Vec::new();
        while pings.len() < 3 {
            let next = poll_fn(|cx| {
                let beat = ping_timer.poll(cx, || std::mem::replace(&mut heard, false));
                beat.map_or(Poll::Pending, Poll::Ready)
            });
            assert_eq!(next.await, Beat::Ping);
            pings.push(begin.elapsed().as_secs());
            // The pong.
            heard = true;
        }
        assert_eq!(pings, [5, 15, 25]);
    }
}
