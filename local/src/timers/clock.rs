//! The clock that timers go by.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

/// The longest wait before the time is read again: this machine may sleep, or its clock may be set.
const LOOK: Duration = Duration::from_secs(5);

/// The clock that timer triggers go by: the system's, or one that a test sets.
///
/// ```
/// use fc_local::clock::Clock;
///
/// let mut settings = fc_local::Settings::default();
/// let (hand, clock) = Clock::standing("2026-01-05T03:59:00Z");
/// settings.clock = clock;
/// hand.set("2026-01-05T04:00:00Z");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<watch::Receiver<Timestamp>>);

/// Sets a clock: [`Clock`] shows how.
#[derive(Debug)]
pub struct Hand(watch::Sender<Timestamp>);

impl Clock {
    /// A clock that stands at `time` until its hand moves.
    ///
    /// # Panics
    ///
    /// When `time` is no time such as `2026-01-05T06:40:00Z`.
    pub fn standing(time: &str) -> (Hand, Self) {
        let (hand, clock) = watch::channel(parsed(time));
        (Hand(hand), Clock(Some(clock)))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.as_ref().map_or_else(Timestamp::now, |set| *set.borrow())
    }

    /// Waits until `next`, or for less; for ever if there is none. A clock that is set waits until it is.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the wait up.
    pub(super) async fn wait(&mut self, next: Option<Timestamp>) {
        if let Some(set) = &mut self.0 {
            if set.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            return;
        }
        let Some(next) = next else { return std::future::pending().await };
        // A time that has come meanwhile is due at once.
        let left = Duration::try_from(next.duration_since(Timestamp::now())).unwrap_or_default();
        sleep(left.min(LOOK)).await;
    }
}

impl Hand {
    /// Moves the hand.
    ///
    /// # Panics
    ///
    /// When `time` is no time such as `2026-01-05T06:40:00Z`.
    pub fn set(&self, time: &str) {
        self.0.send_replace(parsed(time));
    }
}

fn parsed(time: &str) -> Timestamp {
    time.parse().unwrap_or_else(|error| panic!("{time}: {error}"))
}
