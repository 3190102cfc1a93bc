//! A future that is polled when it has asked to be, and not whenever its task runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// A future beside another that wakes the task much more often. A poll without news of its own costs two looks.
#[derive(Debug)]
pub(crate) struct WhenWoken<F> {
    future: Pin<Box<F>>,
    news: Arc<News>,
    /// What `news` wakes the future by.
    own: Waker,
    /// The task of the last poll.
    task: Option<Waker>,
}

#[derive(Debug)]
struct News {
    has_come: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Wake for News {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_come.store(true, Ordering::SeqCst);
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.wake_by_ref();
        }
    }
}

impl<F: Future> WhenWoken<F> {
    pub(crate) fn new(future: F) -> Self {
        // The first poll is due.
        let news = Arc::new(News { has_come: AtomicBool::new(true), task: Mutex::default() });
        let own = Waker::from(Arc::clone(&news));
        WhenWoken { future: Box::pin(future), news, own, task: None }
    }
}

impl<F: Future> Future for WhenWoken<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let own = &mut *self;
        if !own.task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
            own.task = Some(context.waker().clone());
            // Before the look at the news: what comes later finds the task.
            (*own.news.task.lock().unwrap_or_else(PoisonError::into_inner)).clone_from(&own.task);
        }
        // A load first, since it costs less than a swap, and mostly there is nothing.
        if !own.news.has_come.load(Ordering::SeqCst) || !own.news.has_come.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        own.future.as_mut().poll(&mut Context::from_waker(&own.own))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn only_news_of_its_own_lead_to_a_poll() {
        let (polls, end) = (AtomicUsize::new(0), Notify::new());
        let watched = async {
            let mut notified = std::pin::pin!(end.notified());
            std::future::poll_fn(|context| {
                polls.fetch_add(1, Ordering::Relaxed);
                notified.as_mut().poll(context)
            })
            .await;
        };
        let mut watched = WhenWoken::new(watched);
        for _ in 0..5 {
            let polled = std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut watched).poll(context)));
            assert!(polled.await.is_pending());
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1);
        end.notify_one();
        watched.await;
        assert_eq!(polls.load(Ordering::Relaxed), 2);
    }

    /// The news come to the task that has polled last.
    #[tokio::test]
    async fn another_task_is_woken_too() {
        let mut watched = Box::pin(WhenWoken::new(tokio::time::sleep(Duration::from_millis(20))));
        assert!(watched.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        tokio::time::timeout(Duration::from_secs(30), tokio::spawn(watched)).await.unwrap().unwrap();
    }
}
