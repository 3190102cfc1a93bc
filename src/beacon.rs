//! A number that many tasks look at, and that wakes them when it changes: an atomic, and wakers for those that sleep,
//! which is less than a channel's receiver in each of thousands of tasks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

/// The one who sets it.
#[derive(Clone, Default)]
pub(crate) struct Beacon(Arc<State>);

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

impl Beacon {
    /// Changes the number by `change`, and wakes all who look.
    pub(crate) fn update(&self, change: impl Fn(u64) -> u64) {
        let mut sleepers = self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let value = self.0.value.load(Ordering::Relaxed);
        self.0.value.store(change(value), Ordering::Release);
        for waker in sleepers.wakers.iter_mut().flatten() {
            waker.wake_by_ref();
        }
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.value.load(Ordering::Acquire)
    }

    pub(crate) fn observe(&self) -> Observer {
        Observer { state: Arc::clone(&self.0), waker: None, place: None }
    }
}

/// One task's view of it.
pub(crate) struct Observer {
    state: Arc<State>,
    /// The waker that stands in `place`, kept here too so that looking again takes no lock.
    waker: Option<Waker>,
    place: Option<usize>,
}

impl Observer {
    /// The number now; the task is woken when it changes.
    #[inline]
    pub(crate) fn look(&mut self, cx: &Context<'_>) -> u64 {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.register(cx.waker());
        }
        self.state.value.load(Ordering::Acquire)
    }

    /// Once in the life of most observers.
    #[cold]
    fn register(&mut self, waker: &Waker) {
        let mut sleepers = self.state.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
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
            let mut sleepers = self.state.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
            let waker = sleepers.wakers[place].take();
            sleepers.free.push(place);
            drop(sleepers);
            // It may be the last that holds a task, and the task may hold observers.
            drop(waker);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn those_who_looked_are_woken_and_places_are_used_again() {
        let beacon = Beacon::default();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = Context::from_waker(&waker);
        let (mut first, mut never) = (beacon.observe(), beacon.observe());
        assert_eq!((first.look(&cx), first.look(&cx)), (0, 0));
        beacon.update(|value| value + 7);
        assert_eq!((woken.0.load(Ordering::Relaxed), first.look(&cx)), (1, 7));
        drop(first);
        beacon.update(|_| 8);
        assert_eq!((woken.0.load(Ordering::Relaxed), never.look(&cx)), (1, 8));
        assert_eq!(beacon.0.sleepers.lock().unwrap().wakers.len(), 1);
    }

    #[test]
    fn a_task_that_moved_is_woken_where_it_is() {
        let beacon = Beacon::default();
        let (before, after) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        let mut observer = beacon.observe();
        for woken in [&before, &after] {
            observer.look(&Context::from_waker(&Waker::from(Arc::clone(woken))));
        }
        beacon.update(|_| 1);
        assert_eq!((before.0.load(Ordering::Relaxed), after.0.load(Ordering::Relaxed)), (0, 1));
    }
}
