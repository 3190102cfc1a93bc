//! A waker between the task of a connection and the stream that the connection sends.
//!
//! A connection polls the body after each chunk and whenever its socket is ready. [`Bell`] records whether the stream
//! was woken since the last poll, so that other polls are skipped. A second wake before that poll is swallowed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

pub(crate) struct Bell {
    line: Arc<Line>,
    /// The waker for the stream: a wake sets `is_ringing` and wakes the task.
    waker: Waker,
    /// The waker of the connection's task. It is kept here too, so that most polls take no lock.
    task: Waker,
}

struct Line {
    is_ringing: AtomicBool,
    task: Mutex<Waker>,
}

impl Bell {
    /// Creates a bell that is ringing, because the stream has not been polled yet. It wakes `task`.
    pub(crate) fn new(task: &Waker) -> Self {
        let line = Arc::new(Line { is_ringing: AtomicBool::new(true), task: Mutex::new(task.clone()) });
        Self { waker: Arc::clone(&line).into(), line, task: task.clone() }
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Whether the stream was woken since the last call. Resets the bell, and makes it wake `task` from now on.
    pub(crate) fn answer(&mut self, task: &Waker) -> bool {
        if !self.task.will_wake(task) {
            self.task.clone_from(task);
            self.line.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(task);
        }
        self.line.is_ringing.swap(false, Ordering::AcqRel)
    }

    /// Whether the stream was not woken since the last [`answer`](Self::answer), and the next wake reaches `task`.
    pub(crate) fn is_silent(&self, task: &Waker) -> bool {
        !self.line.is_ringing.load(Ordering::Acquire) && self.task.will_wake(task)
    }

    /// Makes the next `answer` true without waking the task: the connection polls again by itself.
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
