//! Alarms that the door's thread keeps, for waits that begin anew all the time, such as the silence of a busy socket.
//!
//! While a timer of the executor is armed, the executor reads the clock and searches its timers whenever it sleeps and
//! whenever it wakes: some 280 instructions for each message. The door's thread mostly sleeps. Without a door, and
//! after it has closed, an alarm is a timer of the executor.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::timer::{FROZEN, Timer};

/// The alarms of one app. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Pulse(Arc<Shared>);

#[derive(Default)]
struct Shared {
    alarms: Mutex<Alarms>,
}

/// Wakes the thread that keeps the alarms.
type Wake = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Alarms {
    /// `None` if no thread keeps the alarms.
    wake: Option<Wake>,
    /// The number of alarms so far: alarms of one moment are told apart by it.
    count: u64,
    set: BTreeMap<Key, (Waker, Arc<AtomicU8>)>,
}

type Key = (Instant, u64);

const WAITS: u8 = 0;
const RINGS: u8 = 1;
/// Nobody keeps the alarm any more.
const LOST: u8 = 2;

impl Pulse {
    /// Sets alarms from now on, which the keeper has to ring. `wake` is called when one is earlier than all others.
    pub(crate) fn keep(&self, wake: impl Fn() + Send + Sync + 'static) -> Keeper {
        self.0.lock().wake = Some(Arc::new(wake));
        Keeper(self.clone())
    }

    /// Sets an alarm. `None` if nobody keeps alarms, or if the limit overflows the clock.
    fn set(&self, limit: Duration, waker: &Waker) -> Option<(Key, Arc<AtomicU8>)> {
        let end = Instant::now().checked_add(limit)?;
        let state = Arc::new(AtomicU8::new(WAITS));
        let mut alarms = self.0.lock();
        let wake = alarms.wake.clone()?;
        alarms.count += 1;
        let key = (end, alarms.count);
        let is_first = alarms.set.first_key_value().is_none_or(|(first, _)| key < *first);
        alarms.set.insert(key, (waker.clone(), Arc::clone(&state)));
        drop(alarms);
        if is_first {
            wake();
        }
        Some((key, state))
    }

