//! The way from the door's thread to the executor: a queue under a lock.
//!
//! A channel of tokio's would do. It begins with room for 32 messages, the last of which is on another page than the first, and
//! is aligned so that many senders on many processors do not get into each other's way. Here there is one.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Room for the first messages: most starts have a client or two.
const FIRST: usize = 2;

/// How many messages are taken before other tasks have their turn.
const TURN: usize = 64;

/// A queue, and its two ends.
pub(super) fn handover<T>() -> (Sender<T>, Receiver<T>) {
    let queue = Some(VecDeque::with_capacity(FIRST));
    let shared = Arc::new(Shared(Mutex::new(State { queue, has_sender: true, task: None })));
    (Sender(Arc::clone(&shared)), Receiver { shared, taken: 0 })
}

struct Shared<T>(Mutex<State<T>>);

struct State<T> {
    /// `None` when the receiver is gone.
    queue: Option<VecDeque<T>>,
    has_sender: bool,
    /// The task that waits for a message.
    task: Option<Waker>,
}

/// The end of the door's thread. Its drop ends what the other end waits for.
pub(super) struct Sender<T>(Arc<Shared<T>>);

/// The end of the executor. Its drop drops what is on its way, and what is sent from then on.
pub(super) struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// So many messages were taken since the task last waited.
    taken: usize,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Sender<T> {
    pub(super) fn send(&self, message: T) {
        let mut state = self.0.lock();
        let Some(queue) = &mut state.queue else {
            // The message may close a connection, which nobody has to wait for.
            drop(state);
            return drop(message);
        };
        queue.push_back(message);
        wake(state);
    }
}

/// Wakes the task that waits, once the lock is released: it may run at once.
fn wake<T>(mut state: MutexGuard<'_, State<T>>) {
    let task = state.task.take();
    drop(state);
    if let Some(task) = task {
        task.wake();
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.has_sender = false;
        wake(state);
    }
}

impl<T> Receiver<T> {
    /// The next message, or `None` when there is none and the sender is gone.
    pub(super) fn next(&mut self) -> impl Future<Output = Option<T>> + Send
    where
        T: Send,
    {
        poll_fn(|cx| self.poll(cx))
    }

    fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<T>> {
        if self.taken == TURN {
            self.taken = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut state = self.shared.lock();
        if let Some(message) = state.queue.as_mut().and_then(VecDeque::pop_front) {
            self.taken += 1;
            return Poll::Ready(Some(message));
        }
        if !state.has_sender {
            return Poll::Ready(None);
        }
        self.taken = 0;
        let before = state.task.replace(cx.waker().clone());
        // A waker may be the last that owns its task.
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let (queue, task) = (state.queue.take(), state.task.take());
        drop(state);
        drop((queue, task));
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::task::{Kind, Tracker};

    #[tokio::test]
    async fn messages_come_in_their_order_and_end_with_the_sender() {
        let (sender, mut receiver) = handover();
        let sent = std::thread::spawn(move || (0..1000).for_each(|at| sender.send(at)));
        for at in 0..1000 {
            assert_eq!(receiver.next().await, Some(at));
        }
        assert_eq!(receiver.next().await, None);
        sent.join().unwrap();
    }

    #[tokio::test]
    async fn a_sender_that_goes_wakes_who_waits() {
        let (sender, mut receiver) = handover::<()>();
        let waiting = Tracker::default().spawn_for(Kind::Receiver, async move { receiver.next().await });
        tokio::task::yield_now().await;
        drop(sender);
        assert_eq!(waiting.await, Some(None));
    }

    #[test]
    fn others_have_their_turn_between_many_messages() {
        let (sender, mut receiver) = handover();
        (0..2 * TURN).for_each(|at| sender.send(at));
        let mut cx = Context::from_waker(Waker::noop());
        for turn in 0..2 {
            for at in 0..TURN {
                assert_eq!(pin!(receiver.next()).poll(&mut cx), Poll::Ready(Some(turn * TURN + at)));
            }
            assert!(pin!(receiver.next()).poll(&mut cx).is_pending());
        }
    }

    #[test]
    fn what_is_on_its_way_is_dropped_with_the_receiver() {
        let (sender, receiver) = handover();
        let message = Arc::new(());
        sender.send(Arc::clone(&message));
        drop(receiver);
        assert_eq!(Arc::strong_count(&message), 1);
        sender.send(Arc::clone(&message));
        assert_eq!(Arc::strong_count(&message), 1);
    }
}
