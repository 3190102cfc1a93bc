//! A waker between the task of a connection and what the task polls: the stream that it sends, or the client's leaving.
//!
//! A connection polls the body after each chunk and whenever its socket is ready. [`StreamWaker`] records whether the
//! stream was woken since the last poll, so that other polls are skipped. A second wake before that poll is swallowed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

pub(crate) struct StreamWaker {
    state: Arc<State>,
    /// The waker that the stream is polled with: a wake sets `is_woken` and wakes the task.
    waker: Waker,
    /// The waker of the connection's task. It is kept here too, so that most polls take no lock.
    task: Waker,
}

struct State {
    is_woken: AtomicBool,
    task: Mutex<Waker>,
}

impl StreamWaker {
    /// Creates a waker in the woken state, because the stream has not been polled yet. It wakes `task`.
    pub(crate) fn new(task: &Waker) -> Self {
        let state = Arc::new(State { is_woken: AtomicBool::new(true), task: Mutex::new(task.clone()) });
        Self { waker: Arc::clone(&state).into(), state, task: task.clone() }
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Whether the stream was woken since the last call. Resets that, and directs later wakes to `task`.
    pub(crate) fn take_wake(&mut self, task: &Waker) -> bool {
        if !self.task.will_wake(task) {
            self.task.clone_from(task);
            self.state.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(task);
        }
        self.state.is_woken.swap(false, Ordering::AcqRel)
    }

    /// Whether the stream was not woken since the last [`take_wake`](Self::take_wake), and the next wake reaches
    /// `task`.
    pub(crate) fn is_silent(&self, task: &Waker) -> bool {
        !self.state.is_woken.load(Ordering::Acquire) && self.task.will_wake(task)
    }

    /// Makes the next `take_wake` true without waking the task: the connection polls again by itself.
    pub(crate) fn stay_woken(&self) {
        self.state.is_woken.store(true, Ordering::Release);
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            self.task.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_waker::Woken;

    #[test]
    fn a_task_is_woken_once_for_each_poll() {
        let ((before, first), (after, second)) = (Woken::new(), Woken::new());
        let tasks = [first, second];
        let mut waker = StreamWaker::new(&tasks[0]);
        assert!(!waker.is_silent(&tasks[0]));
        assert!(waker.take_wake(&tasks[0]) && !waker.take_wake(&tasks[0]));
        assert!(waker.is_silent(&tasks[0]) && !waker.is_silent(&tasks[1]));
        waker.waker().wake_by_ref();
        waker.waker().wake_by_ref();
        assert_eq!(before.count(), 1);
        assert!(waker.take_wake(&tasks[1]) && !waker.take_wake(&tasks[1]));
        waker.waker().wake_by_ref();
        assert_eq!((before.count(), after.count()), (1, 1));
        assert!(waker.take_wake(&tasks[1]));
        waker.stay_woken();
        assert!(waker.take_wake(&tasks[1]));
    }
}