    fn forget(&self, key: Key) {
        let before = self.0.lock().set.remove(&key);
        // Dropped after the lock is released: the waker may be the last owner of a task that has an alarm too.
        drop(before);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who keeps the alarms. When it is dropped, those who wait are woken, and go on with timers of their own.
pub(crate) struct Keeper(Pulse);

impl Keeper {
    /// Wakes those whose time has come, and gives the time of the next.
    pub(crate) fn ring(&self) -> Option<Instant> {
        let mut now = None;
        loop {
            let mut alarms = self.0.0.lock();
            let first = alarms.set.first_entry()?;
            let (at, _) = *first.key();
            if at > *now.get_or_insert_with(Instant::now) {
                return Some(at);
            }
            let (waker, state) = first.remove();
            drop(alarms);
            state.store(RINGS, Ordering::Release);
            waker.wake();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let mut alarms = self.0.0.lock();
        alarms.wake = None;
        let left = take(&mut alarms.set);
        drop(alarms);
        for (waker, state) in left.into_values() {
            state.store(LOST, Ordering::Release);
            waker.wake();
        }
    }
}

/// A timer that starts with its first poll, and anew after `stop`, as [`Timer`]. All its polls are those of one task.
pub(crate) struct Alarm {
    pulse: Pulse,
    kept: Option<Kept>,
    /// In place of a kept alarm.
    own: Timer,
    is_own: bool,
}

struct Kept {
    key: Key,
    state: Arc<AtomicU8>,
    forgiven: bool,
}

impl Alarm {
    pub(crate) fn new(pulse: Pulse) -> Self {
        Self { pulse, kept: None, own: Timer::default(), is_own: false }
    }

    pub(crate) fn stop(&mut self) {
        self.forget();
        self.own.stop();
        self.is_own = false;
    }

    /// Whether the alarm waits. A poll would then change nothing.
    #[inline]
    pub(crate) fn is_running(&self) -> bool {
        match &self.kept {
            Some(kept) => kept.state.load(Ordering::Acquire) == WAITS,
            None => self.is_own && self.own.is_running(),
        }
    }

    /// As [`Timer::poll`]: ready when the limit has passed, and a freeze is forgiven once.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        if self.kept.is_none() && !self.is_own {
            self.set(cx, limit, false);
        }
        while let Some(Kept { key: (end, _), state, forgiven }) = &self.kept {
            match state.load(Ordering::Acquire) {
                WAITS => return Poll::Pending,
                RINGS if *forgiven || end.elapsed() < FROZEN => return Poll::Ready(()),
                RINGS => self.set(cx, limit, true),
                _ => (self.kept, self.is_own) = (None, true),
            }
        }
        self.own.poll(cx, limit)
    }

    fn set(&mut self, cx: &Context<'_>, limit: Duration, forgiven: bool) {
        let set = self.pulse.set(limit, cx.waker());
        self.kept = set.map(|(key, state)| Kept { key, state, forgiven });
        self.is_own = self.kept.is_none();
    }

    fn forget(&mut self) {
        if let Some(kept) = self.kept.take()
            && kept.state.load(Ordering::Acquire) == WAITS
        {
            self.pulse.forget(kept.key);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use tokio::sync::Notify;
    use tokio::time::timeout_at;

    use super::*;
    use crate::test_waker::Woken;

    const LONG: Duration = Duration::from_secs(600);

    /// Keeps the alarms as the door's thread does.
    async fn keep(keeper: Keeper, earlier: Arc<Notify>) {
        loop {
            // A notice between the look at the alarms and this wait is stored.
            match keeper.ring() {
                Some(next) => drop(timeout_at(next.into(), earlier.notified()).await),
                None => earlier.notified().await,
            }
        }
    }

    #[tokio::test]
    async fn alarms_ring_in_their_order_and_begin_anew() {
        let pulse = Pulse::default();
        let (mut late, mut early) = (Alarm::new(pulse.clone()), Alarm::new(pulse.clone()));
        let ringing = async {
            assert!(poll_fn(|cx| Poll::Ready(late.poll(cx, LONG))).await.is_pending());
            for _ in 0..3 {
                poll_fn(|cx| early.poll(cx, Duration::from_millis(5))).await;
                early.stop();
            }
        };
        let earlier = Arc::new(Notify::new());
        let keeper = pulse.keep({
            let earlier = Arc::clone(&earlier);
            move || earlier.notify_one()
        });
        let mut keeping = pin!(keep(keeper, earlier));
        let mut ringing = pin!(ringing);
        poll_fn(|cx| {
            assert!(keeping.as_mut().poll(cx).is_pending());
            ringing.as_mut().poll(cx)
        })
        .await;
        assert!(late.is_running() && !early.is_running());
        assert_eq!(pulse.0.lock().set.len(), 1);
        drop(late);
        assert!(pulse.0.lock().set.is_empty(), "nothing is left of a timer that was dropped");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_keeper_it_is_a_timer() {
        let mut alarm = Alarm::new(Pulse::default());
        let begin = tokio::time::Instant::now();
        for seconds in [10, 20] {
            poll_fn(|cx| alarm.poll(cx, Duration::from_secs(10))).await;
            alarm.stop();
            assert_eq!(begin.elapsed().as_secs(), seconds);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_keeper_ends_a_timer_takes_its_place() {
        let pulse = Pulse::default();
        let mut alarm = Alarm::new(pulse.clone());
        let (woken, waker) = Woken::new();
        let keeper = pulse.keep(|| {});
        assert!(alarm.poll(&mut Context::from_waker(&waker), Duration::from_secs(10)).is_pending());
        assert!(alarm.is_running());
        drop(keeper);
        assert!(woken.count() == 1 && !alarm.is_running());
        let begin = tokio::time::Instant::now();
        poll_fn(|cx| alarm.poll(cx, Duration::from_secs(10))).await;
        assert_eq!(begin.elapsed().as_secs(), 10);
    }
}
