//! The panic guard: around the call of a handler, the polls of its future, and its drop.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::exchange::Call;
use crate::log::current;

/// What a handler panicked with.
pub(crate) type Panicked = Box<dyn Any + Send>;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A handler that has not started, or runs. While it does, log lines carry its request's id.
pub(crate) struct Guarded<F, T> {
    call: Arc<Call>,
    step: Step<F, T>,
}

/// How a handler is called. A trait beside the closures that implement it, because a closure inside a task loses
/// track of its future's lifetime.
pub(crate) trait Begin<T> {
    fn begin(self) -> BoxFuture<T>;
}

impl<F: FnOnce() -> BoxFuture<T>, T> Begin<T> for F {
    fn begin(self) -> BoxFuture<T> {
        self()
    }
}

enum Step<F, T> {
    Start(Option<F>),
    Running(BoxFuture<T>),
    Over,
}

impl<F, T> Guarded<F, T>
where
    F: Begin<T>,
{
    /// `start` calls the handler; it runs inside the guard, because a panic may come before there is a future.
    pub(crate) fn new(call: Arc<Call>, start: F) -> Self {
        Self { call, step: Step::Start(Some(start)) }
    }
}

// The future is boxed, and the closure is moved out before it is called.
impl<F, T> Unpin for Guarded<F, T> {}

impl<F, T> Future for Guarded<F, T>
where
    F: Begin<T>,
{
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let _entered = current::enter(Arc::clone(&this.call) as _);
        let step = &mut this.step;
        // The future is never polled again after a panic, so a broken invariant cannot be seen.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if let Step::Start(start) = step
                && let Some(start) = start.take()
            {
                *step = Step::Running(start.begin());
            }
            match step {
                Step::Running(future) => future.as_mut().poll(cx),
                _ => Poll::Pending,
            }
        }));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => {
                this.end();
                Poll::Ready(Ok(value))
            }
            Err(panic) => {
                this.end();
                Poll::Ready(Err(panic))
            }
        }
    }
}

impl<F, T> Guarded<F, T> {
    /// Drops the future; a panic in its drop is caught as well.
    fn end(&mut self) {
        let step = std::mem::replace(&mut self.step, Step::Over);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(step))) {
            // Dropping the payload may panic too; there is nobody left to tell.
            std::mem::forget(panic);
        }
    }
}

impl<F, T> Drop for Guarded<F, T> {
    fn drop(&mut self) {
        if matches!(self.step, Step::Running(_)) {
            let _entered = current::enter(Arc::clone(&self.call) as _);
            self.end();
        }
    }
}
