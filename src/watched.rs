//! A number that many tasks watch: an atomic, and the wakers of the tasks to wake on a change. With thousands of tasks
//! this needs less memory than a channel's receivers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

/// The side that changes the number. Clones change the same number.
#[derive(Clone, Default)]
pub(crate) struct Watched(Arc<State>);

#[derive(Default)]
struct State {
    value: AtomicU64,
    sleepers: Mutex<Sleepers>,
}

#[derive(Default)]
struct Sleepers {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

/// The number of wakers that are called between two locks of the list.
const BATCH: usize = 64;

impl Watched {
    /// Changes the number, and wakes the task of every observer.
    pub(crate) fn update(&self, change: impl Fn(u64) -> u64) {
        let sleepers = self.0.lock();
        let value = self.0.value.load(Ordering::Relaxed);
        self.0.value.store(change(value), Ordering::Release);
        self.0.wake(sleepers);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.value.load(Ordering::Acquire)
    }

    pub(crate) fn observe(&self) -> Observer {
        Observer { state: Arc::clone(&self.0), waker: None, place: None }
    }
}

impl State {
    /// Once for all kinds of changes.
    #[inline(never)]
    fn wake<'s>(&'s self, mut sleepers: MutexGuard<'s, Sleepers>) {
        let mut batch = Vec::with_capacity(sleepers.wakers.len().min(BATCH));
        let mut next = 0;
        // A waker that is registered from now on belongs to a task that sees the new number.
        while let Some(rest) = sleepers.wakers.get(next..).filter(|rest| !rest.is_empty()) {
            let these = rest.len().min(BATCH);
            batch.extend(rest[..these].iter().flatten().cloned());
            next += these;
            drop(sleepers);
            // Called after the lock is released: a woken or dropped task may use or drop its observer.
            batch.drain(..).for_each(Waker::wake);
            sleepers = self.lock();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One task's view of the number.
pub(crate) struct Observer {
    state: Arc<State>,
    /// The waker in `place`. It is kept here too, so that most calls take no lock.
    waker: Option<Waker>,
    place: Option<usize>,
}

impl Observer {
    /// The current number. A change wakes the task.
    #[inline]
    pub(crate) fn look(&mut self, cx: &Context<'_>) -> u64 {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.register(cx.waker());
        }
        self.state.value.load(Ordering::Acquire)
    }

    /// Registers the task. Most observers do so only once.
    #[cold]
    fn register(&mut self, waker: &Waker) {
        let mut sleepers = self.state.lock();
        let place = self.place.or_else(|| sleepers.free.pop()).unwrap_or_else(|| {
            sleepers.wakers.push(None);
            sleepers.wakers.len() - 1
        });
        let before = sleepers.wakers[place].replace(waker.clone());
        drop(sleepers);
        drop(before);
        self.place = Some(place);
        self.waker = Some(waker.clone());
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let mut sleepers = self.state.lock();
            let waker = sleepers.wakers[place].take();
            sleepers.free.push(place);
            drop(sleepers);
            // Dropped after the lock is released: the waker may be the last owner of a task that holds observers.
            drop(waker);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;
    use crate::test_waker::Woken;

    #[test]
    fn those_who_looked_are_woken_and_places_are_used_again() {
        let watched = Watched::default();
        let (woken, waker) = Woken::new();
        let cx = Context::from_waker(&waker);
        let (mut first, mut never) = (watched.observe(), watched.observe());
        assert_eq!((first.look(&cx), first.look(&cx)), (0, 0));
        watched.update(|value| value + 7);
        assert_eq!((woken.count(), first.look(&cx)), (1, 7));
        drop(first);
        watched.update(|_| 8);
        assert_eq!((woken.count(), never.look(&cx)), (1, 8));
        assert_eq!(watched.0.sleepers.lock().unwrap().wakers.len(), 1);
    }

    /// A task that drops its observer as soon as it is woken.
    struct Fleeting(Mutex<Option<Observer>>);

    impl Wake for Fleeting {
        fn wake(self: Arc<Self>) {
            let observer = self.0.lock().unwrap().take();
            let state = observer.as_ref().map(|observer| Arc::clone(&observer.state));
            assert!(state.is_none_or(|state| state.sleepers.try_lock().is_ok()), "woken under the lock");
        }
    }

    #[test]
    fn those_who_are_woken_may_leave_at_once() {
        let watched = Watched::default();
        let sleepers: Vec<_> = (0..=2 * BATCH)
            .map(|_| {
                let sleeper = Arc::new(Fleeting(Mutex::new(None)));
                let mut observer = watched.observe();
                observer.look(&Context::from_waker(&Waker::from(Arc::clone(&sleeper))));
                *sleeper.0.lock().unwrap() = Some(observer);
                sleeper
            })
            .collect();
        watched.update(|_| 1);
        assert!(sleepers.iter().all(|sleeper| sleeper.0.lock().unwrap().is_none()));
        assert_eq!(watched.0.lock().free.len(), sleepers.len());
    }

    #[test]
    fn a_task_that_moved_is_woken_where_it_is() {
        let watched = Watched::default();
        let ((before, first), (after, second)) = (Woken::new(), Woken::new());
        let mut observer = watched.observe();
        for waker in [&first, &second] {
            observer.look(&Context::from_waker(waker));
        }
        watched.update(|_| 1);
        assert_eq!((before.count(), after.count()), (0, 1));
    }
}
