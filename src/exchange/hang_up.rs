//! The hang-up of a client (its disconnect), as a future and as a flag.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::exchange::Call;

/// Resolves when the client has left; see [`Exchange::hang_up`](crate::Exchange::hang_up).
///
/// By default the handler itself is dropped when its client leaves. This future is for work that outlives the handler:
/// spawned tasks, blocking work, and handlers of places with [`HangUpPolicy::Finish`](crate::HangUpPolicy::Finish).
///
/// ```
/// use fc_runtime::App;
///
/// # fc_runtime::testing::run(async {
/// let app = App::new().get("/report", async |ex| {
///     let hang_up = ex.hang_up();
///     let lines = ex.blocking(move || {
///         let mut lines = 0;
///         while lines < 1000 && !hang_up.is_gone() { lines += 1; }
///         lines
///     });
///     format!("{} lines", lines.await)
/// });
/// app.test_client().get("/report").await.assert_text("1000 lines");
/// # });
/// ```
#[must_use = "a future does nothing unless it is awaited"]
#[doc(alias = "disconnect")]
#[doc(alias = "cancel")]
#[doc(alias = "499")]
pub struct HangUp {
    call: Arc<Call>,
    place: Option<usize>,
}

impl HangUp {
    pub(crate) fn new(call: Arc<Call>) -> Self {
        Self { call, place: None }
    }

    /// Whether the client has left. For loops in blocking work.
    pub fn is_gone(&self) -> bool {
        self.call.departure.is_gone()
    }
}

impl Future for HangUp {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.call.departure.poll_gone(&mut this.place, cx)
    }
}

/// The clone waits independently of the original.
impl Clone for HangUp {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.call))
    }
}

impl Drop for HangUp {
    fn drop(&mut self) {
        self.call.departure.forget(self.place.take());
    }
}

impl fmt::Debug for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HangUp").field("is_gone", &self.is_gone()).finish_non_exhaustive()
    }
}
