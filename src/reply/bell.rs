//! A waker between a connection's task and what its stream waits for.
//!
//! A connection asks its body again after each chunk, and whenever its socket moves. The bell knows whether anything has
//! happened to the stream since it was last asked; and rung once, it does not wake a task that cannot come yet again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

pub(crate) struct Bell {
    line: Arc<Line>,
    /// What rings.
    waker: Waker,
    /// The waker of the task that answers, kept here too so that most answers take no lock.
    task: Waker,
}

struct Line {
    is_ringing: AtomicBool,
    task: Mutex<Waker>,
}

impl Bell {
    /// One that rings, for this task: nothing has been polled yet.
    pub(crate) fn new(task: &Waker) -> Self {
        let line = Arc::new(Line { is_ringing: AtomicBool::new(true), task: Mutex::new(task.clone()) });
        Self { waker: Arc::clone(&line).into(), line, task: task.clone() }
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Whether it has rung since the last time. From now on it wakes this task.
    pub(crate) fn answer(&mut self, task: &Waker) -> bool {
        if !self.task.will_wake(task) {
            self.task.clone_from(task);
            self.line.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(task);
        }
        self.line.is_ringing.swap(false, Ordering::AcqRel)
    }

    /// Whether it has not rung since then, and will wake this task.
    pub(crate) fn is_silent(&self, task: &Waker) -> bool {
        !self.line.is_ringing.load(Ordering::Acquire) && self.task.will_wake(task)
    }

    /// There is more to do at the next time, which comes by itself.
    pub(crate) fn keep_ringing(&self) {
        self.line.is_ringing.store(true, Ordering::Release);
    }
}

impl Wake for Line {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_ringing.swap(true, Ordering::AcqRel) {
            self.task.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_waker::Woken;

    #[test]
    fn it_wakes_the_task_that_answers_once_for_each_answer() {
        let ((before, first), (after, second)) = (Woken::new(), Woken::new());
        let tasks = [first, second];
        let mut bell = Bell::new(&tasks[0]);
        assert!(!bell.is_silent(&tasks[0]));
        assert!(bell.answer(&tasks[0]) && !bell.answer(&tasks[0]));
        assert!(bell.is_silent(&tasks[0]) && !bell.is_silent(&tasks[1]));
        bell.waker().wake_by_ref();
        bell.waker().wake_by_ref();
        assert_eq!(before.count(), 1);
        assert!(bell.answer(&tasks[1]) && !bell.answer(&tasks[1]));
        bell.waker().wake_by_ref();
        assert_eq!((before.count(), after.count()), (1, 1));
        assert!(bell.answer(&tasks[1]));
        bell.keep_ringing();
        assert!(bell.answer(&tasks[1]));
    }
}
