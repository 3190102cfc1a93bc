//! The panic guard: around the call of a handler, the polls of its future, and its drop.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::exchange::Call;
use crate::log::current;
use crate::task::BoxFuture;
use crate::unwind::drop_caught;

/// The payload of a handler's panic.
pub(crate) type Panicked = Box<dyn Any + Send>;

/// A handler, before or during its run. While it runs, log lines carry its request's id.
pub(crate) struct PanicGuarded<F, T> {
    call: Arc<Call>,
    guard: PanicGuard<F, T>,
}

/// The panic guard without the call. Its owner holds the call, and ends the guard with [`PanicGuard::end`].
pub(crate) enum PanicGuard<F, T> {
    Start(Option<F>),
    Running(BoxFuture<T>),
    Over,
}

/// How a handler is called. A closure implements it; named types do where a closure in a task would lose the lifetime
/// of its future.
pub(crate) trait Begin<T> {
    fn begin(self) -> BoxFuture<T>;
}

impl<F: FnOnce() -> BoxFuture<T>, T> Begin<T> for F {
    fn begin(self) -> BoxFuture<T> {
        self()
    }
}

impl<F: Begin<T>, T> PanicGuarded<F, T> {
    /// `start` calls the handler. It runs inside the guard, because the call itself may panic before there is a future.
    pub(crate) fn new(call: Arc<Call>, start: F) -> Self {
        Self { call, guard: PanicGuard::new(start) }
    }
}

// The future is boxed, and the closure is moved out before it is called, so neither is pinned here.
impl<F, T> Unpin for PanicGuarded<F, T> {}

impl<F: Begin<T>, T> Future for PanicGuarded<F, T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut value = None;
        match this.guard.poll(&this.call, &mut value, cx) {
            Ok(()) => value.map_or(Poll::Pending, |value| Poll::Ready(Ok(value))),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

impl<F, T> Drop for PanicGuarded<F, T> {
    fn drop(&mut self) {
        self.guard.end(&self.call);
    }
}

impl<F: Begin<T>, T> PanicGuard<F, T> {
    pub(crate) fn new(start: F) -> Self {
        Self::Start(Some(start))
    }

    /// Polls the handler, and stores its value in `value`. Replies are large: a return value would be moved once more.
    pub(crate) fn poll(
        &mut self,
        call: &Arc<Call>,
        value: &mut Option<T>,
        cx: &mut Context<'_>,
    ) -> Result<(), Panicked> {
        let _entered = current::enter(Arc::clone(call) as _);
        // The future is never polled again after a panic, so a broken invariant cannot be observed.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if let Self::Start(start) = self
                && let Some(start) = start.take()
            {
                // The replaced value is empty; `forget` saves its drop glue.
                std::mem::forget(std::mem::replace(self, Self::Running(start.begin())));
            }
            if let Self::Running(future) = self
                && let Poll::Ready(ready) = future.as_mut().poll(cx)
            {
                *value = Some(ready);
                *self = Self::Over;
            }
        }));
        match polled {
            Ok(()) => Ok(()),
            // The future panicked while it was dropped. Its value is complete.
            Err(panic) if value.is_some() => {
                std::mem::forget(panic);
                Ok(())
            }
            Err(panic) => {
                self.drop_future();
                Err(panic)
            }
        }
    }
}

impl<F, T> PanicGuard<F, T> {
    /// Drops the future, if the handler has started.
    pub(crate) fn end(&mut self, call: &Arc<Call>) {
        if matches!(self, Self::Running(_)) {
            let _entered = current::enter(Arc::clone(call) as _);
            self.drop_future();
        }
    }

    /// Drops the future. A panic in its drop is caught as well.
    fn drop_future(&mut self) {
        drop_caught(std::mem::replace(self, Self::Over));
    }
}
