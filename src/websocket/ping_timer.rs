//! Pings after a silence. They keep proxies from closing an idle connection, and find clients that have vanished.

use std::task::Context;
use std::time::Duration;

use crate::pulse::{Alarm, Pulse};

pub(super) struct PingTimer {
    /// The longest silence before a ping. Zero turns pings off.
    every: Duration,
    within: Duration,
    alarm: Alarm,
    /// The time since a ping that is not answered yet.
    asked: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Ping,
    /// The ping was not answered in time.
    Lost,
}

impl PingTimer {
    pub(super) fn new(every: Duration, within: Duration, pulse: Pulse) -> Self {
        Self { every, within, alarm: Alarm::new(pulse), asked: None }
    }

    /// Whether a poll would change nothing. Each message asks.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.alarm.is_running()
    }

    /// `heard` says whether bytes came since its last call. It is called twice in each interval, so that a silence
    /// never exceeds the interval.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, mut heard: impl FnMut() -> bool) -> Option<Beat> {
        let mut beat = None;
        while !self.every.is_zero() && !self.alarm.is_running() {
            let half = self.every / 2;
            // The time that is left to answer a ping may be less.
            let limit = self.asked.map_or(half, |asked| half.min(self.within.saturating_sub(asked)));
            if self.alarm.poll(cx, limit).is_pending() {
                break;
            }
            self.alarm.stop();
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
        let mut ping_timer =
            PingTimer::new(Duration::from_secs(10), Duration::from_secs(7), Pulse::default());
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

    /// However long the time-out of a ping is: a proxy closes an idle connection earlier.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_is_asked_in_each_interval() {
        let begin = Instant::now();
        let mut ping_timer =
            PingTimer::new(Duration::from_secs(10), Duration::from_secs(60), Pulse::default());
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
