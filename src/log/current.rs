//! The current request of a thread: the request whose handler, hook or stream the thread is polling.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Span;

use crate::trace::TraceContext;

/// The part of a request that log lines and subscribers need.
pub(crate) trait Tagged: Send + Sync {
    fn request_id(&self) -> &str;

    /// The span of the request, if a subscriber wants spans.
    fn span(&self) -> Option<&Span>;

    /// The trace of the request, if its headers name one or somebody has asked for it.
    fn known_trace(&self) -> Option<&TraceContext>;

    /// The trace of the request, which may begin here.
    fn trace_context(&self) -> &TraceContext;
}

type Tag = Arc<dyn Tagged>;

/// Whether a request of this process had a span. Nearly none has, and an atomic flag costs less than the question.
static HAS_SPANS: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Without a destructor, whose registration each access would ask for: each [`Entered`] puts back what was there before.
    static CURRENT: Cell<ManuallyDrop<Option<Tag>>> = const { Cell::new(ManuallyDrop::new(None)) };
}

/// Makes `tag` the current one. Gives the one before.
fn replace(tag: Option<Tag>) -> Option<Tag> {
    ManuallyDrop::into_inner(CURRENT.replace(ManuallyDrop::new(tag)))
}

/// Makes a request the current one of this thread until it is dropped. Entered around each poll of a handler.
pub(crate) struct Entered {
    before: Option<Tag>,
}

/// Notes that requests have spans from now on.
pub(crate) fn expect_spans() {
    HAS_SPANS.store(true, Ordering::Relaxed);
}

/// Whether a request may have a span.
pub(crate) fn has_spans() -> bool {
    HAS_SPANS.load(Ordering::Relaxed)
}

pub(crate) fn enter(tag: Tag) -> Entered {
    if has_spans() {
        enter_span(&*tag);
    }
    Entered { before: replace(Some(tag)) }
}

impl Drop for Entered {
    #[allow(clippy::inline_always, reason = "every poll of a handler does it")]
    #[inline(always)]
    fn drop(&mut self) {
        let tag = replace(self.before.take());
        if has_spans() {
            exit_span(tag.as_deref());
        }
    }
}

#[cold]
fn enter_span(tag: &dyn Tagged) {
    if let Some(span) = tag.span() {
        span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
    }
}

#[cold]
fn exit_span(tag: Option<&dyn Tagged>) {
    if let Some(span) = tag.and_then(Tagged::span) {
        span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
    }
}

/// Calls `read` with the current request, if there is one.
pub(crate) fn with<T>(read: impl FnOnce(Option<&dyn Tagged>) -> T) -> T {
    let tag = replace(None);
    let value = read(tag.as_deref().map(|tag| tag as &dyn Tagged));
    if tag.is_some() {
        replace(tag);
    }
    value
}

/// The id of the request whose handler runs on this thread now, for loggers of your own.
///
/// Present inside handlers, arounds, hooks, event calls, [`Exchange::blocking`](crate::Exchange::blocking) and
/// their drop guards; absent in tasks that you spawn yourself.
///
/// ```
/// use fc_runtime::{App, current_request_id};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new().get("/", async |_| current_request_id().unwrap_or_default()).test_client();
/// client.get("/").header("x-fc-request-id", "1-65d71219").await.assert_text("1-65d71219");
/// assert_eq!(current_request_id(), None);
/// # });
/// ```
pub fn current_request_id() -> Option<String> {
    with(|tag| tag.map(|tag| tag.request_id().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Id(&'static str);
    impl Tagged for Id {
        fn request_id(&self) -> &str {
            self.0
        }
        fn span(&self) -> Option<&Span> {
            None
        }
        fn known_trace(&self) -> Option<&TraceContext> {
            None
        }
        fn trace_context(&self) -> &TraceContext {
            unimplemented!("no test asks for it")
        }
    }

    #[test]
    fn entering_nests_and_leaves() {
        assert_eq!(current_request_id(), None);
        let outer = enter(Arc::new(Id("a")));
        {
            let _inner = enter(Arc::new(Id("b")));
            assert_eq!(current_request_id().as_deref(), Some("b"));
        }
        assert_eq!(current_request_id().as_deref(), Some("a"));
        drop(outer);
        assert_eq!(current_request_id(), None);
    }
}
