//! Panics of the author's code for which no caller is left: in `Drop`, and in futures beside the requests.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

/// Drops a value of the author's. A panic in its `Drop` ends here.
pub(crate) fn drop_caught<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Dropping the panic's payload may panic too.
        std::mem::forget(panic);
    }
}

/// The output of a future of the author's. `None` if its making or a poll of it panics: the panic hook has said so.
pub(crate) async fn caught<F: Future>(make: impl FnOnce() -> F) -> Option<F::Output> {
    let boxed = catch_unwind(AssertUnwindSafe(|| Box::pin(make())));
    let mut future = boxed.map_err(std::mem::forget).ok()?;
    // The future is never polled again after a panic, so a broken invariant cannot be observed.
    let output = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Some),
        Err(panic) => {
            std::mem::forget(panic);
            Poll::Ready(None)
        }
    })
    .await;
    drop_caught(future);
    output
}
